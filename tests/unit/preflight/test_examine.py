"""A preflight as a whole: its targets, its record, its refusal; and that it changes nothing."""

from __future__ import annotations

import copy

import pytest

from kvchaos.errors import PreflightRefused
from kvchaos.preflight.refusals import REFUSALS
from tests.preflight_world import cluster, cut, engine, preflight


def test_every_refusal_is_in_the_table() -> None:
    """What is not in it is not asked."""
    assert set(REFUSALS) == {
        "no_target",
        "too_many_targets",
        "too_large_share",
        "host_network",
        "not_running",
        "several_networks",
        "missing_permission",
        "no_chaos_mesh_kind",
        "no_daemon_on_node",
        "other_block_size",
        "not_opted_in",
        "wrong_environment",
        "leftovers",
        "held",
        "refused_by_the_server",
    }


def test_the_targets_are_the_pods_of_which_some_are_hit() -> None:
    """In both roles, sorted, with the node that each is on."""
    seen = preflight(cluster())

    at = {"fault": "networkchaos/cut-r1", "namespace": "kvchaos", "node": "node1"}
    struck = {**at, "role": ".", "amount": "one of 3", "engine": True}
    assert seen.to_json() == {
        "targets": [
            {**struck, "pod": "e1"},
            {**struck, "pod": "e2"},
            {**struck, "pod": "e3"},
            {**at, "pod": "r", "role": ".Target", "amount": "all 1", "engine": False},
        ],
        "findings": [],
        "notes": [],
    }
    seen.refuse()


def test_a_refusal_tells_every_finding_on_a_line() -> None:
    """Which refusal, what was wanted and seen, where to look; the run ends with exit code 2."""
    seen = preflight(cluster(engine("e1", hostNetwork=True)), cut(mode="all"))

    with pytest.raises(PreflightRefused) as caught:
        seen.refuse()

    assert caught.value.exit_code == 2
    assert str(caught.value).splitlines() == [
        "the preflight refuses the run:",
        *(f"  - {each.line}" for each in seen.findings),
    ]
    assert seen.to_json()["findings"][1] == {
        "refusal": "host_network",
        "text": (
            "networkchaos/cut-r1: spec.selector names pods in the host's network:"
            " wanted pods with a network of their own, saw hostNetwork in e1"
        ),
        "look": "kubectl get pods -n kvchaos -o wide",
    }


def test_looking_changes_nothing() -> None:
    """It reads, and asks the server to try."""
    there = cluster()
    before = copy.deepcopy(there.objects)

    preflight(there)

    assert there.objects == before
    assert there.verbs("create", "patch", "delete") == []
    assert there.verbs("try") == ["try networkchaos cut-r1"]
