"""What the preflight finds, in the doctor's lines."""

from __future__ import annotations

from kvchaos.doctor.line import Line, State
from kvchaos.doctor.obstacles import ABOUT, obstacles
from kvchaos.preflight.facts import Facts
from kvchaos.preflight.look import look
from kvchaos.preflight.plan import Planned
from kvchaos.preflight.refusals import REFUSALS
from kvchaos.settings import Settings
from tests.preflight_world import (
    AskedCluster,
    cluster,
    cut,
    metrics,
    namespace,
    only,
    serving,
)
from tests.scripted import NAMESPACE, pod_fault

SETTINGS = Settings(namespace=NAMESPACE)


def facts(there: AskedCluster, *, kill: bool = False) -> Facts:
    body = pod_fault("pod-kill") if kill else cut()
    return look(there, [Planned("the fault", body)], SETTINGS, now=0)


def lines(there: AskedCluster, **plan: bool) -> dict[str, Line]:
    return {each.what: each for each in obstacles(facts(there, **plan))}


def wrong(there: AskedCluster) -> dict[str, str]:
    return {what: each.saw for what, each in lines(there).items() if each.state is not State.OK}


def test_every_refusal_has_its_line() -> None:
    """A refusal that the doctor does not know of would be a run that is refused all the same."""
    told = [name for _, names in ABOUT.values() for name in names]

    assert sorted(told) == sorted(REFUSALS)


def test_where_all_is_there_every_line_is_ok() -> None:
    """In the order of the table."""
    found = lines(cluster())

    assert list(found) == list(ABOUT)
    assert {each.state for each in found.values()} == {State.OK}


def test_the_block_size_is_told_and_what_to_do_when_it_is_another() -> None:
    """Right, wrong, perhaps, and not known: only what is wrong is missing."""

    def line(page: bytes, ours: int = 16) -> Line:
        pages = dict.fromkeys(("e1", "e2", "e3"), serving(page))
        settings = Settings(namespace=NAMESPACE, block_size=ours)
        found = look(cluster(pages=pages), [Planned("the fault", cut())], settings, now=0)
        return next(each for each in obstacles(found) if each.what == "block size")

    assert line(metrics(64), 64) == Line("block size", State.OK, "64, as the engines have it", "")
    wrong = line(metrics(64))
    assert wrong.state is State.MISSING
    assert "saw blocks of 64 tokens in e1, e2, e3" in wrong.saw
    assert wrong.todo == "KVCHAOS_BLOCK_SIZE, and the engines' --block-size"
    assert line(metrics(16), 64).state is State.NOTE
    assert line(b"") == Line(
        "block size", State.NOTE, "16; the engines do not tell theirs: their events will", ""
    )


def test_missing_rights_are_told_in_one_line_with_the_role_that_gives_them() -> None:
    """Whoever sends it to an administrator needs nothing else."""
    line = lines(cluster(denied={"patch networkchaos", "list podnetworkchaos"}))["rights"]

    assert line.saw == (
        "not: patch networkchaos.chaos-mesh.org, list podnetworkchaos.chaos-mesh.org"
    )
    assert line.todo.startswith(f"an administrator: kubectl -n {NAMESPACE} apply -f /")
    assert line.todo.endswith("/deploy/runner/rbac.yaml")


def test_no_chaos_mesh_is_one_thing_that_is_missing() -> None:
    """And not also the rights to its kinds."""
    found = wrong(cluster(absent={"networkchaos", "podchaos", "podnetworkchaos"}))

    assert list(found) == ["Chaos Mesh"]


def test_daemons_that_may_not_be_seen_are_a_note() -> None:
    """A run begins without knowing; so does the doctor say."""
    found = lines(cluster(hidden={"list pods chaos-mesh"}))["chaos-daemon"]

    assert (found.state, found.saw) == (
        State.NOTE,
        "pods in namespace chaos-mesh may not be listed",
    )


def test_daemons_without_targets_are_not_known() -> None:
    """Nothing is ready beside nothing."""
    assert lines(only(namespace()))["chaos-daemon"].state is State.NOTE


def test_a_pod_fault_needs_no_daemon() -> None:
    """Pods are killed through the API."""
    found = lines(cluster(hidden={"list pods chaos-mesh"}), kill=True)["chaos-daemon"]

    assert found == Line("chaos-daemon", State.OK, "not needed for these faults")
