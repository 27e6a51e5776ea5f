"""Whether a fault is in effect: each thing that can say no, says no."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kvchaos.mesh.confirm import in_effect
from kvchaos.mesh.fault import Effect, Evidence, Fault, Injected, Target
from tests.scripted import (
    ENDED,
    INJECTED,
    ScriptedCluster,
    partition,
    pod,
    pod_fault,
    record,
    rules,
    status,
)

CUT = "kvchaos/cut-r1"
A = Target("a", "a-uid", "kvchaos", ".", running=("a-p0",))
B = Target("b", "b-uid", "kvchaos", ".Target", running=("b-p0",))


def injected(body: Any, *targets: Target) -> Injected:
    return Injected(Fault.of(body), targets, requested_at=1.0, created_at=1.1, injected_at=1.5)


def cut(*objects: Any, body: Any = None, found: Any = INJECTED) -> Effect:
    sent = body or partition()
    cluster = ScriptedCluster.of({**sent, "status": found}, *objects)
    return in_effect(cluster, injected(sent, A, B))


def struck(action: str, *objects: Any, target: Target = A) -> Effect:
    sent = pod_fault(action)
    there = {**sent, "status": status(record(target.label))}
    return in_effect(ScriptedCluster.of(there, *objects), injected(sent, target))


def test_a_partition_holds_while_both_pods_have_its_rules() -> None:
    """The records, and a PodNetworkChaos of each pod, applied."""
    effect = cut(pod("a"), pod("b"), rules("a", CUT), rules("b", CUT, "kvchaos/other"))

    assert effect == Effect(
        evidence=(
            Evidence("records", True, "networkchaos/cut-r1: injected in every target"),
            Evidence("podnetworkchaos", True, f"kvchaos/a: rules of {CUT} applied"),
            Evidence("podnetworkchaos", True, f"kvchaos/b: rules of {CUT} applied"),
        )
    )
    assert effect.holds is True


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([rules("a", CUT)], f"kvchaos/b: no rules of {CUT}"),
        ([rules("a", CUT), rules("b", "kvchaos/x")], f"kvchaos/b: no rules of {CUT}"),
        ([rules("a", CUT), rules("b", CUT, failed="no ipset")], "kvchaos/b: no ipset"),
        (
            [rules("a", CUT), rules("b", CUT, observed=0)],
            "kvchaos/b: generation 1 not applied yet (observed 0)",
        ),
    ],
)
def test_rules_that_are_not_in_a_pod_speak_against_it(objects: list[Any], text: str) -> None:
    """No PodNetworkChaos, none of this fault, failed, or not applied yet."""
    effect = cut(pod("a"), pod("b"), *objects)

    assert effect.evidence[-1] == Evidence("podnetworkchaos", False, text)
    assert effect.holds is False


def test_a_replaced_target_is_not_cut_whatever_the_records_say() -> None:
    """Chaos Mesh goes on saying Injected; the new pod of the name has no rules."""
    effect = cut(pod("a"), pod("b", uid="new"), rules("a", CUT), rules("b", CUT))

    assert effect.replaced == (B,)
    assert effect.evidence[0].holds is True
    assert effect.evidence[-1] == Evidence(
        "pod", False, "kvchaos/b was replaced, and the new pod is not cut"
    )


def test_a_target_that_is_gone_is_not_cut() -> None:
    """Nor is the one that will come in its place."""
    effect = cut(pod("a"), rules("a", CUT))

    assert effect.replaced == (B,)
    assert effect.evidence[-1] == Evidence("pod", False, "kvchaos/b is gone")


def test_a_fault_that_ended_or_is_gone_is_not_in_effect() -> None:
    """By its duration, or by deletion."""
    ended = cut(pod("a"), pod("b"), found=ENDED)
    gone = in_effect(ScriptedCluster.of(pod("a"), pod("b")), injected(partition(), A, B))

    assert ended.evidence[0].text == "networkchaos/cut-r1 was ended by its duration"
    assert gone.evidence[0] == Evidence("records", False, "networkchaos/cut-r1 is gone")
    assert (ended.holds, gone.holds) == (False, False)
    assert (ended.over, gone.over) == (True, True)


def test_records_that_fell_back_speak_against_it() -> None:
    """Injected once, not now."""
    found = status(record("kvchaos/a"), record("kvchaos/b", phase="Injected/Wait"))

    effect = cut(pod("a"), pod("b"), rules("a", CUT), rules("b", CUT), found=found)

    assert effect.evidence[0] == Evidence(
        "records", False, "networkchaos/cut-r1: kvchaos/b Injected/Wait"
    )


@pytest.mark.parametrize(
    ("direction", "ruled"), [("to", ["a"]), ("from", ["b"]), ("both", ["a", "b"])]
)
def test_a_delay_has_rules_only_where_packets_leave(direction: str, ruled: list[str]) -> None:
    """A partition has them at both ends, whatever its direction."""
    body = partition(action="delay", delay={"latency": "1s"}, direction=direction)

    effect = cut(pod("a"), pod("b"), rules("a", CUT), rules("b", CUT), body=body)

    assert [each.text[8:9] for each in effect.evidence[1:]] == ruled
    partitioned = cut(
        pod("a"), pod("b"), rules("a", CUT), rules("b", CUT), body=partition(direction=direction)
    )
    assert [each.text[8:9] for each in partitioned.evidence[1:]] == ["a", "b"]


def test_a_killed_pod_is_gone_going_or_another() -> None:
    """The uid decides, not the name."""
    going = pod("a")
    going["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"

    assert struck("pod-kill").evidence[1] == Evidence("pod", True, "kvchaos/a is gone")
    assert struck("pod-kill", going).holds is True
    assert struck("pod-kill", pod("a", uid="new")).holds is True
    assert struck("pod-kill", pod("a")).evidence[1] == Evidence(
        "pod", False, "kvchaos/a is the same pod as before"
    )


@pytest.mark.parametrize("action", ["container-kill", "pod-failure"])
def test_a_struck_container_restarted_or_stopped(action: str) -> None:
    """A restart is counted only after the back-off; until then the old process is missed."""
    target = replace(A, container="main")
    stopped = pod("a")
    stopped["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "Back"}}

    same = struck(action, pod("a"), target=target)
    again = struck(action, pod("a", restarts=1), target=target)

    assert same.evidence[1] == Evidence(
        "pod",
        False,
        "kvchaos/a/main: restarts 0 before, 0 now, 0 of 1 containers stopped",
    )
    assert again.evidence[1] == Evidence(
        "pod",
        True,
        "kvchaos/a/main: restarts 0 before, 1 now, 1 of 1 containers stopped",
    )
    assert struck(action, stopped, target=target).holds is True


def test_what_befell_a_container_of_a_pod_that_is_gone_cannot_be_told() -> None:
    """The pod may have gone before the fault struck: unknown, not yes."""
    effect = struck("container-kill")

    assert effect.evidence[1] == Evidence("pod", None, "kvchaos/a is gone")
    assert effect.holds is None


def test_no_evidence_is_no_proof() -> None:
    """Unknown, as are all-unknowns."""
    assert Effect(evidence=()).holds is None
