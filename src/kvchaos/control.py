"""The control that every experiment declares: it starts the run, records it, and tells the truth.

Chaos Toolkit returns 0 when an action failed or a gate did not hold, so at the end the verdict from
the run's own history is written into the journal: anything but a pass makes ``chaos run`` fail.
"""

from __future__ import annotations

import atexit
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution

from kvchaos.clock import SystemClock
from kvchaos.ending.deadlines import seconds_asked
from kvchaos.ending.stopping import Stopping
from kvchaos.errors import KVChaosError, RunStopped
from kvchaos.report.summary import print_summary
from kvchaos.run import current, finishing, lifecycle, secrecy
from kvchaos.run.journal import redact_journal
from kvchaos.run.session import Run
from kvchaos.run.source import played_from
from kvchaos.verdict.result import Status, Verdict
from kvchaos.verdict.verdict import judge
from kvchaos.view.outlet import outlets

__all__ = [
    "after_activity_control",
    "after_experiment_control",
    "after_hypothesis_control",
    "after_method_control",
    "before_activity_control",
    "before_experiment_control",
    "before_hypothesis_control",
    "before_method_control",
    "before_rollback_control",
    "cleanup_control",
]

Json = dict[str, Any]

logger = logging.getLogger("chaostoolkit")

_at_the_end = ExitStack()  # of what Chaos Toolkit does with an experiment

UNJUDGED: Json = {
    "verdict": str(Verdict.UNKNOWN),
    "status": str(Status.UNKNOWN),
    "exit_code": KVChaosError.exit_code,
    "checks": [],
}


def before_experiment_control(
    context: Json, configuration: Json | None = None, secrets: Json | None = None
) -> None:
    """Check the experiment, start the lab if it is named, connect, start observer and history.

    Chaos Toolkit calls each hook once for each declaration of the control, in settings and
    experiment, and for each other control in the settings: what it told before is passed over.
    """
    if current.is_running():
        return
    logging.getLogger("kvchaos").parent = logger
    secrecy.begin(configuration or {}, secrets or {})
    stopping = Stopping(clock=SystemClock())
    current.stopped_by(stopping)
    stopping.install()
    atexit.register(cleanup_control)
    _at_the_end.enter_context(outlets())
    current.lies_in(played_from() or current.beside() or Path.cwd())
    try:
        run = lifecycle.start(
            context, configuration or {}, secrets or {}, clock=SystemClock(), stopping=stopping
        )
    except SystemExit:
        current.end(because=_stopped(stopping))
        logger.critical("%s", current.not_started()["why"])
        raise
    except KVChaosError as error:
        current.end(because=error)
        raise InterruptExecution(str(error)) from error
    except Exception as error:  # Chaos Toolkit would go on without us, and say nothing
        why = KVChaosError("the run could not start", saw=f"{type(error).__name__}: {error}")
        current.end(because=why)
        raise InterruptExecution(str(why)) from error
    current.begin(run)
    stopping.unshield()
    stopping.heed()


def before_hypothesis_control(context: Json) -> None:
    """A run that is being stopped asks no more."""
    _heed()


def before_method_control(context: Json) -> None:
    """What follows is the method."""
    _enter("method")
    _heed()


def after_method_control(context: Json) -> None:
    """What follows is the hypothesis after it."""
    _enter("after")


def before_rollback_control(context: Json) -> None:
    """What follows are the rollbacks."""
    _enter("rollbacks")


def before_activity_control(
    context: Json, configuration: Json | None = None, secrets: Json | None = None
) -> None:
    """From here on the activity has its time; in a run that is being stopped it is not begun."""
    if not current.is_running():
        return
    _heed()
    run = current.current()
    run.doing = run.redactor.text(str(context.get("name", "")))
    asked = seconds_asked(context, configuration or {}, secrets or {})
    what = f"{context.get('type')} {context.get('name')!r}"
    run.deadlines.arm(what, seconds=run.settings.probe_deadline + asked)


def after_activity_control(context: Json, state: Json | None = None) -> None:
    """Record the activity; a failed action of the method ends the experiment: rollbacks follow."""
    if not current.is_running():
        return
    run = current.current()
    run.doing = ""
    run.deadlines.disarm()
    run.stopping.alive()
    if not state or not _is_news(run, state):
        return
    failed = state.get("status") != "succeeded" and context.get("type") == "action"
    try:
        lifecycle.record_activity(run, context, state)
    except KVChaosError as error:
        raise InterruptExecution(str(error)) from error
    if failed and run.phase == "method":
        raise InterruptExecution(f"action {context.get('name')!r} failed")


def after_hypothesis_control(context: Json, state: Json | None = None) -> None:
    """Record whether the hypothesis held, and which probes were outside their tolerance."""
    if current.is_running() and state and _is_news(current.current(), state):
        lifecycle.record_hypothesis(current.current(), state)


def after_experiment_control(context: Json, state: Json | None = None) -> None:
    """Take the run apart, judge it, print the summary, write the outcome into the journal.

    Chaos Toolkit passes over what a control raises, so the journal says failed until it is known
    to be a pass.
    """
    journal: Json = state if state is not None else {}
    if "kvchaos" in journal:
        return
    status = str(journal.get("status", "unknown"))
    journal["kvchaos"] = current.not_started()
    if status == "completed":
        journal["status"] = "failed"
    if current.is_running():
        journal["kvchaos"] = _outcome(status)
    elif current.did_not_start():
        _tell_why_not(str(journal["kvchaos"]["why"]))
    current.end()
    outcome = journal["kvchaos"]
    if outcome["status"] == Status.PASS:
        journal["status"] = status
    journal["deviated"] = bool(journal.get("deviated")) or outcome["verdict"] == Verdict.FAIL
    redact_journal(journal, secrecy.redactor())


def cleanup_control() -> None:
    """The last net: a run that Chaos Toolkit did not bring to its end is finished here.

    It calls this also when an error rose through it, such as one of a tolerance's own code.
    """
    atexit.unregister(cleanup_control)
    if current.is_running():
        run = current.current()
        escaped = sys.exc_info()[1]
        run.stopping.request("error", f"{type(escaped).__name__}: {escaped}")
        _outcome("aborted")
        current.end()
    current.stopped_by(None)
    current.lies_in(None)
    _at_the_end.close()


def _is_news(run: Run, state: Json) -> bool:
    """Whether this very state was not told before; it is kept, so that no other gets its id."""
    is_news = id(state) not in run.told
    run.told[id(state)] = state
    return is_news


def _tell_why_not(why: str) -> None:
    """Say last what is to be read first: Chaos Toolkit plays its rollbacks all the same."""
    events = current.refused_history()
    if not events:
        logger.critical("The run did not start: %s", why)
    current.closing()
    if events:
        print_summary(events, judge(events))


def _outcome(status: str) -> Json:
    try:
        outcome = finishing.finish(current.current(), status)
    except Exception as error:  # noqa: BLE001 - whatever broke, the run is not a pass
        logger.critical("The run could not be judged: %s: %s", type(error).__name__, error)
        outcome = {**UNJUDGED, "why": f"{type(error).__name__}: {error}"}
    current.ended(outcome)
    return outcome


def _enter(phase: str) -> None:
    if current.is_running():
        current.current().phase = phase


def _heed() -> None:
    """Leave where a stop was asked for, unless these are the rollbacks; and show that we live."""
    if current.is_running():
        run = current.current()
        run.stopping.alive()
        if run.phase != "rollbacks":
            run.stopping.heed()


def _stopped(stopping: Stopping) -> RunStopped:
    reason = stopping.first.reason if stopping.first else "nobody knows by what"
    return RunStopped("the run was stopped while it was starting; nothing is left", saw=reason)
