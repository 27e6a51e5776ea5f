"""What refuses a run for the engines' blocks, by what engines say of themselves."""

from __future__ import annotations

import pytest

from kvchaos.preflight.metrics import MOST, block_sizes
from tests.preflight_world import cluster, engine, lines, metrics, only, preflight, refused, serving

E1, E2, E3 = "e1", "e2", "e3"


def told(**sizes: int) -> dict[str, bytes]:
    """Pages of engines, by their names."""
    return {name: serving(metrics(size)) for name, size in sizes.items()}


def test_engines_of_another_block_size_are_refused() -> None:
    """A prompt of 16 tokens is no block to them: the router would learn nothing of a canary."""
    seen = preflight(cluster(pages=told(e1=64, e2=64, e3=64)))

    assert lines(seen) == (
        "other_block_size: the engines' blocks are of another size: wanted blocks of 16 tokens"
        " (block_size), saw blocks of 64 tokens in e1, e2, e3;"
        " see: KVCHAOS_BLOCK_SIZE, and the engines' --block-size"
    )


def test_the_size_that_is_said_is_that_of_the_engines() -> None:
    """The twin: nothing is refused, and nothing noted."""
    seen = preflight(cluster(pages=told(e1=64, e2=64, e3=64)), block_size=64)

    assert (seen.findings, seen.notes) == ((), ())


@pytest.mark.parametrize("ours", [16, 32])
def test_engines_that_differ_from_each_other_are_refused(ours: int) -> None:
    """Whatever is said, it is wrong for one of them."""
    seen = preflight(cluster(pages=told(e2=32)), block_size=ours)

    assert lines(seen) == (
        "other_block_size: the engines' blocks are not of one size: wanted blocks of"
        f" {ours} tokens (block_size) in each of them, saw 16 in e1, e3; 32 in e2;"
        " see: KVCHAOS_BLOCK_SIZE, and the engines' --block-size"
    )


def test_a_whole_multiple_of_what_they_say_is_noted() -> None:
    """Ranks that share a context keep several of vLLM's blocks as one; their events tell."""
    seen = preflight(cluster(), block_size=32)

    assert seen.findings == ()
    (noted,) = seen.notes
    assert noted == (
        "block_size is 32, and the engines say 16:"
        " right only if they keep 2 of them as one (context parallelism)"
    )


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"no HTTP\r\n\r\n",
        serving(b"# TYPE sglang:num_running_reqs gauge\nsglang:num_running_reqs 0.0\n"),
        serving(b'{"detail":"Not Found"}', "404 Not Found"),
        serving(b"a" * 2**20),
    ],
)
def test_engines_that_do_not_tell_are_not_refused_for_that(page: bytes) -> None:
    """They are no vLLM, or have no metrics: their events tell."""
    assert refused(cluster(pages=dict.fromkeys((E1, E2, E3), page)), block_size=64) == []


def test_an_engine_that_is_not_ready_is_not_asked() -> None:
    """It may not have its settings yet; and there may be more than are asked."""
    late = engine(E1)
    late["status"]["conditions"] = []
    many = [engine(f"m{number:02}") for number in range(MOST)]
    last = engine("z")

    assert refused(cluster(late, pages=told(e1=64))) == []
    assert "other_block_size" not in refused(only(*many, last, pages=told(z=64)))


@pytest.mark.parametrize(
    ("page", "sizes"),
    [
        (metrics(16), {16}),
        (metrics(16, 32), {16, 32}),
        (b'vllm:cache_config_info{block_size="64"} 1.0', {64}),
        (b'vllm:cache_config_info{mamba_block_size="64",block_size="16"} 1.0', {16}),
        (b'vllm:cache_config_info{mamba_block_size="64"} 1.0', set()),
        (b'vllm:cache_config_info{block_size="None"} 1.0', set()),
        (b'vllm:cache_config_info{block_size="0"} 1.0', set()),
        (b'# vllm:cache_config_info{block_size="16"} 1.0', set()),
        (b'other:cache_config_info{block_size="16"} 1.0', set()),
        (b'vllm:cache_config_info{a="1"} 1.0\nx{block_size="16"} 1.0', set()),
    ],
)
def test_the_size_is_a_label_of_one_metric(page: bytes, sizes: set[int]) -> None:
    """Not of a neighbour whose name ends alike, nor of another line."""
    assert block_sizes(page) == sizes
