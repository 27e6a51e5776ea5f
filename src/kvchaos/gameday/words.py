"""The sentences of a game day's reports, the same in each form. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kvchaos.verdict import times

Json = dict[str, Any]
DASH = "\u2013"
"""Where a figure would stand that is not known."""


def span(seconds: float | None) -> str:
    """``0.72 s``; a dash for what is not known."""
    return DASH if seconds is None else times.span(seconds)


def broken_off(step: Json) -> Iterator[tuple[str, str | None, str]]:
    """Status, run and why of each run of a step before its last one: it was played again."""
    for each in step["attempts"][:-1]:
        why = f"played again: {each['why']}" if each["why"] else "played again"
        yield each["status"] or "not played", each["run"], why


def cost_lines(cost: Json) -> Iterator[str]:
    """What the runs took from the system."""
    yield f"{_counted(cost['runs'], 'run')}, {cost['not_passed']} that did not pass"
    yield f"{_counted(cost['faults'], 'fault')}, {span(cost['fault_time'])} under them"
    yield f"{cost['failed_requests']} of {cost['requests']} requests failed"


def since_lines(since: Json | None) -> Iterator[str]:
    """What changed since the last day of this plan."""
    if since is None:
        yield "there is no earlier game day of this plan beside this one"
        return
    yield f"the last one was on {since['began'][:10]} and came to {since['status']}"
    yield from (f"worse: {each['text']}" for each in since["worse"])
    yield from (f"better: {each['text']}" for each in since["better"])
    if not since["compared"]:
        yield "no experiment was played on both days"
    elif not since["worse"]:
        yield "nothing got worse, as far as these runs tell"
    if since["enough"]:
        yield f"{since['enough']} runs of an experiment on each day are enough to tell"
    yield from (f"only this time: {name}" for name in since["new"])
    yield from (f"only last time: {name}" for name in since["gone"])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"
