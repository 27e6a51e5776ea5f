"""What the summary says of one fault: what, to whom, how long, and how that is known. Pure."""

from __future__ import annotations

from kvchaos.report.layout import Line, cleaned, hanging, heading, paragraph
from kvchaos.report.reading import number
from kvchaos.verdict.events import Json, text
from kvchaos.verdict.times import asked, span

DONE = {
    "partition": "network partition",
    "pod-kill": "pod killed",
    "pod-failure": "pod made to fail",
    "container-kill": "container killed",
}
ARROW = {"both": "<--X-->", "to": "---X-->", "from": "<--X---"}
WAY = {
    "both": ": nothing passes between these",
    "to": ": nothing passes from the first to the second",
    "from": ": nothing passes from the second to the first",
}
HOLDS = {True: "yes", False: "NO", None: "?"}
SAYS = {True: "pass", False: "fail", None: "unknown"}
ENDED = {
    "duration": "its duration ended it",
    "already gone": "somebody else ended it",
}
SLACK = 0.05
"""Seconds that a fault may lack of what was asked, as in the check ``fault lasted``."""


def began(told: Json) -> float | None:
    """When the fault was on for sure: when Chaos Mesh said so, or its effect was seen before that.

    Chaos Mesh says that it injected a fault once it is done with it; a pod may be gone by then.
    """
    injected, effect = number(told.get("injected")), number(told.get("effect_at"))
    if injected is None or effect is None or told.get("effect") != "confirmed":
        return injected
    return min(injected, effect)


def fault(told: Json, width: int) -> list[Line]:
    """What was done to whom, and the evidence that it was in effect."""
    named = f"{told['kind']} {told['namespace']}/{told['name']}"
    if told["error"]:
        failed: Line = (("  NOT INJECTED  ", "fail"),)
        lines = [
            *heading("FAULT", named, width=width),
            *hanging(failed, cleaned(told["error"]), width=width),
        ]
        return lines + paragraph("in effect: not effective, as it never landed", width=width)
    lines = [*heading("FAULT", named, width=width), *paragraph(_what(told), width=width)]
    lines += _whom(told, width)
    lines += _fell_short(told, width)
    lines += paragraph(f"in effect: {told['effect'] or 'nobody looked'}", width=width)
    for item in told["evidence"]:
        lines += _evidence(item, width)
    return lines


def _fell_short(told: Json, width: int) -> list[Line]:
    """In what it was not the fault that was asked for."""
    lines: list[Line] = []
    early: Line = (("  ENDED EARLY  ", "unknown"),)
    lifted: Line = (("  LIFTED  ", "unknown"),)
    forced: Line = (("  FORCED  ", "unknown"),)
    held, wanted = told["held"], told["asked"]
    if held is not None and wanted is not None and held < wanted - SLACK:
        how = f": {ENDED[told['by']]}" if told["by"] in ENDED else ""
        said = f"after {span(held)} of the {asked(wanted)} asked{how}"
        lines += hanging(early, said, width=width, style="unknown")
    for each in told["replaced"]:
        pods = ", ".join(map(str, each["pods"]))
        when = _after(each["replaced_at"] - (told["injected"] or 0.0))
        said = f"{pods} was replaced {when}; the new pod is not cut off"
        lines += hanging(lifted, said, width=width, style="unknown")
    if told["forced"]:
        said = "Chaos Mesh did not end it: its finalizers and rules were removed by force"
        lines += hanging(forced, said, width=width, style="unknown")
    return lines


def _after(since: float) -> str:
    """When something was, by the injection."""
    if since < 0:
        return f"{span(-since)} before Chaos Mesh said that it was injected"
    return f"{span(since)} after the injection"


def _what(told: Json) -> str:
    action = told.get("action") or told["kind"]
    way = WAY.get(told.get("direction", ""), "") if action == "partition" else ""
    return f"{DONE.get(action, action)}{_lasting(told)}{way}"


def _lasting(told: Json) -> str:
    """How long the fault stood, what was asked, and when its duration would have ended it."""
    if not told["duration"]:
        return ""
    wanted = "" if told["asked"] is None else f"{asked(told['asked'])} asked, "
    longest = f"{asked(told['duration'])} at most"
    if told["injected"] is None or told["healed"] is None:
        return f" for {longest}"
    return f" for {span(max(0.0, told['healed'] - told['injected']))} ({wanted}{longest})"


def _whom(told: Json, width: int) -> list[Line]:
    near = [_target(each) for each in told["targets"] if each["role"] == "."]
    far = [_target(each) for each in told["targets"] if each["role"] != "."]
    if told.get("action") != "partition":
        return [line for pod in (*near, *far) for line in paragraph(pod, width=width, indent=4)]
    arrow = ARROW.get(told.get("direction", ""), "---X---")
    one, other = ", ".join(near) or "everything", ", ".join(far) or "everything"
    if len(f"    {one}  {arrow}  {other}") <= width:
        return [((f"    {one}  ", "bold"), (arrow, "draw"), (f"  {other}", "bold"))]
    head: Line = (("    ", ""), (arrow, "draw"), ("  ", ""))
    near_side = paragraph(one, width=width, indent=4, style="bold")
    return [*near_side, *hanging(head, other, width=width, style="bold")]


def _target(target: Json) -> str:
    container = target.get("container")
    return f"{target['pod']} (container {container})" if container else str(target["pod"])


def _evidence(item: object, width: int) -> list[Line]:
    holds = item.get("holds") if isinstance(item, dict) else None
    head: Line = ((f"    {HOLDS[holds]:5}", SAYS[holds]),)
    return hanging(head, cleaned(text(item)), width=width)
