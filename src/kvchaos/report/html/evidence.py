"""What a verdict rests on: each fault with its evidence, each check with its answer."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from kvchaos.report.fault import ENDED, SAYS, SLACK, WAY
from kvchaos.report.folder import RunData
from kvchaos.report.html.course import Course, fault_title
from kvchaos.report.html.frame import render
from kvchaos.report.html.scale import number
from kvchaos.report.layout import cleaned
from kvchaos.verdict.events import Json, text
from kvchaos.verdict.times import asked, span

MEANS = {True: "it holds", False: "it does not hold", None: "it could not tell"}
WEIGHT = {"fail": 0, "unknown": 1, "pass": 2}
MAX_FAULTS = 50
SHOWN = 6
"""Pieces of evidence that are open at once."""
ARROWS = {"both": "◄── ✕ ──►", "to": "─── ✕ ──►", "from": "◄── ✕ ───"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One source's word, and whether it holds."""

    verdict: str
    says: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class _Fault:
    title: str
    name: str
    kind: str
    said: str
    warnings: list[str]
    near: list[str]
    far: list[str]
    arrow: str
    effect: str
    mood: str
    evidence: list[Evidence]


def faults(data: RunData, _: Course) -> Markup | None:
    """Each fault: whom it hit, how long it stood, how that is known; None when there was none."""
    told = [_fault(each) for each in data.record["faults"][:MAX_FAULTS]]
    return render("faults.html.j2", faults=told, shown=SHOWN) if told else None


def checks(data: RunData, _: Course) -> Markup | None:
    """Every check's answer, those first that are no pass; what each rests on is folded.

    None for a run that was refused: nothing of it was checked.
    """
    told = sorted(data.record["checks"], key=lambda each: WEIGHT.get(str(each["verdict"]), 1))
    if not told or (data.record.get("preflight") or {}).get("findings"):
        return None
    return render("checks.html.j2", checks=[_check(each) for each in told], shown=SHOWN)


def _check(told: Json) -> Json:
    evidence = [cleaned(text(each)) for each in told["evidence"]]
    return {
        **told,
        "verdict": str(told["verdict"]),
        "why": cleaned(told["why"]),
        "evidence": evidence,
    }


def _fault(told: Json) -> _Fault:
    near, far = _sides(told)
    is_cut = told.get("action") == "partition"
    effect = "not injected" if told["error"] else told["effect"] or "nobody looked"
    return _Fault(
        title=_title(told),
        name=f"{told['namespace']}/{told['name']}",
        kind=str(told["kind"]),
        said=_said(told),
        warnings=_warnings(told),
        near=near if is_cut else [*near, *far],
        far=(far or ["everything else"]) if is_cut else [],
        arrow=ARROWS.get(str(told.get("direction")), "─── ✕ ───") if is_cut else "",
        effect=effect,
        mood={"confirmed": "pass", "not effective": "fail", "not injected": "fail"}.get(
            effect, "unknown"
        ),
        evidence=[_evidence(each) for each in told["evidence"]],
    )


def _sides(told: Json) -> tuple[list[str], list[str]]:
    targets = told["targets"]
    return (
        [_target(each) for each in targets if each.get("role") == "."],
        [_target(each) for each in targets if each.get("role") != "."],
    )


def _target(target: Json) -> str:
    container = target.get("container")
    return f"{target['pod']} ({container})" if container else str(target["pod"])


def _said(told: Json) -> str:
    """How long it stood and what was asked."""
    held, wanted, longest = (number(told.get(key)) for key in ("held", "asked", "duration"))
    parts = [f"stood for {span(held)}" if held else ""]
    parts += [f"{asked(wanted)} asked" if wanted is not None else ""]
    parts += [f"would have ended by itself after {asked(longest)}" if longest else ""]
    return ", ".join(each for each in parts if each)


def _title(told: Json) -> str:
    way = WAY.get(str(told.get("direction")), "") if told.get("action") == "partition" else ""
    return fault_title(told) + way


def _warnings(told: Json) -> list[str]:
    """In what it was not the fault that was asked for."""
    held, wanted = number(told.get("held")), number(told.get("asked"))
    found = [cleaned(str(told["error"]))] if told["error"] else []
    if held is not None and wanted is not None and held < wanted - SLACK:
        how = f": {ENDED[told['by']]}" if told["by"] in ENDED else ""
        found.append(f"ended early, after {span(held)} of the {asked(wanted)} asked{how}")
    for each in told.get("replaced", ()):
        pods = ", ".join(map(str, each["pods"]))
        found.append(f"{pods} was replaced meanwhile; the new pod is not hit by it")
    if told["forced"]:
        found.append("Chaos Mesh did not end it: its finalizers and rules were removed by force")
    if told["healed"] is None and not told["error"]:
        found.append("its end was not seen")
    return found


def _evidence(item: object) -> Evidence:
    if not isinstance(item, dict):
        return Evidence("unknown", MEANS[None], "", cleaned(text(item)))
    holds = item.get("holds")
    holds = holds if isinstance(holds, bool) else None
    source = str(item.get("source") or "")
    said = str(item["text"]) if "text" in item else text(item)
    return Evidence(SAYS[holds], MEANS[holds], source, cleaned(said))
