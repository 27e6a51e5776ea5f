"""Where the router answers, as its pods come and go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.protocol import Adapter, RouterIndex, RouterPlace
from kvchaos.sampling.addresses import EngineAddresses
from kvchaos.sampling.locate import LocatedRouter
from tests.addressed import engine_at
from tests.run_world import router_pod, silent_router
from tests.scripted import FakeClock, ScriptedCluster

SELECTOR = "app.kubernetes.io/name=kvchaos-router"
ENGINES = "model.aibrix.ai/kv-events-enabled=true"


class Asking:
    """An adapter that asks where the router is, which answers unless it is ``down``.

    It has one ``worker``, named by its address, or none.
    """

    def __init__(self, place: RouterPlace) -> None:
        self.place = place
        self.down = False
        self.worker = ""

    def snapshot(self) -> Observed:
        self._answer()
        if not self.worker:
            return Observed(engines={})
        name = self.place.engines().get(self.worker, f"worker at {self.worker}")
        return Observed(engines={(name, 0): EngineView({})})

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
        engines=EngineAddresses(
            cluster,  # type: ignore[arg-type]  # as above
            namespace="kvchaos",
            selector=ENGINES,
            clock=FakeClock(),
            there=lambda: {"a-uid"},
        ),
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
    return ScriptedCluster.of(engine_at("10.0.0.1", "a"), body)


def test_the_router_is_the_pod_behind_its_label() -> None:
    """Looked up once, whatever is asked of it."""
    cluster = ScriptedCluster.of(engine_at("10.0.0.1", "a"), router_pod())
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


def test_an_adapter_is_told_of_model_blocks_and_engines() -> None:
    """The router's label is not theirs."""
    cluster = ScriptedCluster.of(engine_at("10.0.0.1", "a"), router_pod())
    _, asking = adapted(cluster)

    assert (asking.place.model, asking.place.block_size) == ("a model", 32)
    assert asking.place.engines() == {"10.0.0.1": "a"}
    assert cluster.calls == [f"list pods kvchaos {ENGINES}"]


def test_no_engine_is_a_ghost_because_its_address_is_new() -> None:
    """The index is asked for again then, and named by the pods that there are by now."""
    cluster = ScriptedCluster.of(engine_at("10.0.0.1", "a"), router_pod())
    router, adapter = adapted(cluster)
    adapter.worker = "10.0.0.1"
    before = router.snapshot()

    cluster.add(engine_at("10.0.0.2", "new"))
    adapter.worker = "10.0.0.2"
    after = router.snapshot()

    assert (list(before.engines), list(after.engines)) == ([("a", 0)], [("new", 0)])


def test_a_ghost_is_not_asked_for_anew_each_time() -> None:
    """It may stay for long, and looks come closely."""
    cluster = ScriptedCluster.of(engine_at("10.0.0.1", "a"), router_pod())
    router, adapter = adapted(cluster)
    adapter.worker = "10.0.0.1"
    router.snapshot()

    cluster.calls.clear()
    adapter.worker = "10.0.0.2"
    seen = [list(router.snapshot().engines) for _ in range(3)]

    assert seen == [[("worker at 10.0.0.2", 0)]] * 3
    assert cluster.calls == [f"list pods kvchaos {ENGINES}"]
