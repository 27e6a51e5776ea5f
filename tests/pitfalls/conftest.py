"""Worlds of a run, each closed at its test's end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.run_world import Made, World
from tests.scripted import ScriptedCluster


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Makes the one world of a test."""
    with ExitStack() as ends:

        def make(cluster: ScriptedCluster | None = None, **settings: Any) -> World:
            world = World.at(tmp_path, cluster, **settings)
            ends.callback(world.run.history.close)
            return world

        yield make
