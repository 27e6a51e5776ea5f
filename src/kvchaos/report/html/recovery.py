"""How the recovery went, step by step, as bars and figures."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import render
from kvchaos.report.html.scale import Scale, number
from kvchaos.report.sections import behind
from kvchaos.verdict.events import Json
from kvchaos.verdict.times import asked, span

STEPS = (
    ("first_event", "first event reaches the router"),
    ("gap_found", "router finds the gap"),
    ("replayed", "router has it replayed"),
    ("agreed", "index agrees"),
)
BEFORE = (
    ("injected", "effect", "injected until effect was seen"),
    ("injected", "healed", "injected until healed"),
)
EARLY = "effect seen before Chaos Mesh said that it was injected"


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    left: float
    width: float
    took: str
    since: str
    kind: str = "one"


def phases(data: RunData, _: Course) -> Markup | None:
    """Each moment of the recovery, counted from the heal; None when there was no fault."""
    record = data.record
    if not record["faults"]:
        return None
    recovery = record.get("recovery")
    if not recovery:
        return Markup('<p class="soft">Recovery was not measured.</p>')
    return render(
        "recovery.html.j2",
        before=_before(recovery),
        steps=_steps(recovery),
        note=_note(recovery),
    )


def _before(recovery: Json) -> list[tuple[str, str]]:
    """What came before the heal, in words."""
    moments = recovery["timeline"]
    told = [(number(moments.get(a)), number(moments.get(b)), name) for a, b, name in BEFORE]
    return [
        (name, span(b - a)) if b >= a else (EARLY, span(a - b))
        for a, b, name in told
        if a is not None and b is not None
    ]


def _steps(recovery: Json) -> list[_Step]:
    after = recovery["after_heal"]
    known = [(key, name, number(after.get(key))) for key, name in STEPS]
    reached = [at for _, _, at in known if at is not None and at >= 0]
    waited = number(recovery.get("waited")) or 0.0
    agreed = number(after.get("agreed"))
    scale = Scale(0.0, max([*reached, waited if agreed is None else 0.0, 1e-3]))
    steps: list[_Step] = []
    last = 0.0
    for key, name, at in known:
        if at is None:
            steps.append(_unseen(key, name, after, last, scale))
            continue
        begin = min(last, max(at, 0.0))
        kind = "good" if key == "agreed" else "one"
        left = scale.percent(begin)
        width = scale.percent(at) - left
        took = f"+{span(max(0.0, at - last))}" if at > last else "at once"
        steps.append(_Step(name, left, width, took, span(max(at, 0.0)), kind))
        last = max(last, at)
    return steps


def _unseen(key: str, name: str, after: Json, last: float, scale: Scale) -> _Step:
    """A moment that was not seen: no lack where it was not needed, else the wait for it."""
    if key == "gap_found" and number(after.get("replayed")) is not None:
        return _Step(name, 0, 0, "no need", "", "none")
    if key == "agreed":
        left = scale.percent(last)
        return _Step(name, left, 100 - left, "not in time", "", "bad")
    return _Step(name, 0, 0, "not seen", "", "none")


def _note(recovery: Json) -> str:
    budget, resolution = number(recovery.get("budget")), number(recovery.get("resolution"))
    parts = [f"Budget {asked(budget)}" if budget is not None else ""]
    parts += [f"{recovery.get('samples_needed', 1)} agreeing samples in a row are wanted"]
    parts += [f"exact to {span(resolution)}" if resolution else "", behind(recovery)]
    return "; ".join(each for each in parts if each) + "."
