"""Answers over HTTP of which a part comes again and again, and never the last."""

from __future__ import annotations

import pytest

from kvchaos.clock import SystemClock
from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.routers.reference import ReferenceRouter
from kvchaos.traffic.completions import Completions
from tests.dripping import HEAD, dripping

pytestmark = pytest.mark.lab


@pytest.mark.timeout(10)
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD], ids=["", "head", "body"])
def test_an_answer_that_never_ends_is_none(head: bytes) -> None:
    """Each byte of it comes in time; all of them never would."""
    with dripping(head) as address, pytest.raises(RouterUnreachable, match="timed out"):
        ReferenceRouter(lambda: address, timeout=0.2).snapshot()


@pytest.mark.timeout(10)
def test_a_completion_that_never_ends_is_none() -> None:
    """Traffic and probes go on without it."""
    hurried = Completions(model="demo", clock=SystemClock(), timeout=0.2)

    with dripping(HEAD) as address, pytest.raises(EngineUnreachable, match="timed out"):
        hurried.engine(address, [5])
