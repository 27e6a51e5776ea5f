"""``kvchaos run``: an experiment played by Chaos Toolkit, with an exit code that tells the truth.

As ``chaos run``, but: rollbacks are always played, the file is validated with the variables that
are given, and the journal is written whole or not at all, also when an error rose through Chaos
Toolkit or something never returned.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml
from chaoslib import convert_vars
from chaoslib.exceptions import InterruptExecution
from chaoslib.log import configure_logger, encoder
from chaoslib.run import Runner, initialize_run_journal
from chaoslib.types import Schedule, Strategy

from kvchaos.commands.loading import Variables, loaded
from kvchaos.errors import ExperimentInvalid, KVChaosError, RunStopped, UsageError
from kvchaos.preflight.plan import plan
from kvchaos.run import current, secrecy
from kvchaos.run.journal import redact_journal
from kvchaos.run.keeping import try_writing, write_json

logger = logging.getLogger("chaostoolkit")

Json = dict[str, Any]

STRATEGIES = (
    "default",
    "before-method-only",
    "after-method-only",
    "during-method-only",
    "continuously",
)
EXIT_CODES = "0 pass, 1 fail, 2 unknown, 3 aborted, 4 not usable, 5 something is left behind"


@click.command(epilog=f"Exit codes: {EXIT_CODES}.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--journal-path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("journal.json"),
    show_default=True,
    help="Where Chaos Toolkit's journal goes.",
)
@click.option("--var", "pairs", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Configuration.")
@click.option(
    "--var-file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="JSON or YAML with configuration and secrets.",
)
@click.option("--verbose", is_flag=True, help="Also say what is of interest to developers.")
def run(
    experiment: Path,
    journal_path: Path,
    pairs: tuple[str, ...],
    files: tuple[Path, ...],
    verbose: bool,
) -> None:
    """Play the EXPERIMENT, print what was seen, and say in the exit code how it went."""
    configure_logger(verbose=verbose)
    try:
        code = played(experiment, variables(pairs, files), journal_path)
    except KeyboardInterrupt:
        raise RunStopped("stopped before the run began") from None
    raise SystemExit(code)


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


def played(path: Path, given: Variables, journal_path: Path) -> int:
    """Play the experiment in the file ``path`` and write its journal; returns the exit code."""
    found = loaded(path, variables=given)
    plan(*found, run_id="validate")
    _ensure_writable(journal_path)
    experiment = found.experiment
    strategy = _strategy(experiment)
    journal: Json = initialize_run_journal(experiment)
    keep = _keeper(journal, journal_path)
    current.listen(keep)
    try:
        _play(experiment, strategy, journal)
    except Exception as error:  # the control has finished the run all the same
        logger.critical("Chaos Toolkit broke: %s: %s", type(error).__name__, error)
        logger.debug("Chaos Toolkit broke", exc_info=True)
        outcome = current.outcome() or _not_begun(error)
        keep(outcome)
        return int(outcome["exit_code"])
    journal.setdefault("kvchaos", current.outcome() or current.not_started())
    write_json(journal_path, journal, default=_plain)
    return int(journal["kvchaos"]["exit_code"])


def _ensure_writable(journal_path: Path) -> None:
    """UsageError when the journal could not be written, which is said before the run."""
    if not journal_path.parent.is_dir():
        raise UsageError("--journal-path", wanted="a folder that is there", saw=str(journal_path))
    try:
        try_writing(journal_path)
    except OSError as error:
        wanted, saw = "a file that can be written", f"{journal_path}: {error.strerror}"
        raise UsageError("--journal-path", wanted=wanted, saw=saw) from error


def _strategy(experiment: Json) -> str:
    """When the hypothesis is asked, as Chaos Toolkit names it."""
    said = experiment.get("runtime", {}).get("hypothesis", {}).get("strategy", STRATEGIES[0])
    if said not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise ExperimentInvalid(
            "runtime.hypothesis.strategy", wanted=f"one of {known}", saw=repr(said)
        )
    return str(said)


def _play(experiment: Json, strategy: str, journal: Json) -> None:
    """Play it with this journal, which is filled while it is played."""
    runtime = {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": strategy}}
    with Runner(Strategy.from_string(strategy), Schedule()) as runner:
        runner.run(experiment, {"runtime": runtime}, experiment_vars=({}, {}), journal=journal)


def _keeper(journal: Json, path: Path) -> Callable[[Json], None]:
    """What writes the journal of a run that Chaos Toolkit did not bring to its end."""

    def keep(outcome: Json) -> None:
        journal["status"] = "aborted"
        journal["kvchaos"] = outcome
        redact_journal(journal, secrecy.redactor())
        write_json(path, journal, default=_plain)

    return keep


def _not_begun(error: Exception) -> Json:
    """The outcome when the control was never asked."""
    told = RunStopped if isinstance(error, InterruptExecution) else KVChaosError
    current.end(because=told("the run did not begin", saw=str(error)))
    return current.not_started()


def _variable_file(path: Path) -> Json:
    try:
        text = path.read_text(encoding="utf-8")
        given = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--var-file {path}", saw=" ".join(str(error).split())) from error
    blocks = [given.get(block) or {} for block in Variables._fields] if _is_object(given) else [0]
    if not all(map(_is_object, blocks)):
        raise UsageError(f"--var-file {path}", wanted='{"configuration": {...}, "secrets": {...}}')
    found: Json = given
    return found


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _plain(value: Any) -> Any:
    try:
        return encoder(value)
    except TypeError:
        return str(value)
