"""What refuses a run for the place where it would be, each with a twin that passes."""

from __future__ import annotations

import pytest

from kvchaos.cluster.kinds import CONFIGMAPS, Object
from kvchaos.errors import ClusterError, ClusterUnreachable, Forbidden, Invalid, NotFound
from kvchaos.mesh.hold import place
from tests.preflight_world import (
    cluster,
    cut,
    engine,
    lines,
    namespace,
    preflight,
    refused,
    router,
)
from tests.scripted import partition, pod_fault, rules, selector, status

ENVIRONMENT = "kvchaos.io/environment"
OPT_IN = "chaos-mesh.org/inject"
ELSEWHERE = selector(app="b") | {"namespaces": ["routers"]}
ACROSS = cut(target={"mode": "all", "selector": ELSEWHERE})
"""A cut whose other end is in another namespace."""


def old(name: str = "cut-r0", run: str = "r0", **spec: object) -> Object:
    """A fault of another run, 100 s old."""
    body = partition(**spec)
    body["metadata"] |= {"name": name, "creationTimestamp": "1970-01-01T00:16:40Z"}
    body["metadata"]["labels"] = {"kvchaos.io/run": run} if run else {}
    return body | {"status": status(phase="Run")}


@pytest.mark.parametrize(
    ("denied", "told"),
    [
        ("create networkchaos", "create networkchaos.chaos-mesh.org"),
        ("delete networkchaos", "delete networkchaos.chaos-mesh.org"),
        ("patch podnetworkchaos", "patch podnetworkchaos.chaos-mesh.org"),
        ("watch pods", "watch pods"),
        ("get configmaps/kvchaos-hold", "get configmaps/kvchaos-hold"),
    ],
)
def test_a_missing_permission_is_refused(denied: str, told: str) -> None:
    """Found out in mid-run it would leave a fault behind, or a verdict unknown."""
    there = cluster(denied={denied})

    assert refused(there) == ["missing_permission"]
    assert f"in namespace kvchaos: wanted {told}, saw the answer no" in lines(preflight(there))


def test_permissions_that_are_missing_are_told_at_once() -> None:
    """One line for each resource and namespace."""
    seen = preflight(cluster(denied={"get pods", "list pods", "create networkchaos"}))

    assert lines(seen) == (
        "missing_permission: not allowed in namespace kvchaos: wanted get, list pods,"
        " saw the answer no; see: kubectl auth can-i get pods -n kvchaos\n"
        "missing_permission: not allowed in namespace kvchaos: wanted create"
        " networkchaos.chaos-mesh.org, saw the answer no;"
        " see: kubectl auth can-i create networkchaos.chaos-mesh.org -n kvchaos"
    )


@pytest.mark.parametrize(
    ("denied", "told"),
    [
        ({"get pods/portforward"}, []),
        ({"create pods/portforward"}, []),
        ({"get pods/portforward", "create pods/portforward"}, ["missing_permission"]),
    ],
)
def test_one_verb_of_a_port_forward_will_do(denied: set[str], told: list[str]) -> None:
    """Which one a server asks for depends on its version."""
    assert refused(cluster(denied=denied)) == told


def test_a_fault_may_be_created_in_every_namespace_it_touches() -> None:
    """Chaos Mesh's webhook asks for it in those of both selectors."""
    there = cluster(router(namespace="routers"), namespace("routers"))
    assert refused(there, ACROSS) == []

    there.denied = {"create networkchaos routers"}

    assert refused(there, ACROSS) == ["missing_permission"]


def test_what_a_run_asks_for_is_what_it_needs() -> None:
    """Nothing is asked of a kind that no planned fault is, but whether it may be looked for."""
    there = cluster()
    preflight(there, pod_fault("pod-kill"))

    assert sorted(there.asked) == sorted(
        f"{each} kvchaos"
        for each in (
            "get pods",
            "list pods",
            "watch pods",
            "get pods/portforward",
            "create pods/portforward",
            "get configmaps/kvchaos-hold",
            "get podchaos",
            "list podchaos",
            "create podchaos",
            "patch podchaos",
            "update podchaos",
            "delete podchaos",
            "list networkchaos",
            "list podnetworkchaos",
        )
    )


@pytest.mark.parametrize(
    ("absent", "found"),
    [
        ({"networkchaos"}, ["no_chaos_mesh_kind"]),
        ({"podnetworkchaos"}, ["no_chaos_mesh_kind"]),
        ({"podchaos"}, []),
    ],
)
def test_a_kind_of_chaos_mesh_that_is_absent_is_refused(absent: set[str], found: list[str]) -> None:
    """Only those that the planned faults need; and no right to it is missed besides."""
    there = cluster(absent=absent, denied={f"list {name}" for name in absent})

    assert refused(there) == found


def test_a_cluster_without_chaos_mesh_is_told_once() -> None:
    """The server's own complaint about it would be the same again."""
    there = cluster(absent={"networkchaos", "podchaos", "podnetworkchaos"})
    there.fails["try"] = [NotFound("no such kind")]

    assert lines(preflight(there)) == (
        "no_chaos_mesh_kind: no Chaos Mesh in this cluster: wanted the kinds"
        " networkchaos.chaos-mesh.org and podnetworkchaos.chaos-mesh.org,"
        " saw none in context kvchaos-lab; see: https://chaos-mesh.org/docs/quick-start/"
    )


def test_a_namespace_that_has_not_opted_in_is_refused() -> None:
    """Only where a policy asks for it; every namespace that is touched."""
    into = namespace(**{OPT_IN: "enabled"})

    assert refused(cluster()) == []
    assert refused(cluster(), require_opt_in=True) == ["not_opted_in"]
    assert refused(cluster(namespace(**{OPT_IN: "no"})), require_opt_in=True) == ["not_opted_in"]
    assert refused(cluster(into), require_opt_in=True) == []
    there = cluster(into, router(namespace="routers"), namespace("routers"))
    assert refused(there, ACROSS, require_opt_in=True) == ["not_opted_in"]


@pytest.mark.parametrize(
    ("annotation", "setting", "found"),
    [
        (None, "", []),
        ("staging", "staging", []),
        ("production", "staging", ["wrong_environment"]),
        ("production", "", ["wrong_environment"]),
        (None, "staging", ["wrong_environment"]),
    ],
)
def test_another_environment_is_refused_both_ways(
    annotation: str | None, setting: str, found: list[str]
) -> None:
    """An experiment that names none does not run where one is named."""
    there = cluster(namespace(**({ENVIRONMENT: annotation} if annotation else {})))

    assert refused(there, environment=setting) == found


def test_another_environment_is_told_with_both_names() -> None:
    """What the namespace says, and what the experiment says."""
    seen = preflight(cluster(namespace(**{ENVIRONMENT: "production"})), environment="staging")

    assert lines(seen) == (
        "wrong_environment: namespace kvchaos is another environment: wanted annotation"
        " kvchaos.io/environment: staging, as the configuration's \"environment\" is 'staging',"
        " saw 'production'; see: kubectl get namespace kvchaos -o yaml"
    )


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, []),
        ({"environment": "staging"}, ["wrong_environment"]),
        ({"require_opt_in": True}, ["not_opted_in"]),
    ],
)
def test_a_namespace_that_cannot_be_read_is_refused_where_it_matters(
    settings: dict[str, object], found: list[str]
) -> None:
    """Else it is told."""
    seen = preflight(cluster(hidden={"get namespaces"}), **settings)

    assert [each.refusal for each in seen.findings] == found
    assert bool(seen.notes) is not bool(found)


def test_a_fault_of_another_run_is_refused() -> None:
    """It may be left over, or that run may be going on; both are said."""
    there = cluster(old())

    assert refused(there) == ["leftovers"]
    assert lines(preflight(there)) == (
        "leftovers: networkchaos/cut-r0 of run r0 is in namespace kvchaos, created 100 s ago:"
        " wanted no fault of another run, saw not deleted: desiredPhase Run, AllInjected True;"
        " see: is that run still going? else: kvchaos reap --run r0 --context kvchaos-lab"
    )


@pytest.mark.parametrize(
    ("created", "told"),
    [
        ("1970-01-01T00:18:19Z", "created 1 s ago"),
        ("1970-01-01T00:16:21Z", "created 119 s ago"),
        ("1970-01-01T00:16:20Z", "created 2 min ago"),
        ("1969-12-31T22:18:20Z", "created 2 h ago"),
        ("1970-01-01T00:19:00Z", "created 0 s ago"),
        (None, "created some time ago"),
    ],
)
def test_the_age_of_a_leftover_is_told_roughly(created: str | None, told: str) -> None:
    """Nobody wants the seconds of yesterday; the cluster's clock may be ahead of ours."""
    body = old()
    body["metadata"]["creationTimestamp"] = created

    assert told in lines(preflight(cluster(body)))


def test_rules_of_a_fault_that_is_there_no_more_are_refused() -> None:
    """An object freed by force leaves its rules; in any pod of the namespace, hit or not."""
    name = "cut-20261122-131500-3fa9c1"
    there = cluster(rules("x", f"kvchaos/{name}"))

    assert refused(there) == ["leftovers"]
    assert lines(preflight(there)) == (
        "leftovers: pod x in namespace kvchaos has rules of other faults, or that cannot be"
        " applied: wanted none: one that is stuck blocks every other network fault on its pod,"
        f" saw rules of kvchaos/{name};"
        " see: kubectl get podnetworkchaos.chaos-mesh.org x -n kvchaos -o yaml;"
        " kvchaos reap --run 20261122-131500-3fa9c1 --context kvchaos-lab"
    )


def test_rules_of_anybodys_fault_in_a_pod_to_be_hit_are_refused() -> None:
    """Its effect would be taken for ours; in a pod that is not hit it is not our matter."""
    other = old("somebodys", run="")

    there = cluster(other, rules("e2", "kvchaos/somebodys"))
    assert refused(there) == ["leftovers"]
    assert "what is not of kvchaos goes with its own fault" in lines(preflight(there))
    assert refused(cluster(other, rules("x", "kvchaos/somebodys"))) == []
    assert refused(cluster(rules("x", "elsewhere/somebodys"))) == []


def test_rules_that_cannot_be_applied_are_refused() -> None:
    """A fault that is stuck blocks every other one on its pod."""
    failed = rules("e2", failed="unable to set tcs for pod e2")

    assert refused(cluster(failed)) == ["leftovers"]
    assert "saw unable to set tcs for pod e2" in lines(preflight(cluster(failed)))
    assert refused(cluster(rules("e2", observed=0))) == ["leftovers"]


def test_rules_that_may_still_be_in_a_pod_are_refused_in_any_pod() -> None:
    """They were taken off the list, and nobody took them out; others' failures are theirs."""
    assert refused(cluster(rules("x", failed="no daemon"))) == ["leftovers"]
    assert refused(cluster(rules("x", "elsewhere/somebodys", failed="no daemon"))) == []


def test_a_fault_and_its_rules_are_one_leftover() -> None:
    """What is told of the object need not be told of each of its pods."""
    assert refused(cluster(old(), rules("e2", "kvchaos/cut-r0"))) == ["leftovers"]


def test_rules_that_are_empty_are_normal() -> None:
    """Every pod that was ever hit has such an object."""
    assert refused(cluster(rules("e1"), rules("x"))) == []


def test_a_hold_is_refused() -> None:
    """Somebody asked for quiet, and is named."""
    there = cluster()
    place(there, "kvchaos", reason="release day", by="ana@laptop", since="2026-08-01T10:00:00Z")

    assert refused(there) == ["held"]
    assert lines(preflight(there)) == (
        "held: namespace kvchaos is held by ana@laptop since 2026-08-01T10:00:00Z: release day:"
        " wanted no hold;"
        " see: kvchaos release --context kvchaos-lab --namespace kvchaos"
    )


def test_a_hold_that_may_not_be_looked_for_is_a_missing_permission() -> None:
    """It is told once."""
    there = cluster(
        hidden={f"get {CONFIGMAPS.plural}"}, denied={f"get {CONFIGMAPS.plural}/kvchaos-hold"}
    )

    assert refused(there) == ["missing_permission"]


@pytest.mark.parametrize(
    "error",
    [
        Invalid("create networkchaos", saw="HTTP 422 the webhook says no"),
        Forbidden("create networkchaos", saw="HTTP 403 the webhook says no"),
        ClusterError("create networkchaos", saw="HTTP 500 the webhook says no"),
    ],
)
def test_what_the_server_would_not_take_is_refused(error: ClusterError) -> None:
    """Webhooks know rules that nobody else does."""
    there = cluster(fails={"try": [error]})

    seen = preflight(there)

    assert [each.refusal for each in seen.findings] == ["refused_by_the_server"]
    assert "the webhook says no" in lines(seen)


@pytest.mark.parametrize("plural", ["pods", "networkchaos", "podnetworkchaos"])
def test_what_may_not_be_listed_is_a_missing_permission_and_no_more(plural: str) -> None:
    """That there is no target, or nothing left over, is not said where nobody could look."""
    there = cluster(hidden={f"list {plural} kvchaos"}, denied={f"list {plural}"})

    assert refused(there) == ["missing_permission"]


def test_a_right_that_is_missing_is_not_told_again_by_the_server() -> None:
    """The dry run needs it too."""
    there = cluster(
        denied={"create networkchaos"}, fails={"try": [Forbidden("create", saw="HTTP 403")]}
    )

    assert refused(there) == ["missing_permission"]


def test_a_server_that_gives_no_answer_is_an_error_of_its_own() -> None:
    """Nothing is known then, so nothing is said of the cluster."""
    there = cluster(fails={"try": [ClusterUnreachable("no answer")]})

    with pytest.raises(ClusterUnreachable):
        preflight(there)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """Not one finding a try."""
    there = cluster(
        engine("e1", hostNetwork=True),
        engine("e2", nodeName="node2"),
        old(),
        namespace(**{ENVIRONMENT: "production"}),
        denied={"watch pods"},
    )

    found = refused(there, cut(mode="all"), max_targets=1)

    assert found == [
        "wrong_environment",
        "missing_permission",
        "leftovers",
        "too_many_targets",
        "too_large_share",
        "host_network",
        "no_daemon_on_node",
    ]
