"""What is known of a fault survives being written down and read again."""

from __future__ import annotations

import json

from kvchaos.mesh.fault import End, Evidence, Fault, Injected, Recovered, Target
from tests.scripted import partition, pod_fault, selector


def test_a_fault_is_read_from_its_body() -> None:
    """With every namespace that its selectors reach, and its duration in seconds."""
    far = {**selector(app="b"), "namespaces": ["other", "kvchaos"]}
    fault = Fault.of(partition(target={"mode": "all", "selector": far}))

    assert fault == Fault(
        kind="NetworkChaos",
        name="cut-r1",
        namespace="kvchaos",
        run="r1",
        action="partition",
        direction="both",
        duration=10.0,
        namespaces=("other",),
    )
    assert (fault.source, fault.label) == ("kvchaos/cut-r1", "networkchaos/cut-r1")
    assert fault.look == "kubectl describe networkchaos/cut-r1 -n kvchaos"


def test_one_shot_faults_have_no_duration() -> None:
    """Whatever their body says: Chaos Mesh passes it over."""
    kill = Fault.of(pod_fault("pod-kill", duration="10s"))

    assert (kill.one_shot, kill.duration) == (True, None)
    assert Fault.of(pod_fault("pod-failure", duration="10s")).duration == 10.0


def test_faults_and_targets_come_back_from_json() -> None:
    """Also from the JSON of a version that wrote more."""
    fault = Fault.of(partition())
    target = Target("a", "uid", "kvchaos", ".Target", "main", 3, ("p1", "p2"))

    assert Fault.from_json(json.loads(json.dumps({**fault.to_json(), "new": 1}))) == fault
    assert Target.from_json(json.loads(json.dumps({**target.to_json(), "new": 1}))) == target


def test_what_is_told_is_plain_json() -> None:
    """Times are told in seconds after the request."""
    fault, target = Fault.of(partition()), Target("a", "uid", "kvchaos")
    seen = Evidence("records", True, "fine")
    injected = Injected(fault, (target,), 10.0, 10.25, 11.5, (seen,))

    assert injected.to_json() == {
        "fault": fault.to_json(),
        "targets": [target.to_json()],
        "created_after": 0.25,
        "injected_after": 1.5,
        "evidence": [{"source": "records", "holds": True, "text": "fine"}],
    }
    assert Recovered(fault, End.DURATION, healed_at=20.0, waited=0.12345).to_json() == {
        "fault": fault.to_json(),
        "by": "duration",
        "waited": 0.123,
        "forced": False,
    }
