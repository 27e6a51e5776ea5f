"""``kvchaos report``: what runs left in their folders, in the forms that others read.

The rule guarded here: it says how the runs went and never asks to be obeyed: the exit code is 0
when all was read and written, whatever the verdicts; that of ``kvchaos run`` is the verdict's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import click

from kvchaos.commands.outputs import STDOUT, Gathered, at_most_one_stdout, gathered, newest, write
from kvchaos.errors import KVChaosError
from kvchaos.report.figures import figures
from kvchaos.report.html import run_page
from kvchaos.report.html.overview import overview_page
from kvchaos.report.junit import junit
from kvchaos.report.markdown import markdown
from kvchaos.report.metrics import metrics
from kvchaos.report.push import push
from kvchaos.report.together import together
from kvchaos.report.write import REPORT, write_report
from kvchaos.verdict.events import many

TARGET = click.Path(dir_okay=False, allow_dash=True)
EXIT_CODES = "0 written, 2 a run could not be read or something not be written, 4 not usable"


@click.command(epilog=f"Exit codes: {EXIT_CODES}.")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@click.option("--html", "html_to", metavar="F", type=TARGET, help="A page.")
@click.option("--junit", "junit_to", metavar="F", type=TARGET, help="JUnit XML, for CI systems.")
@click.option("--markdown", "markdown_to", metavar="F", type=TARGET, help="For a step summary.")
@click.option("--json", "json_to", metavar="F", type=TARGET, help="All records in one object.")
@click.option("--metrics", "metrics_to", metavar="F", type=TARGET, help="Prometheus' text format.")
@click.option("--push", "push_to", metavar="URL", help="Send the metrics to a push gateway.")
def report(
    folders: tuple[Path, ...],
    *,
    html_to: str | None,
    junit_to: str | None,
    markdown_to: str | None,
    json_to: str | None,
    metrics_to: str | None,
    push_to: str | None,
) -> None:
    """Report on the runs in FOLDERs: run folders, folders of runs, game days, folders of these.

    All that is in a FOLDER is reported on; without one, the newest run in ./kvchaos-runs. With
    nothing asked, each run's report.html is written into its folder, and where the report over all
    of a game day is, is said. F is a file, or - for the standard output.
    """
    targets = (html_to, junit_to, markdown_to, json_to, metrics_to)
    quiet = at_most_one_stdout(targets)
    found = gathered(folders or [newest()], whole=bool(html_to or markdown_to))
    if not any((*targets, push_to)):
        _in_folders(found)
        _name_days(folders)
    for form, target in zip(FORMS, targets, strict=True):
        if target:
            write(form(found, target), target, quiet=quiet)
    if push_to:
        count = push([run.record for run in found.runs], push_to)
        click.echo(f"metrics of {many(count, 'experiment')} pushed", err=quiet)
    if found.unread:
        raise SystemExit(KVChaosError.exit_code)


def _in_folders(found: Gathered) -> None:
    for run in found.runs:
        told = figures(run.record)
        click.echo(f"{told.status:8} {write_report(run.folder)}  {told.headline}")


def _name_days(folders: Sequence[Path]) -> None:
    """Where the reports over whole game days are, which their ends wrote."""
    from kvchaos.gameday.day import STATE  # noqa: PLC0415 - a page of a run does without

    inside = [each for folder in folders for each in (folder, *sorted(folder.iterdir()))]
    for day in inside:
        if (day / STATE).is_file() and (day / REPORT).is_file():
            click.echo(f"game day {day / REPORT}")


def _html(found: Gathered, target: str) -> str:
    """Of one run its page, of several one over all, with links to those that are there."""
    if len(found.runs) == 1 and not found.unread:
        return run_page(found.runs[0])
    here = Path(target).absolute().parent
    links = [None if target == STDOUT else _link(run.folder / REPORT, here) for run in found.runs]
    told = [figures(run.record) for run in found.runs]
    return overview_page(told, links=links, unread=found.unread)


def _link(page: Path, here: Path) -> str | None:
    return quote(os.path.relpath(page.absolute(), here)) if page.is_file() else None


def _junit(found: Gathered, _: str) -> str:
    return junit([run.record for run in found.runs], unread=found.unread)


def _markdown(found: Gathered, _: str) -> str:
    return markdown(found.runs, unread=found.unread)


def _json(found: Gathered, _: str) -> str:
    told = together(found.runs, unread=found.unread)
    return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"


def _metrics(found: Gathered, _: str) -> str:
    return metrics([run.record for run in found.runs])


FORMS: tuple[Callable[[Gathered, str], str], ...] = (_html, _junit, _markdown, _json, _metrics)
"""In the order of their options; each makes its text, for the place where that goes."""
