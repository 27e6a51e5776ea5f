"""Faults against a real Kubernetes with the real Chaos Mesh.

``KVCHAOS_E2E_CONTEXT`` names the context (of KUBECONFIG), ``KVCHAOS_E2E_IMAGE`` an image with
python3 that the node has. Two small pods in a namespace made for the test: each answers, through
the API server's port-forward, whether it can reach the other.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.clock import SystemClock, poll
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NAMESPACES, PODNETWORKCHAOS, PODS, Object
from kvchaos.errors import AlreadyExists, FaultNotInjected, FaultRefused, NotFound
from kvchaos.mesh.confirm import in_effect
from kvchaos.mesh.fault import End, Fault, Injected
from kvchaos.mesh.inject import inject
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.records import sources
from kvchaos.mesh.recover import ended, recover
from kvchaos.mesh.render import render
from kvchaos.mesh.residue import residue

CONTEXT = os.environ.get("KVCHAOS_E2E_CONTEXT", "")
IMAGE = os.environ.get("KVCHAOS_E2E_IMAGE", "localhost/kvchaos:dev")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CONTEXT, reason="KVCHAOS_E2E_CONTEXT names no context"),
    pytest.mark.timeout(120),
]
CLOCK = SystemClock()

# GET /<address>: "open" or "cut", by a TCP connection to port 8000 there
PROGRAM = """
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            socket.create_connection((self.path[1:], 8000), timeout=1).close()
            answer = b"open"
        except OSError:
            answer = b"cut"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Place:
    """A namespace of the test's own, with pods made by name."""

    cluster: Cluster
    namespace: str
    ledger: Ledger

    def start(self, name: str) -> Object:
        self.cluster.create(PODS, _pod(name, self.namespace))
        return self.until(name, pods.is_ready)

    def pod(self, name: str) -> Object | None:
        try:
            return self.cluster.get(PODS, name, namespace=self.namespace)
        except NotFound:
            return None

    def until(self, name: str, holds: Any) -> Object:
        """The pod once ``holds`` says so of it."""
        pod, _ = poll(
            lambda: self.pod(name),
            until=lambda pod: pod is not None and holds(pod),
            timeout=60,
            every=0.2,
            clock=CLOCK,
        )
        assert pod is not None
        assert holds(pod), pod.get("status")
        return pod

    def stop(self, name: str) -> None:
        try:
            self.cluster.delete(PODS, name, namespace=self.namespace, grace=0)
        except NotFound:
            return
        poll(lambda: self.pod(name), until=lambda p: p is None, timeout=30, every=0.2, clock=CLOCK)

    def reaches(self, one: str, other: str) -> str:
        """``open`` or ``cut``, as the pod ``one`` sees the pod ``other``."""
        address = pods.address(self.cluster.get(PODS, other, namespace=self.namespace))
        with self.cluster.open_port(one, 8000, namespace=self.namespace) as stream:
            stream.settimeout(10)
            stream.sendall(f"GET /{address} HTTP/1.0\r\n\r\n".encode())
            answer = HTTPResponse(stream)
            answer.begin()
            return answer.read().decode()

    def inject(self, template: str, *, timeout: float = 30, **values: Any) -> Injected:
        body = render(asset("templates", template), {"namespace": self.namespace, **values})
        return inject(self.cluster, body, ledger=self.ledger, timeout=timeout, clock=CLOCK)

    def cut(self, *, direction: str, duration: str = "60s") -> Injected:
        """A partition between the pods a and b."""
        return self.inject(
            "network-partition.yaml.j2",
            run=new_run(),
            source={"app": "a"},
            target={"app": "b"},
            mode="one",
            direction=direction,
            duration=duration,
        )

    def rules(self, pod: str) -> set[str]:
        try:
            found = self.cluster.get(PODNETWORKCHAOS, pod, namespace=self.namespace)
        except NotFound:
            return set()
        return sources(found)

    def clear(self) -> None:
        """End every fault in the namespace, whatever its state."""
        for left in residue(self.cluster, namespaces=[self.namespace]):
            if left.kind in ("networkchaos", "podchaos"):
                kind = {"networkchaos": "NetworkChaos", "podchaos": "PodChaos"}[left.kind]
                fault = Fault(kind, left.name, left.namespace, run="", action="")
                recover(self.cluster, fault, timeout=10, clock=CLOCK, force=True)


def new_run() -> str:
    return f"r{uuid.uuid4().hex[:8]}"


def _pod(name: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "main",
                    "image": IMAGE,
                    "command": ["python3", "-c", PROGRAM],
                    "readinessProbe": {
                        "tcpSocket": {"port": 8000},
                        "periodSeconds": 1,
                    },
                }
            ],
        },
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    namespace = f"kvchaos-mesh-{uuid.uuid4().hex[:6]}"
    with Cluster.connect(CONTEXT) as cluster:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        cluster.create(NAMESPACES, body)
        folder: Path = tmp_path_factory.mktemp("ledger")
        place = Place(cluster, namespace, Ledger(folder / "ledger.jsonl"))
        try:
            place.start("a")
            place.start("b")
            yield place
        finally:
            place.clear()
            cluster.delete(NAMESPACES, namespace)


@pytest.fixture
def place(home: Place) -> Iterator[Place]:
    """The namespace, with both pods ready and no fault in it, before and after."""
    for name in ("a", "b"):
        home.until(name, pods.is_ready)
    yield home
    home.clear()


@pytest.fixture
def victim(place: Place) -> Iterator[Object]:
    """A pod of its own to kill."""
    yield place.start("victim")
    place.stop("victim")


@pytest.mark.parametrize("direction", ["both", "to", "from"])
def test_a_partition_cuts_the_link_and_recovery_opens_it(place: Place, direction: str) -> None:
    """Injected means cut, recovered means open, with no rule of it left in either pod."""
    assert place.reaches("a", "b") == "open"

    injected = place.cut(direction=direction)

    assert place.reaches("a", "b") == "cut"
    assert sorted((each.pod, each.role) for each in injected.targets) == [
        ("a", "."),
        ("b", ".Target"),
    ]
    assert in_effect(place.cluster, injected).holds is True
    assert place.rules("a") == place.rules("b") == {injected.fault.source}

    recovered = recover(place.cluster, injected.fault, timeout=30, clock=CLOCK)

    assert (recovered.by, recovered.forced) == (End.DELETION, False)
    assert place.reaches("a", "b") == "open"
    assert place.rules("a") == place.rules("b") == set()
    assert residue(place.cluster, run=injected.fault.run, namespaces=[place.namespace]) == []
    again = recover(place.cluster, injected.fault, timeout=30, clock=CLOCK)
    assert again.by is End.GONE


def test_a_partition_ends_by_its_own_duration(place: Place) -> None:
    """The duration heals the link without us; recover then says so and clears the object."""
    injected = place.cut(direction="both", duration="4s")

    end, _ = poll(
        lambda: ended(place.cluster, injected.fault, clock=CLOCK),
        lambda end: end is not None,
        timeout=30,
        every=0.2,
        clock=CLOCK,
    )

    assert end is not None
    assert end.by is End.DURATION
    assert place.reaches("a", "b") == "open"
    effect = in_effect(place.cluster, injected)
    assert effect.holds is False
    assert "ended by its duration" in effect.evidence[0].text
    recovered = recover(place.cluster, injected.fault, timeout=30, clock=CLOCK)
    assert recovered.by is End.DURATION
    assert 3 <= recovered.healed_at - injected.requested_at <= 15
    assert residue(place.cluster, namespaces=[place.namespace]) == []


def test_a_target_replaced_during_a_partition_is_not_cut(place: Place) -> None:
    """Chaos Mesh goes on saying injected; the pod's uid says otherwise, and so does the link."""
    injected = place.cut(direction="both")
    place.stop("b")
    place.start("b")

    effect = in_effect(place.cluster, injected)

    assert effect.evidence[0].holds is True
    assert effect.holds is False
    assert [each.pod for each in effect.replaced] == ["b"]
    assert place.reaches("a", "b") == "open"
    recover(place.cluster, injected.fault, timeout=30, clock=CLOCK)


def test_pod_kill_takes_the_pod(place: Place, victim: Object) -> None:
    """A killed pod is gone or another one; recovery of a one-shot fault is its object's end."""
    injected = place.inject("pod-kill.yaml.j2", run=new_run(), labels={"app": "victim"}, mode="one")

    assert [each.uid for each in injected.targets] == [pods.uid(victim)]
    assert in_effect(place.cluster, injected).holds is True
    assert recover(place.cluster, injected.fault, timeout=30, clock=CLOCK).by is End.ONE_SHOT
    assert residue(place.cluster, namespaces=[place.namespace]) == []


def test_container_kill_restarts_the_container_in_its_pod(place: Place, victim: Object) -> None:
    """Same pod, one restart more."""
    injected = place.inject(
        "container-kill.yaml.j2",
        run=new_run(),
        labels={"app": "victim"},
        mode="one",
        containers=["main"],
    )

    place.until("victim", lambda pod: pods.restarts(pod) == 1)
    assert in_effect(place.cluster, injected).holds is True
    assert recover(place.cluster, injected.fault, timeout=30, clock=CLOCK).by is End.ONE_SHOT
    again = place.until("victim", pods.is_ready)
    assert pods.uid(again) == pods.uid(victim)


def test_pod_failure_stops_the_pod_until_it_ends(place: Place, victim: Object) -> None:
    """The pod stays, its containers do nothing, and they come back when the fault is deleted."""
    injected = place.inject(
        "pod-failure.yaml.j2",
        run=new_run(),
        labels={"app": "victim"},
        mode="one",
        duration="60s",
    )

    place.until("victim", lambda pod: not pods.is_ready(pod) and pods.restarts(pod) >= 1)
    assert in_effect(place.cluster, injected).holds is True
    assert recover(place.cluster, injected.fault, timeout=30, clock=CLOCK).by is End.DELETION
    again = place.until("victim", pods.is_ready)
    assert pods.uid(again) == pods.uid(victim)
    assert again["spec"]["containers"][0]["image"] == IMAGE


def test_a_fault_that_never_lands_is_an_error_and_leaves_nothing(place: Place) -> None:
    """A kernel without netem cannot delay: the object, its rules and their blockade are removed."""
    run = new_run()
    body = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": f"delay-{run}",
            "namespace": place.namespace,
            "labels": {"kvchaos.io/run": run},
        },
        "spec": {
            "action": "delay",
            "delay": {"latency": "100ms"},
            "duration": "60s",
            "mode": "all",
            "selector": {
                "namespaces": [place.namespace],
                "labelSelectors": {"app": "a"},
                "podPhaseSelectors": ["Running"],
            },
        },
    }
    try:
        injected = inject(place.cluster, body, ledger=place.ledger, timeout=4, clock=CLOCK)
    except FaultNotInjected as error:
        caught = error
    else:
        recover(place.cluster, injected.fault, timeout=30, clock=CLOCK)
        pytest.skip("this cluster's kernel has netem")

    assert caught.conditions["AllInjected"] == "False"
    assert "unable to set tcs" in caught.failure
    assert "not recovered" not in str(caught)
    assert residue(place.cluster, run=run, namespaces=[place.namespace]) == []
    assert place.rules("a") == set()
    cut = place.cut(direction="both")
    assert place.reaches("a", "b") == "cut"
    recover(place.cluster, cut.fault, timeout=30, clock=CLOCK)
    assert place.reaches("a", "b") == "open"


def test_what_the_server_would_refuse_is_refused_before_it_is_sent(place: Place) -> None:
    """No target, a field that the kind does not have, a name that is taken: each is an error."""
    with pytest.raises(FaultRefused, match=r"names no target.*app.*nobody"):
        place.inject("pod-kill.yaml.j2", run=new_run(), labels={"app": "nobody"}, mode="one")
    run = new_run()
    body = render(
        asset("templates", "pod-failure.yaml.j2"),
        {
            "run": run,
            "namespace": place.namespace,
            "labels": {"app": "a"},
            "mode": "one",
            "duration": "60s",
        },
    )
    misspelt = {**body, "spec": {**body["spec"], "gracePeriodd": 1}}
    with pytest.raises(FaultRefused, match="gracePeriodd"):
        inject(place.cluster, misspelt, ledger=place.ledger, timeout=10, clock=CLOCK)
    first = place.cut(direction="both")
    taken = {
        **place.cluster.get(first.fault.api, first.fault.name, namespace=place.namespace),
    }
    again = {
        "apiVersion": taken["apiVersion"],
        "kind": taken["kind"],
        "metadata": {
            "name": first.fault.name,
            "namespace": place.namespace,
            "labels": {"kvchaos.io/run": first.fault.run},
        },
        "spec": taken["spec"],
    }
    with pytest.raises(AlreadyExists):
        inject(place.cluster, again, ledger=place.ledger, timeout=10, clock=CLOCK)
    assert place.reaches("a", "b") == "cut"
    recover(place.cluster, first.fault, timeout=30, clock=CLOCK)
