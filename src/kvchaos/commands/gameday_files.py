"""A plan with its experiments, looked at as `kvchaos run` would; and the files that go with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kvchaos.assets import asset
from kvchaos.commands.loading import Loaded, loaded
from kvchaos.commands.run import variables
from kvchaos.commands.shipped import find_experiment
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.experiment import activities, substituted
from kvchaos.gameday.disclosed import ensure_no_secret, secrets_in
from kvchaos.gameday.plan import Plan, Play
from kvchaos.gameday.player import Ready, environment_of, pairs
from kvchaos.gameday.reading import PlanInvalid, read_plan
from kvchaos.mesh.whereabouts import find_template, is_path
from kvchaos.preflight.plan import plan as faults_of
from kvchaos.untrusted import MIB, Unreadable, file_text

LARGEST = MIB


def read(path: Path) -> Plan:
    """The plan in a file."""
    return read_plan(path, find)


def find(name: str, folder: Path) -> Path:
    """The experiment that a plan in ``folder`` names: a file from there, or a shipped one."""
    beside = folder / name
    if beside.is_file():
        return beside.absolute()  # not what a link leads to: a mounted ConfigMap is full of links
    found = find_experiment(Path(name))
    if not found.is_file():
        raise UsageError(f"no experiment at {beside}")
    return found.absolute()


def looked_at(plan: Plan, source: Path, *, context: str = "") -> list[Ready]:
    """Every experiment of the plan; ``PlanInvalid`` with all that is wrong with any of them."""
    found, wrong = [], []
    for number, play in enumerate(plan.plays, 1):
        try:
            with _environment(environment_of(plan, play, os.environ, context=context)):
                found.append(_ready(play))
        except KVChaosError as error:
            wrong.append(f"experiments[{number}] ({play.name}): {error}")
    if wrong:
        raise PlanInvalid(source, wrong)
    return found


def carried(plan: Plan, source: Path, ready: Sequence[Ready]) -> Mapping[str, str]:
    """The texts that the plan needs where kvchaos is installed, by path from the working folder.

    UsageError when one of them cannot go there, or has a secret in it.
    """
    ensure_no_secret(plan, ready)
    shipped = asset("experiments").resolve()
    files = [source.resolve()]
    for each in ready:
        file = each.play.file.resolve()
        own = [] if file.is_relative_to(shipped) else [file]
        files += [*own, *each.play.var_files, *(Path(name).resolve() for name in each.templates)]
    return dict(map(_carried, dict.fromkeys(files)))


def _ready(play: Play) -> Ready:
    given = loaded(play.file, variables=variables(pairs(play), play.var_files))
    faults = faults_of(*given, run_id="validate")
    return Ready(
        play,
        given.settings,
        len(faults),
        tuple(map(str, _templates(given))),
        tuple(secrets_in(given.experiment)),
    )


def _templates(given: Loaded) -> Iterator[Path]:
    """The templates that the experiment has by their path, not by the name of a shipped one."""
    for activity in activities(given.experiment):
        provider = substituted(activity.get("provider") or {}, given.configuration, given.secrets)
        name = str((provider.get("arguments") or {}).get("template", ""))
        if is_path(name):
            yield find_template(name, given.beside).absolute()


def _carried(path: Path) -> tuple[str, str]:
    here = Path.cwd()
    if not path.is_relative_to(here):
        raise UsageError(f"{path} cannot go with the plan", wanted=f"a file below {here}")
    try:
        return path.relative_to(here).as_posix(), file_text(path, LARGEST)
    except (OSError, Unreadable) as error:
        raise UsageError(f"{path} cannot be read", saw=str(error)) from error


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """This process's environment for a while: what reads it has no other way to be told."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
