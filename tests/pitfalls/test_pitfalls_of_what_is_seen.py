"""The pitfalls of asking, waiting and writing down, each by its number."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chaoslib.hypothesis import within_tolerance

from kvchaos import probes
from kvchaos.assets import asset
from kvchaos.cluster.client import Cluster
from kvchaos.control import after_experiment_control
from kvchaos.errors import ExperimentInvalid
from kvchaos.experiment import activities, check, load
from kvchaos.kvevents.replay import ReplayClient
from kvchaos.kvevents.subscriber import Subscription
from kvchaos.mesh.lint import lint
from kvchaos.redact import Redactor
from kvchaos.run import current, recovery, secrecy
from kvchaos.run.session import Run
from kvchaos.settings import Settings
from kvchaos.verdict.history import read
from kvchaos.verdict.verdict import judge
from tests.builders import altered, run_that_recovered
from tests.chaosrun import EXPERIMENTS
from tests.played_engines import Rank
from tests.run_world import Made, World
from tests.scripted import FakeClock, partition, selector
from tests.streams import stored

Json = dict[str, Any]
NOBODY = "tcp://127.0.0.1:9"
SECRET = "hunter2-correct-horse"


class Broken:
    """A part of a run of which nothing works any more."""

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)


@pytest.fixture
def broken(made: Made) -> Iterator[World]:
    """A run all of whose parts break when they are asked."""
    world = made()
    for part in ("cluster", "observer", "router", "sampler", "bridge", "ledger", "load"):
        setattr(world.run, part, Broken())
    current.begin(world.run)
    yield world
    current.end()


@pytest.mark.parametrize("name", probes.__all__)
def test_pitfall_05_a_probe_never_raises_into_a_tolerance_and_never_returns_none(
    broken: World, name: str
) -> None:
    """Its answer is a JSON object whose deciding key is null, which no tolerance takes."""
    answer = getattr(probes, name)()

    assert isinstance(answer, dict)
    assert json.loads(json.dumps(answer)) == answer
    assert None in answer.values() or answer.get("effect") == "inconclusive"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_pitfall_05_what_a_probe_cannot_tell_is_within_no_shipped_tolerance(name: str) -> None:
    """And no tolerance breaks on it."""
    unknown = {"agrees": None, "visible": None, "followed": None, "unknown": {"error": "x"}}
    tolerances = [each["tolerance"] for each in activities(shipped(name)) if "tolerance" in each]

    assert tolerances
    assert not any(within_tolerance(tolerance, unknown) for tolerance in tolerances)


def shipped(name: str) -> Json:
    return load(asset("experiments", f"{name}.json"))


def test_pitfall_06_every_socket_is_closed_without_waiting_for_its_peer() -> None:
    """libzmq would otherwise keep a process until what it sent is taken, for ever if need be."""
    with closing(Subscription(NOBODY)) as subscription, closing(ReplayClient(NOBODY)) as client:
        lingers = [subscription.socket.linger, client.socket.linger]
        client.request(0)
        lingers.append(client.socket.linger)

    assert lingers == [0, 0, 0]


def test_pitfall_06_every_call_of_the_cluster_is_bounded() -> None:
    """A client that is asked for no bound has one."""
    timeout = inspect.signature(Cluster.connect).parameters["timeout"].default

    assert 0 < timeout <= 60


def test_pitfall_18_a_tail_that_was_lost_shows_only_by_a_later_event() -> None:
    """A publisher that is quiet after a heal does not tell that something is missing."""
    rank = Rank(buffer=100)
    rank.publish([stored(1)], ts=1.0, times=0)  # nothing of it arrives
    quiet = list(rank.link.coming)
    rank.connect()
    rank.publish([stored(2)], ts=2.0, times=1)
    rank.arrive(1)

    assert quiet == []
    assert [int.from_bytes(seq, "big") for _, seq, _ in rank.link.coming] == [1]


def test_pitfall_18_recovery_that_nobody_was_nudged_for_is_unknown(made: Made) -> None:
    """Whatever the index says: the last batch before the heal may be lost."""
    answer = recovery.recovered(made().run, budget=1.0, needed=1)

    assert answer["recovered"] is None
    assert judge(altered(run_that_recovered(), "recovery", flushed=None)).verdict == "unknown"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_pitfall_18_every_shipped_experiment_nudges_all_engines_before_it_judges(name: str) -> None:
    """After the heal, and before the recovery is measured."""
    steps = [each["provider"]["func"] for each in shipped(name)["method"]]

    heal, nudge, judged = map(steps.index, ("recover_fault", "flush_engines", "index_recovered"))
    assert heal < nudge < judged


def test_pitfall_19_secrets_are_not_in_the_journal_and_outputs_are_of_bounded_size() -> None:
    """Chaos Toolkit writes both down as they are."""
    secrecy.begin({}, {"router": {"token": SECRET}})
    said = {"answer": f"401 for {SECRET}", "blocks": list(range(100_000))}
    record = {"status": "succeeded", "output": said, "activity": {"name": "ask"}}
    journal: Json = {
        "status": "completed",
        "experiment": {"secrets": {"router": {"token": SECRET}}},
        "run": [record],
    }

    after_experiment_control({}, journal)
    secrecy.end()

    written = json.dumps(journal)
    assert SECRET not in written
    assert len(written) < 100_000
    assert "401 for [redacted]" in written


def test_pitfall_19_secrets_are_not_in_the_history(tmp_path: Path) -> None:
    """It is on disk line by line, also of a run that is killed."""
    run = Run(
        Settings(),
        run_id="r1",
        folder=tmp_path / "r1",
        clock=FakeClock(),
        redactor=Redactor([SECRET]),
    )
    run.history.add("activity", name="ask", error=f"401 for {SECRET}")
    run.history.close()

    (told,) = read(tmp_path / "r1" / "history.jsonl")
    assert told["error"] == "401 for [redacted]"


@pytest.mark.parametrize("value", ["${place}", "x-${place}"])
def test_pitfall_20_an_unresolved_name_is_never_sent_as_a_label(value: str) -> None:
    """It would select nobody, or everybody else."""
    found = shipped("network-partition")
    found["configuration"] = {"namespace": value}

    with pytest.raises(ExperimentInvalid, match=r"\$\{place\} is not in the configuration"):
        check(found, {"namespace": value}, {})
    findings = lint(partition(selector=selector(app=value)))
    assert findings == [f"spec.selector.labelSelectors.app: unresolved {value!r}"]
