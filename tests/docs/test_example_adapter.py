"""The adapter in ``examples/router-adapter`` over real HTTP: its answers, and its refusals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from kvchaos.errors import RouterUnreachable
from kvchaos.index.names import BlockKey
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.protocol import RouterIndex, RouterPlace
from tests.docs.reader import TOP
from tests.lab.test_http_answers import Played, serving

pytestmark = pytest.mark.lab

GPU = BlockKey("GPU", None)


@pytest.fixture(scope="module")
def ourrouter() -> Iterator[ModuleType]:
    """The example as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOP / "examples" / "router-adapter")
        yield import_module("ourrouter")
        del sys.modules["ourrouter"]


def ours(ourrouter: ModuleType, server: Played) -> RouterIndex:
    place = RouterPlace(lambda: server.address, dict, "a model", 16)
    found: RouterIndex = ourrouter.OurRouter(place)
    return found


def test_an_answer_becomes_blocks_by_engine(ourrouter: ModuleType) -> None:
    """Hashes in hexadecimal become numbers; an engine without blocks is one all the same."""
    pods = [{"name": "a", "blocks": ["ff", "ffffffffffffffff"]}, {"name": "b", "blocks": []}]
    with serving({"pods": pods}) as server:
        found = ours(ourrouter, server).snapshot()

    engines = {("a", 0): EngineView({GPU: frozenset({255, 2**64 - 1})}), ("b", 0): EngineView({})}
    assert found == Observed(engines=engines)


def test_a_match_is_tokens_by_pod(ourrouter: ModuleType) -> None:
    """As the router says it."""
    with serving({"a": 32}) as server:
        assert ours(ourrouter, server).match([1, 2]) == {"a": 32}


@pytest.mark.parametrize(
    "answer",
    [{}, {"pods": [{"name": "a"}]}, {"pods": [{"name": "a", "blocks": ["no number"]}]}, b"<html>"],
    ids=["empty", "no blocks", "no number", "no JSON"],
)
def test_what_is_not_as_documented_is_no_empty_index(ourrouter: ModuleType, answer: Any) -> None:
    """A misread index would be a false verdict."""
    with serving(answer) as server, pytest.raises(RouterUnreachable):
        ours(ourrouter, server).snapshot()
