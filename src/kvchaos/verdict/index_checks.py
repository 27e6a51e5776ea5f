"""Did the index become right again, and could that be seen? Pure: history in, result out.

Nothing is called recovered that was not observed, on every engine, after the fault ended.
"""

from __future__ import annotations

from kvchaos.verdict.events import Events, fault_name, injections, many, of, since_first, since_last
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

RECOVERED = "recovered within budget"
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
    ends = [_ends(events, by=each.at) for each in measured]
    answers = [_recovery(each, seen) for each, seen in zip(measured, ends, strict=True)]
    lasting = [fault for fault, ended in ends[-1] if ended is None]
    why = "the fault was not seen to end before recovery was measured"
    ended = unknown(RECOVERED, why, *lasting) if lasting else answers[-1]
    return worst([*answers, ended], default=ended)


def oracle_complete(events: Events) -> Result:
    """What the engines published is known from the start of each epoch; never a fail."""
    name = "oracle complete"
    observer = newest(events, Observer)
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
    batches = many(observer.batches, "batch", "batches")
    return passed(name, f"every batch of {many(observer.engines, 'engine')} was seen ({batches})")


def observer_up_and_sampled(events: Events) -> Result:
    """The judge itself was awake, and read the router's index after the fault; never a fail."""
    name = "observer up and sampled"
    observer = newest(events, Observer)
    if observer is None or not observer.up:
        return unknown(name, "the observer was not up at the end of the run")
    if observer.sampler_up is not True:
        return unknown(name, "the index was not sampled to the end of the run")
    samples = every(since_first(events, "fault_injected"), Sample)
    if not samples:
        return unknown(name, "the index was never sampled after the fault")
    blind = sum(sample.agrees is None for sample in samples)
    if blind == len(samples):
        why = f"none of {many(len(samples), 'sample')} after the fault could tell"
        return unknown(name, why, *_reasons(samples[-1].unknown))
    why = f"{many(len(samples), 'sample')} of the index, {blind} without an answer"
    return passed(name, why)


def _recovery(event: Recovery, ends: list[tuple[str, float | None]]) -> Result:
    """What one measurement says, given when each fault before it was seen to end."""
    took, budget = _took(event), f"budget {event.budget:g} s"
    if event.agreed is False:
        why = f"the index did not agree within {event.waited:.1f} s; {budget}"
        return failed(RECOVERED, why, *_wrong(event))
    if event.agreed and took is not None and took > event.budget:
        return failed(RECOVERED, f"agreed only {took:.2f} s after the heal; {budget}")
    blind = _reasons(event.left.unknown)
    if event.agreed is None or blind:
        return unknown(RECOVERED, "whether the index recovered could not be told", *blind)
    if _wrong(event):
        why = "said to have recovered, but not everything agreed"
        return unknown(RECOVERED, why, *_wrong(event))
    if took is None:
        return unknown(RECOVERED, "said to have recovered, but not when after the heal")
    asked = _asked(event, ends)
    why = f"the index agreed {took:.2f} s after the heal; {budget}"
    return passed(RECOVERED, why) if asked else unknown(RECOVERED, NOT_ASKED)


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


def _took(event: Recovery) -> float | None:
    """Seconds from the heal to the first agreeing sample; None when one of them is not known."""
    healed, agreed = event.timeline.healed, event.timeline.agreed
    return None if healed is None or agreed is None or agreed < healed else agreed - healed


def _asked(event: Recovery, ends: list[tuple[str, float | None]]) -> bool:
    """Whether every engine was sent a request between the last heal and this measurement's end.

    What an engine published last before the heal may be lost, and only a later event shows it.
    """
    heals = [at for at in (event.timeline.healed, *(at for _, at in ends)) if at is not None]
    return event.flushed is not None and max(heals) <= event.flushed <= event.at


def _wrong(event: Recovery) -> list[str]:
    engines = [
        f"{engine}: {count.missing} missing, {count.phantom} phantom"
        for engine, count in event.left.engines.items()
        if count.missing or count.phantom
    ]
    return [*engines, *(f"{pod}: ghost (not alive)" for pod in event.left.ghosts)]


def _reasons(unknown_engines: dict[str, str]) -> list[str]:
    return [f"{who}: {reason}" for who, reason in unknown_engines.items()]
