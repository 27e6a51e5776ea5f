"""``kvchaos validate``: all findings of a file, touching nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kvchaos.assets import asset
from kvchaos.cli import main

Json = dict[str, Any]

DATA = Path(__file__).parents[2] / "data"


def validated(path: Path) -> Result:
    return CliRunner().invoke(main, ["validate", str(path)])


@pytest.fixture
def shipped() -> Json:
    found: Json = json.loads(asset("experiments", "network-partition.json").read_text())
    return found


def test_stop_conditions_that_cannot_be_asked_are_told(shipped: Json, tmp_path: Path) -> None:
    """Each of them, with the condition's name, as a usage error."""
    provider = {"type": "python", "module": "kvchaos.probes", "func": "event_stream"}
    conditions = [
        {"name": "streams", "every": 0, "tolerance": True, "provider": provider},
        {"name": "streams", "each": 1, "provider": provider},
    ]
    path = tmp_path / "wrong.json"
    extension = {"name": "kvchaos", "stop_conditions": conditions}
    path.write_text(json.dumps(shipped | {"extensions": [extension]}))

    said = validated(path)

    keys = "['deadline', 'every', 'name', 'provider', 'tolerance', 'type']"
    assert said.exit_code == 4
    assert said.output.splitlines() == [
        "kvchaos: the experiment cannot be run:",
        "  - stop condition 'streams': every: wanted seconds above 0, saw 0",
        f"  - stop condition 'streams': unknown ['each'], it takes {keys}",
        "  - stop condition 'streams': it has no tolerance",
        "  - stop condition 'streams': named 2 times",
    ]


@pytest.mark.parametrize("odd", [["kvchaos"], "kvchaos", 7])
def test_extensions_of_another_type_give_no_traceback(
    shipped: Json, tmp_path: Path, odd: object
) -> None:
    """Chaos Toolkit trips on them before anything of ours can look."""
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(shipped | {"extensions": odd}))

    said = validated(path)

    assert (said.exit_code, said.output.startswith(f"kvchaos: {path}: saw ")) == (4, True)


@pytest.mark.parametrize(
    "path",
    [asset("experiments", "network-partition.json"), DATA / "stop-conditions.json"],
    ids=lambda path: path.name,
)
def test_a_sound_experiment_is_valid(path: Path) -> None:
    """A shipped one, and the documented example of stop conditions."""
    assert validated(path).output == f"{path}: valid\n"
