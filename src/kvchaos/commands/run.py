"""``kvchaos run``: experiments played by Chaos Toolkit, with an exit code that tells the truth."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click
from chaoslib import convert_vars
from chaoslib.log import configure_logger

from kvchaos.commands.loading import Loaded, Variables, loaded
from kvchaos.commands.playing import Playing, ensure_room, ensure_writable, strategy_of
from kvchaos.commands.several import Played, all_valid, one_after_the_other, print_table, worst
from kvchaos.commands.shipped import complete_experiment
from kvchaos.errors import RunStopped, UsageError
from kvchaos.plain_yaml import document
from kvchaos.preflight.plan import plan
from kvchaos.run.ownlab import OwnLab
from kvchaos.settings import Settings
from kvchaos.untrusted import Unreadable
from kvchaos.view.choice import VIEWS, quiet, viewer
from kvchaos.view.outlet import outlets

Json = dict[str, Any]

EXIT_CODES = "0 pass, 1 fail, 2 unknown, 3 aborted, 4 not usable, 5 something is left behind"
JOURNAL = Path("journal.json")


@click.command(epilog=f"Exit codes, of several the worst: {EXIT_CODES}.")
@click.argument(
    "experiments",
    metavar="EXPERIMENT...",
    nargs=-1,
    required=True,
    shell_complete=complete_experiment,
)
@click.option(
    "--journal-path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where Chaos Toolkit's journal goes beside the run's folder.  "
    f"[default: {JOURNAL} when one experiment is played]",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that the run's folder goes into, whatever the experiment says.",
)
@click.option("--var", "pairs", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Configuration.")
@click.option(
    "--var-file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="JSON or YAML with configuration and secrets.",
)
@click.option(
    "--stop-on-failure", is_flag=True, help="Play no further experiment after one without a pass."
)
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    default="auto",
    show_default=True,
    help="While it goes on: a live view, plain lines, or Chaos Toolkit's own log.",
)
@click.option("--verbose", is_flag=True, help="Also say what is of interest to developers.")
@outlets()
def run(  # noqa: PLR0917 - as click passes them
    experiments: tuple[str, ...],
    journal_path: Path | None,
    runs: Path | None,
    pairs: tuple[str, ...],
    files: tuple[Path, ...],
    stop_on_failure: bool,
    view: str,
    verbose: bool,
) -> None:
    """Play each EXPERIMENT, print what was seen, and say in the exit code how it went.

    All are checked before the first is played. After one that was stopped, or left something
    behind, none is begun.
    """
    configure_logger(verbose=verbose)
    single = len(experiments) == 1
    if journal_path and not single:
        raise UsageError("--journal-path", wanted="one experiment", saw=f"{len(experiments)}")
    with quiet(view != "log" and not verbose):
        found = all_valid(experiments, partial(_checked, given=variables(pairs, files), runs=runs))
    written = journal_path or (JOURNAL if single else None)
    if written:
        ensure_writable(written)

    lab = OwnLab()

    def play(number: int) -> Played:
        name = (
            experiments[number] if single else f"[{number + 1}/{len(found)}] {experiments[number]}"
        )
        shown = viewer("log" if verbose and view == "auto" else view, name)
        given = found[number]
        playing = Playing(given.experiment, beside=given.beside, journal_path=written, shown=shown)
        if single:
            return _played(experiments[number], playing)
        return _played(experiments[number], playing, one_of=(lab, found[number].settings))

    with lab:
        played = one_after_the_other(experiments, play, stop_on_failure=stop_on_failure)
    if not single:
        print_table(played)
    raise SystemExit(worst(played))


def variables(pairs: tuple[str, ...], files: tuple[Path, ...]) -> Variables:
    """What ``--var-file``, one after the other, and then ``--var`` give."""
    configuration: Json = {}
    secrets: Json = {}
    for path in files:
        given = _variable_file(path)
        configuration.update(given.get("configuration") or {})
        secrets.update(given.get("secrets") or {})
    try:
        configuration.update(convert_vars(list(pairs)))
    except (ValueError, TypeError) as error:
        raise UsageError("--var", wanted="KEY[:TYPE]=VALUE", saw=str(error)) from error
    return Variables(configuration, secrets)


def _checked(name: str, given: Variables, runs: Path | None = None) -> Loaded:
    """The experiment, with which nothing is wrong that can be told without a cluster."""
    found = loaded(Path(name), variables=given)
    if runs:
        found.experiment["configuration"] = {
            **(found.experiment.get("configuration") or {}),
            "runs": str(runs),
        }
        ensure_room(runs)
    plan(*found, run_id="validate")
    strategy_of(found.experiment)
    return found


def _played(
    name: str, playing: Playing, *, one_of: tuple[OwnLab, Settings] | None = None
) -> Played:
    """Play it; ``one_of`` several, for which a lab that is started here stays up.

    Ctrl-C before it began is an outcome when there is a table to tell it in.
    """
    try:
        if one_of:
            lab, settings = one_of
            lab.need(settings)
        outcome = playing.play()
    except KeyboardInterrupt:
        stopped = RunStopped("stopped before the run began")
        if one_of is None:
            raise stopped from None
        outcome = {"status": "aborted", "exit_code": stopped.exit_code, "why": str(stopped)}
    return Played(name, outcome, playing.folder)


def _variable_file(path: Path) -> Json:
    try:
        text = path.read_text(encoding="utf-8")
        given = json.loads(text) if path.suffix == ".json" else document(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, Unreadable) as error:
        raise UsageError(f"--var-file {path}", saw=" ".join(str(error).split())) from error
    blocks = [given.get(block) or {} for block in Variables._fields] if _is_object(given) else [0]
    if not all(map(_is_object, blocks)):
        raise UsageError(f"--var-file {path}", wanted='{"configuration": {...}, "secrets": {...}}')
    found: Json = given
    return found


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
