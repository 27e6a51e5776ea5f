"""The engine double's HTTP face, as vLLM's server answers it.

``POST /v1/completions`` {"model", "prompt": text or list of token ids, "max_tokens": 16,
"cache_salt"}; the header ``X-data-parallel-rank`` picks the rank, otherwise the least loaded one.
``POST /reset_prefix_cache`` -> {"success": bool}: false while blocks are in use. Its
AllBlocksCleared leaves with the next step, so an idle engine keeps it to itself, as vLLM does.
``GET /health``, ``/v1/models``, ``/metrics``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from kvchaos.clock import Clock
from kvchaos.sim.engine import text
from kvchaos.sim.engine.rank import Rank
from kvchaos.sim.engine.scheduler import Request, Scheduler
from kvchaos.untrusted import Unreadable, json_of

RANK_HEADER = "X-data-parallel-rank"


class Completion(msgspec.Struct, frozen=True):
    """The body of a completion request; other fields of OpenAI's are read over."""

    prompt: str | list[int]
    model: str | None = None
    max_tokens: int = 16
    cache_salt: str | None = None
    stream: bool = False


class BadRequest(Exception):
    """A request that vLLM would refuse, with its status."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        self.status = status
        super().__init__(message)


class Engine:
    """The handlers over ``ranks``."""

    def __init__(self, ranks: Sequence[Rank], *, model: str, clock: Clock) -> None:
        self._ranks = ranks
        self._model = model
        self._clock = clock
        self._ids = itertools.count()
        self._started = int(clock.wall())

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/completions", self.complete),
                web.get("/v1/models", self.models),
                web.get("/health", self.health),
                web.get("/metrics", self.metrics),
                web.post("/reset_prefix_cache", self.reset),
            ]
        )
        return app

    async def complete(self, http: web.Request) -> web.Response:
        try:
            body = _read(await http.read())
            rank = self._choose(http.headers.get(RANK_HEADER))
            request = self._admit(body, rank.scheduler)
        except BadRequest as error:
            return _refusal(error)
        return _json(self._answer(await rank.complete(request)))

    async def models(self, _: web.Request) -> web.Response:
        return _json({"object": "list", "data": [self._model_card()]})

    async def health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def metrics(self, _: web.Request) -> web.Response:
        from kvchaos.sim.engine.metrics import exposition  # noqa: PLC0415 - slow; few ask

        body = exposition((rank.scheduler for rank in self._ranks), model=self._model)
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    async def reset(self, _: web.Request) -> web.Response:
        done = [rank.scheduler.reset() for rank in self._ranks]
        return _json({"success": all(done)})

    def _choose(self, header: str | None) -> Rank:
        if header is None:
            return min(self._ranks, key=lambda rank: rank.scheduler.load)
        if not header.isdecimal() or int(header) >= len(self._ranks):
            raise BadRequest(f"{RANK_HEADER}: wanted 0 to {len(self._ranks) - 1}, saw {header}")
        return self._ranks[int(header)]

    def _admit(self, body: Completion, scheduler: Scheduler) -> Request:
        if body.model not in (None, self._model):
            message = f"The model `{body.model}` does not exist."
            raise BadRequest(message, HTTPStatus.NOT_FOUND)
        tokens = text.encode(body.prompt) if isinstance(body.prompt, str) else body.prompt
        if not tokens or body.max_tokens < 1 or body.stream:
            raise BadRequest("wanted a prompt, max_tokens of 1 or more, and no stream")
        if min(tokens) < 0 or len(tokens) + body.max_tokens > scheduler.capacity:
            raise BadRequest(
                f"wanted token ids from 0 on, {scheduler.capacity} tokens at most with the output;"
                f" saw {len(tokens)} from {min(tokens)} on and max_tokens {body.max_tokens}"
            )
        return Request(list(tokens), body.max_tokens, body.cache_salt)

    def _answer(self, request: Request) -> dict[str, Any]:
        produced = len(request.output)
        choice = {
            "index": 0,
            "text": text.decode(request.output),
            "logprobs": None,
            "finish_reason": "length",
        }
        return {
            "id": f"cmpl-{next(self._ids)}",
            "object": "text_completion",
            "created": int(self._clock.wall()),
            "model": self._model,
            "choices": [choice],
            "usage": {
                "prompt_tokens": request.prompt_tokens,
                "total_tokens": request.prompt_tokens + produced,
                "completion_tokens": produced,
                "prompt_tokens_details": {"cached_tokens": request.cached_tokens},
            },
        }

    def _model_card(self) -> dict[str, Any]:
        return {
            "id": self._model,
            "object": "model",
            "created": self._started,
            "owned_by": "vllm",
            "root": self._model,
            "max_model_len": self._ranks[0].scheduler.capacity,
        }


def _read(body: bytes) -> Completion:
    try:
        return json_of(body, Completion)
    except Unreadable as error:
        raise BadRequest(str(error)) from error


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _refusal(error: BadRequest) -> web.Response:
    status = error.status
    detail = {"message": str(error), "type": status.phrase, "param": None, "code": status.value}
    return web.json_response({"error": detail}, status=status)
