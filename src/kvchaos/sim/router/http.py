"""The reference router's HTTP face.

``POST /v1/completions``: OpenAI's, passed on to the engine that holds the longest prefix of a
prompt of token ids (ties and texts: to the least busy); answered with the engine's status and
body and the header ``target-pod``. 503: no engine is ready; 502, 504: that engine did not answer.
``GET /index`` -> ``{"router": {"recovery": "replay"|"none", "started": <Unix s>}, "engines":
[{"pod", "uid", "rank", "connected", "seq" (last applied, or null), "gaps", "replays", "restarts",
"lost" (batches missing under the present index), "blocks": [{"medium", "group", "hashes"}]}]}``.
``POST /match`` ``{"token_ids": [...]}`` -> ``{"block_size": 16, "pods": {"<pod>": tokens held}}``;
it changes nothing. ``GET /healthz``: 200 once the engines were listed, else 503. ``GET /metrics``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from kvchaos.clock import Clock
from kvchaos.sim.router.receiver import Match, Receiver
from kvchaos.sim.router.routing import Routing
from kvchaos.untrusted import MIB, Unreadable, json_of, too_long

logger = logging.getLogger(__name__)

TARGET = "target-pod"
RANK = "X-data-parallel-rank"
CONNECT = 2.0  # seconds
PASSED_ON = frozenset({"content-type", "x-request-id"})
DEFAULT_BLOCK_SIZE = 16
LARGEST = 16 * MIB  # bytes of an engine's answer


class Prompt(msgspec.Struct, frozen=True):
    """What routing reads of a completion request; the body itself is passed on as it is."""

    prompt: str | list[int]


class Tokens(msgspec.Struct, frozen=True):
    """The body of ``POST /match``."""

    token_ids: list[int]


class Router:
    """The handlers over ``receiver``'s index; ``timeout`` in seconds is for one engine's answer."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        recovery: str,
        is_ready: Callable[[], bool],
        timeout: float,
        clock: Clock,
    ) -> None:
        self._receiver = receiver
        self._is_ready = is_ready
        self._routing = Routing()
        self._about = {"recovery": recovery, "started": clock.wall()}
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT)
        self._answers: Counter[tuple[str, int]] = Counter()
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/completions", self.complete),
                web.get("/index", self.index),
                web.post("/match", self.match),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        app.cleanup_ctx.append(self._connections)
        return app

    async def index(self, _: web.Request) -> web.Response:
        return _json({"router": self._about, "engines": self._receiver.views()})

    async def match(self, http: web.Request) -> web.Response:
        try:
            body = json_of(await http.read(), Tokens)
        except Unreadable as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error))
        pods: dict[str, int] = {}
        for match in self._receiver.match(body.token_ids):
            pods[match.engine.pod] = max(match.tokens, pods.get(match.engine.pod, 0))
        size = self._receiver.block_size() or DEFAULT_BLOCK_SIZE
        return _json({"block_size": size, "pods": pods})

    async def healthz(self, _: web.Request) -> web.Response:
        if not self._is_ready():
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "engines are not listed yet")
        return _json({"ok": True})

    async def metrics(self, _: web.Request) -> web.Response:
        from kvchaos.sim.router.metrics import exposition  # noqa: PLC0415 - slow; few ask

        body = exposition(self._receiver.feeds(), self._answers)
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    async def complete(self, http: web.Request) -> web.Response:
        body = await http.read()
        try:
            prompt = json_of(body, Prompt).prompt
        except Unreadable as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error))
        matches = self._receiver.match([] if isinstance(prompt, str) else prompt)
        self._routing.keep_only({match.engine.uid for match in matches})
        chosen = self._routing.choose(matches)
        if chosen is None:
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "no engine is ready")
        with self._routing.running(chosen.engine):
            answer = await self._forward(chosen, http, body)
        answer.headers[TARGET] = chosen.engine.pod
        self._answers[chosen.engine.pod, answer.status] += 1
        return answer

    async def _forward(self, chosen: Match, http: web.Request, body: bytes) -> web.Response:
        assert self._session is not None  # noqa: S101 - open as long as the application runs
        headers = {name: http.headers[name] for name in PASSED_ON if name in http.headers}
        if chosen.tokens and len(chosen.engine.ranks) > 1:
            headers[RANK] = str(chosen.rank)
        try:
            async with self._session.post(chosen.engine.url, data=body, headers=headers) as reply:
                said = await _bounded(reply)
                return web.Response(body=said, status=reply.status, content_type=reply.content_type)
        except Unreadable as error:
            return _unanswered(HTTPStatus.BAD_GATEWAY, chosen, f"its answer has {error}")
        except TimeoutError:
            return _unanswered(HTTPStatus.GATEWAY_TIMEOUT, chosen, "no answer in time")
        except aiohttp.ClientError as error:
            return _unanswered(HTTPStatus.BAD_GATEWAY, chosen, str(error))

    async def _connections(self, _: web.Application) -> AsyncIterator[None]:
        """One connection for each request: none outlives a fault to hang the next request."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=self._timeout) as session:
            self._session = session
            yield
            self._session = None


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    """The body of an engine's answer, of at most ``LARGEST`` bytes."""
    kept = bytearray()
    async for chunk in reply.content.iter_any():
        kept += chunk
        if len(kept) > LARGEST:
            raise too_long(LARGEST)
    return bytes(kept)


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _error(status: HTTPStatus, message: str) -> web.Response:
    detail = {"message": message, "type": status.phrase, "code": status.value}
    return web.json_response({"error": detail}, status=status)


def _unanswered(status: HTTPStatus, chosen: Match, why: str) -> web.Response:
    logger.warning("%s: %s", chosen.engine.pod, why)
    return _error(status, f"{chosen.engine.pod}: {why}")
