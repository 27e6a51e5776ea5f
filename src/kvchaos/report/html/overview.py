"""Several runs as one page: how each went, how long the recoveries took. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from kvchaos.report.figures import Figures
from kvchaos.report.html.figures import Tile
from kvchaos.report.html.frame import page, part
from kvchaos.report.html.opening import bullets
from kvchaos.report.html.scale import duration
from kvchaos.report.html.spread import Spread, distribution_chart
from kvchaos.report.together import recoveries
from kvchaos.verdict.events import many
from kvchaos.verdict.result import ORDER, Status

HEAD = ("Status", "Experiment", "Recovery", "At its worst", "What came of it")


def overview_page(
    runs: Sequence[Figures],
    *,
    links: Sequence[str | None],
    unread: Iterable[tuple[str, str]] = (),
) -> str:
    """The runs as a whole HTML document; ``links`` lead to each run's own page, where there is one.

    ``unread`` are those that nobody could read, and why.
    """
    lost = [f"{folder}: {why}" for folder, why in unread]
    status = max((run.status for run in runs), key=ORDER.index, default=Status.UNKNOWN)
    title = _title(runs)
    body: Markup = part("hero", str(status), title) + part("tiles", _tiles(runs))
    contents = [("runs", "Runs")]
    rows = [_row(run, link) for run, link in zip(runs, links, strict=True)]
    body += part("section", "runs", "Runs", part("table", HEAD, rows))
    if charts := _charts(runs):
        contents.append(("recovery", "Recovery"))
        lead = "From the fault's heal to the index that agrees, of each experiment."
        body += part("section", "recovery", "Recovery", charts, lead)
    if lost:
        contents.append(("unread", "Not read"))
        body += part("section", "unread", "Not read", part("notice", "unknown", bullets(lost)))
    return page(f"kvchaos: {title}", body, status=str(status), contents=contents)


def _title(runs: Sequence[Figures]) -> str:
    counted = Counter(run.status for run in runs)
    said = ", ".join(f"{counted[status]} {status}" for status in ORDER if counted[status])
    return f"{many(len(runs), 'run')}: {said}" if said else many(len(runs), "run")


def _tiles(runs: Sequence[Figures]) -> list[Tile]:
    passed = sum(run.status is Status.PASS for run in runs)
    never = sum(run.recovered is False for run in runs)
    spread = recoveries(runs)
    mood = "good" if passed == len(runs) else "bad"
    return [
        Tile("Passed", f"{passed}/{len(runs)}", mood=mood),
        Tile("Median recovery", *duration(spread.median)),
        Tile("Slowest recovery", *duration(spread.maximum)),
        Tile("Did not recover", str(never), mood="bad" if never else ""),
    ]


def _row(run: Figures, link: str | None) -> tuple[Markup | str, ...]:
    name = Markup('<a href="{}">{}</a>').format(link, run.experiment) if link else run.experiment
    return part("badge", str(run.status)), name, _recovery(run), _worst(run), run.headline


def _recovery(run: Figures) -> str:
    if run.recovery is None:
        return "never" if run.recovered is False else "unknown"
    return " ".join(duration(run.recovery)).strip()


def _worst(run: Figures) -> str:
    if run.missing is None or run.phantom is None:
        return "unknown"
    return f"{run.missing:.0f} missing, {run.phantom:.0f} phantom"


def _charts(runs: Sequence[Figures]) -> Markup:
    """One chart, a row for each experiment that has a recovery."""
    rows = []
    for name in dict.fromkeys(run.experiment for run in runs):
        of_it = [run for run in runs if run.experiment == name]
        never = sum(run.recovered is False for run in of_it)
        note = f"{never} never" if never else ""
        rows.append(Spread(name=name, values=recoveries(of_it).values, note=note))
    return distribution_chart(rows) if any(row.values for row in rows) else Markup()
