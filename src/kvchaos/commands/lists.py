"""``kvchaos experiments``, ``templates``, ``probes``, ``actions``: what there is, a line each.

With a name, that one in full: nobody has to read the source, or to know where it is installed.
"""

from __future__ import annotations

import inspect
import shutil
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from click.shell_completion import CompletionItem

from kvchaos.commands.shipped import own, shipped
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.experiment import load

Row = tuple[str, str]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
BY_NAME = "experiments"  # a folder's own one of that name stands in front of the shipped one
NOT_READABLE = "(cannot be read)"


def _names_of(kind: str) -> Complete:
    """For the shell: the names of a kind of file."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        known = sorted(shipped(kind) | own(kind))
        return [CompletionItem(name) for name in known if name.startswith(incomplete)]

    return complete


def _functions_of(kind: str) -> Complete:
    """For the shell: the functions of a module of that name, with what they do."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        module = import_module(f"kvchaos.{kind}")
        return [
            CompletionItem(name, help=_summary(getattr(module, name)))
            for name in module.__all__
            if name.startswith(incomplete)
        ]

    return complete


@click.command()
@click.argument("name", required=False, shell_complete=_names_of("experiments"))
def experiments(name: str | None) -> None:
    """List the experiments, those of this folder and the shipped ones; or print the one NAMEd.

    `kvchaos run NAME` plays it.
    """
    _files("experiments", name, told=_title)


@click.command()
@click.argument("name", required=False, shell_complete=_names_of("templates"))
def templates(name: str | None) -> None:
    """List the templates of faults, those of this folder and the shipped ones; or print one.

    An experiment names a shipped one by NAME, one of its own by its path.
    """
    _files("templates", name, told=_first_comment)


@click.command()
@click.argument("name", required=False, shell_complete=_functions_of("probes"))
def probes(name: str | None) -> None:
    """List what an experiment can ask (module kvchaos.probes); or explain the one NAMEd."""
    from kvchaos import probes as module  # noqa: PLC0415 - the other lists do without

    _functions(module, name)


@click.command()
@click.argument("name", required=False, shell_complete=_functions_of("actions"))
def actions(name: str | None) -> None:
    """List what an experiment can do (module kvchaos.actions); or explain the one NAMEd."""
    from kvchaos import actions as module  # noqa: PLC0415 - the other lists do without

    _functions(module, name)


def _files(kind: str, name: str | None, *, told: Callable[[Path], str]) -> None:
    """The one that is named as its file has it; without a name a line for each."""
    if name is not None:
        click.echo(
            _one(shipped(kind) | own(kind), name, kind).read_text(encoding="utf-8"), nl=False
        )
        return
    ours = own(kind)
    hidden = {path.resolve() for path in ours.values()}
    rows = [(str(path), told(path)) for path in ours.values()]
    rest = {
        short: path
        for short, path in shipped(kind).items()
        if path.resolve() not in hidden and not (kind == BY_NAME and short in ours)
    }
    _table([*rows, *((short, told(path)) for short, path in rest.items())])


def _functions(module: ModuleType, name: str | None) -> None:
    found = {each: getattr(module, each) for each in module.__all__}
    kind = module.__name__.rpartition(".")[2]
    if name is not None:
        function = _one(found, name, kind)
        taken = str(inspect.signature(function, eval_str=True)).replace("typing.", "")
        click.echo(f"{module.__name__}.{name}{taken}\n")
        click.echo(inspect.getdoc(function))
        return
    _table((each, _summary(function)) for each, function in found.items())


def _one(known: dict[str, Any], name: str, kind: str) -> Any:
    if name not in known:
        raise UsageError(f"no {name!r} among the {kind}", wanted=f"one of {', '.join(known)}")
    return known[name]


def _table(rows: Iterable[Row]) -> None:
    """A line each; on a terminal none is longer than that is wide."""
    listed = list(rows)
    wide = max((len(name) for name, _ in listed), default=0)
    most = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name, text in listed:
        line = f"{name:<{wide}}  {text}"
        click.echo(line if most is None or len(line) <= most else f"{line[: most - 1]}…")


def _title(path: Path) -> str:
    try:
        return str(load(path).get("title", ""))
    except KVChaosError:
        return NOT_READABLE


def _first_comment(path: Path) -> str:
    """A template says in the first line of its first comment what it does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return NOT_READABLE
    head = text.lstrip().split("\n", 1)[0]
    return head.removeprefix("{#-").removeprefix("{#").partition("-#}")[0].strip()


def _summary(function: Callable[..., Any]) -> str:
    """The first sentence of its documentation, on one line."""
    paragraph = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return " ".join(paragraph.replace("``", "").split())
