"""Reap: every fault is tried, each end is told, and nothing counts as gone that was not seen."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.cluster.kinds import Kind
from kvchaos.errors import ClusterError, Conflict, Forbidden, NotFound
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.found import Scope, Search, Seen
from kvchaos.mesh.lines import Line
from kvchaos.mesh.reap import Fate, Reaped, Reaper
from tests.scripted import (
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
AWAY = status(
    record(
        "kvchaos/a",
        phase="Injected/Wait",
        events=[("2026-08-01T00:00:01Z", "Failed Recover", "cannot find daemonIP on node n1")],
    ),
    record("kvchaos/b", role=".Target", phase="Injected/Wait"),
    phase="Stop",
)


def reap(
    cluster: ScriptedCluster, *, lines: Any = (), restart_pods: bool = False, **scope: Any
) -> tuple[list[Reaped], Seen]:
    told: list[Reaped] = []
    search = Search(cluster, Scope(**scope), lines=lines)
    reaper = Reaper(cluster, search, restart_pods=restart_pods, clock=FakeClock(), tell=told.append)
    return told, reaper.reap()


def fates(told: list[Reaped]) -> dict[str, Fate]:
    return {each.fault.name: each.fate for each in told}


def test_what_is_there_is_deleted() -> None:
    """With its rules; and then nothing is left."""
    cluster = there(rules("a", CUT), pod_fault("pod-kill"))

    told, left = reap(cluster, run="r1")

    assert [each.label for each in told] == [
        "networkchaos/cut-r1 in kvchaos (run r1, partition): deleted",
        "podchaos/pod-kill-r1 in kvchaos (run r1, pod-kill): deleted",
    ]
    assert left.clean


def test_all_are_asked_to_go_before_any_is_waited_for() -> None:
    """One that hangs keeps no other in the way of traffic."""
    cluster = there(pod_fault("pod-kill"), held=True)

    reap(cluster, run="r1")

    assert cluster.verbs("delete", "patch")[:2] == [
        "delete networkchaos cut-r1",
        "delete podchaos pod-kill-r1",
    ]


def test_what_a_ledger_knows_and_nobody_has_is_already_gone() -> None:
    """As after a run that ended well."""
    told, left = reap(ScriptedCluster(), lines=[Line(Fault.of(partition()), 1.0)])

    assert fates(told) == {"cut-r1": Fate.GONE}
    assert left.clean


def test_what_was_forced_is_told_with_what_that_leaves() -> None:
    """The finalizer with its reason, the rules by number, the chains that stay."""
    failure = ("2026-08-01T00:00:01Z", "Failed Apply", "unable to set tcs")
    found = status(record("kvchaos/a", phase="Not Injected/Wait", injected=0, events=[failure]))
    cluster = there(rules("a", CUT, failed=""), found=found, held=True)

    (told,), left = reap(cluster)

    assert told.fate is Fate.FORCED
    assert told.details == (
        (
            "dropped the finalizer chaos-mesh/records of networkchaos/cut-r1 "
            "(Apply kvchaos/a: unable to set tcs)"
        ),
        (
            "dropped the rules of kvchaos/cut-r1 (1 iptables, 1 ipsets) "
            "from podnetworkchaos/a in kvchaos"
        ),
        "leaves at most empty chains CHAOS-INPUT and CHAOS-OUTPUT in the pods",
    )
    assert left.clean


def test_rules_that_outlived_their_fault_are_freed() -> None:
    """By labels alone there is nothing that names them; their source does."""
    cluster = ScriptedCluster.of(rules("a", CUT, "kvchaos/other"))

    told, left = reap(cluster, run="r1")

    assert fates(told) == {"cut-r1": Fate.FORCED}
    assert left.clean
    kept = cluster.objects["podnetworkchaos", "kvchaos", "a"]["spec"]["iptables"]
    assert [each["source"] for each in kept] == ["kvchaos/other"]


def test_a_fault_whose_daemon_is_away_is_left_pending_and_told() -> None:
    """With the advice; its deletion was asked for."""
    (told,), left = reap(there(rules("a", CUT), found=AWAY, held=True))

    assert told.fate is Fate.LEFT
    assert "bring chaos-daemon back on that node" in told.details[0]
    assert [each.label.partition(":")[0] for each in left.left] == [
        "networkchaos/cut-r1 in kvchaos",
        "podnetworkchaos/a in kvchaos",
    ]


def owned(name: str, **spec: Any) -> Any:
    body = pod(name, **spec)
    body["metadata"]["ownerReferences"] = [{"uid": "set"}]
    return body


def test_pods_are_deleted_only_when_told() -> None:
    """Their successors have a new network; what hangs may be forced then."""
    stale = rules("c", failed="cannot find daemonIP on node n1")
    cluster = there(rules("a", CUT), stale, owned("a"), pod("b"), pod("c"), found=AWAY, held=True)

    (told,), left = reap(cluster, restart_pods=True)

    assert told.fate is Fate.FORCED
    assert told.details[:2] == ("deleted pod kvchaos/a", "its rules went with them")
    assert ("pods", "kvchaos", "a") not in cluster.objects
    assert ("pods", "kvchaos", "b") in cluster.objects  # no rules were ever in it
    assert ("pods", "kvchaos", "c") in cluster.objects  # another's
    assert [each.name for each in left.left] == ["c"]


def test_pods_are_not_deleted_while_their_daemon_is_there() -> None:
    """The explicit yes is for the last resort only."""
    cluster = there(rules("a", CUT), pod("a"), held=True, controller=False)

    (told,), _ = reap(cluster, restart_pods=True)

    assert told.fate is Fate.LEFT
    assert cluster.verbs("delete") == ["delete networkchaos cut-r1"]


class Clinging(ScriptedCluster):
    """Its pods do not go when they are deleted."""

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> None:
        if kind.plural == "pods":
            self.calls.append(f"delete pods {name}")
            return
        super().delete(kind, name, namespace=namespace, uid=uid)


def test_pods_that_do_not_go_are_told_and_nothing_is_forced() -> None:
    """The wait is bounded."""
    cluster = Clinging.of({**partition(), "status": AWAY}, rules("a", CUT), pod("a"), held=True)

    (told,), left = reap(cluster, restart_pods=True)

    assert (told.fate, told.details) == (
        Fate.LEFT,
        (
            "deleted pod kvchaos/a, which nothing owns: it is lost",
            "pods that do not go, so nothing was forced: kvchaos/a",
        ),
    )
    assert cluster.verbs("patch") == []
    assert not left.clean


def test_a_pod_that_took_the_name_of_one_that_was_hit_is_not_deleted() -> None:
    """It is another by its uid, and has no rules."""
    stale = rules("a", failed="cannot find daemonIP on node n1")
    stale["metadata"]["ownerReferences"] = [{"uid": "the one before"}]
    cluster = there(stale, pod("a"), found=AWAY, held=True)

    (told,), _ = reap(cluster, restart_pods=True)

    assert ("pods", "kvchaos", "a") in cluster.objects
    assert told.fate is Fate.LEFT


class Refusing(ScriptedCluster):
    """Refuses to delete what is called so."""

    refused = "cut-r1"

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> None:
        if name == self.refused:
            raise Forbidden(f"not allowed: delete {name}")
        super().delete(kind, name, namespace=namespace, uid=uid)


def test_one_that_fails_stops_no_other() -> None:
    """Each error is told with its fault."""
    cluster = Refusing.of({**partition(), "status": INJECTED}, pod_fault("pod-kill"))

    told, left = reap(cluster)

    assert fates(told) == {"cut-r1": Fate.LEFT, "pod-kill-r1": Fate.DELETED}
    assert "cannot tell: not allowed: delete cut-r1" in told[0].details[0]
    assert [each.name for each in left.left] == ["cut-r1"]


def test_without_rights_each_fault_is_told_and_none_is_waited_for() -> None:
    """One question for each to ask it to go, and one to tell why it cannot be told."""
    names = ["cut-1", "cut-2", "cut-3"]
    lines = [
        Line(Fault("NetworkChaos", each, "kvchaos", run="r1", action="x"), 1.0) for each in names
    ]
    refused: dict[str, list[BaseException]] = {
        verb: [Forbidden(f"not allowed: {verb}")] * 99 for verb in ("get", "list")
    }
    cluster = ScriptedCluster(fails=refused)

    told, left = reap(cluster, lines=lines)

    assert fates(told) == dict.fromkeys(names, Fate.LEFT)
    assert all("cannot tell: not allowed: get" in each.details[0] for each in told)
    assert len(cluster.verbs("get")) == 2 * len(names)
    assert not left.clean


def test_pods_that_may_not_be_deleted_are_told_too() -> None:
    """With why they were to be deleted."""
    cluster = Refusing.of({**partition(), "status": AWAY}, rules("a", CUT), pod("a"), held=True)
    cluster.refused = "a"

    (told,), _ = reap(cluster, restart_pods=True)

    assert told.fate is Fate.LEFT
    assert told.details[1:] == ("not allowed: delete a",)


@pytest.mark.parametrize(
    "errors",
    [
        {"delete": [Conflict("HTTP 409")]},
        {"delete": [NotFound("HTTP 404")]},
        {"get": [ClusterError("HTTP 500"), ClusterError("HTTP 429"), ClusterError("timed out")]},
        {"get": [NotFound("HTTP 404")]},
        {"delete": unreachable(3), "get": unreachable(3), "patch": unreachable(3)},
    ],
)
@pytest.mark.parametrize("held", [True, False])
def test_errors_on_the_way_are_outlived(errors: Any, held: bool) -> None:
    """409, 404, 429, 500, no answer: asked again, as long as there is time."""
    cluster = there(rules("a", CUT), held=held, fails=errors)

    _, left = reap(cluster)

    assert left.clean
    assert ("networkchaos", "kvchaos", "cut-r1") not in cluster.objects


def test_an_api_that_goes_away_for_good_is_not_nothing_left() -> None:
    """The fault is left as far as anybody knows."""
    cluster = there(held=True)
    reaper_sees = cluster.list

    def gone(*args: Any, **kwargs: Any) -> Any:
        cluster.fails = {verb: unreachable(999) for verb in ("get", "list", "delete")}
        return reaper_sees(*args, **kwargs)

    cluster.changes = {1: lambda: setattr(cluster, "list", gone)}

    (told,), left = reap(cluster)

    assert told.fate is Fate.LEFT
    assert "cannot tell: no answer" in told.details[0]
    assert not left.clean
    assert left.unknown == ["no answer"] * 3


def test_a_fault_made_anew_by_another_run_is_not_touched() -> None:
    """Between the look and the deletion: it has another label, or another uid."""
    new = partition()
    new["metadata"] |= {"labels": {"kvchaos.io/run": "r2"}, "uid": "u2"}
    old = partition()
    old["metadata"]["uid"] = "u1"
    cluster = ScriptedCluster.of(old)
    cluster.changes = {1: lambda: cluster.add(new)}

    told, left = reap(cluster, run="r1")

    assert fates(told) == {"cut-r1": Fate.DELETED}
    assert left.clean
    assert cluster.objects["networkchaos", "kvchaos", "cut-r1"]["metadata"]["uid"] == "u2"


def test_a_fault_in_a_namespace_that_is_being_deleted_is_freed() -> None:
    """Its pods and their rules are gone already; only its finalizer holds the namespace."""
    body = partition()
    body["metadata"] |= {"deletionTimestamp": "x", "finalizers": ["chaos-mesh/records"]}
    cluster = ScriptedCluster.of({**body, "status": INJECTED}, held=True)

    told, left = reap(cluster)

    assert fates(told) == {"cut-r1": Fate.FORCED}
    assert left.clean
    assert cluster.verbs("delete") == []


def test_rules_that_are_dropped_and_not_applied_are_left() -> None:
    """Also to the next reaper, who finds no source any more."""
    cluster = there(rules("a", CUT), held=True, daemon=False)

    (told,), left = reap(cluster)
    again, still = reap(cluster)

    assert told.fate is Fate.LEFT
    assert [each.kind for each in left.left] == ["podnetworkchaos"]
    assert (again, still.left) == ([], left.left)
