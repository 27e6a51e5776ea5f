"""Where Chaos Toolkit is in its run, as the stack of its thread tells.

The rule guarded here: only a ``SystemExit`` that rises through ``Runner._run``'s own handler leads
to rollbacks and a journal. Anywhere else in it (waiting for its pools, in the rollbacks, in the
last controls) one would skip them, so there it is never raised.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from chaoslib.run import Runner

HANDLED = frozenset(
    {
        "begin",  # of the controls before the experiment
        "run_gate_hypothesis",
        "run_hypothesis_during_method",
        "run_method",
        "run_deviation_validation_hypothesis",
    }
)
"""What ``_run`` calls where it turns a ``SystemExit`` into rollbacks."""


def leads_to_rollbacks(frame: FrameType | None) -> bool:
    """Whether an exception raised in ``frame`` reaches the handler that plays the rollbacks.

    Not while a pool is waited for: the process could not end before the pool's threads do.
    """
    called = ""
    while frame is not None:
        if frame.f_code is Runner._run.__code__:  # noqa: SLF001 - the one place that knows
            return called in HANDLED
        if frame.f_code is ThreadPoolExecutor.shutdown.__code__:
            return False
        called, frame = frame.f_code.co_name, frame.f_back
    return False
