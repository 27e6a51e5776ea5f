"""One completion request, OpenAI style with token ids, to an engine or through the router.

``POST /v1/completions`` with ``{"model", "prompt": [ids], "max_tokens", "temperature", "stream"}``;
the answer's ``usage`` has ``prompt_tokens`` and, from engines that tell it (vLLM:
``--enable-prompt-tokens-details``), ``prompt_tokens_details.cached_tokens``. The router names the
pod that it picked in the header ``target-pod``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import requests

from kvchaos.clock import Clock
from kvchaos.errors import EngineUnreachable, KVChaosError, RouterUnreachable
from kvchaos.sessions import WAITS, content, session, within
from kvchaos.untrusted import MIB, Unreadable, json_of

POD_HEADER = "target-pod"
RANK_HEADER = "X-data-parallel-rank"
LARGEST = MIB
"""Bytes of one answer; one token is asked for."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: ``latency`` in seconds; None is what the server did not say."""

    pod: str | None
    cached_tokens: int | None
    prompt_tokens: int
    latency: float
    status: int


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    prompt_tokens_details: _Details | None = None


class _Answer(msgspec.Struct, frozen=True):
    usage: _Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Sends completion requests of one model; ``timeout`` bounds each wait, in seconds."""

    model: str
    clock: Clock
    timeout: float = 10.0
    max_tokens: int = 1
    pod_header: str = POD_HEADER

    def engine(self, address: str, prompt: Sequence[int], *, rank: int | None = None) -> Completion:
        """Ask one engine (and rank of it) directly; ``EngineUnreachable`` without an answer."""
        headers = {} if rank is None else {RANK_HEADER: str(rank)}
        return self._send(address, prompt, headers, EngineUnreachable)

    def router(self, address: str, prompt: Sequence[int]) -> Completion:
        """Ask through the router, which picks the pod; ``RouterUnreachable`` without an answer."""
        return self._send(address, prompt, {}, RouterUnreachable)

    def _send(
        self,
        address: str,
        prompt: Sequence[int],
        headers: dict[str, str],
        unreachable: type[KVChaosError],
    ) -> Completion:
        url = f"http://{address}/v1/completions"
        began = self.clock.now()
        try:
            with (
                within(WAITS * self.timeout),
                session().post(
                    url, json=self._body(prompt), headers=headers, timeout=self.timeout, stream=True
                ) as reply,
            ):
                reply.raise_for_status()
                usage = json_of(content(reply, LARGEST), _Answer).usage
        except requests.RequestException as error:
            raise unreachable(f"POST {url}", saw=str(error)) from error
        except Unreadable as error:
            raise unreachable(f"POST {url}", wanted="a completion", saw=str(error)) from error
        details = usage.prompt_tokens_details
        return Completion(
            pod=reply.headers.get(self.pod_header),
            cached_tokens=details.cached_tokens if details else None,
            prompt_tokens=usage.prompt_tokens,
            latency=self.clock.now() - began,
            status=reply.status_code,
        )

    def _body(self, prompt: Sequence[int]) -> dict[str, object]:
        return {
            "model": self.model,
            "prompt": list(prompt),
            "max_tokens": self.max_tokens,
            "temperature": 0,
            "stream": False,
        }
