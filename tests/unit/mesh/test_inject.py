"""Inject: checked, rehearsed, written down, sent, awaited, or taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import (
    AlreadyExists,
    ClusterError,
    FaultNotInjected,
    FaultRefused,
    Forbidden,
    Invalid,
    NotFound,
    TemplateInvalid,
)
from kvchaos.mesh.fault import Evidence, Fault, Injected, Target
from kvchaos.mesh.inject import inject
from kvchaos.mesh.ledger import Ledger
from tests.scripted import (
    ENDED,
    INJECTED,
    WAITING,
    FakeClock,
    ScriptedCluster,
    partition,
    pod,
    pod_fault,
    record,
    rules,
    status,
    unreachable,
)

CUT = "kvchaos/cut-r1"
WRITES = ("try", "create", "delete", "patch")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def pair(*more: Any, **settings: Any) -> ScriptedCluster:
    return ScriptedCluster.of(pod("a"), pod("b"), *more, **settings)


def attempt(
    cluster: ScriptedCluster, ledger: Ledger, body: Any = None, *, timeout: float = 5
) -> Injected:
    return inject(cluster, body or partition(), ledger=ledger, timeout=timeout, clock=FakeClock())


def test_a_fault_is_returned_once_every_target_has_it(ledger: Ledger) -> None:
    """With its targets as they were before, its times, and what speaks for it."""
    cluster = pair(rules("a", CUT), rules("b", CUT), script=[{}, WAITING, INJECTED])

    injected = attempt(cluster, ledger)

    assert injected == Injected(
        fault=Fault.of(partition()),
        targets=(
            Target("a", "a-uid", "kvchaos", ".", running=("a-p0",)),
            Target("b", "b-uid", "kvchaos", ".Target", running=("b-p0",)),
        ),
        requested_at=100.0,
        created_at=100.0,
        injected_at=100.4,
        evidence=(
            Evidence("records", True, "networkchaos/cut-r1: injected in every target"),
            Evidence("podnetworkchaos", True, f"kvchaos/a: rules of {CUT} applied"),
            Evidence("podnetworkchaos", True, f"kvchaos/b: rules of {CUT} applied"),
        ),
    )
    assert cluster.verbs(*WRITES) == ["try networkchaos cut-r1", "create networkchaos cut-r1"]


def test_a_pod_that_shows_nothing_yet_denies_nothing(ledger: Ledger) -> None:
    """Its kubelet takes a second to notice that a container was killed."""
    cluster = pair(script=[status(record("kvchaos/a/main"))])

    injected = attempt(cluster, ledger, pod_fault("container-kill", containerNames=["main"]))

    text = "kvchaos/a/main: restarts 0 before, 0 now, 0 of 1 containers stopped, so far"
    assert injected.evidence[1:] == (Evidence("pod", None, text),)


def test_the_line_is_in_the_ledger_before_the_fault_is_sent(ledger: Ledger) -> None:
    """It says all that is needed to end the fault without the run."""
    cluster = pair(script=[INJECTED])
    seen: list[Any] = []
    create = cluster.create

    def spy(kind: Any, body: Any, *, dry_run: bool = False) -> Any:
        seen.append((dry_run, [each["fault"] for each in ledger.entries()]))
        return create(kind, body, dry_run=dry_run)

    cluster.create = spy  # type: ignore[method-assign]
    attempt(cluster, ledger)

    fault = Fault.of(partition())
    assert seen == [(True, []), (False, [fault.to_json()])]
    assert ledger.entries() == [
        {"event": "inject", "wall": "1970-01-01T00:18:20.000+00:00", "fault": fault.to_json()}
    ]
    assert Fault.from_json(ledger.entries()[0]["fault"]) == fault


def test_without_a_ledger_nothing_is_sent(tmp_path: Path) -> None:
    """No ledger, no fault."""
    cluster = pair()

    with pytest.raises(FaultRefused, match="no ledger, no fault"):
        attempt(cluster, Ledger(tmp_path))

    assert cluster.verbs(*WRITES) == ["try networkchaos cut-r1"]


def test_a_body_with_findings_is_not_sent(ledger: Ledger) -> None:
    """All findings are in the error; the cluster was not even asked."""
    cluster = pair()

    with pytest.raises(TemplateInvalid, match=r"spec\.duration: .*; spec|spec\.direction: .*spec"):
        attempt(cluster, ledger, partition(duration="10", direction="in"))

    assert (cluster.calls, ledger.entries()) == ([], [])


def test_zero_targets_are_refused_before_anything_is_sent(ledger: Ledger) -> None:
    """The error names the selector."""
    cluster = ScriptedCluster.of(pod("a"))

    with pytest.raises(FaultRefused, match=r"spec\.target\.selector names no target"):
        attempt(cluster, ledger)

    assert (cluster.verbs(*WRITES), ledger.entries()) == (["try networkchaos cut-r1"], [])


@pytest.mark.parametrize(
    ("error", "wanted", "said"),
    [
        (Invalid("unknown field"), FaultRefused, "refused by the server: saw unknown field"),
        (NotFound("no such resource"), FaultRefused, "networkchaos.chaos-mesh.org"),
        (Forbidden("may not create"), Forbidden, "may not create"),
        (AlreadyExists("taken"), AlreadyExists, "taken"),
    ],
)
def test_what_the_server_would_refuse_is_not_sent(
    ledger: Ledger, error: Exception, wanted: type[Exception], said: str
) -> None:
    """The dry run says what is wrong; the ledger stays empty."""
    cluster = pair(fails={"try": [error]})

    with pytest.raises(wanted, match=said):
        attempt(cluster, ledger)

    assert (cluster.verbs(*WRITES), ledger.entries()) == (["try networkchaos cut-r1"], [])


def test_a_name_that_is_taken_meanwhile_is_an_error_and_stays_whose_it_is(ledger: Ledger) -> None:
    """409 is not success, and nothing is taken back that is not ours."""
    cluster = pair(fails={"create": [AlreadyExists("taken")]})

    with pytest.raises(AlreadyExists):
        attempt(cluster, ledger)

    assert cluster.verbs("delete", "patch") == []


def test_a_create_without_an_answer_is_taken_back(ledger: Ledger) -> None:
    """The object may be there all the same."""
    cluster = pair()
    create = cluster.create

    def create_and_say_nothing(kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        made = create(kind, body, dry_run=dry_run)
        if dry_run:
            return made
        raise ClusterError("no answer")

    cluster.create = create_and_say_nothing  # type: ignore[method-assign]

    with pytest.raises(FaultNotInjected, match="no answer"):
        attempt(cluster, ledger)

    assert cluster.verbs("delete") == ["delete networkchaos cut-r1"]
    assert ("networkchaos", "kvchaos", "cut-r1") not in cluster.objects


def test_a_fault_that_never_lands_is_taken_back_and_told(ledger: Ledger) -> None:
    """The error carries the conditions and the last failure; the object and its rules are gone."""
    failure = ("2026-08-01T00:00:01Z", "Failed Apply", "unable to set tcs")
    stuck = status(
        record("kvchaos/a", phase="Not Injected/Wait", injected=0, events=[failure]),
        injected=False,
    )
    cluster = pair(rules("a", CUT, "kvchaos/other"), script=[stuck], held=True)

    with pytest.raises(FaultNotInjected) as caught:
        attempt(cluster, ledger)

    assert caught.value.conditions == {
        "Selected": "True",
        "AllInjected": "False",
        "AllRecovered": "False",
    }
    assert caught.value.failure == "Apply kvchaos/a: unable to set tcs"
    assert str(caught.value) == (
        "networkchaos/cut-r1: not injected after 5.0s: wanted Selected, AllInjected, and every "
        "record Injected, saw AllInjected=False, kvchaos/a Not Injected/Wait; "
        "Apply kvchaos/a: unable to set tcs"
    )
    assert ("networkchaos", "kvchaos", "cut-r1") not in cluster.objects
    left = cluster.objects["podnetworkchaos", "kvchaos", "a"]["spec"]
    assert [each["source"] for each in left["iptables"]] == ["kvchaos/other"]


def test_what_cannot_be_taken_back_is_told_too(ledger: Ledger) -> None:
    """A pod fault is not forced out while its pods are there; the message says that it is left."""
    cluster = pair(held=True, script=[status(record("kvchaos/a", injected=0), injected=False)])

    with pytest.raises(FaultNotInjected, match=r"and not recovered: .*deletion held by chaos-mesh"):
        attempt(cluster, ledger, pod_fault("pod-kill"))


def test_a_fault_that_its_duration_ended_first_was_not_injected(ledger: Ledger) -> None:
    """It is not waited for any longer."""
    cluster = pair(script=[WAITING, ENDED])

    with pytest.raises(FaultNotInjected, match=r"stopped before it was confirmed .duration 10s"):
        attempt(cluster, ledger)

    assert cluster.verbs("delete") == ["delete networkchaos cut-r1"]


def test_a_fault_deleted_by_someone_else_was_not_injected(ledger: Ledger) -> None:
    """Its object is gone while it is awaited."""
    cluster = pair(script=[WAITING])
    cluster.changes[2] = lambda: cluster.fails.update(get=[NotFound("networkchaos cut-r1")])
    cluster.changes[3] = cluster.objects.clear

    with pytest.raises(FaultNotInjected, match="cut-r1: networkchaos cut-r1"):
        attempt(cluster, ledger)


def test_a_fault_that_was_stopped_before_it_landed_is_not_waited_for(ledger: Ledger) -> None:
    """A duration that is over, or a pause: no record will be injected any more."""
    stopped = {**WAITING, "experiment": {**WAITING["experiment"], "desiredPhase": "Stop"}}
    cluster = pair(script=[stopped])

    with pytest.raises(FaultNotInjected, match="stopped before it was confirmed"):
        attempt(cluster, ledger)

    assert cluster.looks == 2  # once awaited, once before the deletion


def test_a_kill_that_someone_deletes_at_once_was_not_injected(ledger: Ledger) -> None:
    """It has no duration that could have ended it."""
    stopped = status(record("kvchaos/a", phase="Injected/Wait"), phase="Stop")

    with pytest.raises(FaultNotInjected, match=r"stopped before it was confirmed \(no duration"):
        attempt(pair(script=[stopped]), ledger, pod_fault("pod-kill"))


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(20)])
def test_a_run_that_is_stopped_meanwhile_asks_for_the_deletion(
    ledger: Ledger, signal: BaseException
) -> None:
    """And waits for nothing; the duration and the ledger are there for the rest."""
    cluster = pair(script=[WAITING])

    def stop() -> None:
        raise signal

    cluster.changes[2] = stop
    with pytest.raises(type(signal)):
        attempt(cluster, ledger)

    assert cluster.verbs("delete") == ["delete networkchaos cut-r1"]


def test_a_deletion_that_fails_on_the_way_out_does_not_hide_the_stop(ledger: Ledger) -> None:
    """The signal goes on."""
    cluster = pair(fails={"create": [KeyboardInterrupt()], "delete": unreachable()})

    with pytest.raises(KeyboardInterrupt):
        attempt(cluster, ledger)
