"""Is this the history of one run, from its start to its end? Pure: history in, result out.

What a history says counts only where its events are in their order and of the same run.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from kvchaos.verdict.events import Events, many, name_of, of, since_last, text
from kvchaos.verdict.records import Preflight, RunEnded, Stop, every, newest
from kvchaos.verdict.result import Result, passed, unknown

ORDER = "history in order"
STOPPED = "not stopped"
END = "run reached its end"
NOT_STARTED = "not started"


def history_in_order(events: Events) -> Result:
    """One run's events, in the order of a clock that never goes back."""
    starts = of(events, "run_started")
    if len(starts) > 1:
        return unknown(ORDER, f"it has the start of {many(len(starts), 'run')}")
    if not starts or name_of(events[0]) != "run_started":
        return unknown(ORDER, "it does not begin with the start of a run")
    seconds = [event.get("at") for event in events]
    if not all(_follows(one, other) for one, other in pairwise([0.0, *seconds])):
        return unknown(ORDER, "its clock went back, or an event has no time")
    if of(since_last(events, "run_ended"), "fault_injected") and of(events, "run_ended"):
        return unknown(ORDER, "a fault was injected after the end of the run")
    return passed(ORDER, f"{many(len(events), 'event')} of one run")


def not_stopped(events: Events) -> Result:
    """Nothing ended the run early."""
    stops = every(events, Stop)
    if not stops:
        return passed(STOPPED, "nobody and nothing ended the run early")
    return unknown(STOPPED, f"the run was ended early: {stops[0].by}, {stops[0].reason}")


def run_reached_its_end(events: Events) -> Result:
    """Preflight let the run begin, and Chaos Toolkit played the experiment to its end."""
    found = [text(item) for each in every(events, Preflight) for item in each.findings]
    if found:
        why = f"preflight refused the run for {many(len(found), 'reason')}"
        return unknown(END, why, *found)
    end = newest(events, RunEnded)
    if end is None:
        return unknown(END, "the history stops before the end of the run")
    if end.journal == NOT_STARTED:
        return unknown(END, f"the run did not start: {end.why}")
    if end.journal == "failed":
        return unknown(END, "a probe of the hypothesis broke, so Chaos Toolkit gave up")
    if end.journal != "completed":
        return unknown(END, f"the run was {end.journal} before its end")
    return passed(END, "the experiment was played to its end")


def _follows(one: Any, other: Any) -> bool:
    """Whether both are seconds, and the second not before the first; NaN follows nothing."""
    return {type(one), type(other)} <= {int, float} and one <= other < 1e9
