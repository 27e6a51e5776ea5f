"""What there is to reap: by label, by ledger, by rules; in scope; and nothing that is not ours."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.errors import ClusterError, NotFound
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.found import Scope, Search, Seen
from kvchaos.mesh.lines import Line
from kvchaos.mesh.past import Past
from tests.scripted import ScriptedCluster, partition, pod_fault, rules, unreachable

OLD = "20260801-100000-aaaaaa"
YOUNG = "20260801-120001-bbbbbb"
NOON = 1785585600.0  # 2026-08-01T12:00:00Z


def fault_of(run: str, *, made: str = "", uid: str = "", **metadata: Any) -> dict[str, Any]:
    """A partition of that run, as the API would give it."""
    body = partition()
    named = {"name": f"cut-{run}", "labels": {"kvchaos.io/run": run}}
    stamped = {"creationTimestamp": made} if made else {}
    return {**body, "metadata": {**body["metadata"], **named, **stamped, "uid": uid, **metadata}}


def line(run: str, *, wall: float | None = None, **metadata: Any) -> Line:
    return Line(Fault.of(fault_of(run, **metadata)), wall)


def looked(cluster: ScriptedCluster, scope: Scope, **where: Any) -> Seen:
    return Search(cluster, scope, **where)()


def sources(seen: Seen) -> list[str]:
    return [found.fault.source for found in seen.faults.values()]


def test_nothing_is_found_where_nothing_is() -> None:
    """And that is known."""
    assert looked(ScriptedCluster(), Scope()) == Seen()
    assert looked(ScriptedCluster(), Scope()).clean


def test_faults_are_found_by_their_label_in_every_namespace() -> None:
    """Of both kinds, each with the uid that it has now."""
    away = fault_of("r1", uid="u1", namespace="elsewhere")
    cluster = ScriptedCluster.of(away, pod_fault("pod-kill"), fault_of("r2", uid="u2"))

    seen = looked(cluster, Scope(run="r1"))

    assert [(found.fault.source, found.uid) for found in seen.faults.values()] == [
        ("elsewhere/cut-r1", "u1"),
        ("kvchaos/pod-kill-r1", ""),
    ]
    assert [each.name for each in seen.left] == ["cut-r1", "pod-kill-r1"]
    assert sources(looked(cluster, Scope())) == [
        "elsewhere/cut-r1",
        "kvchaos/cut-r2",
        "kvchaos/pod-kill-r1",
    ]


def test_a_fault_without_the_label_is_nobodys_to_reap() -> None:
    """Whatever it is called; its rules belong to it."""
    foreign = fault_of("r1", labels={})
    seen = looked(ScriptedCluster.of(foreign, rules("a", "kvchaos/cut-r1")), Scope())

    assert (seen.faults, seen.left) == ({}, [])


def test_named_namespaces_are_all_that_is_looked_at() -> None:
    """Also of what the ledgers name, which is said."""
    cluster = ScriptedCluster.of(fault_of("r1"), fault_of("r1", namespace="elsewhere"))
    lines = [line("r1"), line("r1", namespace="elsewhere")]

    seen = looked(cluster, Scope(), namespaces=["kvchaos"], lines=lines)

    assert sources(seen) == ["kvchaos/cut-r1"]
    assert seen.notes == ["1 faults of the ledgers are in other namespaces"]
    assert all("*" not in call for call in cluster.verbs("list"))


def test_where_all_namespaces_may_not_be_listed_the_ledgers_say_where_to_look() -> None:
    """Which is no error then."""
    cluster = ScriptedCluster.of(fault_of("r1"), confined=True)

    seen = looked(cluster, Scope(run="r1"), lines=[line("r1", uid="x")])

    assert sources(seen) == ["kvchaos/cut-r1"]
    assert seen.unknown == []


@pytest.mark.parametrize("where", [{"lines": [line(YOUNG, wall=NOON + 1)]}, {"known": ["kvchaos"]}])
def test_namespaces_are_known_by_faults_of_any_age_and_by_the_environment(where: Any) -> None:
    """A fault that is too young to be meant still says where faults are; so it is noted."""
    cluster = ScriptedCluster.of(fault_of(OLD, made="2026-08-01T11:00:00Z"), confined=True)

    seen = looked(cluster, Scope(until=NOON), **where)

    assert (sources(seen), seen.unknown) == ([f"kvchaos/cut-{OLD}"], [])
    assert seen.notes == ["not all namespaces may be listed; looked in kvchaos"]


def test_a_run_that_is_over_is_asked_for_only_by_its_name() -> None:
    """Its record says that nothing is left; an object with its label is found all the same."""
    over = Line(Fault.of(fault_of("r1")), 1.0, Past(over=True))

    assert sources(looked(ScriptedCluster(), Scope(), lines=[over])) == []
    assert sources(looked(ScriptedCluster(), Scope(until=NOON), lines=[over])) == []
    assert sources(looked(ScriptedCluster(), Scope(run="r1"), lines=[over])) == ["kvchaos/cut-r1"]
    there = ScriptedCluster.of(fault_of("r1"))
    assert sources(looked(there, Scope(), lines=[over])) == ["kvchaos/cut-r1"]


def test_where_nothing_may_be_listed_nothing_is_known() -> None:
    """Which is said, and is not clean."""
    seen = looked(ScriptedCluster.of(fault_of("r1"), confined=True), Scope())

    assert not seen.clean
    assert seen.unknown == [
        f"not allowed: list {plural} in all namespaces; name namespaces with --namespace"
        for plural in ("networkchaos", "podchaos", "podnetworkchaos")
    ]


@pytest.mark.parametrize("where", [{}, {"namespaces": ["kvchaos"]}])
def test_an_api_that_does_not_answer_leaves_it_unknown(where: Any) -> None:
    """One kind's failure keeps no other from being looked at."""
    cluster = ScriptedCluster.of(pod_fault("pod-kill"), fails={"list": unreachable()})

    seen = looked(cluster, Scope(), **where)

    assert (seen.unknown, sources(seen)) == (["no answer"], ["kvchaos/pod-kill-r1"])


@pytest.mark.parametrize("where", [{}, {"namespaces": ["kvchaos"]}])
def test_a_cluster_without_chaos_mesh_has_nothing(where: Any) -> None:
    """It says so."""
    missing: list[BaseException] = [NotFound("no such kind") for _ in range(3)]

    seen = looked(ScriptedCluster(fails={"list": missing}), Scope(), **where)

    assert seen.clean
    assert seen.notes == [
        f"this cluster has no {plural}.chaos-mesh.org"
        for plural in ("networkchaos", "podchaos", "podnetworkchaos")
    ]


def test_only_what_is_old_enough_is_meant() -> None:
    """By the object's creation; by the ledger's time, or the run's id, where there is none."""
    cluster = ScriptedCluster.of(
        fault_of(OLD, made="2026-08-01T11:59:59Z"),
        fault_of(YOUNG, made="2026-08-01T12:00:01Z"),
        fault_of("undated"),
        rules("a", f"kvchaos/gone-{OLD}", f"kvchaos/gone-{YOUNG}", f"kvchaos/cut-{YOUNG}"),
    )
    lines = [line("l1", wall=NOON), line("l2", wall=NOON + 1), line("l3"), line(YOUNG, wall=1.0)]

    seen = looked(cluster, Scope(until=NOON), lines=lines)

    assert sources(seen) == [f"kvchaos/cut-{OLD}", "kvchaos/cut-l1", f"kvchaos/gone-{OLD}"]


def test_rules_that_outlived_their_fault_are_found_by_the_run_in_its_name() -> None:
    """In every namespace where they are; once."""
    away = rules("b", f"kvchaos/cut-{OLD}")
    away["metadata"]["namespace"] = "elsewhere"

    seen = looked(ScriptedCluster.of(rules("a", f"kvchaos/cut-{OLD}"), away), Scope(run=OLD))

    (found,) = seen.faults.values()
    assert (found.fault.source, found.fault.run) == (f"kvchaos/cut-{OLD}", OLD)
    assert found.fault.namespaces == ("elsewhere",)
    assert [each.name for each in seen.left] == ["a", "b"]


def test_rules_that_outlived_their_fault_are_found_by_its_ledger() -> None:
    """Whose run may have an id of any form."""
    cluster = ScriptedCluster.of(rules("a", "kvchaos/cut-x"), rules("b", "kvchaos/cut-y"))

    assert sources(looked(cluster, Scope(), lines=[line("x")])) == ["kvchaos/cut-x"]
    assert sources(looked(cluster, Scope(run="y"))) == ["kvchaos/cut-y"]


def test_rules_of_others_are_left_alone() -> None:
    """Said of those whose fault is gone; those of a fault that is there are its own matter."""
    foreign = fault_of("", name="other", labels={})
    cluster = ScriptedCluster.of(foreign, rules("a", "kvchaos/gone", "kvchaos/other"))

    seen = looked(cluster, Scope())

    assert seen.clean
    assert seen.faults == {}
    assert seen.notes == ["rules of kvchaos/gone, gone and of no run of kvchaos: left alone"]


def test_a_fault_that_lost_its_label_is_left_alone_and_its_rules_are_told() -> None:
    """The name says that it is ours, the object does not: nobody may touch it, all may know."""
    cluster = ScriptedCluster.of(fault_of(OLD, labels={}), rules("a", f"kvchaos/cut-{OLD}"))

    seen = looked(cluster, Scope())

    assert seen.faults == {}
    assert [each.name for each in seen.left] == ["a"]
    assert seen.notes == [
        f"networkchaos/cut-{OLD} in kvchaos has not the label of kvchaos: left alone"
    ]


def test_rules_whose_fault_cannot_be_looked_for_are_unknown() -> None:
    """Neither left nor gone."""
    cluster = ScriptedCluster.of(
        rules("a", f"kvchaos/cut-{OLD}"), fails={"get": [ClusterError("HTTP 500")]}
    )

    seen = looked(cluster, Scope())

    assert seen.unknown == [f"networkchaos/cut-{OLD} in kvchaos: HTTP 500"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (rules("a", failed="cannot find daemonIP on node n1"), True),
        (rules("a", observed=0), True),
        (rules("a", "kvchaos/other", failed="no netem"), False),
        (rules("a"), False),
    ],
)
def test_rules_that_no_daemon_took_out_of_the_pod_are_left(body: Any, left: bool) -> None:
    """Nobody lists them any more; those that are somebody's are somebody's."""
    other = fault_of("", name="other", labels={})

    seen = looked(ScriptedCluster.of(body, other), Scope(run=OLD))

    assert bool(seen.left) is left


def test_rules_that_kvchaos_dropped_and_nobody_applied_are_left_among_others() -> None:
    """The annotation remembers it when somebody else's rules are there too."""
    body = rules("a", "kvchaos/other", failed="no netem")
    body["metadata"]["annotations"] = {"kvchaos.io/dropped": "kvchaos/cut-x"}
    other = fault_of("", name="other", labels={})

    seen = looked(ScriptedCluster.of(body, other), Scope())

    assert [each.why for each in seen.left] == [
        "not applied, rules may be in the pod, those of kvchaos/cut-x or others: no netem"
    ]


def test_a_fault_with_a_duration_of_nonsense_is_found_all_the_same() -> None:
    """It was not made by this version's rules; it is to end."""
    odd = fault_of("r1")
    odd["spec"]["duration"] = "for ever"

    assert sources(looked(ScriptedCluster.of(odd), Scope(run="r1"))) == ["kvchaos/cut-r1"]
