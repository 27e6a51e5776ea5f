"""The control that every experiment declares: it starts the run, records it, and tells the truth.

Chaos Toolkit returns 0 when an action failed or a gate did not hold, so at the end the verdict from
the run's own history is written into the journal: anything but a pass makes ``chaos run`` fail.
"""

from __future__ import annotations

import logging
from typing import Any

from chaoslib.exceptions import InterruptExecution

from kvchaos.clock import SystemClock
from kvchaos.errors import KVChaosError
from kvchaos.run import current, lifecycle, secrecy
from kvchaos.run.journal import redact_journal

__all__ = [
    "after_activity_control",
    "after_experiment_control",
    "after_hypothesis_control",
    "after_method_control",
    "before_experiment_control",
    "before_method_control",
    "before_rollback_control",
]

Json = dict[str, Any]

logger = logging.getLogger("chaostoolkit")


def before_experiment_control(
    context: Json, configuration: Json | None = None, secrets: Json | None = None
) -> None:
    """Check the experiment, start the lab if it is named, connect, start observer and history."""
    logging.getLogger("kvchaos").parent = logger
    secrecy.begin(configuration or {}, secrets or {})
    try:
        run = lifecycle.start(context, configuration or {}, secrets or {}, clock=SystemClock())
    except KVChaosError as error:
        current.end(because=error)
        raise InterruptExecution(str(error)) from error
    except Exception as error:  # Chaos Toolkit would go on without us, and say nothing
        why = KVChaosError("the run could not start", saw=f"{type(error).__name__}: {error}")
        current.end(because=why)
        raise InterruptExecution(str(why)) from error
    current.begin(run)


def before_method_control(context: Json) -> None:
    """What follows is the method."""
    _enter("method")


def after_method_control(context: Json) -> None:
    """What follows is the hypothesis after it."""
    _enter("after")


def before_rollback_control(context: Json) -> None:
    """What follows are the rollbacks."""
    _enter("rollbacks")


def after_activity_control(context: Json, state: Json | None = None) -> None:
    """Record the activity; a failed action of the method ends the experiment: rollbacks follow."""
    if not current.is_running() or not state:
        return
    run = current.current()
    failed = state.get("status") != "succeeded" and context.get("type") == "action"
    try:
        lifecycle.record_activity(run, context, state)
    except KVChaosError as error:
        raise InterruptExecution(str(error)) from error
    if failed and run.phase == "method":
        raise InterruptExecution(f"action {context.get('name')!r} failed")


def after_hypothesis_control(context: Json, state: Json | None = None) -> None:
    """Record whether the hypothesis held, and which probes were outside their tolerance."""
    if current.is_running() and state:
        lifecycle.record_hypothesis(current.current(), state)


def after_experiment_control(context: Json, state: Json | None = None) -> None:
    """Take the run apart, judge it, print the summary, write the outcome into the journal.

    Chaos Toolkit passes over what a control raises, so the journal says failed until it is known
    to be a pass.
    """
    journal: Json = state if state is not None else {}
    status = str(journal.get("status", "unknown"))
    journal["kvchaos"] = current.not_started()
    if status == "completed":
        journal["status"] = "failed"
    if current.is_running():
        journal["kvchaos"] = _outcome(status)
    current.end()
    verdict = journal["kvchaos"]["verdict"]
    if verdict == "pass":
        journal["status"] = status
    journal["deviated"] = bool(journal.get("deviated")) or verdict == "fail"
    redact_journal(journal, secrecy.redactor())


def _outcome(status: str) -> Json:
    try:
        return lifecycle.finish(current.current(), status)
    except Exception as error:  # noqa: BLE001 - whatever broke, the run is not a pass
        logger.critical("The run could not be judged: %s: %s", type(error).__name__, error)
        return {"verdict": "unknown", "why": f"{type(error).__name__}: {error}", "checks": []}


def _enter(phase: str) -> None:
    if current.is_running():
        current.current().phase = phase
