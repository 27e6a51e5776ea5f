"""Probes that cannot tell say so in plain JSON; nothing they raise reaches a tolerance."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chaoslib.discovery.discover import discover_probes

from kvchaos import probes
from kvchaos.errors import RouterUnreachable
from kvchaos.run import current
from kvchaos.run.answers import answers, raised
from tests.run_world import Made

Json = dict[str, Any]
KEYS = {
    "canary_visible": "visible",
    "event_stream": "complete",
    "fault_in_effect": "effect",
    "index_difference": "agrees",
    "index_recovered": "recovered",
    "no_residue": "clean",
    "prefix_routing": "followed",
    "traffic_failures": "failed",
}


@pytest.fixture(autouse=True)
def _no_run() -> Iterator[None]:
    current.end()
    yield
    current.end()


@pytest.mark.parametrize("name", probes.__all__)
def test_whatever_a_probe_would_raise_is_an_answer(
    made: Made, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its deciding key is null, which no shipped tolerance accepts, and the error is told."""
    current.begin(made().run)

    def bug(*_: object, **__: object) -> Json:
        raise KeyError("metadata")

    for module in ("faults.in_effect", "healing.residue_of", "agreement.difference",
                   "recovery.recovered", "requests.canary", "requests.prefix_routing",
                   "streams.event_stream", "traffic.failures"):  # fmt: skip
        monkeypatch.setattr(f"kvchaos.run.{module}", bug)

    answer = getattr(probes, name)()

    assert answer == {KEYS[name]: None, "unknown": {"error": "KeyError: 'metadata'"}}
    assert raised(answer) == "KeyError: 'metadata'"


def test_an_answer_passes_as_it_is() -> None:
    """With its arguments."""

    @answers("agrees")
    def probe(settle: float = 1.0) -> Json:
        return {"agrees": True, "settle": settle}

    assert probe(settle=3.0) == {"agrees": True, "settle": 3.0}


@pytest.mark.parametrize(
    "output", [None, 7, "text", {}, {"unknown": {}}, {"unknown": {"a/0": "gap"}}, {"unknown": 7}]
)
def test_only_an_error_is_one(output: object) -> None:
    """An engine that is not known is an answer."""
    assert raised(output) is None


def test_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks at the run's output sees why a probe does not know."""

    @answers("agrees")
    def index_difference() -> Json:
        raise RouterUnreachable("GET /index", saw="no answer")

    with caplog.at_level("WARNING", "chaostoolkit"):
        index_difference()

    assert "index_difference cannot tell: GET /index: saw no answer" in caplog.text


def test_chaos_toolkit_still_sees_the_arguments() -> None:
    """It binds an activity's arguments to a function's signature, and lists them."""
    (found,) = [each for each in discover_probes("kvchaos.probes") if each["name"] == "no_residue"]
    arguments = [list(inspect.signature(getattr(probes, name)).parameters) for name in KEYS]

    assert found["doc"].startswith("Whether anything of this run's faults is left")
    assert arguments == [
        ["within"], [], ["within"], ["settle"], ["budget", "samples"], [], ["within", "blocks"],
        ["last"],
    ]  # fmt: skip


@pytest.fixture
def leaving() -> Iterator[list[int]]:
    """The signals that somebody sends to end the experiment."""
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    yield seen
    signal.signal(signal.SIGUSR1, before)


def test_in_the_background_the_experiment_is_ended_too(leaving: list[int]) -> None:
    """There what an activity raises is only noted; Chaos Toolkit has a signal for it."""
    ask: Callable[[], Json] = probes.event_stream
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(ask).exception()

    assert isinstance(error, SystemExit)
    assert leaving == [signal.SIGUSR1]
