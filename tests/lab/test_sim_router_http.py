"""The reference router's HTTP face before real engine processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from kvchaos.clock import poll
from kvchaos.sim.router.engines import Engine, RankPorts
from kvchaos.sim.router.http import Router
from kvchaos.sim.router.receiver import Receiver
from tests.lab.sim_processes import CLOCK, EngineProcess, as_found, free_port

pytestmark = pytest.mark.lab

Client = TestClient[Any, Any]
Prompts = {"a": list(range(100, 133)), "b": list(range(500, 533))}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, EngineProcess]]:
    """Two engines, each warm with its own prompt of two blocks and one token."""
    logs = tmp_path_factory.mktemp("engines")
    with ExitStack() as stack:
        started = {pod: stack.enter_context(EngineProcess(logs / pod)) for pod in ("a", "b")}
        for pod, engine in started.items():
            engine.complete(Prompts[pod])
        yield started


@pytest.fixture
def receiver(engines: dict[str, EngineProcess]) -> Iterator[Receiver]:
    """A receiver that has both engines' blocks."""
    receiver = Receiver(recover=True, clock=CLOCK)
    receiver.start()
    for pod, engine in engines.items():
        receiver.found(as_found(engine, pod=pod))
    try:
        full, _ = poll(
            lambda: [len(place["hashes"]) for view in receiver.views() for place in view["blocks"]],
            lambda sizes: sizes == [2, 2],
            timeout=15,
            every=0.02,
            clock=CLOCK,
        )
        assert full == [2, 2]
        yield receiver
    finally:
        receiver.stop()


def ask(
    receiver: Receiver, questions: Callable[[Client], Awaitable[None]], *, ready: bool = True
) -> None:
    """Run ``questions`` against a router over ``receiver``."""

    async def run() -> None:
        router = Router(receiver, recovery="replay", is_ready=lambda: ready, timeout=5, clock=CLOCK)
        async with TestClient(TestServer(router.application())) as client:
            await questions(client)

    asyncio.run(run())


def test_a_request_goes_where_its_prefix_is(receiver: Receiver) -> None:
    """The header names the pod, and the engine's own answer says that it was a hit."""

    async def questions(client: Client) -> None:
        for pod, prompt in Prompts.items():
            answer = await client.post("/v1/completions", json={"prompt": prompt, "max_tokens": 1})
            usage = (await answer.json())["usage"]
            assert (answer.status, answer.headers["target-pod"]) == (200, pod)
            assert usage["prompt_tokens_details"] == {"cached_tokens": 32}

    ask(receiver, questions)


def test_a_request_goes_to_the_rank_that_holds_its_prefix(tmp_path: Path) -> None:
    """The engine alone would choose by load, and find nothing."""
    prompt = list(range(700, 733))
    receiver = Receiver(recover=True, clock=CLOCK)
    receiver.start()

    async def questions(client: Client) -> None:
        answer = await client.post("/v1/completions", json={"prompt": prompt, "max_tokens": 1})
        usage = (await answer.json())["usage"]
        assert usage["prompt_tokens_details"] == {"cached_tokens": 32}

    with EngineProcess(tmp_path / "log", ranks=2) as engine:
        engine.complete(prompt, rank=1)
        ports = [RankPorts(engine.events + rank, engine.replay + rank) for rank in range(2)]
        receiver.found(as_found(engine, ports=ports))
        try:
            held, _ = poll(
                lambda: [match.tokens for match in receiver.match(prompt)],
                lambda tokens: tokens == [32],
                timeout=15,
                every=0.02,
                clock=CLOCK,
            )
            assert held == [32]
            ask(receiver, questions)
        finally:
            receiver.stop()


def test_match_tells_how_much_each_pod_holds(receiver: Receiver) -> None:
    """In tokens; a pod that holds nothing is named too."""

    async def questions(client: Client) -> None:
        answer = await client.post("/match", json={"token_ids": Prompts["a"]})
        assert await answer.json() == {"block_size": 16, "pods": {"a": 32, "b": 0}}

    ask(receiver, questions)


def test_the_index_is_shown_as_documented(
    receiver: Receiver, engines: dict[str, EngineProcess]
) -> None:
    """Every rank with its stream's state and its blocks by place."""
    wanted = {
        pod: {
            "pod": pod,
            "uid": f"uid-{pod}",
            "rank": 0,
            "connected": True,
            "seq": 0,
            "gaps": 0,
            "replays": 1,
            "restarts": 0,
            "lost": 0,
            "blocks": [{"medium": "GPU", "group": 0, "hashes": engine.held()}],
        }
        for pod, engine in engines.items()
    }

    async def questions(client: Client) -> None:
        index = await (await client.get("/index")).json()
        for engine in index["engines"]:
            for place in engine["blocks"]:
                place["hashes"] = set(place["hashes"])
        assert {engine["pod"]: engine for engine in index["engines"]} == wanted
        assert index["router"].keys() == {"recovery", "started"}
        assert index["router"]["recovery"] == "replay"

    ask(receiver, questions)


def test_health_waits_for_the_first_list(receiver: Receiver) -> None:
    """A router that does not know its engines yet is not ready."""

    async def healthy(client: Client) -> None:
        assert (await client.get("/healthz")).status == 200

    async def waiting(client: Client) -> None:
        assert (await client.get("/healthz")).status == 503

    ask(receiver, healthy)
    ask(receiver, waiting, ready=False)


def test_metrics_name_pods_and_answers(receiver: Receiver) -> None:
    """What can be alerted on: links, gaps, and what engines answered."""

    async def questions(client: Client) -> None:
        await client.post("/v1/completions", json={"prompt": Prompts["a"], "max_tokens": 1})
        lines = (await (await client.get("/metrics")).text()).splitlines()
        assert {
            'kvchaos_router_connected{pod="a",rank="0"} 1.0',
            'kvchaos_router_blocks{pod="b",rank="0"} 2.0',
            'kvchaos_router_replays_total{pod="a",rank="0"} 1.0',
            'kvchaos_router_requests_total{code="200",pod="a"} 1.0',
        } <= set(lines)

    ask(receiver, questions)


def test_an_engine_that_does_not_answer_is_named() -> None:
    """The request fails with 502 and the pod it was for; no other engine is tried in its place."""
    receiver = Receiver(recover=True, clock=CLOCK)
    receiver.start()
    ports = (RankPorts(free_port(), free_port()),)
    receiver.found(Engine("dead", "uid-dead", "127.0.0.1", free_port(), True, 0, ports))
    poll(receiver.views, bool, timeout=10, every=0.01, clock=CLOCK)

    async def questions(client: Client) -> None:
        answer = await client.post("/v1/completions", json={"prompt": [1]})
        assert (answer.status, answer.headers["target-pod"]) == (502, "dead")

    try:
        ask(receiver, questions)
    finally:
        receiver.stop()


def test_an_engine_that_answers_without_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """502 at the bound, and no more than that is read."""
    monkeypatch.setattr("kvchaos.sim.router.http.LARGEST", 2**20)

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(bytes(2**16))
        return answer

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/completions", endless)
        async with TestServer(app) as engine:
            found = Engine("pod-a", "a", "127.0.0.1", engine.port or 0, True, 0, (RankPorts(1, 2),))
            receiver = Receiver(recover=False, clock=CLOCK)
            receiver.found(found)
            receiver._turn()
            router = Router(
                receiver, recovery="none", is_ready=lambda: True, timeout=20, clock=CLOCK
            )
            async with TestClient(TestServer(router.application())) as client:
                reply = await client.post("/v1/completions", json={"prompt": [1]})
                assert (reply.status, await reply.json()) == (
                    502,
                    {
                        "error": {
                            "message": "pod-a: its answer has more than 1 MiB",
                            "type": "Bad Gateway",
                            "code": 502,
                        }
                    },
                )
            for feed in receiver._all():
                feed.close()

    asyncio.run(run())


def test_without_a_ready_engine_there_is_no_answer() -> None:
    """503, at once."""
    receiver = Receiver(recover=True, clock=CLOCK)

    async def questions(client: Client) -> None:
        answer = await client.post("/v1/completions", json={"prompt": [1]})
        assert (answer.status, "target-pod" in answer.headers) == (503, False)

    ask(receiver, questions)


@pytest.mark.parametrize("path", ["/v1/completions", "/match"])
def test_what_is_no_request_is_refused(path: str) -> None:
    """Before any engine is asked."""
    receiver = Receiver(recover=True, clock=CLOCK)

    async def questions(client: Client) -> None:
        assert (await client.post(path, data=b"{")).status == 400
        assert (await client.post(path, json={"prompt": 1, "token_ids": 1})).status == 400

    ask(receiver, questions)
