"""Runs as Markdown: for the step summary of a CI job, a merge request or an issue. Pure.

The rule guarded here: what comes from a run is text, never markup, and the whole stays below the
1 MiB that GitHub shows of a step's summary.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kvchaos.report import sections
from kvchaos.report.bar import bar
from kvchaos.report.distribution import bars, distribution
from kvchaos.report.fault import fault
from kvchaos.report.figures import Figures, figures, findings, left_behind
from kvchaos.report.folder import RunData
from kvchaos.report.json import MALFORMED
from kvchaos.report.layout import Line, cleaned, plain, printable
from kvchaos.verdict.events import Json, many
from kvchaos.verdict.result import ORDER, Status
from kvchaos.verdict.times import asked, span

SIGN = {
    Status.PASS: "\u2705",
    Status.FAIL: "\u274c",
    Status.UNKNOWN: "\u2753",
    Status.ABORTED: "\u23f9\ufe0f",
    Status.RESIDUE: "\u26a0\ufe0f",
}
WIDTH = 90
CELLS = 50
MAX_ROWS = 400
MAX_TOLD = 40
"""Runs that are told one by one, those that are no pass first."""
MAX_EVIDENCE = 5
MAX_TEXT = 400
_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")

TITLES = ("", "Experiment", "Status", "Recovery", "At its worst", "Requests", "Took")


def markdown(runs: Sequence[RunData], *, unread: Iterable[tuple[str, str]] = ()) -> str:
    """The report over these runs; ``unread`` are those that nobody could read, and why."""
    told = [(run, figures(run.record)) for run in runs]
    lines = [f"## {_title([each for _, each in told])}", "", *_table(each for _, each in told)]
    lines += _spread([each for _, each in told])
    for folder, why in unread:
        lines += [
            "",
            f"{SIGN[Status.UNKNOWN]} **{inline(folder)} could not be read**: {inline(why)}",
        ]
    heaviest = sorted(told, key=lambda each: -ORDER.index(each[1].status))
    for run, figure in heaviest[:MAX_TOLD]:
        lines += ["", *_run(run, figure)]
    if len(told) > MAX_TOLD:
        lines += ["", f"{len(told) - MAX_TOLD} more runs are in the table alone."]
    return "\n".join(lines) + "\n"


def inline(text: str) -> str:
    """The text as one line of Markdown that shows as it is: no markup, no mention, bounded."""
    short = printable(text)
    short = short if len(short) <= MAX_TEXT else f"{short[:MAX_TEXT]}..."
    escaped = _SPECIAL.sub(r"\\\1", html.escape(short, quote=False))
    return escaped.replace("@", "@\u200b")


def fenced(text: str) -> str:
    """The text as a block of code, whatever backticks are in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the cells are Markdown already."""
    return [_row(titles), _row(["---"] * len(titles)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _title(runs: Sequence[Figures]) -> str:
    if len(runs) == 1:
        return f"{SIGN[runs[0].status]} kvchaos: {runs[0].status}"
    counted = Counter(run.status for run in runs)
    said = ", ".join(f"{counted[status]} {status}" for status in ORDER if counted[status])
    worst = max((run.status for run in runs), key=ORDER.index, default=Status.UNKNOWN)
    return f"{SIGN[worst]} kvchaos: {many(len(runs), 'run')}{': ' if said else ''}{said}"


def _table(runs: Iterable[Figures]) -> list[str]:
    rows = [_cells(run) for run in runs]
    more = [] if len(rows) <= MAX_ROWS else ["", f"... and {len(rows) - MAX_ROWS} more."]
    return [*table(TITLES, rows[:MAX_ROWS]), *more]


def _cells(run: Figures) -> list[str]:
    return [
        SIGN[run.status],
        inline(run.experiment),
        str(run.status),
        _recovery(run),
        _worst(run),
        _requests(run),
        "unknown" if run.seconds is None else span(run.seconds),
    ]


def _recovery(run: Figures) -> str:
    budget = "" if run.budget is None else f" (budget {asked(run.budget)})"
    if run.recovery is not None:
        return f"{span(run.recovery)}{budget}"
    return f"**not recovered**{budget}" if run.recovered is False else "unknown"


def _worst(run: Figures) -> str:
    if run.missing is None or run.phantom is None:
        return "unknown"
    ghosts = f", {many(int(run.ghosts), 'ghost')}" if run.ghosts else ""
    return f"{run.missing:.0f} missing, {run.phantom:.0f} phantom{ghosts}"


def _requests(run: Figures) -> str:
    if run.requests is None:
        return "none told"
    hits = "" if run.hit_ratio is None else f", {100 * run.hit_ratio:.0f} % hits"
    return f"{run.requests:.0f}, {run.failed or 0:.0f} failed{hits}"


def _spread(runs: Sequence[Figures]) -> list[str]:
    """Of each experiment that was run several times: how long its recoveries took."""
    lines: list[str] = []
    for name in dict.fromkeys(run.experiment for run in runs):
        spread = distribution(
            run.recovery for run in runs if run.experiment == name and run.recovery is not None
        )
        if spread.count > 1:
            strip = bars(spread.values, low=0.0, high=spread.values[-1], cells=CELLS)
            said = f"{many(spread.count, 'recovery', 'recoveries')} after the heal: "
            told = (spread.median, spread.p95, spread.maximum)
            median, p95, longest = (span(each or 0.0) for each in told)
            said += f"median {median}, p95 {p95}"
            lines += ["", f"**{inline(name)}**: {said}", ""]
            lines += [fenced(f"0 s {strip} {longest}")]
    return lines


def _run(run: RunData, told: Figures) -> list[str]:
    """What came of one run, what was not well, and its course, folded."""
    record = run.record
    lines = [f"### {SIGN[told.status]} {inline(told.experiment)}", "", inline(told.headline)]
    wrong = [*findings(record), *left_behind(record)]
    lines += ["", *(f"- {inline(each)}" for each in wrong)] if wrong else []
    if record["reap"]:
        lines += ["", "End it now:", "", fenced(printable(str(record["reap"])))]
    if not findings(record):
        lines += _checks(record["checks"])
    course = _course(run)
    if course:
        lines += ["", "<details><summary>What happened</summary>", "", fenced(course)]
        lines += ["", "</details>"]
    place = [each for each in (told.run, told.context, told.namespace) if each]
    lines += ["", f"<sub>{inline(', '.join(place))}</sub>"] if place else []
    return [*lines, *(f"\n<sub>{inline(note)}</sub>" for note in run.notes)]


def _checks(checks: Sequence[Json]) -> list[str]:
    """The checks that are no pass, with what they rest on."""
    lines: list[str] = []
    for each in checks:
        if each["verdict"] != "pass":
            sign = SIGN[Status(each["verdict"])]
            lines.append(f"- {sign} **{inline(each['name'])}**: {inline(cleaned(each['why']))}")
            lines += _evidence(each["evidence"])
    passed = sum(each["verdict"] == "pass" for each in checks)
    return ["", *lines, *([""] if lines else []), f"{passed} of {len(checks)} checks passed."]


def _evidence(told: Sequence[object]) -> Iterator[str]:
    for each in told[:MAX_EVIDENCE]:
        yield f"  - {inline(cleaned(str(each)))}"
    if len(told) > MAX_EVIDENCE:
        yield f"  - ... and {len(told) - MAX_EVIDENCE} more"


def _course(run: RunData) -> str:
    """The faults, the timeline and the traffic, as the summary on a terminal has them."""
    try:
        lines = _lines(run)
    except MALFORMED as error:
        return f"(malformed event, the course is left out: {type(error).__name__}: {error})"
    told = [tuple((printable(text), style) for text, style in line) for line in lines]
    return plain(told).strip("\n") if told else ""


def _lines(run: RunData) -> list[Line]:
    record = run.record
    lines = [line for each in record["faults"] for line in fault(each, WIDTH)]
    drawn = bar(run.events, record["faults"], cells=WIDTH - 10)
    if drawn is not None:
        lines += sections.moments(record, WIDTH)
        lines += sections.course(drawn, record["worst"], WIDTH)
        lines += sections.stayed_wrong(record["left"], WIDTH)
    return lines + [line for each in record["traffic"] for line in sections.traffic(each, WIDTH)]
