"""The pitfalls of Chaos Mesh, each by its number: what it lets through, says wrongly, or leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.errors import (
    AlreadyExists,
    FaultNotInjected,
    FaultNotRecovered,
    FaultRefused,
    TemplateInvalid,
)
from kvchaos.mesh.confirm import in_effect
from kvchaos.mesh.fault import Fault, Injected
from kvchaos.mesh.inject import inject
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.lint import lint
from kvchaos.mesh.records import has_ended, missing_for_injection
from kvchaos.mesh.recover import recover
from kvchaos.mesh.targets import resolve
from kvchaos.run import faults, healing
from kvchaos.sampling.timeline import Marks, Progress, Sample, timeline
from kvchaos.verdict.verdict import judge
from tests.builders import altered, run_that_recovered
from tests.run_world import CUT, VALUES, Made, cuttable
from tests.scripted import (
    ENDED,
    INJECTED,
    RUN,
    WAITING,
    FakeClock,
    ScriptedCluster,
    partition,
    pod,
    record,
    rules,
    selector,
    status,
)

SENT = ("create",)
SOURCE = f"kvchaos/cut-{RUN}"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def pair(*more: Object, **settings: Any) -> ScriptedCluster:
    return ScriptedCluster.of(pod("a"), pod("b"), *more, **settings)


def attempt(cluster: ScriptedCluster, ledger: Ledger, body: Object | None = None) -> Injected:
    return inject(cluster, body or partition(), ledger=ledger, timeout=5, clock=FakeClock())


def completed(name: str) -> Object:
    """A pod that has done its work."""
    body = pod(name, labels={"app": "a"})
    body["status"]["phase"] = "Succeeded"
    return body


KILLED_IN_MID_FAULT = """
import os, pathlib, signal, sys
from kvchaos.mesh.inject import inject
from kvchaos.mesh.ledger import Ledger
from tests.scripted import WAITING, FakeClock, ScriptedCluster, partition, pod

class Clock(FakeClock):
    def sleep(self, seconds):
        os.kill(os.getpid(), signal.SIGKILL)

cluster = ScriptedCluster.of(pod("a"), pod("b"), script=[WAITING])
inject(cluster, partition(), ledger=Ledger(pathlib.Path(sys.argv[1])), timeout=5, clock=Clock())
"""


def test_pitfall_01_a_killed_run_leaves_a_bounded_fault_that_its_ledger_names(
    tmp_path: Path,
) -> None:
    """Nothing of the run goes on after SIGKILL: the duration is in the fault, the fault on disk."""
    path = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-c", KILLED_IN_MID_FAULT, str(path)]
    top = Path(__file__).parents[2]

    died = subprocess.run(command, cwd=top, check=False, timeout=50).returncode

    (entry,) = Ledger(path).entries()
    fault = Fault.from_json(entry["fault"])
    assert (died, fault) == (-9, Fault.of(partition()))
    assert fault.duration == 10.0
    left = ScriptedCluster.of(partition(), rules("a", SOURCE), rules("b", SOURCE))
    assert recover(left, fault, timeout=5, clock=FakeClock()).fault == fault


@pytest.mark.parametrize("duration", [None, "", "-10s", "0s", "10", "9999h"])
def test_pitfall_01_a_fault_without_a_bounded_duration_is_not_sent(
    ledger: Ledger, duration: str | None
) -> None:
    """Empty passes the webhook and never ends; a negative one ends at once."""
    cluster = pair(script=[INJECTED])

    with pytest.raises(TemplateInvalid, match=r"spec\.duration"):
        attempt(cluster, ledger, partition(duration=duration))

    assert (cluster.calls, ledger.entries()) == ([], [])


def test_pitfall_07_all_recovered_before_the_injection_is_no_end() -> None:
    """It is True from the first moment on; and nobody selected is no injection, whatever else."""
    nobody = status(recovered=True)
    unselected = status(record("kvchaos/a"), selected=False)

    assert not has_ended({"status": WAITING})
    assert missing_for_injection({"status": nobody}) == ["no records"]
    assert missing_for_injection({"status": unselected}) == ["Selected=False"]


@pytest.mark.parametrize("seen", [{}, status(recovered=True), status(selected=False)])
def test_pitfall_07_a_fault_that_idles_without_an_error_is_not_injected(
    ledger: Ledger, seen: Object
) -> None:
    """The controller says nothing and asks for no retry: the time that is up says it."""
    cluster = pair(script=[seen])

    with pytest.raises(FaultNotInjected, match=r"not injected after 5\.\ds"):
        attempt(cluster, ledger)

    assert cluster.verbs("delete") == [f"delete networkchaos cut-{RUN}"]


def test_pitfall_08_a_partition_without_target_is_not_sent(ledger: Ledger) -> None:
    """It would cut the pods off from everything, probes included."""
    cluster = pair(script=[INJECTED])

    with pytest.raises(TemplateInvalid, match=r"spec\.target: a partition without it"):
        attempt(cluster, ledger, partition(target=None))

    assert cluster.calls == []


def test_pitfall_09_a_pod_in_the_hosts_network_is_never_cut(ledger: Ledger) -> None:
    """Chaos Mesh could not inject the fault there, nor delete it afterwards."""
    cluster = ScriptedCluster.of(pod("a", hostNetwork=True), pod("b"), script=[INJECTED])

    with pytest.raises(FaultRefused, match="hostNetwork in a"):
        attempt(cluster, ledger)

    assert (cluster.verbs(*SENT), ledger.entries()) == ([], [])


def test_pitfall_10_names_beside_other_selectors_are_no_intersection() -> None:
    """``pods`` beats every other key, so it is read so, and refused where it does not stand
    alone.
    """
    both = {**selector(app="nobody"), "pods": {"kvchaos": ["a"]}}

    findings = lint(partition(selector=both))
    (hit, *_) = resolve(pair(), partition(selector=both))

    assert findings == ["spec.selector.pods: beats every other key, so it must stand alone"]
    assert hit.label == "kvchaos/a"


@pytest.mark.parametrize("phases", [None, [], ["Running", "Succeeded"]])
def test_pitfall_11_pods_that_do_not_run_are_never_selected(phases: list[str] | None) -> None:
    """``all`` takes completed pods too, and injection then never ends."""
    loose = {**selector(app="a"), "podPhaseSelectors": phases}
    found = resolve(pair(completed("a-done")), partition(mode="all"))

    assert [each.label for each in found] == ["kvchaos/a", "kvchaos/b"]
    assert any("podPhaseSelectors" in finding for finding in lint(partition(selector=loose)))


def test_pitfall_11_a_random_share_that_comes_out_as_zero_is_no_fault(ledger: Ledger) -> None:
    """``random-max-percent`` may take nobody; Chaos Mesh then reports all of nothing injected."""
    cluster = pair(script=[status(selected=True, injected=True)])
    body = partition(mode="random-max-percent", value="50")

    with pytest.raises(FaultNotInjected, match="no records"):
        attempt(cluster, ledger, body)


def test_pitfall_12_a_pod_that_took_a_cut_ones_place_is_not_cut(made: Made) -> None:
    """The fault goes on saying that it is injected; the new pod's uid says that it is not."""
    world = made(cuttable())
    faults.inject(world.run, "network-partition", VALUES, timeout=5)
    world.cluster.add(pod("a", uid="another", labels={"app": "a"}))

    active = world.run.last_fault()
    assert active is not None
    effect = in_effect(world.cluster, active.injected)

    assert [each.label for each in effect.replaced] == ["kvchaos/a"]
    assert effect.holds is False
    assert "the new pod is not cut" in " ".join(each.text for each in effect.evidence)


def test_pitfall_12_a_cut_that_was_lifted_by_a_new_pod_is_no_pass() -> None:
    """It was not in effect for as long as the run says."""
    history = run_that_recovered()
    fault = next(each for each in history if each["event"] == "fault_injected")
    lifted = {
        "event": "targets_replaced",
        "at": 6.0,
        "fault": fault["fault"],
        "pods": [fault["targets"][1]["pod"]],
        "replaced_at": 5.9,
    }
    at = next(number for number, each in enumerate(history) if each["event"] == "fault_recovered")

    assert judge(history).verdict == "pass"
    assert judge([*history[:at], lifted, *history[at:]]).verdict == "unknown"


def test_pitfall_13_the_shipped_cut_is_in_both_directions() -> None:
    """``to`` alone lets through what was sent already, and stalls late."""
    shipped = Path(__file__).parents[2] / "experiments" / "network-partition.json"
    method = json.loads(shipped.read_text())["method"]
    cut = next(each for each in method if each["provider"]["func"] == "inject_fault")

    assert cut["provider"]["arguments"]["values"]["direction"] == "both"


def test_pitfall_13_the_first_event_after_a_heal_is_measured_apart_from_agreement() -> None:
    """TCP comes back only after its back-off, which is no slowness of the router's."""

    def look(at: float, *, agrees: bool, seq: int) -> Sample:
        return Sample(began=at, at=at, agrees=agrees, progress={"a/0": Progress(seq)})

    looks = [look(11.0, agrees=False, seq=4), look(13.5, agrees=False, seq=5)]
    looks += [look(at, agrees=True, seq=6) for at in (15.0, 15.2, 15.4)]

    marks = Marks(injected=2.0, effect=3.0, healed=10.0, judged=10.5)
    after = timeline(looks, marks, needed=3, apart=0.0).after_heal()

    assert (after["first_event"], after["agreed"]) == (3.5, 5.0)


def test_pitfall_14_a_name_that_is_taken_is_no_success(ledger: Ledger) -> None:
    """409 says that somebody else's fault is there, which may be anything."""
    other = partition(duration="999s")
    cluster = pair(other, script=[INJECTED])

    with pytest.raises(AlreadyExists):
        attempt(cluster, ledger)

    assert cluster.objects["networkchaos", "kvchaos", f"cut-{RUN}"] == other
    assert cluster.verbs("delete") == []


def test_pitfall_14_a_fault_without_its_runs_id_in_its_name_is_not_sent() -> None:
    """Names are made unique by it, and rules in pods know their fault by nothing else."""
    body = partition()
    body["metadata"]["name"] = "cut"

    assert lint(body) == ["metadata.name: wanted the run's id r1 in it, saw 'cut'"]


def test_pitfall_15_a_fault_that_is_gone_is_recovered_only_if_its_rules_are_too() -> None:
    """A finalizer that was dropped by force lets the object go and leaves the link cut."""
    fault, clock = Fault.of(partition()), FakeClock()
    gone = pair(rules("a"), rules("b"))
    cut = pair(rules("a", SOURCE), rules("b"))

    assert recover(gone, fault, timeout=1, clock=clock).fault == fault
    with pytest.raises(FaultNotRecovered, match=f"rules of {SOURCE} in the pod"):
        recover(cut, fault, timeout=1, clock=clock)


def test_pitfall_16_a_duration_eaten_by_a_slow_injection_is_not_injected(ledger: Ledger) -> None:
    """It counts from the creation: what was over before it was confirmed tested nothing."""
    cluster = pair(script=[WAITING, WAITING, ENDED])

    with pytest.raises(FaultNotInjected, match=r"stopped before it was confirmed \(duration 10s\)"):
        attempt(cluster, ledger)


def test_pitfall_16_a_fault_that_ended_early_is_no_pass() -> None:
    """How long it was in effect is measured, and held against what was asked."""
    early = judge(altered(run_that_recovered(), "fault_recovered", asked=20.0))

    assert judge(run_that_recovered()).verdict == "pass"
    assert early.verdict == "unknown"
    assert any("9.68 s of the 20 s asked" in result.why for result in early.results)


def test_pitfall_16_a_run_says_how_long_its_fault_was_in_effect(made: Made) -> None:
    """From the injection that was confirmed to the heal that was seen, in seconds."""
    world = made(cuttable())
    faults.inject(world.run, "network-partition", VALUES, timeout=5)

    healing.recover(world.run, held=4.0, timeout=5)

    (told,) = world.told("fault_recovered")
    assert (told["fault"]["name"], told["asked"]) == (CUT, 4.0)
    assert told["held"] == pytest.approx(4.0, abs=0.3)


def test_pitfall_17_recovering_touches_only_what_the_run_itself_sent(made: Made) -> None:
    """Also when nothing was injected: the ledger tells what is ours, and a label asks no more."""
    foreign = partition()
    foreign["metadata"] |= {"name": "cut-r2", "labels": {"kvchaos.io/run": "r2"}}
    world = made(cuttable())

    healing.recover(world.run, held=0.0, timeout=5)
    faults.inject(world.run, "network-partition", VALUES, timeout=5)
    world.cluster.add(foreign)
    healing.recover(world.run, held=0.0, timeout=5)
    healing.free(world.run, timeout=5)

    deleted = world.cluster.verbs("delete", "patch")
    assert set(deleted) == {f"delete networkchaos {CUT}"}
    assert world.has_fault("networkchaos", "cut-r2")
