"""Which file a fault's template is: that of a name, or of a path in an experiment.

The rule guarded here: an experiment means the same file from wherever it is played, and no path
in it leads out of the folders that it is looked for in::

    DIR/experiments/x.json says templates/cut.yaml.j2, played in HERE:
    DIR/experiments/templates/cut.yaml.j2, DIR/templates/cut.yaml.j2, HERE/templates/cut.yaml.j2
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kvchaos.assets import asset
from kvchaos.errors import TemplateInvalid

SUFFIX = ".j2"


def find_template(name: str, beside: Path | None = None) -> Path:
    """The template that an experiment in the folder ``beside`` names: a path, or a shipped name.

    A path is looked for in that folder, in the one above it, and in the working directory. Without
    ``beside`` no experiment says it but somebody here, and a path is taken as it is.
    """
    if not is_path(name):
        return _shipped(name)
    places = [Path(name)] if beside is None else [*dict.fromkeys(_places(name, beside))]
    if not places:
        folders = f"{beside and beside.parent}, or the working directory {Path.cwd()}"
        raise TemplateInvalid(f"template {name}", wanted=f"a path that stays in {folders}")
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place.absolute()) for place in places)
    raise TemplateInvalid(f"no template {name}", wanted="a file", saw=f"none at {looked}")


def folder_of(file: Path) -> Path:
    """The folder that a file is in by its path; a mounted ConfigMap is full of links elsewhere."""
    folder = file.absolute().parent
    return folder.resolve() if ".." in folder.parts else folder


def is_path(name: str) -> bool:
    """Whether it is a template's path, and no name of a shipped one."""
    return Path(name).suffix == SUFFIX


def _places(name: str, beside: Path) -> Iterator[Path]:
    """Where it may be, without ``..``: a link on the way leads where its folder's owner wants."""
    here = Path.cwd()
    for folder, bounds in ((beside, beside.parent), (beside.parent, beside.parent), (here, here)):
        place = Path(os.path.normpath(folder / name))
        if place.is_relative_to(bounds):
            yield place


def _shipped(name: str) -> Path:
    shipped = {p.name.removesuffix(".yaml.j2"): p for p in asset("templates").glob("*.yaml.j2")}
    if name not in shipped:
        known = ", ".join(sorted(shipped))
        raise TemplateInvalid(f"no template {name!r}", wanted=f"one of {known}, or a path to a .j2")
    return shipped[name]
