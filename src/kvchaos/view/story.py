"""A run as far as it has come, gathered from its history's events one by one. Pure.

The rule: it shows what was recorded, and judges nothing; the verdict is not known before the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kvchaos.verdict.events import Event, Json, name_of
from kvchaos.verdict.times import asked, span

Difference = tuple[float, int | None]
"""When it was sampled, in run seconds, and how many blocks (and ghosts) differed; None: unknown."""

PHASES = {
    "before": "steady state before",
    "method": "method",
    "during": "method",
    "after": "steady state after",
    "rollbacks": "rollbacks",
}


@dataclass(slots=True)
class Shown:
    """A fault of the run: how it is called, whom it hit, when it was on, in run seconds."""

    text: str
    targets: list[str]
    since: float
    until: float | None = None
    duration: float | None = None


@dataclass(slots=True)
class Story:
    """What there is to show; ``take`` is given every event, in their order."""

    title: str = ""
    place: str = ""
    phase: str = "starting"
    faults: list[Shown] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    missing: int = 0
    phantom: int = 0
    ghosts: int = 0
    agrees: bool | None = None
    worst: int = 0
    engines: int | None = None
    batches: int = 0
    gaps: int = 0
    rate: float | None = None
    traffic: Json | None = None
    recovered: str = ""
    stopped: str = ""
    _rates_at: float = 0.0

    @property
    def fault(self) -> Shown | None:
        """The one that was injected last."""
        return self.faults[-1] if self.faults else None

    def take(self, event: Event) -> None:
        """Go on with the event; of one that is not known nothing changes."""
        match name_of(event):
            case "run_started":
                self.title = str(event["experiment"])
                self.place = f"{event['context']}, namespace {event['namespace']}"
            case "activity":
                self._enter(PHASES.get(str(event["phase"]), self.phase))
            case "hypothesis":
                self._enter("method" if event["when"] == "before" else self.phase)
            case "sample":
                self._sample(event)
            case "rates":
                self._rates(event)
            case "traffic_second":
                self.traffic = dict(event)
            case "traffic":
                self.traffic = None
            case "stop":
                self.stopped = f"stopping ({event['by']}): its faults are recovered"
            case _:
                self._of_a_fault(event)

    def _of_a_fault(self, event: Event) -> None:
        match name_of(event):
            case "fault_injected":
                targets = [str(each["pod"]) for each in event["targets"]]
                brief = event["fault"]
                text = " ".join(str(brief[key]) for key in ("kind", "action") if brief.get(key))
                self.faults.append(
                    Shown(text, targets, event["injected"], duration=event.get("duration"))
                )
                self.phase = "the fault is on"
            case "fault_recovered" if self.fault is not None:
                self.fault.until = event["healed"]
                self.phase = "healed, the index has to recover"
            case "recovery":
                self.recovered = recovery(event)
                self.phase = "method"

    def _enter(self, phase: str) -> None:
        """A phase that says more than ``method`` stays while the method goes on."""
        if phase != "method" or self.phase in ("starting", "steady state before"):
            self.phase = phase

    def _sample(self, event: Event) -> None:
        self.agrees = event["agrees"]
        self.missing, self.phantom = event["missing"], event["phantom"]
        self.ghosts = len(event["ghosts"])
        differs = self.missing + self.phantom + self.ghosts
        self.differences.append((event["at"], None if self.agrees is None else differs))
        if self.agrees is not None:
            self.worst = max(self.worst, differs)

    def _rates(self, event: Event) -> None:
        told = event["engines"].values()
        batches, passed = sum(each["batches"] for each in told), event["at"] - self._rates_at
        if self.engines is not None and passed > 0:
            self.rate = max(0.0, (batches - self.batches) / passed)
        self.engines, self.batches, self._rates_at = len(told), batches, event["at"]
        self.gaps = sum(each["gaps"] for each in told)


def recovery(event: Event) -> str:
    """How a recovery went, in a few words."""
    agreed = (event.get("after_heal") or {}).get("agreed")
    if event["agreed"] is True and agreed is not None:
        return f"the index agrees again, {span(agreed)} after the heal"
    if event["agreed"] is None:
        return "whether the index recovered cannot be told"
    return f"the index did not recover within {asked(event['budget'])}"
