"""How a run ends early: recovered at once, interrupted only where rollbacks follow, told once."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from chaoslib import run as chaoslib_run
from chaoslib.exceptions import InterruptExecution
from chaoslib.experiment import run_experiment

from kvchaos.ending import stopping as stopping_module
from kvchaos.ending import toolkit
from kvchaos.ending.inbox import SIGNALS, Inbox, Stop
from kvchaos.ending.stopping import Stopping
from kvchaos.errors import KVChaosError
from tests.scripted import FakeClock

Json = dict[str, Any]
PATIENCE = 10.0


@dataclass
class Work:
    """Keeps what is done for a stop; ``fails`` and ``breaks`` are raised, one a call."""

    recorded: list[tuple[str, str, str]] = field(default_factory=list)
    recovered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    given_up: threading.Event = field(default_factory=threading.Event)
    busy: bool = False
    fails: list[KVChaosError] = field(default_factory=list)
    breaks: list[Exception] = field(default_factory=list)

    def record(self, event: str, **fields: Any) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.recorded.append((event, fields["by"], fields["reason"]))

    def recover(self) -> None:
        self.recovered.release()
        if self.breaks:
            raise self.breaks.pop(0)

    def is_busy(self) -> bool:
        return self.busy

    def give_up(self) -> None:
        self.given_up.set()

    def was_recovered(self) -> bool:
        return self.recovered.acquire(timeout=PATIENCE)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def stopping() -> Iterator[Stopping]:
    stopping = Stopping(clock=FakeClock())
    yield stopping
    stopping.close()


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Chaos Toolkit were where an exception leads to rollbacks."""
    monkeypatch.setattr(stopping_module, "leads_to_rollbacks", lambda _: True)


# -- requests -----------------------------------------------------------------------------------


def test_a_request_recovers_at_once_on_a_thread_of_its_own(stopping: Stopping, work: Work) -> None:
    """The thread that asks goes on."""
    stopping.watch(work)

    stopping.request("hold", "held by ann")
    recovered = work.was_recovered()
    stopping.rest()

    assert recovered
    assert stopping.first == Stop("hold", "held by ann")
    assert work.recorded == [("stop", "hold", "held by ann")]


def test_the_first_request_is_the_stop_and_later_ones_are_noted(
    stopping: Stopping, work: Work
) -> None:
    """Each recovers again: a fault may have landed meanwhile."""
    stopping.watch(work)

    stopping.request("hold", "held")
    stopping.request("deadline", "late")
    recovered = [work.was_recovered(), work.was_recovered()]
    stopping.rest()

    assert recovered == [True, True]
    assert stopping.first == Stop("hold", "held")
    assert work.recorded == [("stop", "hold", "held"), ("stop_again", "deadline", "late")]


def test_a_request_before_anybody_watches_is_taken_when_somebody_does(
    stopping: Stopping, work: Work
) -> None:
    """A run that is only starting has nothing to recover yet."""
    stopping.request("signal", "SIGTERM")

    stopping.watch(work)

    assert work.was_recovered()


def test_a_history_that_takes_nothing_keeps_no_fault_open(stopping: Stopping, work: Work) -> None:
    """The event waits for whoever ends the run."""
    work.fails = [KVChaosError("disk full")]
    stopping.watch(work)

    stopping.request("hold", "held")
    recovered = work.was_recovered()
    stopping.rest()

    assert recovered
    assert stopping.late() == [("stop", Stop("hold", "held"))]


def test_nothing_is_told_before_the_faults_are_ended(
    stopping: Stopping, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever shows it may be a terminal that nobody reads."""
    order: list[str] = []

    class Terminal(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            order.append(record.getMessage())

    monkeypatch.setattr(stopping_module.logger, "handlers", [Terminal()])
    monkeypatch.setattr(work, "recover", lambda: order.append("recovered"))
    work.fails = [KVChaosError("disk full")]
    stopping.watch(work)

    stopping.request("hold", "held")
    stopping.rest()

    assert order == [
        "recovered",
        "Stopping the run (hold: held): its faults come first",
        "disk full",
    ]


def test_a_recovery_that_breaks_ends_no_watch(stopping: Stopping, work: Work) -> None:
    """The next request is taken too."""
    work.breaks = [KeyError("metadata")]
    stopping.watch(work)

    stopping.request("hold", "held")
    stopping.request("hold", "again")

    assert [work.was_recovered(), work.was_recovered()] == [True, True]


def test_what_comes_after_the_watch_is_late(stopping: Stopping, work: Work) -> None:
    """Whoever ends the run records it; what is refused then stays."""
    stopping.watch(work)
    stopping.rest()
    stopping.request("signal", "SIGTERM")
    stopping.request("signal", "SIGINT")
    refused = KVChaosError("closed")
    told: list[str] = []

    def add(event: str, **fields: Any) -> None:
        if told:
            raise refused
        told.append(f"{event} {fields['reason']}")

    with pytest.raises(KVChaosError, match="closed"):
        stopping.record_late(add)

    assert told == ["stop SIGTERM"]
    assert stopping.late() == [("stop_again", Stop("signal", "SIGINT"))]


# -- a main thread that does not come back ---------------------------------------------------------


def test_a_stopped_run_without_a_sign_of_life_is_given_up(work: Work) -> None:
    """After its grace, counted from its recovery."""
    clock = FakeClock()
    stopping = Stopping(clock=clock)
    stopping.watch(work, grace=30)
    stopping.request("hold", "held")
    work.was_recovered()

    waits = not work.given_up.wait(2 * stopping_module.LOOK_EVERY)
    clock.seconds += 31
    gives_up = work.given_up.wait(PATIENCE)
    stopping.close()

    assert (waits, gives_up) == (True, True)


def test_one_that_is_busy_or_lives_is_not_given_up(work: Work) -> None:
    """A rollback under way has its own time."""
    clock = FakeClock()
    stopping = Stopping(clock=clock)
    work.busy = True
    stopping.watch(work, grace=30)
    stopping.request("hold", "held")
    work.was_recovered()

    clock.seconds += 31
    waits = [not work.given_up.wait(2 * stopping_module.LOOK_EVERY)]
    stopping.alive()
    work.busy = False
    waits += [not work.given_up.wait(2 * stopping_module.LOOK_EVERY)]
    stopping.close()

    assert waits == [True, True]


# -- the main thread ------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_place")
def test_the_main_thread_leaves_by_what_chaos_toolkit_plays_rollbacks_for(
    stopping: Stopping,
) -> None:
    """Not before it was asked to."""
    stopping.heed()
    stopping.request("hold", "held")

    with pytest.raises(SystemExit) as left:
        stopping.heed()

    assert left.value.code == 20


@pytest.mark.usefixtures("in_place")
def test_a_shielded_end_is_not_interrupted(stopping: Stopping) -> None:
    """Until the shield is gone."""
    stopping.shield()
    stopping.request("hold", "held")
    stopping.heed()
    stopping.unshield()

    with pytest.raises(SystemExit):
        stopping.heed()


def test_where_no_rollbacks_would_follow_the_main_thread_goes_on(stopping: Stopping) -> None:
    """Such as in the rollbacks themselves."""
    stopping.request("hold", "held")

    stopping.heed()

    assert stopping.first is not None


def test_another_thread_that_heeds_begins_no_more(stopping: Stopping) -> None:
    """A hypothesis that is asked all the time, say."""
    stopping.request("hold", "held by ann")

    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(stopping.heed).exception()

    assert isinstance(error, InterruptExecution)
    assert str(error) == "the run is being stopped: held by ann"


# -- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
def test_every_signal_stops_the_run(stopping: Stopping, work: Work, number: signal.Signals) -> None:
    """Where the main thread is in no place to be interrupted, it goes on."""
    before = [signal.getsignal(each) for each in SIGNALS]
    stopping.install()
    stopping.watch(work)

    signal.raise_signal(number)
    recovered = work.was_recovered()
    stopping.close()

    assert recovered
    assert work.recorded == [("stop", "signal", number.name)]
    assert [signal.getsignal(each) for each in SIGNALS] == before


@pytest.mark.usefixtures("in_place")
def test_a_signal_interrupts_the_main_thread_once(stopping: Stopping, work: Work) -> None:
    """The second is noted."""
    stopping.install()
    stopping.watch(work)
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)

    signal.raise_signal(signal.SIGINT)
    recovered = [work.was_recovered(), work.was_recovered()]
    stopping.close()

    assert recovered == [True, True]
    assert [(event, reason) for event, _, reason in work.recorded] == [
        ("stop", "SIGTERM"),
        ("stop_again", "SIGINT"),
    ]


@pytest.mark.usefixtures("in_place")
def test_a_signal_within_what_must_be_whole_is_heeded_at_its_end(stopping: Stopping) -> None:
    """A create whose answer nobody waits for may land when all has been looked over."""
    done = []

    @stopping.deferred()
    def create() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("whole")

    stopping.install()
    with pytest.raises(SystemExit):
        create()
    stopping.close()

    assert done == ["whole"]
    assert stopping.first == Stop("signal", "SIGTERM")


@pytest.mark.usefixtures("in_place")
def test_what_must_be_whole_takes_no_shield_away(stopping: Stopping) -> None:
    """An ending goes on uninterrupted."""
    stopping.shield()
    stopping.request("hold", "held")

    with stopping.deferred():
        pass
    stopping.heed()

    assert stopping.first is not None


def test_a_signal_is_heeded_where_it_was_ignored(stopping: Stopping, work: Work) -> None:
    """Shells make SIGINT so for what they start in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stopping.install()
        stopping.watch(work)
        os.kill(os.getpid(), signal.SIGINT)
        recovered = work.was_recovered()
        stopping.close()
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (recovered, after) == (True, signal.SIG_IGN)


def test_a_hangup_that_was_ignored_is_outlived(stopping: Stopping, work: Work) -> None:
    """As under nohup; any other signal is heeded all the same."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stopping.install()
        stopping.watch(work)
        os.kill(os.getpid(), signal.SIGHUP)
        asked = stopping.first
        os.kill(os.getpid(), signal.SIGTERM)
        recovered = work.was_recovered()
        stopping.close()
        after = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert (asked, recovered, after) == (None, True, signal.SIG_IGN)
    assert [reason for *_, reason in work.recorded] == ["SIGTERM"]


@pytest.mark.usefixtures("in_place")
def test_a_request_of_another_thread_interrupts_a_main_thread_that_waits(
    stopping: Stopping, work: Work
) -> None:
    """In a pause, say; that nudge is no signal of anybody's."""
    stopping.install()
    stopping.watch(work)
    asker = threading.Timer(0.05, stopping.request, ("stop condition", "too slow"))
    asker.start()

    with pytest.raises(SystemExit):
        threading.Event().wait(PATIENCE)
    asker.join()
    recovered = work.was_recovered()
    stopping.close()

    assert recovered
    assert work.recorded == [("stop", "stop condition", "too slow")]


def test_outside_the_main_thread_there_are_no_signals_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Python allows handlers only there; the rest works."""
    work = Work()

    def elsewhere() -> bool:
        stopping = Stopping(clock=FakeClock())
        stopping.install()
        stopping.watch(work)
        stopping.request("hold", "held")
        recovered = work.was_recovered()
        stopping.close()
        return recovered

    with ThreadPoolExecutor(1) as pool:
        recovered = pool.submit(elsewhere).result(PATIENCE)

    assert recovered
    assert "Signals will not stop this run" in caplog.text


def test_requests_after_the_end_are_lost_and_harm_nobody() -> None:
    """A descriptor that was closed may be another's by then."""
    inbox = Inbox()
    inbox.close()

    inbox.put(Stop("hold", "held"))

    assert inbox.take(0.0) == []


# -- where Chaos Toolkit is -----------------------------------------------------------------------


def test_the_places_that_lead_to_rollbacks_are_chaos_toolkits_own() -> None:
    """They are named by its functions; one that is renamed must be seen here."""
    names = {name for name in toolkit.HANDLED if hasattr(chaoslib_run, name)}

    assert names | {"begin"} == toolkit.HANDLED
    assert hasattr(chaoslib_run.Control, "begin")
    assert hasattr(chaoslib_run.Runner, "_run")


PLACES: Json = {
    "steady-state-hypothesis": "run_gate_hypothesis",
    "method": "run_method",
    "rollbacks": "run_rollback",
}
seen: dict[str, bool] = {}


def look(place: str) -> bool:
    """What the experiment below calls in each of its places."""
    frame = sys._getframe()
    seen[place] = toolkit.leads_to_rollbacks(frame)
    return True


def test_an_exception_leads_to_rollbacks_until_they_have_begun() -> None:
    """Asked where an experiment that Chaos Toolkit plays really is."""

    def activity(place: str, kind: str) -> Json:
        provider = {"type": "python", "module": __name__, "func": "look", "arguments": {}}
        provider["arguments"] = {"place": place}
        return {"type": kind, "name": place, "tolerance": True, "provider": provider}

    seen.clear()
    run_experiment(
        {
            "title": "t",
            "description": "d",
            "steady-state-hypothesis": {"title": "t", "probes": [activity("probes", "probe")]},
            "method": [activity("method", "action")],
            "rollbacks": [activity("rollbacks", "action")],
        },
        settings={},
    )

    assert seen == {"probes": True, "method": True, "rollbacks": False}


def test_outside_chaos_toolkit_nothing_leads_to_rollbacks() -> None:
    """Nor while a pool of its own is waited for."""
    looked: Callable[[], bool] = lambda: toolkit.leads_to_rollbacks(  # noqa: E731
        sys._getframe()
    )

    assert looked() is False
    assert toolkit.leads_to_rollbacks(None) is False
