"""What `chaos run` was given, found from within: hooks are told what is in a file, not where."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from kvchaos.errors import KVChaosError
from kvchaos.run import current, lifecycle
from kvchaos.run.source import played_from

EXPERIMENT = {
    "title": "x",
    "description": "x",
    "controls": [{"name": "c", "provider": {"type": "python", "module": "kvchaos.control"}}],
    "method": [],
}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path | None]]:
    """Where a run that starts believes its experiment to be; none does start."""
    seen: list[Path | None] = []

    def start(*_: object, **__: object) -> NoReturn:
        seen.append(current.beside())
        raise KVChaosError("enough")

    monkeypatch.setattr(lifecycle, "start", start)
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("chaostoolkit")
    before = logger.handlers[:], logger.level, logger.propagate
    yield seen
    for handler in set(logger.handlers) - set(before[0]):
        logger.removeHandler(handler)
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before
    current.end()


@pytest.mark.filterwarnings("ignore:SelectableGroups dict interface:DeprecationWarning")
def test_the_control_knows_the_folder_of_the_file_that_chaos_run_was_given(
    tmp_path: Path, told: list[Path | None]
) -> None:
    """By the command that is under way in its thread; afterwards nobody is told any more."""
    chaos = import_module("chaostoolkit.cli").cli  # it warns when it is imported

    (tmp_path / "DIR").mkdir()
    (tmp_path / "DIR" / "x.json").write_text(json.dumps(EXPERIMENT))

    said = CliRunner().invoke(chaos, ["--no-version-check", "run", "DIR/x.json"])

    assert (said.exit_code, told) == (1, [tmp_path / "DIR"])
    assert current.beside() is None


@pytest.mark.filterwarnings("ignore:SelectableGroups dict interface:DeprecationWarning")
def test_chaos_run_looks_for_templates_beside_the_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is touched; the journal says where it was looked for."""
    chaos = import_module("chaostoolkit.cli").cli
    arguments = {"template": "templates/own.yaml.j2"}
    provider = {"type": "python", "module": "kvchaos.actions", "func": "inject_fault"}
    method = [{"type": "action", "name": "a", "provider": {**provider, "arguments": arguments}}]
    (tmp_path / "DIR").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "DIR" / "x.json").write_text(json.dumps(EXPERIMENT | {"method": method}))
    monkeypatch.chdir(tmp_path / "here")

    CliRunner().invoke(chaos, ["--no-version-check", "run", "../DIR/x.json"])

    why = json.loads(Path("journal.json").read_text())["kvchaos"]["why"]
    places = (tmp_path / "DIR", tmp_path, tmp_path / "here")
    looked = ", ".join(str(each / "templates" / "own.yaml.j2") for each in places)
    assert f"no template templates/own.yaml.j2: wanted a file, saw none at {looked}" in why


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("run", {"source": "https://example.com/x.json"}),
        ("run", {"source": None}),
        ("run", {}),
        ("validate", {"source": "x.json"}),
    ],
)
def test_what_is_no_file_of_chaos_run_has_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, params: dict[str, str]
) -> None:
    """An address, and another program's commands."""
    monkeypatch.chdir(tmp_path)
    Path("x.json").touch()
    context = click.Context(click.Command(name))
    context.params = dict(params)

    with context:
        assert played_from() is None


def test_without_a_command_there_is_no_folder() -> None:
    """Chaos Toolkit may be called by a program."""
    assert played_from() is None
