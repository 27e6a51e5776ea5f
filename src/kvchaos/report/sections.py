"""The parts of the summary, each from the run's record (``report.json``) to lines. Pure."""

from __future__ import annotations

import re

from kvchaos.report.bar import Bar
from kvchaos.report.layout import BLANK, Line, hanging, heading, lane, paragraph
from kvchaos.verdict.events import Json, many, text

SHOWN = 6
"""Pieces of evidence that are printed of each check; the rest is counted."""

DONE = {
    "partition": "network partition",
    "pod-kill": "pod killed",
    "pod-failure": "pod made to fail",
    "container-kill": "container killed",
}
ARROW = {"both": "<--X-->", "to": "---X-->", "from": "<--X---"}
WAY = {"both": ", both directions", "to": ", one direction", "from": ", one direction"}
HOLDS = {True: "yes", False: "NO", None: "?"}
SAYS = {True: "pass", False: "fail", None: "unknown"}

MOMENTS = (
    ("injected", "fault injected"),
    ("effect", "first effect seen"),
    ("healed", "fault ended"),
    ("first_event", "first event after it"),
    ("gap_found", "router found the gap"),
    ("replayed", "router had it replayed"),
    ("agreed", "index agrees"),
)
NOISE = re.compile(r"chaoslib\.exceptions\.ActivityFailed: |kvchaos\.errors\.(?=\w+:)")


def head(run: Json, width: int) -> list[Line]:
    """Which run this is, and where it ran."""
    said = {key: run.get(key) for key in ("run", "context", "namespace", "router", "seed")}
    place = ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, ""))
    title = run.get("experiment") or "a run without a name"
    return [
        *hanging((("kvchaos  ", "bold"),), title, width=width, style="bold"),
        *paragraph(place, width=width, indent=0, style="dim"),
    ]


def fault(told: Json, width: int) -> list[Line]:
    """What was done to whom, and the evidence that it was in effect."""
    named = f"{told['kind']} {told['namespace']}/{told['name']}"
    lines = [*heading("FAULT", named), *paragraph(_what(told), width=width)]
    if told["error"]:
        return [
            *lines,
            *hanging((("  NOT INJECTED  ", "fail"),), _clean(told["error"]), width=width),
        ]
    lines += _whom(told, width)
    lines += paragraph(f"in effect: {told['effect'] or 'nobody looked'}", width=width)
    for item in told["evidence"]:
        lines += _evidence(item, width)
    return lines


def moments(record: Json, width: int) -> list[Line]:
    """When what happened, in seconds since the injection and since the fault ended."""
    known, recovery = _known_moments(record), record["recovery"]
    title = f"{'TIMELINE':29}{'since injection':>15}{'since its end':>16}"
    lines = [BLANK, ((title, "bold"),)]
    for key, name in MOMENTS:
        how = f" ({record['faults'][-1]['by']})" if key == "healed" and known[key] else ""
        since = f"{_since(known, key, 'injected')}{_since(known, key, 'healed')}"
        lines.append(((f"  {name + how:27}", ""), (since, "" if known[key] else "dim")))
    if recovery is None:
        return [*lines, *paragraph("recovery was not measured", width=width, style="unknown")]
    rule = (
        f"budget {recovery['budget']:g} s; agrees = {recovery['samples_needed']} agreeing samples"
        f" in a row; resolution {recovery['resolution']:.2g} s"
    )
    return [*lines, *paragraph(rule, width=width, style="dim")]


def course(drawn: Bar, worst: Json | None, width: int) -> list[Line]:
    """The bar of the fault and of the index, and the index at its worst."""
    marks: list[Line] = [((f"{'':9}{row}", "dim"),) for row in drawn.marks]
    legend = "fault: # on    index: = agrees  x wrong  ? not known"
    lines = [BLANK, lane("fault", drawn.fault), lane("index", drawn.index), *marks]
    lines += paragraph(legend, width=width, indent=9, style="dim")
    if worst and (worst["missing"] or worst["phantom"]):
        peak = (
            f"at its worst: {many(worst['missing'], 'block')} missing, {worst['phantom']} phantom"
        )
        lines += paragraph(peak, width=width, indent=9)
    return lines


def stayed_wrong(left: Json, width: int) -> list[Line]:
    """What the index has wrong at the end, engine by engine."""
    lines = heading("STAYED WRONG")
    for engine, count in left["engines"].items():
        counts = f"{many(count['missing'], 'block')} missing, {count['phantom']} phantom"
        lines += hanging((("  ", ""), (f"{engine}  ", "fail")), counts, width=width)
    for pod in left["ghosts"]:
        why = "ghost: in the index, but not alive"
        lines += hanging((("  ", ""), (f"{pod}  ", "fail")), why, width=width)
    for who, why in left["unknown"].items():
        lines += hanging(
            (("  ", ""), (f"{who}  ", "unknown")), f"unknown: {_clean(why)}", width=width
        )
    if len(lines) > 2:  # more than the heading
        return lines
    return [*lines, *paragraph("nothing: the index agrees with every engine", width=width)]


def traffic(figures: Json, width: int) -> list[Line]:
    """What requests through the router met."""
    asked = figures["prompt_tokens"]
    hits = f"{100 * figures['hit_tokens'] / asked:.1f} %" if asked else "none"
    sent = (
        f"{many(figures['sent'], 'request')}, {figures['ok']} ok, {figures['failed']} failed; "
        f"{hits} of the prompt tokens were in the engine's cache"
    )
    times = ", ".join(f"{key} {_milliseconds(figures.get(key))}" for key in ("p50", "p95", "p99"))
    by_pod = ", ".join(f"{pod or 'no pod'} {count}" for pod, count in figures["by_pod"].items())
    lines = [*heading("TRAFFIC", "through the router"), *paragraph(sent, width=width)]
    lines += paragraph(f"latency {times}", width=width)
    return [*lines, *(hanging((("  by pod  ", ""),), by_pod, width=width) if by_pod else [])]


def checks(results: list[Json], width: int) -> list[Line]:
    """Each check's answer; what it rests on only where it is not a pass."""
    lines = heading("CHECKS")
    for each in results:
        head: Line = ((f"  {each['verdict']:9}", each["verdict"]), (f"{each['name']:25}", ""))
        lines += hanging(head, _clean(each["why"]), width=width)
        if each["verdict"] != "pass":
            lines += _reasons(each["evidence"], width)
    return lines


def verdict(record: Json, width: int) -> list[Line]:
    """The last line: the verdict and what it means."""
    style = f"verdict {record['verdict']}"
    head: Line = ((f" {record['verdict'].upper()} ", style), ("  ", ""))
    return [BLANK, *hanging(head, _clean(record["headline"]), width=width, style="bold")]


def _what(told: Json) -> str:
    action = told.get("action") or told["kind"]
    way = WAY.get(told.get("direction", ""), "") if action == "partition" else ""
    lasting = f" for {told['duration']:g} s" if told["duration"] else ""
    return f"{DONE.get(action, action)}{way}{lasting}"


def _whom(told: Json, width: int) -> list[Line]:
    near = [each["pod"] for each in told["targets"] if each["role"] == "."]
    far = [each["pod"] for each in told["targets"] if each["role"] != "."]
    if told.get("action") != "partition":
        return [line for pod in (*near, *far) for line in paragraph(pod, width=width, indent=4)]
    arrow = f"  {ARROW.get(told.get('direction', ''), '---X---')}  "
    one, other = ", ".join(near) or "everything", ", ".join(far) or "everything"
    if 4 + len(one) + len(arrow) + len(other) <= width:
        return [(("    ", ""), (one, "bold"), (arrow, "draw"), (other, "bold"))]
    head: Line = (("    ", ""), (arrow.strip(), "draw"), ("  ", ""))
    return [
        *paragraph(one, width=width, indent=4, style="bold"),
        *hanging(head, other, width=width),
    ]


def _evidence(item: object, width: int) -> list[Line]:
    holds = item.get("holds") if isinstance(item, dict) else None
    head: Line = ((f"    {HOLDS[holds]:5}", SAYS[holds]),)
    return hanging(head, _clean(text(item)), width=width)


def _reasons(evidence: list[str], width: int) -> list[Line]:
    shown = [*evidence[:SHOWN]]
    if len(evidence) > SHOWN:
        shown.append(f"... and {len(evidence) - SHOWN} more")
    head: Line = ((f"{'':11}- ", "dim"),)
    return [line for each in shown for line in hanging(head, _clean(each), width=width)]


def _known_moments(record: Json) -> Json:
    told = (record["recovery"] or {}).get("timeline", {})
    newest = record["faults"][-1]
    known = {"injected": newest["injected"], "effect": newest["effect_at"]}
    known |= {"healed": newest["healed"], **{key: at for key, at in told.items() if at is not None}}
    return {key: known.get(key) for key, _ in MOMENTS}


def _since(known: Json, key: str, start: str) -> str:
    column = 15 if start == "injected" else 16
    if known[key] is None:
        return f"{'not seen' if start == 'injected' else '':>{column}}"
    if known[start] is None or known[key] < known[start]:
        return " " * column
    return f"{known[key] - known[start]:{column - 2}.2f} s"


def _milliseconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{1000 * seconds:.0f} ms"


def _clean(said: str) -> str:
    return NOISE.sub("", said)
