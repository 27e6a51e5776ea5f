"""Where the router answers, as its pods come and go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.index.observed import Observed
from kvchaos.index.routers.protocol import Adapter, RouterIndex, RouterPlace
from kvchaos.sampling.locate import LocatedRouter
from tests.run_world import engine_pod, router_pod, silent_router
from tests.scripted import ScriptedCluster

SELECTOR = "app.kubernetes.io/name=kvchaos-router"
ENGINES = "model.aibrix.ai/kv-events-enabled=true"


class Asking:
    """An adapter that asks where the router is, which answers unless it is ``down``."""

    def __init__(self, place: RouterPlace) -> None:
        self.place = place
        self.down = False

    def snapshot(self) -> Observed:
        self._answer()
        return Observed(engines={})

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        self._answer()
        return {"a": len(tokens)}

    def _answer(self) -> None:
        self.place.address()
        if self.down:
            raise silent_router()


def located(cluster: ScriptedCluster, adapter: Adapter = Asking) -> LocatedRouter:
    return LocatedRouter(
        cluster,  # type: ignore[arg-type]  # a fake that lists, which is all that is asked of it
        namespace="kvchaos",
        selector=SELECTOR,
        port=8080,
        dial=lambda pod, port: f"{pod}.dialled:{port}",
        adapter=adapter,
        engine_selector=ENGINES,
        model="a model",
        block_size=32,
    )


def adapted(cluster: ScriptedCluster) -> tuple[LocatedRouter, Asking]:
    made: list[Asking] = []

    def make(place: RouterPlace) -> RouterIndex:
        made.append(Asking(place))
        return made[-1]

    router = located(cluster, make)
    [asking] = made
    return router, asking


def gone(name: str) -> ScriptedCluster:
    body = router_pod(name)
    body["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
    return ScriptedCluster.of(engine_pod(), body)


def test_the_router_is_the_pod_behind_its_label() -> None:
    """Looked up once, whatever is asked of it."""
    cluster = ScriptedCluster.of(engine_pod(), router_pod())
    router, _ = adapted(cluster)

    assert (router.pod(), router.address()) == ("b", "b.dialled:8080")
    assert router.snapshot() == Observed(engines={})
    assert router.match([1, 2]) == {"a": 2}
    assert cluster.calls == [f"list pods kvchaos {SELECTOR}"]


def test_no_router_pod_is_an_error_that_says_where_to_look() -> None:
    """A pod that is about to go is none."""
    with pytest.raises(RouterUnreachable, match=f"no router pod: .*; see: .* -l {SELECTOR}"):
        located(gone("b")).snapshot()


def test_a_pod_that_is_about_to_go_is_passed_over() -> None:
    """Its replacement is the router."""
    cluster = gone("b")
    cluster.add(router_pod("d"))

    assert located(cluster).pod() == "d"


def test_of_two_routers_none_is_judged() -> None:
    """Either could be the one that is wrong."""
    cluster = ScriptedCluster.of(router_pod("d"), router_pod("b"))

    with pytest.raises(RouterUnreachable, match=r"which router to judge is not said: .* saw b, d"):
        located(cluster).address()


@pytest.mark.parametrize("question", ["snapshot", "match"])
def test_a_router_that_did_not_answer_is_looked_up_again(question: str) -> None:
    """It may be another pod by now."""
    cluster = ScriptedCluster.of(router_pod())
    router, adapter = adapted(cluster)
    adapter.down = True

    with pytest.raises(RouterUnreachable):
        router.snapshot() if question == "snapshot" else router.match([1])
    cluster.objects.clear()
    cluster.add(router_pod("d"))

    assert router.pod() == "d"


def test_a_router_that_cannot_be_looked_up_is_unreachable_until_it_can() -> None:
    """Probes go on asking then, as they do when it is silent; nothing is taken for found."""
    cluster = ScriptedCluster.of(router_pod(), fails={"list": [ClusterError("no answer")]})
    router = located(cluster)

    with pytest.raises(RouterUnreachable, match="cannot be looked up: saw no answer"):
        router.address()

    assert router.address() == "b.dialled:8080"


def test_a_forgotten_router_is_looked_up_again() -> None:
    """Whoever met it silent elsewhere can say so."""
    cluster = ScriptedCluster.of(router_pod())
    router = located(cluster)
    router.address()

    router.forget()
    router.address()

    assert len(cluster.calls) == 2


def addressed(name: str, address: str) -> Object:
    body = engine_pod(name)
    body["status"]["podIP"] = address
    return body


def test_an_adapter_is_told_of_the_engines_as_they_are_when_it_asks() -> None:
    """By address, those that are alive and have one; the router's label is not theirs."""
    dying = addressed("old", "10.0.0.1")
    dying["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
    cluster = ScriptedCluster.of(addressed("a", "10.0.0.1"), engine_pod("new"), dying, router_pod())
    _, asking = adapted(cluster)
    place = asking.place

    before = place.engines()
    cluster.add(addressed("new", "10.0.0.2"))

    assert (place.model, place.block_size) == ("a model", 32)
    assert before == {"10.0.0.1": "a"}
    assert place.engines() == {"10.0.0.1": "a", "10.0.0.2": "new"}
    assert cluster.calls == [f"list pods kvchaos {ENGINES}"] * 2


def test_an_address_that_two_engines_share_names_neither() -> None:
    """Pods of the host's network: blocks of one would be judged as the other's."""
    _, asking = adapted(ScriptedCluster.of(addressed("a", "10.0.0.1"), addressed("c", "10.0.0.1")))

    with pytest.raises(RouterUnreachable, match=r"cannot be told: .* saw 10\.0\.0\.1 of a, c"):
        asking.place.engines()


def test_engines_that_cannot_be_looked_up_are_not_none_of_them() -> None:
    """Every address would be a ghost's."""
    _, asking = adapted(ScriptedCluster.of(fails={"list": [ClusterError("no answer")]}))

    with pytest.raises(RouterUnreachable, match=r"the engines' pods cannot be .*: saw no answer"):
        asking.place.engines()
