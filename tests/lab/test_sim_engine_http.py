"""The engine double's HTTP face, as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from kvchaos.clock import poll
from tests.lab.sim_processes import CLOCK, HOST, EngineProcess

pytestmark = pytest.mark.lab

ENGINE = (sys.executable, "-m", "kvchaos", "engine")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One engine of two ranks for the whole module; tests use prompts of their own."""
    with EngineProcess(tmp_path_factory.mktemp("engine") / "log", ranks=2) as process:
        yield process


def post(engine: EngineProcess, body: Any, **headers: str) -> requests.Response:
    return requests.post(f"{engine.url}/v1/completions", json=body, headers=headers, timeout=10)


def samples(engine: EngineProcess) -> dict[str, float]:
    """What ``/metrics`` says, by name and labels."""
    lines = requests.get(f"{engine.url}/metrics", timeout=10).text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_usage_tells_what_the_cache_gave(engine: EngineProcess) -> None:
    """The same prompt hits all its full blocks but the one with its last token."""
    prompt = list(range(1000, 1040))

    first, second = (engine.complete(prompt, rank=0) for _ in range(2))

    assert first["usage"] == {
        "prompt_tokens": 40,
        "total_tokens": 41,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    assert second["usage"]["prompt_tokens_details"] == {"cached_tokens": 32}
    assert second["choices"] == first["choices"]


def test_a_text_is_a_prompt_too(engine: EngineProcess) -> None:
    """One token for each byte."""
    usage = engine.complete("zwölf Boxkämpfer")["usage"]

    assert usage["prompt_tokens"] == len("zwölf Boxkämpfer".encode())


def test_the_header_picks_the_rank(engine: EngineProcess) -> None:
    """Each rank has a cache of its own."""
    prompt = list(range(2000, 2040))
    engine.complete(prompt, rank=0)

    cached = [
        engine.complete(prompt, rank=rank)["usage"]["prompt_tokens_details"]["cached_tokens"]
        for rank in (0, 1)
    ]

    assert cached == [32, 0]


def test_metrics_have_vllms_names_and_grow(engine: EngineProcess) -> None:
    """Queries and hits are tokens, by rank."""
    label = '{engine="1",model_name="kvchaos-demo"}'
    names = [f"vllm:prefix_cache_{what}_total{label}" for what in ("queries", "hits")]
    prompt = list(range(3000, 3040))
    before = samples(engine)

    for _ in range(2):
        engine.complete(prompt, rank=1)

    after = samples(engine)
    assert [after[name] - before[name] for name in names] == [80, 32]
    assert after[f"vllm:num_requests_running{label}"] == 0
    assert after[f"vllm:kv_cache_usage_perc{label}"] == 0


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"prompt": [1], "model": "other"}, 404, "`other` does not exist"),
        ({"prompt": []}, 400, "wanted a prompt"),
        ({"prompt": [1], "max_tokens": 0}, 400, "max_tokens"),
        ({"prompt": [1], "stream": True}, 400, "no stream"),
        ({"prompt": [-1]}, 400, "token ids from 0"),
        ({"prompt": [0] * 70_000}, 400, "65536 tokens at most"),
        ({"prompt": 1}, 400, "prompt"),
        ([], 400, "object"),
    ],
    ids=str,
)
def test_what_cannot_be_completed_is_refused(
    engine: EngineProcess, body: Any, code: int, says: str
) -> None:
    """With a status and a reason, in OpenAI's shape."""
    answer = post(engine, body)

    assert answer.status_code == code
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize("rank", ["2", "-1", "x"])
def test_a_rank_that_does_not_exist_is_refused(engine: EngineProcess, rank: str) -> None:
    """Nothing is routed to another rank in silence."""
    answer = post(engine, {"prompt": [1]}, **{"X-data-parallel-rank": rank})

    assert (answer.status_code, "wanted 0 to 1" in answer.text) == (400, True)


def test_the_model_is_listed(engine: EngineProcess) -> None:
    """Under the name that completions take."""
    (card,) = requests.get(f"{engine.url}/v1/models", timeout=10).json()["data"]

    assert (card["id"], card["max_model_len"]) == ("kvchaos-demo", 65536)


def test_a_reset_is_refused_while_a_request_runs(tmp_path: Path) -> None:
    """And works once it is done."""
    flags = ("--step-latency", "0.05")
    with EngineProcess(tmp_path / "log", *flags) as slow, ThreadPoolExecutor(1) as pool:
        long = pool.submit(post, slow, {"prompt": [1], "max_tokens": 40})
        running = 'vllm:num_requests_running{engine="0",model_name="kvchaos-demo"}'
        poll(lambda: samples(slow)[running], bool, timeout=10, every=0.02, clock=CLOCK)

        refused = slow.reset()
        long.result()

        assert (refused, slow.reset()) == ({"success": False}, {"success": True})


def test_sigterm_ends_it_soon_and_well(tmp_path: Path) -> None:
    """Exit code 0, also with a request under way."""
    flags = ("--step-latency", "1")
    with EngineProcess(tmp_path / "log", *flags) as slow, ThreadPoolExecutor(1) as pool:
        pool.submit(post, slow, {"prompt": [1], "max_tokens": 1000})

        assert slow.terminate() == 0


def test_a_port_that_is_taken_is_said_in_one_line(engine: EngineProcess) -> None:
    """No traceback; the code is that of a usage error."""
    ended = subprocess.run(
        [*ENGINE, "--host", HOST, "--port", str(engine.port), "--kv-events-config", "{}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 4
    assert "HTTP port is not usable" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
