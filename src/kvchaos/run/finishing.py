"""The end of a run, once, in whatever thread: faults ended, what is left told, judged, recorded.

The rule: each step is tried, whatever another raised, and no signal skips one. What was not
recorded makes its check unknown, never a pass; an error that nobody foresaw aborts the run; what
is left is told though the history could not take it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from kvchaos.ending.inbox import Stop
from kvchaos.errors import KVChaosError
from kvchaos.keeping import write_json
from kvchaos.report.json import as_json
from kvchaos.report.summary import print_folder, print_summary
from kvchaos.run import bystanders, current, healing
from kvchaos.run.folder import RECORD, keep_logs, keep_report
from kvchaos.run.session import Run
from kvchaos.run.traffic import stop as stop_traffic
from kvchaos.verdict.verdict import Judgement, judge

logger = logging.getLogger(__name__)

Json = dict[str, Any]

RECOVER = 60.0  # seconds for ending what is open
FREE = 20.0  # seconds for each step of freeing what is stuck
SAY = 12.0  # seconds for whoever reads what is said last
AT_MOST = 600.0  # seconds to wait for another thread that finishes the run


@dataclass(frozen=True, slots=True)
class Ending:
    """What is done for a run that is stopped, on the thread that waits for it."""

    run: Run

    def record(self, event: str, **fields: Any) -> None:
        """Add to the history."""
        self.run.history.add(event, **fields)

    def recover(self) -> None:
        """End every fault that may be there."""
        healing.recover_now(self.run, timeout=RECOVER)

    def is_busy(self) -> bool:
        """Whether a rollback is under way that still has time."""
        main = threading.main_thread().ident
        return self.run.phase == "rollbacks" and self.run.deadlines.is_armed(main)

    def give_up(self) -> None:
        """Finish the run without the main thread, and end the process."""
        give_up(self.run)


def finish(run: Run, journal_status: str) -> Json:
    """End what is still open, take the run apart, judge its history, print the summary.

    Returns the record for the journal, which is in the run's folder too. Again: the same record.
    """
    run.returned = True
    mine = run.ending.acquire(timeout=AT_MOST)
    try:
        if run.outcome is None:
            run.outcome = _finish(run, journal_status)
        return run.outcome
    finally:
        if mine:
            run.ending.release()


def give_up(run: Run) -> None:
    """Finish the run without the main thread, which does not come back, and end the process.

    Chaos Toolkit writes no journal then; the record is in the run's folder. Does nothing when
    the run is being finished.
    """
    if not run.ending.acquire(blocking=False):
        return
    code = KVChaosError.exit_code
    try:
        logger.critical("Something of the experiment does not return: finishing without it")
        run.outcome = _finish(run, "aborted")
        code = int(run.outcome["exit_code"])
        if not run.returned:
            current.tell(run.outcome)
    finally:
        run.ending.release()
        if not run.returned:
            _exit(code)


def _exit(code: int) -> None:
    """End the process, when all was said or nobody read it in time."""
    saying = threading.Thread(target=_say_all, daemon=True)
    saying.start()
    saying.join(SAY)
    os._exit(code)


def _say_all() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
            getattr(stream, "drained", bool)()


def _finish(run: Run, journal_status: str) -> Json:
    broken: list[Stop] = []
    kept: Json = {}
    try:
        _end(run, journal_status, kept)
    except Exception as error:  # noqa: BLE001 - a run that broke at its end is judged all the same
        broken.append(Stop("error", f"{type(error).__name__}: {error}"))
        logger.critical("The run broke at its end: %s", broken[0].reason)
    events, judgement, record = _judged(run, broken)
    if record != kept:
        _try(lambda: write_json(run.folder / RECORD, record))
    current.closing()
    _try(lambda: print_summary(events, judgement))
    report = keep_report(run.folder)
    _try(lambda: print_folder(run.folder, report=report))
    return record


def _end(run: Run, journal_status: str, kept: Json) -> None:
    """Every step, whatever another raises; then the run is taken apart.

    The record is ``kept`` before what may take its time: who ends us by force meanwhile loses no
    verdict.
    """
    steps: Sequence[Callable[[Run], object]] = (
        _unwatch, _rest, stop_traffic, _recover_all,
        _record_residue, _await_beside, _record_bystanders, _record_observer, _record_late,
    )  # fmt: skip
    with ExitStack() as closing:
        closing.callback(_try, run.started.close)
        closing.callback(_try, partial(keep_logs, run))
        closing.callback(_try, partial(_keep_record, run, kept))
        closing.callback(_try, partial(run.history.add, "run_ended", journal=journal_status))
        for step in reversed(steps):  # the last first
            closing.callback(_try, partial(step, run))


def _keep_record(run: Run, kept: Json) -> None:
    record = _judged(run, ())[2]
    write_json(run.folder / RECORD, record)
    kept.update(record)


def _judged(run: Run, broken: Sequence[Stop]) -> tuple[list[Json], Judgement, Json]:
    """All that is known of the run by now, what it comes to, and both as the record."""
    late = [*run.stopping.late(), *(("stop", stop) for stop in broken)]
    unwritten = [*run.unwritten, *((event, _fields(stop)) for event, stop in late)]
    events = [*run.history.events(), *(_unwritten(run, *each) for each in unwritten)]
    judgement = judge(events)
    return events, judgement, as_json(events, judgement) | {"folder": str(run.folder)}


def _try(step: Callable[[], object]) -> None:
    try:
        step()
    except (KVChaosError, OSError) as error:
        logger.warning("At the end of the run: %s", error)


def _unwatch(run: Run) -> None:
    run.watches.close()


def _rest(run: Run) -> None:
    run.stopping.rest()


def _recover_all(run: Run) -> None:
    healing.recover(run, held=0.0, timeout=RECOVER)


def _record_residue(run: Run) -> None:
    """Tell what is left, after it was tried to free it; what may be left, or may still come."""
    left = _left(run)
    if left:
        _try(lambda: healing.free(run, timeout=FREE))
        left = _left(run)
    blind = left is None or bool(run.in_flight)
    unconfirmed = healing.unconfirmed(run, blind=blind)
    try:
        run.history.add("residue", left=left, unconfirmed=unconfirmed)
    except KVChaosError:
        if left or unconfirmed:
            run.unwritten.append(("residue", {"left": left, "unconfirmed": unconfirmed}))
        raise


def _left(run: Run) -> list[str] | None:
    try:
        left: list[str] = healing.residue_of(run)["left"]
    except KVChaosError as error:
        logger.warning("At the end of the run: %s", error)
        return None
    return left


def _await_beside(run: Run) -> None:
    run.beside.close()


def _record_bystanders(run: Run) -> None:
    run.history.add("bystanders", changed=bystanders.changed(run))


def _record_observer(run: Run) -> None:
    run.history.add("observer", **run.observer.status(), sampler_up=run.sampler.is_up)


def _record_late(run: Run) -> None:
    run.stopping.record_late(run.history.add)


def _fields(stop: Stop) -> Json:
    return {"by": stop.by, "reason": stop.reason}


def _unwritten(run: Run, event: str, fields: Json) -> Json:
    """An event that came when the history was closed, or could not be written."""
    return {"at": run.at(), "wall": "", "event": event, **run.redactor.fields(fields)}
