"""The parts of the summary, each from the run's record (``report.json``) to lines. Pure."""

from __future__ import annotations

from kvchaos.report.bar import Bar
from kvchaos.report.layout import BLANK, Line, cleaned, hanging, heading, lane, paragraph
from kvchaos.verdict.events import Json, many
from kvchaos.verdict.times import asked, latency, span

SHOWN = 6
"""Pieces of evidence that are printed of each check; the rest is counted."""

TABLE = 63
"""Columns of the timeline as a table."""
FAULT_ON: Line = (("fault: ", "dim"), ("#", "cell #"), (" on", "dim"))
INDEX_IS: Line = (
    *(("index: ", "dim"), ("=", "cell ="), (" agrees  ", "dim")),
    *(("x", "cell x"), (" wrong  ", "dim")),
    *(("?", "cell ?"), (" not known", "dim")),
)
MEANING = "(missing: published, not in the index; phantom: in the index, no longer published)"
BY = {
    "deletion": "by deletion",
    "duration": "by its duration",
    "already gone": "by somebody else",
}

EARLY = "Chaos Mesh says that a fault is injected once it is done; the effect was seen before that"

MOMENTS = (
    ("injected", "fault injected"),
    ("effect", "first effect seen"),
    ("healed", "fault healed"),
    ("first_event", "first event after the heal"),
    ("gap_found", "router found the gap"),
    ("replayed", "router had it replayed"),
    ("agreed", "index agrees"),
)


WHICH = ("run", "context", "namespace", "router", "adapter", "seed")
"""What tells one run from another, as it is told."""


def head(run: Json, width: int) -> list[Line]:
    """Which run this is, and where it ran."""
    said = {key: run.get(key) for key in WHICH}
    place = ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, ""))
    title = run.get("experiment") or "a run without a name"
    return [
        *hanging((("kvchaos  ", "bold"),), title, width=width, style="bold"),
        *paragraph(place, width=width, indent=0, style="dim"),
    ]


def moments(record: Json, width: int) -> list[Line]:
    """When what happened, in seconds since the injection and since the heal."""
    known, recovery, by = _known_moments(record), record["recovery"], record["faults"][-1]["by"]
    names = dict(MOMENTS)
    names["healed"] += f" ({BY[by]})" if by in BY else ""
    lines = _table(names, known) if width >= TABLE else _list(names, known, width)
    if _is_early(known):
        lines += paragraph(EARLY, width=width, style="dim")
    if recovery is None:
        return [*lines, *paragraph("recovery was not measured", width=width, style="unknown")]
    rule = (
        f"budget {asked(recovery['budget'])}; agrees = {recovery['samples_needed']} agreeing"
        f" samples in a row; resolution {span(recovery['resolution'])}"
    )
    lines += paragraph(rule, width=width, style="dim")
    late = behind(recovery)
    return [*lines, *paragraph(late, width=width, style="unknown")] if late else lines


def behind(recovery: Json) -> str:
    """That the router was judged without traffic, and from when on; empty when it was not."""
    quiet, healed = recovery.get("quiet"), recovery["timeline"].get("healed")
    if quiet is None or healed is None:
        return ""
    return (
        "the router was behind the engines all the time: traffic was stopped"
        f" {span(quiet - healed)} after the heal, and it was judged without"
    )


def _table(names: dict[str, str], known: Json) -> list[Line]:
    title = f"{'TIMELINE':34}{'since injection':>15}{'since heal':>14}"
    rows = [
        (
            (f"  {name:32}", ""),
            (
                f"{_since(known, key, 'injected'):>15}{_since(known, key, 'healed'):>14}",
                "" if known[key] else "dim",
            ),
        )
        for key, name in names.items()
    ]
    return [BLANK, ((title, "bold"),), *rows]


def _list(names: dict[str, str], known: Json, width: int) -> list[Line]:
    """The same where a table has no room."""
    lines = heading("TIMELINE", "since injection (since heal)", width=width)
    for key, name in names.items():
        injected, healed = (_since(known, key, start) for start in ("injected", "healed"))
        told = f"{name}: {injected}{f' ({healed})' if healed else ''}"
        style = "dim" if known[key] is None else ""
        lines += hanging((("  - ", "dim"),), told, width=width, style=style)
    return lines


def _is_early(known: Json) -> bool:
    """Whether the effect was seen before Chaos Mesh reported the injection."""
    effect, injected = known["effect"], known["injected"]
    return effect is not None and injected is not None and effect < injected


def course(drawn: Bar, worst: Json | None, width: int) -> list[Line]:
    """The bar of the fault and of the index, and the index at its worst."""
    marks: list[Line] = [((f"{'':9}{row}", "dim"),) for row in drawn.marks]
    lines = [BLANK, lane("fault", drawn.fault), lane("index", drawn.index), *marks]
    lines += _legend(width)
    if worst:
        peak = f"{_counts(worst)}, {many(len(worst['ghosts']), 'ghost')}"
        lines += paragraph(f"at its worst: {peak}", width=width, indent=9)
    return lines


def _legend(width: int) -> list[Line]:
    indent = (f"{'':9}", "")
    if width >= TABLE:
        return [(indent, *FAULT_ON, ("    ", ""), *INDEX_IS)]
    return [(indent, *FAULT_ON), (("  ", ""), *INDEX_IS)]


def stayed_wrong(left: Json, width: int) -> list[Line]:
    """What the index has wrong at the end, engine by engine."""
    found: list[Line] = []
    for engine, count in left["engines"].items():
        found += hanging(((f"  {engine}  ", "fail"),), _counts(count), width=width)
    if found:
        found += paragraph(MEANING, width=width, style="dim")
    for pod in left["ghosts"]:
        why = "ghost: in the index, but not alive"
        found += hanging(((f"  {pod}  ", "fail"),), why, width=width)
    for who, why in left["unknown"].items():
        said = f"unknown: {cleaned(why)}"
        found += hanging(((f"  {who}  ", "unknown"),), said, width=width)
    nothing = paragraph("nothing: the index agrees with every engine", width=width)
    return [*heading("STAYED WRONG"), *(found or nothing)]


def traffic(figures: Json, width: int) -> list[Line]:
    """What requests through the router met."""
    tokens = figures["prompt_tokens"]
    hits = f"{100 * figures['hit_tokens'] / tokens:.1f} %" if tokens else "none"
    sent = (
        f"{many(figures['sent'], 'request')}, {figures['ok']} ok, {figures['failed']} failed; "
        f"{hits} of the prompt tokens were in the engine's cache"
    )
    times = ", ".join(f"{key} {_latency(figures.get(key))}" for key in ("p50", "p95", "p99"))
    lines = [*heading("TRAFFIC", "through the router"), *paragraph(sent, width=width)]
    lines += paragraph(f"latency {times}", width=width)
    for pod, count in figures["by_pod"].items():
        lines += paragraph(f"{count:>6}  {pod or '(no pod named)'}", width=width)
    return lines


def checks(results: list[Json], width: int) -> list[Line]:
    """Each check's answer; what it rests on only where it is not a pass."""
    lines = heading("CHECKS")
    for each in results:
        head: Line = ((f"  {each['verdict']:9}", each["verdict"]), (f"{each['name']:25}", ""))
        lines += hanging(head, cleaned(each["why"]), width=width)
        if each["verdict"] != "pass":
            lines += _reasons(each["evidence"], width)
    return lines


def _counts(wrong: Json) -> str:
    return f"{many(wrong['missing'], 'block')} missing, {wrong['phantom']} phantom"


def _reasons(evidence: list[str], width: int) -> list[Line]:
    shown = [*evidence[:SHOWN]]
    if len(evidence) > SHOWN:
        shown.append(f"... and {len(evidence) - SHOWN} more")
    head: Line = ((f"{'':11}- ", "dim"),)
    return [line for each in shown for line in hanging(head, cleaned(each), width=width)]


def _known_moments(record: Json) -> Json:
    told = (record["recovery"] or {}).get("timeline", {})
    newest = record["faults"][-1]
    known = {"injected": newest["injected"], "effect": newest["effect_at"]}
    known |= {"healed": newest["healed"], **{key: at for key, at in told.items() if at is not None}}
    return {key: known.get(key) for key, _ in MOMENTS}


def _since(known: Json, key: str, start: str) -> str:
    """Seconds from ``start`` to ``key``; blank before the heal, "not seen" once if not known.

    A router that asks for a replay by itself, on reconnecting, finds no gap: that is no lack.

    An effect may be seen a little before Chaos Mesh reports the injection.
    """
    if known[key] is None:
        needless = key == "gap_found" and known["replayed"] is not None
        said = "no need" if needless else "not seen"
        return said if start == "injected" else ""
    if known[start] is None or (start != "injected" and known[key] < known[start]):
        return ""
    since = known[key] - known[start]
    return span(since) if since >= 0 else f"{span(-since)} before"


def _latency(seconds: float | None) -> str:
    return "unknown" if seconds is None else latency(seconds)
