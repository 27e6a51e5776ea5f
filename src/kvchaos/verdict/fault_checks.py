"""Did the fault really happen, and is it gone? Pure: history in, result out.

Nothing is called a fault that did not land and was not seen to have an effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from kvchaos.verdict.events import (
    Event,
    Events,
    fault_name,
    injections,
    many,
    of,
    since_last,
    text,
)
from kvchaos.verdict.records import Effect, FaultInjected, FaultRecovered, Residue, newest, read
from kvchaos.verdict.records import every as all_of
from kvchaos.verdict.result import Result, failed, passed, unknown, worst
from kvchaos.verdict.status import left_behind
from kvchaos.verdict.times import span

NO_FAULT = "no fault was injected, so nothing was tested"
EFFECT = "effect observed"
LEFT = "nothing left"
OWN_WORD = "records"
"""The source of evidence that is Chaos Mesh's word on itself: not enough alone."""


def fault_landed(events: Events) -> Result:
    """Chaos Mesh reported every fault as injected, on at least one pod."""
    name = "fault landed"
    refused = of(events, "fault_failed")
    if refused:
        errors = [f"{fault_name(event)}: {event['error']}" for event in refused]
        return failed(name, f"{many(len(refused), 'fault')} could not be injected", *errors)
    faults = [(fault_name(event), read(event, FaultInjected)) for event, _ in injections(events)]
    if not faults:
        return unknown(name, NO_FAULT)
    nobody = [label for label, fault in faults if not fault.targets]
    if nobody:
        return failed(name, "injected, but into no pod", *nobody)
    unseen = [label for label, fault in faults if fault.injected is None]
    if unseen:
        return unknown(name, "created, but never seen injected", *unseen)
    evidence = [text(item) for _, fault in faults for item in fault.evidence]
    if any(_denies(item) for _, fault in faults for item in fault.evidence):
        return unknown(name, "said to be injected, but the evidence denies it", *evidence)
    pods = {target.pod for _, fault in faults for target in fault.targets}
    why = f"{many(len(faults), 'fault')} injected, {many(len(pods), 'pod')} hit"
    return passed(name, why, *evidence)


def effect_observed(events: Events) -> Result:
    """Each fault was seen to do what it says, by more than its own records."""
    refused = [
        failed(EFFECT, f"{fault_name(event)} was not effective: it could not be injected")
        for event in of(events, "fault_failed")
    ]
    answers = [_effect_of(fault, told) for fault, told in injections(events)]
    return worst([*refused, *answers], default=unknown(EFFECT, NO_FAULT))


def nothing_left(events: Events) -> Result:
    """The run's last look found nothing that its faults left behind, and confirmed their end."""
    found = left_behind(events)
    if found is not None:
        left, open_ends = _things(found.get("left")), _things(found.get("unconfirmed"))
        if left:
            return failed(LEFT, f"{many(len(left), 'thing')} left behind", *left, *open_ends)
        why = f"the end of {many(len(open_ends), 'fault')} could not be confirmed"
        return unknown(LEFT, why, *open_ends)
    residue = newest(since_last(events, "fault_injected", "fault_failed"), Residue)
    if residue is None or residue.left is None:
        return unknown(LEFT, "nobody looked at the end whether the fault left anything")
    open_ends = _never_ended(events) if residue.unconfirmed is UNSET else []
    if open_ends:
        return unknown(LEFT, "nothing was found, but a fault was not seen to end", *open_ends)
    return passed(LEFT, "no fault object and no rule of this run remains")


def _effect_of(injection: Event, told: Events) -> Result:
    """Whether this fault was in effect at some time, by the best of what was told of it."""
    name, looks = fault_name(injection), all_of(told, Effect)
    if not looks:
        return unknown(EFFECT, f"nobody looked whether {name} was in effect")
    best = next((look for look in looks if look.effect == "confirmed"), looks[-1])
    evidence = [text({"source": item.source, "text": item.text}) for item in best.evidence]
    if best.effect == "not effective":
        return failed(EFFECT, f"{name} was injected but had no effect", *evidence)
    ends = all_of(told, FaultRecovered)
    doubt = _doubt(name, best) or _untimely(name, best, read(injection, FaultInjected), ends)
    if doubt:
        return unknown(EFFECT, doubt, *evidence)
    return passed(EFFECT, f"{name} was seen to be in effect", *evidence)


def _doubt(name: str, look: Effect) -> str:
    """Why its evidence does not prove an effect."""
    held = {item.holds for item in look.evidence}
    if look.effect != "confirmed" or True not in held:
        return f"whether {name} was in effect is not known"
    if False in held:
        return f"the evidence on {name} contradicts itself"
    if not any(item.holds and item.source != OWN_WORD for item in look.evidence):
        return f"only Chaos Mesh's own records say that {name} was in effect"
    return ""


def _untimely(name: str, look: Effect, fault: FaultInjected, ends: list[FaultRecovered]) -> str:
    """Why what was seen may be of something else: it was not so while the fault was on.

    It may be seen a little before Chaos Mesh reports the injection, but not before the request.
    """
    seen, asked = look.effect_at, fault.injected if fault.requested is None else fault.requested
    if seen is None:
        return f"{name} was seen to be in effect, but nobody can say since when"
    if asked is not None and seen < asked:
        return f"the effect of {name} was there {span(asked - seen)} before it was asked for"
    healed = [end.healed for end in ends if end.healed is not None]
    if fault.duration is not None and healed and seen > max(healed):
        return f"the effect of {name} was seen only {span(seen - max(healed))} after it was over"
    return ""


def _denies(item: object) -> bool:
    return isinstance(item, Mapping) and item.get("holds") is False


def _never_ended(events: Events) -> list[str]:
    """The faults whose end is not in the history."""
    lives = [
        (fault_name(event), all_of(told, FaultRecovered)) for event, told in injections(events)
    ]
    return [name for name, ends in lives if all(end.healed is None for end in ends)]


def _things(told: object) -> list[str]:
    """Each thing in words; what is not a list is told as it is."""
    items = told if isinstance(told, list | tuple) else [told] if told else []
    return [text(item) for item in items]
