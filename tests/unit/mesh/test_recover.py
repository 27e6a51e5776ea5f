"""Recover: gone means the object and every rule of it, whoever ended it, however often asked."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kvchaos.errors import Conflict, FaultNotRecovered, Forbidden, NotFound
from kvchaos.mesh import recover as mesh_recover
from kvchaos.mesh.fault import End, Fault, Recovered
from kvchaos.mesh.recover import recover
from tests.scripted import (
    ENDED,
    INJECTED,
    FakeClock,
    ScriptedCluster,
    partition,
    pod,
    pod_fault,
    record,
    rules,
    status,
    there,
    unreachable,
)

CUT = "kvchaos/cut-r1"
FAULT = Fault.of(partition())


class Watched(FakeClock):
    """Remembers how long was slept, one time after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        super().sleep(seconds)


def ended(cluster: ScriptedCluster, fault: Fault = FAULT, **settings: Any) -> Recovered:
    return recover(cluster, fault, timeout=5, clock=FakeClock(), **settings)


def test_a_fault_is_deleted_and_its_rules_are_gone() -> None:
    """Healed when the last of it was seen gone."""
    cluster = there(rules("a", CUT), rules("b", CUT, "kvchaos/other"))

    assert ended(cluster) == Recovered(FAULT, by=End.DELETION, healed_at=100.0, waited=0.0)


def test_recovering_again_succeeds() -> None:
    """404 is what is wanted."""
    assert ended(ScriptedCluster()) == Recovered(FAULT, End.GONE, healed_at=100.0, waited=0.0)


def test_a_fault_that_its_duration_ended_is_told_apart() -> None:
    """Healed as long after its injection as it stood by the cluster's own stamps: 10 s."""
    cluster = there(found=ENDED)
    clock = FakeClock(seconds=150.0)

    recovered = recover(cluster, FAULT, timeout=5, clock=clock, since=120.0)

    assert (recovered.by, recovered.healed_at) == (End.DURATION, 130.0)


@pytest.mark.parametrize(
    ("since", "gone", "healed"),
    [(120.0, 125.0, 125.0), (120.0, 110.0, 110.0), (None, 150.0, 150.0)],
)
def test_a_heal_is_never_before_the_injection_nor_later_than_seen(
    since: float | None, gone: float, healed: float
) -> None:
    """Whatever the stamps say; without the injection's time, it is when it was seen gone."""
    recovered = recover(
        there(found=ENDED), FAULT, timeout=5, clock=FakeClock(seconds=gone), since=since
    )

    assert recovered.healed_at == healed


class JumpingClock(FakeClock):
    """Its wall is somewhere else at each look."""

    walls = 0

    def wall(self) -> float:
        self.walls += 1
        return (-1.0) ** self.walls * 1e9


def test_a_wall_clock_that_jumps_does_not_move_a_heal() -> None:
    """Ours is not read; the cluster's, set back meanwhile, cannot put it before the injection."""
    back = copy.deepcopy(ENDED)
    for each in back["experiment"]["containerRecords"]:
        each["events"][1]["timestamp"] = "1970-01-01T00:00:00Z"

    for found, healed in ((ENDED, 130.0), (back, 120.0)):
        recovered = recover(
            there(found=found), FAULT, timeout=5, clock=JumpingClock(seconds=150.0), since=120.0
        )
        assert recovered.healed_at == healed


def test_one_shot_faults_have_no_end_to_wait_for() -> None:
    """Their object goes; what they did is done."""
    body = pod_fault("pod-kill")
    cluster = there(body=body, found=status(record("kvchaos/a")))

    assert ended(cluster, Fault.of(body)).by is End.ONE_SHOT
    assert cluster.objects == {}


def test_an_object_that_stays_is_told_with_what_holds_it() -> None:
    """The finalizer, and why Chaos Mesh does not get on."""
    failure = ("2026-08-01T00:00:01Z", "Failed Recover", "cannot find daemonIP on node n1")
    found = status(record("kvchaos/a", phase="Injected/Wait", events=[failure]), phase="Stop")
    cluster = there(rules("a", CUT), found=found, held=True)

    with pytest.raises(FaultNotRecovered) as caught:
        ended(cluster)

    assert caught.value.left == (
        (
            "networkchaos/cut-r1 in kvchaos: deletion held by chaos-mesh/records: "
            "Recover kvchaos/a: cannot find daemonIP on node n1"
        ),
        f"podnetworkchaos/a in kvchaos: rules of {CUT} in the pod",
    )
    assert str(caught.value) == (
        "networkchaos/cut-r1: not recovered after 5.0s: wanted nothing left of it, saw "
        + "; ".join(caught.value.left)
        + "; see: kubectl describe networkchaos/cut-r1 -n kvchaos"
    )
    assert cluster.verbs("delete", "patch") == ["delete networkchaos cut-r1"]


def test_rules_that_outlived_their_object_are_not_recovered() -> None:
    """Gone is not enough: a forced finalizer leaves rules in pods."""
    cluster = ScriptedCluster.of(rules("a", CUT, failed="no netem"))

    with pytest.raises(FaultNotRecovered) as caught:
        ended(cluster)

    assert caught.value.left == (
        f"podnetworkchaos/a in kvchaos: rules of {CUT} in the pod (no netem)",
    )


def test_force_frees_what_hangs_and_keeps_others_rules() -> None:
    """Finalizers, then rules, then the daemon's word that it applied them."""
    cluster = there(rules("a", CUT, "kvchaos/other"), rules("b", "kvchaos/other"), held=True)

    recovered = ended(cluster, force=True)

    assert recovered.forced is True
    assert recovered.waited == pytest.approx(5.0)
    assert cluster.verbs("patch") == ["patch networkchaos cut-r1", "patch podnetworkchaos a"]
    left = cluster.objects["podnetworkchaos", "kvchaos", "a"]["spec"]
    assert [each["source"] for each in left["iptables"] + left["ipsets"]] == ["kvchaos/other"] * 2


def test_force_waits_for_the_daemon_in_vain() -> None:
    """Rules dropped from the object are not yet dropped from the pod."""
    cluster = there(rules("a", CUT), held=True, daemon=False)

    with pytest.raises(FaultNotRecovered, match=r"after 10\.\ds.*generation 2 not applied yet"):
        ended(cluster, force=True)


def test_force_tries_again_when_another_fault_changed_the_rules_meanwhile() -> None:
    """The version that was read goes with the patch."""
    cluster = ScriptedCluster.of(rules("a", CUT))
    cluster.fails = {"patch": [NotFound("the fault is gone"), Conflict("changed")]}

    assert ended(cluster, force=True).forced is True

    assert cluster.objects["podnetworkchaos", "kvchaos", "a"]["spec"]["iptables"] == []


def test_a_pod_that_vanished_while_its_rules_were_dropped_leaves_nothing() -> None:
    """Its PodNetworkChaos went with it."""
    cluster = ScriptedCluster.of(rules("a", CUT), daemon=False)
    patch = cluster.merge_patch

    def patch_and_vanish(*args: Any, **kwargs: Any) -> Any:
        body = patch(*args, **kwargs)
        cluster.objects.clear()
        return body

    cluster.merge_patch = patch_and_vanish  # type: ignore[method-assign]

    assert ended(cluster, force=True).forced is True


def stuck_pods(*objects: Any) -> ScriptedCluster:
    """A pod failure of the pod ``a`` whose deletion hangs."""
    body = pod_fault("pod-failure", duration="10s")
    return there(*objects, body=body, found=status(record("kvchaos/a")), held=True)


def test_a_pod_fault_is_not_forced_while_its_pods_are_there() -> None:
    """Without its object nothing would give the pods their containers back."""
    cluster = stuck_pods(pod("a"))
    fault = Fault.of(pod_fault("pod-failure", duration="10s"))

    with pytest.raises(FaultNotRecovered) as caught:
        ended(cluster, fault, force=True)

    assert cluster.verbs("patch") == []
    assert "not forced, its pods are still there: kvchaos/a" in str(caught.value)
    assert caught.value.look == (
        "kubectl describe podchaos/pod-failure-r1 -n kvchaos; "
        "then delete kvchaos/a if they may be lost, and reap again"
    )


def test_a_pod_fault_is_forced_when_none_of_its_pods_exists() -> None:
    """There is nothing left to give back."""
    fault = Fault.of(pod_fault("pod-failure", duration="10s"))

    recovered = ended(stuck_pods(), fault, force=True)

    assert recovered.freed == (
        "dropped the finalizer chaos-mesh/records of podchaos/pod-failure-r1 (no failure reported)",
    )


AWAY = status(
    record(
        "kvchaos/a",
        phase="Injected/Wait",
        events=[("2026-08-01T00:00:01Z", "Failed Recover", "cannot find daemonIP on node n1")],
    ),
    record("kvchaos/b", role=".Target", phase="Injected/Wait"),
    phase="Stop",
)


def test_a_fault_whose_daemon_is_away_is_not_forced() -> None:
    """Its rules would be forgotten in the pod; pending, its deletion ends it once it is back."""
    cluster = there(rules("a", CUT), found=AWAY, held=True)

    with pytest.raises(FaultNotRecovered) as caught:
        ended(cluster, force=True)

    assert cluster.verbs("patch") == []
    assert (
        "not forced, no chaos-daemon was reached (kvchaos/a: cannot find daemonIP on node n1)"
    ) in str(caught.value)
    assert caught.value.look == (
        "bring chaos-daemon back on that node, and Chaos Mesh ends the fault by itself; "
        "or kvchaos reap --restart-pods, which deletes those pods"
    )


def test_rules_without_their_fault_are_not_forced_either_while_the_daemon_is_away() -> None:
    """The PodNetworkChaos says so."""
    cluster = ScriptedCluster.of(rules("a", CUT, failed="cannot find daemonIP on node n1"))

    with pytest.raises(FaultNotRecovered, match="not forced, no chaos-daemon"):
        ended(cluster, force=True)

    assert cluster.verbs("patch") == []


def test_a_controller_that_has_not_begun_is_waited_for() -> None:
    """Its finalizer is all that remembers the rules in the pods."""
    cluster = there(rules("a", CUT), held=True, controller=False)

    with pytest.raises(FaultNotRecovered, match="not forced, Chaos Mesh has not begun to end it"):
        ended(cluster, force=True)

    assert cluster.verbs("patch") == []


def test_pods_that_are_gone_free_what_was_in_them() -> None:
    """A new network namespace has no rules: no obstacle stands in the way then."""
    cluster = there(rules("a", "kvchaos/other"), found=AWAY, held=True)

    assert ended(cluster, force=True, renewed=True).forced is True


def test_rules_that_nobody_lists_any_more_are_looked_for_in_every_pod_of_the_fault() -> None:
    """Chaos Mesh takes them from its list before the daemon has taken them from the pod."""
    cluster = there(rules("b", failed="no netem"), found=INJECTED, held=True)

    with pytest.raises(FaultNotRecovered) as caught:
        ended(cluster, force=True)

    assert caught.value.left == ("podnetworkchaos/b in kvchaos: no netem",)


def test_another_fault_of_that_name_is_not_touched() -> None:
    """Another run's, or one made since: it has another label, or another uid."""
    other = partition()
    other["metadata"] |= {"labels": {"kvchaos.io/run": "r2"}, "uid": "u2"}
    cluster = ScriptedCluster.of(other, rules("a", CUT))

    assert ended(cluster, force=True).by is End.GONE
    assert ended(cluster, Fault.of(other), force=True, uid="u1").by is End.GONE
    assert cluster.verbs("delete", "patch") == []


def test_a_fault_made_anew_between_the_look_and_the_deletion_is_not_touched() -> None:
    """The uid that was read goes with the deletion, and with the patch of its finalizers."""
    old, new = partition(), partition()
    old["metadata"]["uid"], new["metadata"]["uid"] = "u1", "u2"
    cluster = ScriptedCluster.of(old)
    cluster.changes = {1: lambda: cluster.add(new)}

    assert ended(cluster, force=True).by is End.GONE
    assert cluster.objects["networkchaos", "kvchaos", "cut-r1"]["metadata"]["uid"] == "u2"

    held = ScriptedCluster.of(old, held=True)
    held.changes = {n: lambda: None for n in range(30)} | {30: lambda: held.add(new)}
    assert ended(held, force=True).by is End.DELETION
    assert held.objects["networkchaos", "kvchaos", "cut-r1"]["metadata"]["uid"] == "u2"


def test_a_deletion_that_never_got_through_is_asked_again_before_anything_is_forced() -> None:
    """A finalizer dropped from a fault that lives on would let it end unrecovered."""
    cluster = there(held=True, fails={"delete": unreachable(26)})

    recovered = ended(cluster, force=True)

    assert recovered.forced is True
    assert cluster.verbs("delete", "patch")[-2:] == [
        "delete networkchaos cut-r1",
        "patch networkchaos cut-r1",
    ]


def test_an_api_that_fails_meanwhile_is_asked_again() -> None:
    """The deletion itself too."""
    cluster = there(fails={"get": unreachable(2), "delete": unreachable(), "list": unreachable()})

    assert ended(cluster).by is End.DELETION
    assert cluster.objects == {}


def test_an_api_that_never_answers_leaves_it_open() -> None:
    """What cannot be seen gone is not recovered."""
    cluster = there(fails={"get": unreachable(99)})

    with pytest.raises(FaultNotRecovered, match="cannot tell: no answer"):
        ended(cluster)


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_what_is_forbidden_is_not_waited_for(verb: str) -> None:
    """No wait gives a right, and nothing is forced without it."""
    cluster = there(fails={verb: [Forbidden(f"not allowed: {verb}")] * 99})

    with pytest.raises(FaultNotRecovered, match=rf"after 0\.0s.*cannot tell: not allowed: {verb}"):
        ended(cluster, force=True)

    assert len(cluster.verbs(verb)) == 1
    assert cluster.verbs("patch") == []


def test_a_deletion_that_was_accepted_is_waited_for_whatever_may_not_be_listed() -> None:
    """The object goes on going; once it is gone, its rules cannot be told."""
    cluster = there(fails={"list": [Forbidden("not allowed: list")] * 99})
    clock = FakeClock()

    with pytest.raises(FaultNotRecovered, match="cannot tell: not allowed: list"):
        recover(cluster, FAULT, timeout=5, clock=clock)

    assert cluster.objects == {}
    assert clock.seconds == 100.0 + mesh_recover.CLOSE  # it was looked for once more


def test_a_fault_that_ends_at_once_is_seen_to_end_at_once() -> None:
    """From its end on a recovery is counted, so the first second has the closest looks."""
    clock = Watched()

    with pytest.raises(FaultNotRecovered):
        recover(there(held=True, controller=False), FAULT, timeout=2, clock=clock)

    assert clock.slept[:3] == [mesh_recover.CLOSE] * 3
    assert clock.slept[-3:-1] == [mesh_recover.EVERY] * 2
    assert sum(clock.slept) == pytest.approx(2)


def test_forcing_goes_on_when_the_api_fails_meanwhile() -> None:
    """As recovering does."""
    cluster = there(held=True, fails={"patch": unreachable()})

    assert ended(cluster, force=True).forced is True


def test_a_fault_that_its_duration_ended_is_told_by_one_look() -> None:
    """Its object stays until somebody deletes it."""
    cluster = there(found=ENDED)

    end = mesh_recover.ended(cluster, FAULT, clock=FakeClock())

    assert end == Recovered(FAULT, End.DURATION, healed_at=100.0, waited=0.0)
    assert cluster.verbs("delete") == []


def test_a_fault_that_somebody_deleted_is_told_by_one_look() -> None:
    """It ended without us."""
    end = mesh_recover.ended(ScriptedCluster(), FAULT, clock=FakeClock())

    assert end == Recovered(FAULT, End.GONE, healed_at=100.0, waited=0.0)


def test_a_fault_that_stands_has_no_end_yet() -> None:
    """Nor has one whose daemon is away, whatever its duration."""
    assert mesh_recover.ended(there(), FAULT, clock=FakeClock()) is None
