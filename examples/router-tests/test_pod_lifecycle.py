"""Engines come and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODCHAOS
from kvchaos.pytest.engines import Engines
from kvchaos.pytest.faults import Faults
from kvchaos.pytest.place import Lab
from kvchaos.pytest.router import Router


def test_a_dead_engine_leaves_the_index_and_its_replacement_enters(
    engines: Engines, router: Router, fault: Faults
) -> None:
    """No ghost stays, and the new pod's blocks are learnt."""
    engines.warm(visible_within=10)
    before = {engine.name for engine in engines}

    with fault("pod-kill") as kill:
        assert kill.in_effect()

    assert router.recovers(within=60)
    now = {engine.name for engine in engines}
    assert (len(now), now & set(kill.engines)) == (len(before), set())


def test_an_engine_that_restarts_starts_from_nothing(
    engines: Engines, router: Router, fault: Faults
) -> None:
    """Same pod, empty cache: what it held before must leave the index."""
    prompts = {engine.name: engine.prompt() for engine in engines}
    assert router.agrees(within=10)

    with fault("container-kill") as kill:
        assert kill.in_effect()

    assert router.recovers(within=60)
    (victim,) = kill.engines
    assert router.match(prompts[victim]).get(victim, 0) == 0


@pytest.mark.kvchaos(max_percent=100)
def test_every_engine_cut_off_at_once(engines: Engines, router: Router, fault: Faults) -> None:
    """The marker changes the configuration of this test's run: by default half may be hit."""
    with fault("network-partition", mode="all") as cut:
        engines.warm(prefixes=1)
        assert set(cut.engines) == {engine.name for engine in engines}

    assert router.recovers(within=30)


def test_a_shipped_experiment_passes(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    """Whole experiments can be played, too; nothing of them is left in the cluster."""
    played = lab.run("router-restart", tmp_path, recovery_budget=60.0)

    assert played.status == "pass", played.said
    assert cluster.list(PODCHAOS, namespace=lab.namespace) == []
