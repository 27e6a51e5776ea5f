"""What is told of an event in one line, for those who follow a run. Pure.

Not every event is told: a sample only when its answer is another one, a stream only when something
is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kvchaos.report.layout import cleaned, printable
from kvchaos.verdict.events import Event, fault_name, many, name_of, text
from kvchaos.verdict.times import asked, span
from kvchaos.view.story import Story, recovery

LONGEST = 400
"""Characters of one line; the history has the rest."""


class Told(NamedTuple):
    """One line: when, in run seconds, what, and in which of the summary's styles."""

    at: float
    text: str
    style: str = ""


Words = str | tuple[str, str] | None
"""The text, or the text and its style; None: not told."""


def told(event: Event, before: Story) -> Told | None:
    """The line for ``event``, which ``before`` has not taken yet."""
    words = TELLERS.get(name_of(event), _nothing)(event, before)
    if words is None:
        return None
    said, style = (words, "") if isinstance(words, str) else words
    line = printable(said)
    return Told(event["at"], line if len(line) <= LONGEST else f"{line[:LONGEST]}...", style)


def _nothing(_event: Event, _before: Story) -> Words:
    return None


def _started(event: Event, _: Story) -> Words:
    return f"{event['experiment']} ({event['context']}, namespace {event['namespace']})", "bold"


def _preflight(event: Event, _: Story) -> Words:
    if findings := event["findings"]:
        return f"preflight refuses the run for {many(len(findings), 'reason')}", "fail"
    pods = list(dict.fromkeys(each["pod"] for each in event["targets"]))
    notes = "".join(f"; {text(each)}" for each in event["notes"])
    return f"preflight: {many(len(pods), 'pod')} may be hit{notes}", "dim"


def _hypothesis(event: Event, _: Story) -> Words:
    if event["met"]:
        return f"steady state {event['when']}: met", "pass"
    failed = ", ".join(event["failed"]) or "nothing was asked"
    if event["met"] is None:
        return f"steady state {event['when']}: not known ({failed})", "unknown"
    return f"steady state {event['when']}: not met ({failed})", "fail"


def _activity(event: Event, _: Story) -> Words:
    if event["outcome"] != "succeeded":
        return f"failed: {event['name']}: {cleaned(str(event['error'] or ''))}", "fail"
    took = f" ({span(event['took'])})" if (event.get("took") or 0) >= 0.1 else ""
    return f"done: {event['name']}{took}", "dim"


def _injected(event: Event, _: Story) -> Words:
    pods = ", ".join(each["pod"] for each in event["targets"])
    action = event["fault"].get("action") or "fault"
    lasts = f", {asked(event['duration'])} at most" if event.get("duration") else ""
    return f"FAULT ON: {action} on {pods}{lasts}", "fail"


def _not_injected(event: Event, _: Story) -> Words:
    return f"no fault: {event['error']}", "fail"


def _effect(event: Event, _: Story) -> Words:
    styles = {"confirmed": "pass", "not effective": "fail"}
    return f"the fault's effect: {event['effect']}", styles.get(event["effect"], "unknown")


def _healed(event: Event, _: Story) -> Words:
    return f"FAULT OFF: {fault_name(event)}, by {event['by']}", "pass"


def _replaced(event: Event, _: Story) -> Words:
    return f"new pods without the fault: {', '.join(event['pods'])}", "unknown"


def _sample(event: Event, before: Story) -> Words:
    if event["agrees"] is before.agrees:
        return None
    if event["agrees"] is False:
        counts = f"{event['missing']} missing, {event['phantom']} phantom"
        return f"the index differs: {counts}, {many(len(event['ghosts']), 'ghost')}", "fail"
    if event["agrees"] is None:
        who, why = next(iter(event["unknown"].items()), ("the index", "nobody knows"))
        return f"the index cannot be judged: {who}: {why}", "unknown"
    return ("the index agrees with the engines", "pass") if before.differences else None


def _stream(event: Event, _: Story) -> Words:
    pod = f"{event['engine']['pod']}/{event['engine']['rank']}"
    why = event.get("reason") or "nobody knows why"
    what = {
        "gap": f"{many(event['missing'] or 0, 'batch', 'batches')} of it did not come",
        "restart": f"it began anew: {why}",
        "incomplete": f"not completely known: {why}",
        "malformed": f"a message could not be read: {why}",
    }.get(event["what"])
    return (f"engine {pod}: {what}", "unknown") if what else None


def _recovery(event: Event, _: Story) -> Words:
    style = {True: "pass", False: "fail"}.get(event["agreed"], "unknown")
    return recovery(event), style


def _traffic(event: Event, _: Story) -> Words:
    return f"traffic: {event['ok']} of {event['sent']} requests answered", "dim"


def _stop(event: Event, _: Story) -> Words:
    return f"STOPPED by {event['by']}: {event['reason']}; faults are recovered now", "fail"


def _residue(event: Event, _: Story) -> Words:
    if event["left"] is None:
        return "what is left could not be looked at", "unknown"
    left = [*event["left"], *event["unconfirmed"]]
    return (
        ("nothing of a fault is left", "pass") if not left else (f"LEFT: {'; '.join(left)}", "fail")
    )


TELLERS: Mapping[str, Callable[[Event, Story], Words]] = {
    "run_started": _started,
    "preflight": _preflight,
    "hypothesis": _hypothesis,
    "activity": _activity,
    "fault_injected": _injected,
    "fault_failed": _not_injected,
    "effect": _effect,
    "fault_recovered": _healed,
    "targets_replaced": _replaced,
    "sample": _sample,
    "stream": _stream,
    "recovery": _recovery,
    "traffic": _traffic,
    "stop": _stop,
    "residue": _residue,
}
