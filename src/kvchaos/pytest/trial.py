"""The run of one test: started as an experiment's is, ended whatever the test did.

The rule: what a test left behind fails it, also when the test itself passed; so does a stop, such
as a hold. A signal ends the session as Ctrl-C does: faults first.
"""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from kvchaos.clock import SystemClock
from kvchaos.ending.signals import taken
from kvchaos.ending.stopping import GRACE, Stopping, Work
from kvchaos.errors import FaultNotRecovered, RunStopped
from kvchaos.pytest.place import Lab
from kvchaos.run import current, finishing, lifecycle, secrecy
from kvchaos.run.session import Run

Json = dict[str, Any]

CONTROL = {"name": "kvchaos", "provider": {"type": "python", "module": "kvchaos.control"}}


@contextmanager
def trial(lab: Lab, *, title: str, folder: Path, changed: Mapping[str, Any]) -> Iterator[Run]:
    """A run in ``lab`` whose history goes into ``folder``; ``changed`` is configuration.

    Raises ``FaultNotRecovered`` at its end when something of it is left, or may be, ``RunStopped``
    when something other than the test ended its faults.
    """
    configuration = {**lab.configuration, "runs": str(folder), **changed}
    secrecy.begin(configuration, {})
    clock = SystemClock()
    with ending_by_signals() as calm:
        try:
            run = lifecycle.start(
                _experiment(title), configuration, {}, clock=clock, stopping=InTest(clock=clock)
            )
            current.begin(run)
            run.phase = "method"
            try:
                yield run
            finally:
                calm.set()
                with redirect_stdout(io.StringIO()):  # a test is judged by its asserts
                    record = finishing.finish(run, "completed")
                current.end()
                sys.stdout.write(f"kvchaos: the history of this test is in {run.folder}\n")
        finally:
            secrecy.end()
    _refuse_residue(record)
    _refuse_stop(run)


class InTest(Stopping):
    """A stop recovers the faults at once; the test goes on, and is told at its end."""

    def watch(self, work: Work, *, grace: float = GRACE) -> None:
        """As ever, but that nobody gives up a process that is pytest's."""
        super().watch(Unhurried(work), grace=grace)


@dataclass(frozen=True, slots=True)
class Unhurried:
    """The work of a stop, without the end of the process."""

    work: Work

    def record(self, event: str, **fields: Any) -> object:
        """Add to the history."""
        return self.work.record(event, **fields)

    def recover(self) -> None:
        """End every fault that may be there."""
        self.work.recover()

    def is_busy(self) -> bool:
        """A test may take its time: pytest bounds it, or whoever runs pytest."""
        return True

    def give_up(self) -> None:
        """Never: other tests, and their report, are to come."""


@contextmanager
def ending_by_signals() -> Iterator[threading.Event]:
    """SIGINT, SIGTERM and SIGHUP end the session as Ctrl-C does, so that what is open is ended.

    The first one alone does, and none while the event that is given is set: then it is kept until
    the end of the block, for nothing skips the recovery.
    """
    calm = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield calm
        return
    kept: list[str] = []
    told: list[str] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        (kept if calm.is_set() else told).append(signal.Signals(number).name)
        if not calm.is_set():
            calm.set()
            raise KeyboardInterrupt(*told)

    before = {number: signal.signal(number, interrupt) for number in taken()}
    try:
        yield calm
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if kept and not told:
        raise KeyboardInterrupt(*kept)


def _experiment(title: str) -> Json:
    """What a test is to Chaos Toolkit: an experiment whose method is the test's own code."""
    return {
        "title": title,
        "description": "a test",
        "controls": [CONTROL],
        "runtime": {"rollbacks": {"strategy": "always"}},
        "method": [],
        "rollbacks": [],
    }


def _refuse_residue(record: Json) -> None:
    left = [*(record.get("residue") or []), *(record.get("unconfirmed") or [])]
    if left:
        raise FaultNotRecovered(
            "the test left something behind", saw="; ".join(left), look=str(record.get("reap"))
        )


def _refuse_stop(run: Run) -> None:
    stop = run.stopping.first
    if stop is not None:
        raise RunStopped(
            "the faults of this test were ended before it was over", saw=f"{stop.by}: {stop.reason}"
        )
