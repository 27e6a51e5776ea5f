"""What refuses a run for the pods that it would hit, each with a twin that passes."""

from __future__ import annotations

import json

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.preflight.examine import examine
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings
from tests.preflight_world import (
    annotated,
    cluster,
    cut,
    daemon,
    engine,
    in_phase,
    lines,
    namespace,
    only,
    preflight,
    refused,
    router,
)
from tests.scripted import FakeClock, pod_fault, selector

ALL = cut(mode="all")
ATTACHED = {"k8s.v1.cni.cncf.io/networks": "rdma-net"}
STATUS = "k8s.v1.cni.cncf.io/network-status"


def killing(mode: str = "one", value: str | None = None, **more: object) -> Object:
    """A pod fault on the engines."""
    return pod_fault("pod-kill", mode=mode, **({"value": value} if value else {}), **more)


def test_one_engine_of_three_cut_off_from_the_router_is_not_refused() -> None:
    """The twin of every refusal here."""
    assert refused(cluster()) == []
    assert refused(cluster(), killing()) == []


def test_no_target_is_refused() -> None:
    """Chaos Mesh would say nothing: the object idles until it expires."""
    seen = preflight(cluster(), cut(target={"mode": "all", "selector": selector(app="c")}))

    assert lines(seen) == (
        "no_target: networkchaos/cut-r1: spec.target.selector names no target: wanted a pod with"
        " labels app=c, phase Running, namespace kvchaos, saw none;"
        " see: kubectl get pods -n kvchaos --show-labels"
    )


def test_pods_without_the_container_to_kill_are_no_target() -> None:
    """The pods are there, what is to be killed in them is not."""
    there = cluster()
    refusing = pod_fault("container-kill", containerNames=["engine"])

    assert refused(there, refusing) == ["no_target"]
    assert "saw 3 pods, without it" in lines(preflight(there, refusing))
    assert refused(there, pod_fault("container-kill", containerNames=["main"])) == []


def test_a_target_that_is_named_and_gone_is_no_target() -> None:
    """Pods may be named one by one; Chaos Mesh passes over those that are not there."""
    assert refused(cluster(), cut(selector={"pods": {"kvchaos": ["e9"]}})) == ["no_target"]
    assert refused(cluster(), cut(selector={"pods": {"kvchaos": ["e1"]}})) == []


def test_too_many_targets_are_refused() -> None:
    """Both ends of a cut count; 0 is no limit."""
    assert refused(cluster(), max_targets=1) == ["too_many_targets"]
    assert "wanted at most 1 pods hit (max_targets), saw up to 2" in lines(
        preflight(cluster(), max_targets=1)
    )
    assert refused(cluster(), max_targets=2) == []
    assert refused(cluster(), max_targets=0) == []


def test_too_large_a_share_of_the_engines_is_refused() -> None:
    """Half of them by default; a mode that takes all of them is told what it would take."""
    seen = preflight(cluster(), ALL)

    assert [each.refusal for each in seen.findings] == ["too_large_share"]
    assert "at most 50 % hit (max_percent), saw up to 3 of 3, 100 %" in lines(seen)
    assert refused(cluster(), ALL, max_percent=100) == []


def test_engines_at_the_other_end_of_a_cut_count_as_well() -> None:
    """A cut of the router from all engines is a cut of all engines."""
    turned = cut(selector=selector(app="b"), target={"mode": "all", "selector": selector(app="a")})

    assert refused(cluster(), turned) == ["too_large_share"]


def test_pods_that_are_no_engines_are_no_share_of_them() -> None:
    """Killing the only router is what an experiment may be about."""
    assert refused(cluster(), killing(mode="all", selector=selector(app="b"))) == []


def test_an_engine_by_itself_is_all_engines() -> None:
    """Then a fault on one is a fault on all, and has to be allowed in so many words."""
    alone = only(engine("e1"), router(), daemon(), namespace())

    assert refused(alone) == ["too_large_share"]
    assert refused(alone, max_percent=100) == []


@pytest.mark.parametrize(
    ("mode", "value", "most", "amount"),
    [
        ("one", None, 1, "one of 3"),
        ("all", None, 3, "all 3"),
        ("fixed", "2", 2, "2 of 3"),
        ("fixed", "9", 3, "3 of 3"),
        ("fixed-percent", "34", 2, "2 of 3"),
        ("fixed-percent", "100", 3, "3 of 3"),
        ("random-max-percent", "50", 2, "at most 2 of 3"),
    ],
)
def test_each_mode_counts_as_the_most_that_it_may_hit(
    mode: str, value: str | None, most: int, amount: str
) -> None:
    """Percentages are rounded up; what is random counts as its upper bound."""
    body = killing(mode, value)
    share = 100 * most // 3

    assert "too_large_share" in refused(cluster(), body, max_percent=share - 1)
    assert refused(cluster(), body, max_percent=share + 1) == []
    assert {each["amount"] for each in preflight(cluster(), body).targets} == {amount}


def test_faults_that_stand_at_the_same_time_are_counted_together() -> None:
    """Two of one engine each are two of three; after a recovery the count begins anew."""
    first, second = killing(), cut()
    together = [Planned("one", first, 0), Planned("other", second, 0)]
    seen = examine(cluster(), together, Settings(), clock=FakeClock())

    assert [each.refusal for each in seen.findings] == ["too_large_share"]
    assert "podchaos/pod-kill-r1 and networkchaos/cut-r1" in lines(seen)
    assert "saw up to 2 of 3, 67 %" in lines(seen)
    assert refused(cluster(), first, second) == []


def test_the_same_pods_hit_twice_are_no_more_pods() -> None:
    """What stands together is bounded by the pods that there are."""
    both = [Planned("one", ALL, 0), Planned("other", killing(mode="all"), 0)]
    seen = examine(cluster(), both, Settings(max_targets=4, max_percent=100), clock=FakeClock())

    assert seen.findings == ()


def test_a_pod_in_the_hosts_network_is_refused() -> None:
    """Chaos Mesh could neither cut it off nor delete the fault afterwards."""
    there = cluster(engine("e2", hostNetwork=True))

    assert refused(there) == ["host_network"]
    assert "saw hostNetwork in e2" in lines(preflight(there))
    assert refused(there, killing()) == []  # a pod may be killed all the same
    assert refused(cluster(router(hostNetwork=True))) == ["host_network"]


@pytest.mark.parametrize("phase", ["Pending", "Unknown"])
def test_a_pod_that_does_not_run_is_refused(phase: str) -> None:
    """It would come up in mid-fault, and would not be cut off."""
    there = cluster(in_phase(engine("e4"), phase))

    assert refused(there) == ["not_running"]
    assert f"saw e4 {phase}; see: kubectl describe pod e4 -n kvchaos" in lines(preflight(there))


def test_a_pod_that_is_about_to_go_is_refused() -> None:
    """Its rules would go with it."""
    leaving = engine("e2")
    leaving["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"

    assert refused(cluster(leaving)) == ["not_running"]
    assert "saw e2 Terminating" in lines(preflight(cluster(leaving)))


def test_a_pod_named_by_itself_that_is_finished_is_refused() -> None:
    """A name is taken whatever the phase, and injection would wait for ever."""
    there = cluster(in_phase(engine("e4"), "Succeeded"))

    assert refused(there, cut(selector={"pods": {"kvchaos": ["e4"]}})) == ["not_running"]


def test_finished_pods_that_a_selector_passes_over_are_only_told() -> None:
    """Jobs leave them lying about."""
    seen = preflight(cluster(in_phase(engine("e4"), "Succeeded")))

    assert seen.findings == ()
    assert seen.notes == ("pod e4 has the labels, but is finished: Succeeded",)


def test_a_pod_that_is_not_ready_is_only_told() -> None:
    """Whether it has to be is for the steady state."""
    unready = engine("e2")
    unready["status"]["conditions"] = []

    assert preflight(cluster(unready)).notes == ("pod e2 is not ready",)


@pytest.mark.parametrize(
    "annotations",
    [
        ATTACHED,
        {STATUS: json.dumps([{"name": "cni", "default": True}, {"name": "rdma"}])},
        {STATUS: "[{"},
    ],
)
def test_several_networks_without_a_device_named_are_refused(annotations: dict[str, str]) -> None:
    """The fault would be on eth0, and the events go on over the other."""
    there = cluster(annotated(engine("e2"), annotations))

    assert refused(there) == ["several_networks"]
    assert "wanted spec.device" in lines(preflight(there))
    assert refused(there, cut(device="net1")) == []
    assert refused(there, killing()) == []


def test_several_networks_at_the_other_end_want_its_own_device() -> None:
    """Each side of a fault has a device of its own."""
    there = cluster(annotated(router(), ATTACHED))

    assert refused(there, cut(device="net1")) == ["several_networks"]
    assert "wanted spec.targetDevice" in lines(preflight(there))
    assert refused(there, cut(targetDevice="net1")) == []


@pytest.mark.parametrize(
    "annotations",
    [
        {STATUS: json.dumps([{"name": "cni", "default": True}])},
        {"k8s.v1.cni.cncf.io/networks": "[]"},
        {STATUS: "{}"},
    ],
)
def test_one_network_is_enough(annotations: dict[str, str]) -> None:
    """Multus writes its annotation for the cluster's own network too."""
    assert refused(cluster(annotated(engine("e2"), annotations))) == []


def test_a_node_without_chaos_daemon_is_refused() -> None:
    """Nobody would inject there, and nobody would end it."""
    there = cluster(engine("e2", nodeName="node2"))

    assert refused(there) == ["no_daemon_on_node"]
    assert lines(preflight(there)) == (
        "no_daemon_on_node: node node2: no chaos-daemon: wanted one in namespace chaos-mesh,"
        " running and ready, for e2, saw none; see: kubectl get pods -A"
        " -l app.kubernetes.io/component=chaos-daemon -o wide;"
        ' "mesh_namespace" in the configuration'
    )
    there.add(daemon("node2"))
    assert refused(there) == []


def test_a_chaos_daemon_that_is_not_ready_counts_as_none() -> None:
    """It may be there and crash all the time."""
    broken = daemon()
    broken["status"]["conditions"] = []

    assert refused(cluster(broken)) == ["no_daemon_on_node"]


@pytest.mark.parametrize(
    ("action", "more", "needs"),
    [
        ("pod-kill", {}, []),
        ("pod-failure", {"duration": "5s"}, []),
        ("container-kill", {"containerNames": ["main"]}, ["no_daemon_on_node"]),
    ],
)
def test_only_what_chaos_daemon_does_needs_one(
    action: str, more: dict[str, object], needs: list[str]
) -> None:
    """Pods are killed, and made to fail, by the controller through the API."""
    there = cluster(engine("e2", nodeName="node2"))

    assert refused(there, pod_fault(action, **more)) == needs


def test_a_daemon_that_may_not_be_looked_for_is_only_told() -> None:
    """Whoever runs experiments need not see into Chaos Mesh's namespace."""
    seen = preflight(cluster(hidden={"list pods chaos-mesh"}))

    assert seen.findings == ()
    assert lines(seen.notes) == (
        "whether chaos-daemon runs on the targets' nodes cannot be told:"
        " not allowed: list pods; see: kubectl auth can-i"
    )
    assert preflight(cluster(hidden={"list pods chaos-mesh"}), killing()).notes == ()


def test_where_chaos_daemon_is_looked_for_is_a_setting() -> None:
    """Chaos Mesh may be installed anywhere."""
    assert refused(cluster(), mesh_namespace="mesh") == ["no_daemon_on_node"]
