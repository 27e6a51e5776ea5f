"""An API server that fails: by plan and by seed, between a run and its lab.

Each plan says what the API does to the run. Afterwards nothing is left, or exactly what is left is
told and a reap ends it; a pass is right only when the run saw everything and the cut really stood.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.faults.ended import Ended, ended
from tests.lab.faults.place import Place, short_partition
from tests.lab.faults.proxy import CONTEXT, PASSED, Asked, Deed, Proxy
from tests.lab.faults.witness import Witness

NEVER = (1e9, 1e9)
FINISH = 300.0  # seconds that a run may take, whatever the API does
STOOD = 0.5  # seconds that a cut must have been seen by others, for a pass to be true
EVERY_TIME = 10**9

CONFLICT = Deed(passed=False, status=409, reason="Conflict")
TAKEN = Deed(passed=False, status=409, reason="AlreadyExists")
BUSY = Deed(passed=False, status=429, reason="TooManyRequests", headers={"Retry-After": "1"})
BROKEN = Deed(passed=False, status=500, reason="InternalError")
DOWN = Deed(passed=False, status=503, reason="ServiceUnavailable")
DENIED = Deed(passed=False, status=403, reason="Forbidden")
SILENT = Deed(passed=False, held=True)
CUT = Deed(passed=False, cut=True)
DONE_BUT_500 = Deed(status=500, reason="InternalError")
DONE_BUT_504 = Deed(status=504, reason="Timeout")
DONE_BUT_CUT = Deed(cut=True)
DONE_BUT_SILENT = Deed(held=True)
GARBLED = Deed(body=lambda body: body[: len(body) // 2])
NOT_DONE = Deed(passed=False, status=200, reason="")

Decide = Callable[[Asked], Deed]
Rule = tuple[Callable[[Asked], bool], Deed, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to fail. ``rules``: who, what, how often; ``share``: random deeds, how likely each.

    ``gone``: seconds after the fault's creation when the server goes away and when it is back.
    ``never`` a pass: what it takes away is something that a pass needs.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    share: Mapping[str, tuple[Deed, float]] = field(default_factory=dict)
    gone: tuple[float, float] = NEVER
    never: bool = False
    quick: bool = False

    def decide(self, seed: int) -> Decide:
        """The plan in action: counts what it did, draws from the seed."""
        rng = random.Random(seed)
        counts = [times for _, _, times in self.rules]

        def decided(asked: Asked) -> Deed:
            for number, (who, deed, _) in enumerate(self.rules):
                if counts[number] and who(asked):
                    counts[number] -= 1
                    return deed
            for deed, likely in self.share.values():
                if not asked.is_stream and rng.random() < likely:
                    return deed
            return PASSED

        return decided


@dataclass(frozen=True, slots=True)
class Played:
    """How a run under a plan ended. ``left`` is the truth; ``unreported`` nobody was told of."""

    plan: Plan
    ended: Ended
    complete: bool
    stood: float
    disturbed: int
    left: tuple[str, ...]
    unreported: tuple[str, ...]
    after_reap: tuple[str, ...]
    cut_off: tuple[str, ...]

    @property
    def wrongly_pass(self) -> bool:
        true = self.complete and not self.left and self.stood >= STOOD and not self.plan.never
        return self.ended.claims_pass and not true

    @property
    def told(self) -> str:
        """What there is to say, for people."""
        parts = [f"disturbed {self.disturbed} times", f"the cut stood {self.stood:.1f} s"]
        if self.left:
            parts.append(f"left and told: {len(self.left) - len(self.unreported)}, then reaped")
        return ", ".join(parts)

    @property
    def wrong(self) -> str:
        """What is not as it must be; empty is fine."""
        parts = {
            "nobody was told of": self.unreported,
            "left after the reap": self.after_reap,
            "cut off": self.cut_off,
            "did not end": self.ended.stuck,
            "wrongly pass": self.wrongly_pass,
            "was never disturbed": not self.disturbed,
        }
        found = "; ".join(f"{key}: {value}" for key, value in parts.items() if value)
        return f"{found} (exit {self.ended.code}, {self.ended.statuses})" if found else ""


def played(plan: Plan, place: Place, folder: Path, *, seed: int) -> Played:
    """A run whose API server behaves by ``plan``; then the truth, and a reap if there is need."""
    experiment = short_partition(place.root)
    lab = Path(place.environment["KVCHAOS_LAB_DIR"])
    with Proxy(lab, plan.decide(seed), gone=plan.gone) as proxy, Witness(place.truth) as witness:
        through = {
            "KUBECONFIG": str(proxy.kubeconfig(place.root / "proxied")),
            "KUBERNETES_CONTEXT": CONTEXT,
        }
        end = ended(place.start(folder, experiment, environment=through), within=FINISH)
    left = tuple(place.truth.left())
    if left:
        place.reap("--run", end.run, "--runs", str(folder / "kvchaos-runs"))
    after_reap = tuple(place.truth.left())
    if after_reap:
        place.truth.clear()
    result = Played(
        plan=plan,
        ended=end,
        complete=end.was_complete(experiment),
        stood=witness.stood,
        disturbed=proxy.disturbed,
        left=left,
        unreported=tuple(each for each in left if not end.names(_fault(each))),
        after_reap=after_reap,
        cut_off=() if after_reap else tuple(place.truth.flows()),
    )
    if not result.wrong:
        shutil.rmtree(folder)
    return result


def _fault(label: str) -> str:
    """The name of the fault in ``networkchaos/NAME`` and in ``rules of NAMESPACE/NAME``."""
    return label.rpartition("/")[2]


def _create(asked: Asked) -> bool:
    return asked.is_create


def _rehearsal(asked: Asked) -> bool:
    return asked.is_rehearsal


def _delete(asked: Asked) -> bool:
    return asked.is_delete


def _watch(asked: Asked) -> bool:
    return asked.is_watch


def _forward(asked: Asked) -> bool:
    return asked.is_forward


def _forward_later(asked: Asked) -> bool:
    return asked.is_forward and asked.since is not None


def _rules(asked: Asked) -> bool:
    return asked.method == "GET" and asked.path.endswith("/podnetworkchaos") and not asked.is_watch


def _read_of_fault(asked: Asked) -> bool:
    return asked.method == "GET" and "/networkchaos/" in asked.path


PLANS = (
    Plan("409 Conflict to the create", ((_create, CONFLICT, EVERY_TIME),), never=True, quick=True),
    Plan("409 AlreadyExists to the create", ((_create, TAKEN, EVERY_TIME),), never=True),
    Plan("429 to the create, twice", ((_create, BUSY, 2),)),
    Plan("429 to every fifth request", share={"busy": (BUSY, 0.2)}),
    Plan("500 to every tenth request", share={"broken": (BROKEN, 0.1)}),
    Plan("503 to every tenth request", share={"down": (DOWN, 0.1)}),
    Plan("500 to the create", ((_create, BROKEN, EVERY_TIME),), never=True),
    Plan("403 to the create", ((_create, DENIED, EVERY_TIME),), never=True),
    Plan("rehearsal held", ((_rehearsal, SILENT, EVERY_TIME),), never=True),
    Plan("create held, not done", ((_create, SILENT, 1),)),
    Plan("create done, answered 500", ((_create, DONE_BUT_500, 1),), quick=True),
    Plan("create done, answered 504", ((_create, DONE_BUT_504, 1),)),
    Plan("create done, answer lost", ((_create, DONE_BUT_CUT, 1),), quick=True),
    Plan("create done, answer held", ((_create, DONE_BUT_SILENT, 1),)),
    Plan("create done, answer garbled", ((_create, GARBLED, 1),)),
    Plan("fault's reads answered 500", ((_read_of_fault, BROKEN, EVERY_TIME),), never=True),
    Plan("fault's reads garbled", ((_read_of_fault, GARBLED, EVERY_TIME),), never=True),
    Plan("delete answered 500, once", ((_delete, BROKEN, 1),)),
    Plan("delete done, answer lost", ((_delete, DONE_BUT_CUT, 1),)),
    Plan("delete answered 500, always", ((_delete, BROKEN, EVERY_TIME),), never=True),
    Plan("delete answered 409, always", ((_delete, CONFLICT, EVERY_TIME),), never=True),
    Plan("delete forbidden", ((_delete, DENIED, EVERY_TIME),), never=True),
    Plan("delete said to be done, not done", ((_delete, NOT_DONE, EVERY_TIME),), never=True),
    Plan("delete held, always", ((_delete, SILENT, EVERY_TIME),), never=True),
    Plan("rules in pods not told", ((_rules, BROKEN, EVERY_TIME),), never=True),
    Plan("rules in pods garbled", ((_rules, GARBLED, EVERY_TIME),), never=True),
    Plan("every watch ends after 0.3 s", ((_watch, Deed(lasts=0.3), EVERY_TIME),)),
    Plan("every watch refused", ((_watch, BROKEN, EVERY_TIME),)),
    Plan("every port-forward cut after 1 s", ((_forward, Deed(lasts=1.0), EVERY_TIME),)),
    Plan("no port-forward from the fault on", ((_forward_later, CUT, EVERY_TIME),)),
    Plan("gone for 3 s in mid-fault", gone=(0.5, 3.5), quick=True),
    Plan("gone for 12 s in mid-fault", gone=(0.8, 12.8)),
    Plan("gone right after the create", gone=(0.0, 4.0)),
    Plan("gone in mid-fault, for good", gone=(0.8, 1e9), never=True),
    Plan("broken JSON to every tenth", share={"garbled": (GARBLED, 0.1)}),
    Plan(
        "a bit of everything",
        share={
            "busy": (BUSY, 0.03),
            "broken": (BROKEN, 0.03),
            "down": (DOWN, 0.03),
            "cut": (CUT, 0.03),
            "lost": (DONE_BUT_CUT, 0.03),
            "garbled": (GARBLED, 0.01),
            "silent": (SILENT, 0.005),
        },
    ),
)
