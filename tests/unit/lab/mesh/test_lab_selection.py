"""Which pods a fault hits."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from kvchaos.lab.mesh.selection import NotSelected, matches, pick, select


def pod(name: str, namespace: str = "ns", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": "kvchaos-lab"},
        "status": {"phase": "Running"},
    }


ENGINES = [pod(f"engine-{n}", app="engine") for n in range(4)]
PODS = [*ENGINES, pod("router", app="router"), pod("engine-x", "other", app="engine")]


def names(pods: list[dict[str, Any]]) -> list[str]:
    return [each["metadata"]["name"] for each in pods]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"labelSelectors": {"app": "engine"}}, True),
        ({"labelSelectors": {"app": "router"}}, False),
        ({"namespaces": ["other"]}, False),
        ({"podPhaseSelectors": ["Pending"]}, False),
        ({"podPhaseSelectors": ["Pending", "Running"]}, True),
        ({"nodes": ["elsewhere"]}, False),
        ({"fieldSelectors": {"metadata.name": "engine-0"}}, True),
        ({"fieldSelectors": {"spec.nodeName": "elsewhere"}}, False),
        ({"annotationSelectors": {"a": "b"}}, False),
        ({"expressionSelectors": [{"key": "app", "operator": "In", "values": ["engine"]}]}, True),
        ({"expressionSelectors": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"expressionSelectors": [{"key": "app", "operator": "Exists"}]}, True),
        ({"expressionSelectors": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"pods": {"ns": ["engine-0"]}, "labelSelectors": {"app": "router"}}, True),
        ({"pods": {"ns": ["engine-1"]}}, False),
    ],
)
def test_all_given_selectors_must_hold_but_named_pods_bypass_them(
    selector: dict[str, Any], expected: bool
) -> None:
    """Chaos Mesh intersects selectors, and returns early for ``pods``."""
    assert matches(selector, PODS[0], namespace="ns") is expected


def test_the_faults_own_namespace_is_the_default() -> None:
    """Without ``namespaces`` nothing outside the fault's namespace is hit."""
    spec = {"mode": "all", "selector": {"labelSelectors": {"app": "engine"}}}

    assert names(select(spec, PODS, namespace="ns", rng=Random(1))) == names(ENGINES)
    assert names(select(spec, PODS, namespace="other", rng=Random(1))) == ["engine-x"]


@pytest.mark.parametrize(
    ("mode", "value", "count"),
    [
        ("one", "", 1),
        ("all", "", 4),
        ("fixed", "3", 3),
        ("fixed", "9", 4),
        ("fixed-percent", "26", 2),
        ("fixed-percent", "100", 4),
    ],
)
def test_mode_says_how_many(mode: str, value: str, count: int) -> None:
    """Percentages are rounded up; more than there are is all."""
    assert len(pick(ENGINES, mode=mode, value=value, rng=Random(7))) == count


def test_random_max_percent_may_pick_none() -> None:
    """Up to the percentage, zero included: such a fault hits nobody."""
    counts = {
        len(pick(ENGINES, mode="random-max-percent", value="50", rng=Random(seed)))
        for seed in range(60)
    }

    assert counts == {0, 1, 2}


@pytest.mark.parametrize(
    ("mode", "value"), [("fixed", "0"), ("fixed", "x"), ("fixed-percent", "101")]
)
def test_value_that_makes_no_sense_selects_nothing(mode: str, value: str) -> None:
    """An error, as from Chaos Mesh's selector, not an empty success."""
    with pytest.raises(NotSelected):
        pick(ENGINES, mode=mode, value=value, rng=Random(1))


def test_selector_without_a_pod_is_an_error() -> None:
    """A fault that reaches no pod is never injected."""
    spec = {"mode": "all", "selector": {"labelSelectors": {"app": "nobody"}}}

    with pytest.raises(NotSelected, match="no pod is selected"):
        select(spec, PODS, namespace="ns", rng=Random(1))
