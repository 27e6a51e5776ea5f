"""``kvchaos init``: a folder with all that somebody needs for experiments on a cluster of theirs.

Questions are asked on a terminal only, and only those that no option has answered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from kvchaos.cluster.config import LAB_CONTEXT, user_contexts
from kvchaos.commands.options import complete_context
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.starter.answers import Answers, check, option, wrong
from kvchaos.starter.starter import WORKFLOW, starter
from kvchaos.starter.writing import write

QUESTIONS = {
    "context": "Context of your cluster",
    "namespace": "Namespace of engines and router",
    "engines": "Label of the engines",
    "router": "Label of the router",
    "model": "Model that the engines serve",
    "engine_container": "Container of vLLM in an engine's pod",
    "router_container": "Container of the router in its pod",
}
HELP = QUESTIONS | {
    "router_adapter": "Adapter that asks the router, or module:Name of yours",
    "engine_port": "Where an engine serves HTTP",
    "event_port": "Where it publishes, of its first rank",
    "replay_port": "Where it replays, of its first rank",
    "router_port": "Where the router serves HTTP",
    "ranks": "Data parallel ranks of an engine",
    "block_size": "Tokens of a KV-cache block",
    "mesh_namespace": "Namespace of Chaos Mesh",
}
DEFAULTS = Answers()
Given = Mapping[str, Any]
Command = Callable[..., None]


def _options(command: Command) -> Command:
    """An option for each answer; what is not given is None."""
    for name, text in reversed(HELP.items()):
        default = getattr(DEFAULTS, name)
        decorate = click.option(
            option(name),
            type=type(default),
            help=f"{text}.  [default: {default}]",
            shell_complete=complete_context if name == "context" else None,
        )
        command = decorate(command)
    return command


@click.command(epilog="Exit code: 0 written, 4 an answer cannot be or a file is there already.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_options
@click.option(
    "--workflow/--no-workflow", default=None, help="A workflow for GitHub.  [default: yes]"
)
@click.option("--yes", is_flag=True, help="Ask nothing; what is not said is as in the lab.")
def init(folder: Path, *, yes: bool, **given: Any) -> None:
    """Write experiments, templates, values, rights, a game day and a workflow into DIR.

    They run in the embedded lab at once, and on your cluster after `. ./cluster.env`. On a
    terminal it asks for what no option says. A file that is there is never overwritten.
    """
    said = {name: value for name, value in given.items() if value is not None}
    if not yes and sys.stdin.isatty() and sys.stdout.isatty():
        said |= _asked(said)
    answers = Answers(**said)
    check(answers)
    try:
        top = _repository(folder)
        below = "" if top is None else os.path.relpath(folder.absolute(), top)
        files = starter(answers, version=version("kvchaos"), below="" if below == "." else below)
        write(folder, files)
    except OSError as error:
        wanted = "a folder that can be written"
        raise UsageError(str(folder), wanted=wanted, saw=str(error)) from error
    click.echo("\n".join(_told(folder, files, answers, top)))


def _asked(said: Given) -> dict[str, Any]:
    """The answers that were typed, to what is not said yet. The lab's own are not asked for."""
    found: dict[str, Any] = {}
    for name, text in QUESTIONS.items():
        if {**found, **said}.get("context") == LAB_CONTEXT:
            break
        if name not in said:
            if name == "context":
                own = [f"{each}, " for each in _contexts() if each != LAB_CONTEXT]
                click.echo(f"Contexts here: {''.join(own)}{LAB_CONTEXT} (needs no cluster)")
            default = getattr(DEFAULTS, name)
            found[name] = click.prompt(text, default=default, value_proc=_checked(name))
    if "workflow" not in said:
        found["workflow"] = click.confirm("A workflow for GitHub", default=True)
    return found


def _checked(name: str) -> Callable[[str], str]:
    """What takes an answer, or says why it asks again."""

    def take(text: str) -> str:
        if why := wrong(name, text):
            raise click.UsageError(f"{why}, saw {text!r}")
        return text

    return take


def _contexts() -> list[str]:
    try:
        return sorted({*user_contexts(), LAB_CONTEXT})
    except KVChaosError:
        return [LAB_CONTEXT]


def _repository(folder: Path) -> Path | None:
    """The top of the repository that the folder is, or will be, in."""
    place = folder.absolute()
    return next((each for each in (place, *place.parents) if (each / ".git").exists()), None)


def _told(folder: Path, files: Given, answers: Answers, top: Path | None) -> Iterator[str]:
    yield f"wrote {len(files)} files to {folder}"
    yield from (f"  {each}" for each in sorted({path.partition("/")[0] for path in files}))
    if answers.context not in _contexts():
        yield f"note: your kubeconfig has no context {answers.context}"
    if WORKFLOW in files and top is not None and top != folder.absolute():
        yield f"note: GitHub reads workflows at the top of a repository: move .github to {top}"
    yield "try it in the embedded lab:"
    yield f"  cd {folder}"
    yield "  kvchaos run experiments/network-partition.json"
    if not answers.is_lab:
        yield f"then on {answers.context}, after a look at what is missing:"
        yield "  . ./cluster.env"
        yield "  kvchaos doctor"
        yield "  kvchaos run experiments/network-partition.json"
