"""Requests of a run, with engines that publish and a router that learns as a test says."""

from __future__ import annotations

import pytest

from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.names import EngineId
from kvchaos.run import requests
from kvchaos.sampling.timeline import Sample
from kvchaos.traffic.completions import Completions
from tests.run_world import A, Made, World, silent_router

C = EngineId("c", "c-uid", 1)
LABELS = ["a/0", "c/1"]


@pytest.fixture
def world(made: Made, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two engines, the second one a rank 1, that have published nothing yet and 5 batches."""
    world = made()
    world.observer.heads = {A: None, C: 4}
    world.play(monkeypatch)
    return world


def test_a_run_asks_for_its_own_model(made: Made) -> None:
    """On its own clock."""
    world = made(model="own")

    assert requests.completions(world.run) == Completions(model="own", clock=world.clock)


# -- warm and flush -----------------------------------------------------------------------------


def test_every_engine_and_rank_is_warmed_directly(world: World) -> None:
    """The answer says what each has published by then."""
    answer = requests.warm(world.run, prefixes=2, blocks=3, visible_within=None)

    assert answer == {"engines": {"a/0": 1, "c/1": 6}, "blocks_each": 6}
    assert world.answers.asked == [("a", 0, 48)] * 2 + [("c", 1, 48)] * 2
    assert len(world.router.prompts) == 4


def test_warming_may_wait_for_the_index(world: World) -> None:
    """The answer says how long it took to agree."""
    world.sampler.plan = [Sample(began=2, at=2, agrees=True, counts={"agrees": True})]

    answer = requests.warm(world.run, prefixes=1, blocks=1, visible_within=5)

    assert answer["visible_after"] == 2.0


def test_without_an_engine_there_is_nothing_to_warm(world: World) -> None:
    """The error says where it was looked for one."""
    world.observer.heads = {}

    with pytest.raises(EngineUnreachable, match=r"no engine to warm: .*kv-events-enabled=true"):
        requests.warm(world.run, prefixes=1, blocks=1, visible_within=None)


def test_engines_that_publish_nothing_are_named(world: World) -> None:
    """A request was answered, but no event came: it is the engine's configuration."""
    world.answers.silent = {"c"}

    with pytest.raises(EngineUnreachable, match=r"no KV event from c/1: .* within 20 s"):
        requests.warm(world.run, prefixes=1, blocks=1, visible_within=None)


def test_a_flush_is_over_when_every_engine_has_published(world: World) -> None:
    """From then on a lost tail would show."""
    world.clock.sleep(3)

    answer = requests.flush(world.run, within=5)

    assert answer == {"engines": {"a/0": 0, "c/1": 5}}
    assert world.run.flushed == 3.0


def test_a_flush_that_one_engine_did_not_answer_is_none(world: World) -> None:
    """An engine that never published has not published now either."""
    world.answers.silent = {"a"}

    with pytest.raises(EngineUnreachable, match="no KV event from a/0"):
        requests.flush(world.run, within=5)

    assert world.run.flushed is None


def test_an_engine_whose_epoch_began_anew_has_published_when_its_seq_is_another(
    world: World,
) -> None:
    """A restarted engine counts from 0 again."""
    heads = {C: world.observer.head(C)}
    world.observer.heads[C] = 0

    assert requests.await_heads(world.run, heads, timeout=1) == {"c/1": 0}


def test_an_engine_whose_epoch_began_anew_with_nothing_is_silent(world: World) -> None:
    """It has not published since, whatever it had before."""
    world.observer.heads[C] = None

    with pytest.raises(EngineUnreachable, match="no KV event from c/1"):
        requests.await_heads(world.run, {C: 4}, timeout=1)


# -- canary -------------------------------------------------------------------------------------


def test_a_canary_is_visible_when_the_router_knows_it_on_its_engine(world: World) -> None:
    """Of every engine."""
    answer = requests.canary(world.run, within=1)

    assert answer == {"visible": True, "missing": [], "unknown": {}, "waited": 0.0}


def test_a_canary_may_take_its_time(world: World) -> None:
    """An event is on its way for a moment."""
    world.router.learns = False
    world.clock.due = [(100.2, lambda: world.router.prompts.update(known))]
    prompts = {engine: requests.ask_engine(world.run, engine, 1) for engine in (A, C)}
    known = {tuple(prompt): {engine.pod: 16} for engine, prompt in prompts.items()}

    answer = requests._visible(world.run, prompts, dict.fromkeys(prompts), within=1)

    assert answer == {"visible": True, "missing": [], "unknown": {}, "waited": 0.2}


def test_a_canary_that_the_router_does_not_come_to_know_is_missing(world: World) -> None:
    """Its engine is named."""
    world.router.learns = False

    answer = requests.canary(world.run, within=1)

    assert answer == {"visible": False, "missing": LABELS, "unknown": {}, "waited": 1.0}


def test_a_router_is_not_to_blame_for_what_no_engine_published(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A prompt that is no whole block to the engine, or an engine that publishes nothing at all."""
    world.router.learns = False
    world.answers.silent = {"a", "c"}

    canary = requests.canary(world.run, within=1)
    routing = requests.prefix_routing(world.run, within=1, blocks=2)

    why = (
        "it published nothing for prompts of blocks of 16 tokens: see the engine's"
        " --kv-events-config, and its --block-size beside KVCHAOS_BLOCK_SIZE"
    )
    unknown = dict.fromkeys(LABELS, why)
    assert canary == {"visible": None, "missing": LABELS, "unknown": unknown, "waited": 1.0}
    assert routing == {"followed": None, "asked": 0, "engines": {}, "unknown": unknown}
    assert caplog.messages[:2] == [f"Engine {engine} cannot be judged: {why}" for engine in LABELS]


def test_a_router_is_not_to_blame_for_blocks_of_another_size(world: World) -> None:
    """It cannot know the end of a prompt that fills no block."""
    world.router.learns = False
    world.observer.sizes = {A: 64, C: 64}

    answer = requests.canary(world.run, within=1)

    why = "its blocks have 64 tokens, and block_size is 16: see KVCHAOS_BLOCK_SIZE"
    assert (answer["visible"], answer["unknown"]) == (None, dict.fromkeys(LABELS, why))


def test_a_router_is_to_blame_for_one_engine_though_another_was_silent(world: World) -> None:
    """What one engine published it does not know, whatever the other one did."""
    world.router.learns = False
    world.answers.silent = {"a"}

    answer = requests.canary(world.run, within=1)

    assert (answer["visible"], answer["missing"]) == (False, LABELS)
    assert list(answer["unknown"]) == ["a/0"]


def test_a_canary_is_unknown_when_the_router_does_not_answer(world: World) -> None:
    """Nobody can say what it knows."""
    world.router.down = silent_router()

    answer = requests.canary(world.run, within=1)

    assert (answer["visible"], answer["unknown"]) == (None, {"router": "the router did not answer"})


def test_a_canary_is_unknown_when_no_engine_is_followed(world: World) -> None:
    """Not a single one was sent, so none being missing says nothing."""
    world.observer.heads = {}

    answer = requests.canary(world.run, within=1)

    assert (answer["visible"], answer["unknown"]) == (None, {"router": "no engine is followed"})


# -- routing ------------------------------------------------------------------------------------


def test_prefixes_are_followed_when_each_goes_to_the_engine_that_holds_it(world: World) -> None:
    """And that engine had them cached, or does not say."""
    answer = requests.prefix_routing(world.run, within=1, blocks=2)

    routed = {"followed": True, "cached_tokens": 16, "prompt_tokens": 32}
    engines = {"a/0": {**routed, "pod": "a"}, "c/1": {**routed, "pod": "c"}}
    assert answer == {"followed": True, "asked": 2, "engines": engines, "unknown": {}}


@pytest.mark.parametrize(("cached", "followed"), [(0, False), (None, True)])
def test_the_right_pod_without_the_prefix_in_its_cache_is_not_followed(
    world: World, cached: int | None, followed: bool
) -> None:
    """What an engine does not tell is not held against the router."""
    world.answers.cached = cached

    assert requests.prefix_routing(world.run, within=1, blocks=2)["followed"] is followed


def test_prefixes_that_never_became_visible_are_not_followed(world: World) -> None:
    """Even if the requests happened to go to the right pods."""
    world.router.learns = False
    world.observer.heads = {EngineId("c", "c-uid", 0): None}

    answer = requests.prefix_routing(world.run, within=1, blocks=2)

    assert [each["followed"] for each in answer["engines"].values()] == [True]
    assert answer["followed"] is False


def test_a_request_that_the_router_does_not_answer_is_not_followed(world: World) -> None:
    """The error stands beside it."""
    world.answers.lost = [RouterUnreachable("POST", saw="503")]

    answer = requests.prefix_routing(world.run, within=1, blocks=2)

    assert answer["followed"] is False
    assert answer["engines"]["a/0"] == {"followed": False, "pod": None, "error": "POST: saw 503"}
    assert answer["engines"]["c/1"]["followed"] is True


def test_routing_is_unknown_when_the_router_cannot_be_asked(world: World) -> None:
    """Nothing was sent through it."""
    world.router.down = silent_router()

    assert requests.prefix_routing(world.run, within=1, blocks=2) == {
        "followed": None,
        "asked": 0,
        "engines": {},
        "unknown": {"router": "the router did not answer"},
    }
