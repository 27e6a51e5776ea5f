"""Experiments and templates that need no path: those in the folder one is in, and the shipped ones.

The rule: a name means the same file in every verb. A file of that very path comes first, then the
folder's own ``experiments/NAME.json``, then the one that is shipped.
"""

from __future__ import annotations

from pathlib import Path

from click import Context, Parameter
from click.shell_completion import CompletionItem

from kvchaos.assets import asset
from kvchaos.errors import ExperimentInvalid

SUFFIXES = {"experiments": ".json", "templates": ".yaml.j2"}


def shipped(kind: str) -> dict[str, Path]:
    """The shipped files of a kind (``experiments``, ``templates``) by name, sorted."""
    return _named(asset(kind), SUFFIXES[kind])


def own(kind: str) -> dict[str, Path]:
    """Those below the working directory, as paths from it, by name, sorted."""
    return _named(Path(kind), SUFFIXES[kind])


def find_experiment(path: Path) -> Path:
    """The file that ``path`` means, which may be a name; ``ExperimentInvalid`` for an unknown one.

    What is no plain name, with a suffix or a folder in it, is left as it is.
    """
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    known = shipped("experiments") | own("experiments")
    if path.name not in known:
        wanted = f"a file, or one of {', '.join(sorted(known))}"
        raise ExperimentInvalid(f"no experiment at {path}", wanted=wanted)
    return known[path.name]


def complete_experiment(_: Context, __: Parameter, incomplete: str) -> list[CompletionItem]:
    """For the shell: names of experiments, then files."""
    return _completed("experiments", incomplete)


def complete_template(_: Context, __: Parameter, incomplete: str) -> list[CompletionItem]:
    """For the shell: names of templates, then files."""
    return _completed("templates", incomplete)


def _completed(kind: str, incomplete: str) -> list[CompletionItem]:
    names = sorted(shipped(kind) | own(kind))
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def _named(folder: Path, suffix: str) -> dict[str, Path]:
    found = sorted(folder.glob(f"*{suffix}"))
    return {path.name.removesuffix(suffix): path for path in found if path.is_file()}
