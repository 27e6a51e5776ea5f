"""One engine and what the router knows of it."""

from __future__ import annotations

from kvchaos.pytest.engines import Engines
from kvchaos.pytest.router import Router


def test_the_router_learns_what_an_engine_stored(engines: Engines, router: Router) -> None:
    """A prompt that an engine was given is matched to that engine, all of it, and to no other."""
    engine = engines[0]

    prompt = engine.prompt(blocks=8)

    assert router.agrees(within=10)
    assert router.match(prompt) == {engine.name: len(prompt)}


def test_a_prompt_goes_to_the_engine_that_has_it(engines: Engines, router: Router) -> None:
    """Routing follows the index."""
    engine = engines[-1]
    prompt = engine.prompt(blocks=8)
    assert router.agrees(within=10)

    assert router.route(prompt) == engine.name
