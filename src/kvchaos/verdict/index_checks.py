"""Did the index become right again, and could that be seen? Pure: history in, result out.

Nothing is called recovered that was not observed, on every engine, after the fault ended.
"""

from __future__ import annotations

import math
from itertools import pairwise

from kvchaos.verdict.events import (
    Events,
    fault_name,
    injections,
    many,
    of,
    since_first,
    since_last,
)
from kvchaos.verdict.fault_checks import NO_FAULT
from kvchaos.verdict.records import (
    FaultInjected,
    FaultRecovered,
    Observer,
    Recovery,
    Sample,
    every,
    newest,
    read,
)
from kvchaos.verdict.result import Result, failed, passed, unknown, worst
from kvchaos.verdict.times import asked, span

RECOVERED = "recovered within budget"
SAMPLED = "observer up and sampled"
ROUNDED = 0.01
"""Seconds by which two moments may differ and be the same."""
LOOK = 0.15
"""Seconds that the answer to a look may come later than that to the one before it."""
HOLE = 30.0
"""Seconds without a sample that a slow index explains: a look of 5 s, and three times that after it
in which it is left in peace. What is longer was not watched.
"""
NOT_ASKED = (
    "no engine was asked to publish after the heal, so a lost tail would not show:"
    " send each engine a request before measuring"
)


def recovered_within_budget(events: Events) -> Result:
    """After the last fault the index agreed again, on every engine, within its budget."""
    if not of(events, "fault_injected"):
        return unknown(RECOVERED, NO_FAULT)
    if not of(since_last(events, "fault_injected"), "recovery"):
        return unknown(RECOVERED, "recovery was not measured after the fault")
    measured = every(since_first(events, "fault_injected"), Recovery)
    samples = every(events, Sample)
    ends = [_ends(events, by=each.at) for each in measured]
    answers = [_recovery(each, seen, samples) for each, seen in zip(measured, ends, strict=True)]
    lasting = [fault for fault, ended in ends[-1] if ended is None]
    why = "the fault was not seen to end before recovery was measured"
    ended = unknown(RECOVERED, why, *lasting) if lasting else answers[-1]
    return worst([*answers, ended], default=ended)


def oracle_complete(events: Events) -> Result:
    """What the engines published is known from the start of each epoch; never a fail."""
    name = "oracle complete"
    observer = newest(since_last(events, "fault_injected"), Observer)
    if observer is None:
        return unknown(name, "the observer left no account of what it saw")
    if not observer.engines:
        return unknown(name, "the observer followed no engine")
    if observer.incomplete:
        reasons = _reasons(observer.incomplete)
        why = f"{many(len(reasons), 'engine')} of {observer.engines} cannot be judged"
        return unknown(name, why, *reasons)
    if observer.malformed:
        return unknown(name, f"{many(observer.malformed, 'message')} could not be decoded")
    if not observer.batches:
        return unknown(name, f"no batch of {many(observer.engines, 'engine')} was seen")
    batches = many(observer.batches, "batch", "batches")
    return passed(name, f"every batch of {many(observer.engines, 'engine')} was seen ({batches})")


def observer_up_and_sampled(events: Events) -> Result:
    """The judge itself was awake, and read the router's index after the fault; never a fail."""
    asleep = _asleep(newest(since_last(events, "fault_injected"), Observer))
    if asleep:
        return unknown(SAMPLED, asleep)
    samples = every(since_first(events, "fault_injected"), Sample)
    if not samples:
        return unknown(SAMPLED, "the index was never sampled after the fault")
    blind = sum(sample.agrees is None for sample in samples)
    if blind == len(samples):
        why = f"none of {many(len(samples), 'sample')} after the fault could tell"
        return unknown(SAMPLED, why, *_reasons(samples[-1].unknown))
    unwatched = _unwatched(events)
    if unwatched:
        return unknown(SAMPLED, unwatched)
    why = f"{many(len(samples), 'sample')} of the index, {blind} without an answer"
    return passed(SAMPLED, why)


def _asleep(observer: Observer | None) -> str:
    """Which part of the judge did not live to the end."""
    if observer is None or not observer.up:
        return "the observer was not up at the end of the run"
    return "" if observer.sampler_up else "the index was not sampled to the end of the run"


def _unwatched(events: Events) -> str:
    """What the samples leave out: the time after the fault, or a long one before it recovered."""
    over = every(since_last(events, "fault_injected", "fault_recovered"), Sample)
    if all(sample.agrees is None for sample in over):
        return "no sample after the end of the fault could tell"
    holes = [hole for hole in _holes(events) if hole[0] > HOLE]
    return "".join(
        f"the index was not looked at for {span(hole)} from {span(since)} on"
        for hole, since in sorted(holes)[-1:]
    )


def _holes(events: Events) -> list[tuple[float, float]]:
    """The times without a sample from the first fault to the last recovery, and when they began."""
    injected = [read(event, FaultInjected).injected for event, _ in injections(events)]
    times = [at for at in injected[:1] if at is not None]
    times += [each.at for each in every(since_first(events, "fault_injected"), Sample)]
    times += [each.at for each in every(events, Recovery)[-1:] if each.at > times[-1]]
    return [(other - one, one) for one, other in pairwise(times)] if injected else []


def _recovery(
    event: Recovery, ends: list[tuple[str, float | None]], samples: list[Sample]
) -> Result:
    """What one measurement says, given when each fault before it was seen to end."""
    healed = _healed(event, ends)
    took, budget = _took(event, healed), f"budget {asked(event.budget)}"
    if event.agreed is False:
        why = f"the index did not agree within {span(event.waited)}; {budget}"
        return failed(RECOVERED, why, *_wrong(event))
    if event.agreed and took is not None and took > event.budget:
        return failed(RECOVERED, f"agreed only {span(took)} after the heal; {budget}")
    blind, wrong = _reasons(event.left.unknown), _wrong(event)
    if event.agreed is None or blind:
        return unknown(RECOVERED, "whether the index recovered could not be told", *blind)
    if wrong:
        return unknown(RECOVERED, "said to have recovered, but not everything agreed", *wrong)
    doubt = _doubt(event, healed, samples)
    if took is None or doubt:
        return unknown(RECOVERED, doubt or "said to have recovered, but not when after the heal")
    return passed(RECOVERED, f"the index agreed {span(took)} after the heal; {budget}")


def _ends(events: Events, *, by: float) -> list[tuple[str, float | None]]:
    """Each fault with the second in which it was seen to end, at the latest in second ``by``.

    The timeline's own ``healed`` is only where it counts from, and proves no end.
    """
    return [
        (fault_name(event), _end(read(event, FaultInjected), every(told, FaultRecovered), by))
        for event, told in injections(events)
    ]


def _end(fault: FaultInjected, told: list[FaultRecovered], by: float) -> float | None:
    began = fault.injected or 0.0
    healed = [each.healed for each in told if each.healed is not None]
    return max((at for at in healed if began <= at <= by), default=None)


def _healed(event: Recovery, ends: list[tuple[str, float | None]]) -> float:
    """When the last fault was over: by what was seen of the faults, else as the event tells."""
    seen = [at for _, at in ends if at is not None]
    told = event.timeline.healed
    return max(seen) if seen else math.inf if told is None else told


def _took(event: Recovery, healed: float) -> float | None:
    """Seconds from the last heal to the first agreeing sample; None when it is not known.

    An agreement before the heal, or one that is still to come, was not seen after it.
    """
    agreed, told = event.timeline.agreed, event.timeline.healed
    if agreed is None or told is None or agreed < max(told, healed - ROUNDED):
        return None
    return None if agreed > event.at + ROUNDED else max(0.0, agreed - healed)


def _doubt(event: Recovery, healed: float, samples: list[Sample]) -> str:
    """Why an agreement may not be one: it was not asked for rightly, or did not last.

    What an engine published last before the heal may be lost, and only a later event shows it.
    """
    agreed = event.timeline.agreed
    later = [each for each in samples if agreed is not None and agreed < each.at <= event.at]
    again = _wrong_again(later, event.apart)
    if again is not None:
        return f"said to have recovered, but a sample at {span(again)} was wrong again"
    asked = event.flushed is not None and healed <= event.flushed <= event.at
    return "" if agreed is None or asked else NOT_ASKED


def _wrong_again(later: list[Sample], apart: float) -> float | None:
    """When a difference began that was more than an event on its way; None when none did.

    The measurement itself counts from question to question; here answers are told, which may be a
    ``LOOK`` later.
    """
    since: float | None = None
    for sample in later:
        if sample.agrees is False:
            since = sample.at if since is None else since
        elif since is not None and sample.agrees:
            if sample.at - since > apart + LOOK:
                return since
            since = None
    return since


def _wrong(event: Recovery) -> list[str]:
    engines = [
        f"{engine}: {count.missing} missing, {count.phantom} phantom"
        for engine, count in event.left.engines.items()
        if count.missing or count.phantom
    ]
    return [*engines, *(f"{pod}: ghost (not alive)" for pod in event.left.ghosts)]


def _reasons(unknown_engines: dict[str, str]) -> list[str]:
    return [f"{who}: {reason}" for who, reason in unknown_engines.items()]
