"""``kvchaos compare``: two runs, or two sets of runs, beside each other."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kvchaos.commands.outputs import Gathered, at_most_one_stdout, gathered, write
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.compared import as_json, as_markdown, as_text
from kvchaos.report.comparison import Comparison
from kvchaos.report.comparison import compare as compare_runs
from kvchaos.report.figures import figures
from kvchaos.report.html.comparing import comparison_page
from kvchaos.verdict.events import many

TARGET = click.Path(dir_okay=False, allow_dash=True)
FOLDER = click.Path(path_type=Path)
WORSE = 1
EXIT_CODES = (
    "0 compared, 1 with --fail-if-worse: something got worse, 2 a run could not be read, or, with"
    " --fail-if-worse, nobody can tell of all whether it got worse, 4 not usable"
)


@click.command(epilog=f"Exit codes: {EXIT_CODES}.")
@click.argument("a", type=FOLDER)
@click.argument("b", type=FOLDER)
@click.option("--markdown", "markdown_to", metavar="F", type=TARGET, help="For a step summary.")
@click.option("--json", "json_to", metavar="F", type=TARGET, help="All figures in one object.")
@click.option("--html", "html_to", metavar="F", type=TARGET, help="A page.")
@click.option(
    "--fail-if-worse",
    is_flag=True,
    help="Exit with 1 when something got worse, 2 when that cannot be told.",
)
def compare(
    a: Path,
    b: Path,
    *,
    markdown_to: str | None,
    json_to: str | None,
    html_to: str | None,
    fail_if_worse: bool,
) -> None:
    """Say what got worse from A to B: run folders, or folders of runs.

    Experiments are compared one by one. Differences count when chance makes any like them in at
    most 1 of 100 comparisons, which takes 7 runs of each of one experiment, 8 of four; but where
    all runs passed and none does any more, that is worse. F is a file, or - for the standard
    output; the comparison is printed there, too, unless one of them is -.
    """
    quiet = at_most_one_stdout((markdown_to, json_to, html_to))
    sides = gathered([a]), gathered([b])
    first, second = ([figures(run.record) for run in side.runs] for side in sides)
    told = compare_runs(first, second, names=(_name(a, sides[0]), _name(b, sides[1])))
    if not quiet:
        click.echo(as_text(told), nl=False)
    if markdown_to:
        write(as_markdown(told), markdown_to, quiet=quiet)
    if json_to:
        write(json.dumps(as_json(told), indent=2, ensure_ascii=False) + "\n", json_to, quiet=quiet)
    if html_to:
        write(comparison_page(told), html_to, quiet=quiet)
    if not told.experiments:
        raise UsageError("nothing was compared", wanted="an experiment that is in both")
    if sides[0].unread or sides[1].unread:
        raise SystemExit(KVChaosError.exit_code)
    raise SystemExit(_code(told) if fail_if_worse else 0)


def _code(told: Comparison) -> int:
    """What of all that was asked got worse; else whether nobody knows of some of it."""
    if told.worse:
        return WORSE
    return 0 if told.is_sure else KVChaosError.exit_code


def _name(path: Path, side: Gathered) -> str:
    return f"{path} ({many(len(side.runs), 'run')})"
