"""Was each fault on for as long as it was asked to be, and alone? Pure: history in, result out.

A recovery from a cut of two seconds says nothing of one of ten: a fault that ended early, that was
lifted for a pod, or that nobody watched, was not what was to be tested.
"""

from __future__ import annotations

import math

from msgspec import UNSET

from kvchaos.verdict.events import Event, Events, fault_name, injections, many
from kvchaos.verdict.fault_checks import NO_FAULT
from kvchaos.verdict.records import (
    Bystanders,
    Company,
    FaultInjected,
    FaultRecovered,
    Sample,
    Stop,
    TargetsReplaced,
    every,
    newest,
    read,
)
from kvchaos.verdict.result import Result, passed, unknown
from kvchaos.verdict.times import asked, span

LASTED = "fault lasted"
ALONE = "nothing else restarted"
COMPANY = "no other fault"
SLACK = 0.05
"""Seconds that a fault may lack of what was asked: its moments are rounded."""


def fault_lasted(events: Events) -> Result:
    """Each fault stood as long as it was asked to, on every pod, and the index was watched."""
    faults = injections(events)
    if not faults:
        return unknown(LASTED, NO_FAULT)
    samples = [sample.at for sample in every(events, Sample)]
    stopped = min((stop.at for stop in every(events, Stop)), default=math.inf)
    doubts = [doubt for each, told in faults for doubt in _doubts(each, told, samples, stopped)]
    if doubts:
        return unknown(LASTED, *doubts)
    times = [_times(fault, told) for fault, told in faults]
    if len(times) == 1:
        return passed(LASTED, times[0])
    return passed(LASTED, f"{many(len(times), 'fault')} stood as long as asked", *times)


def nothing_else_restarted(events: Events) -> Result:
    """No engine and no router restarted that no fault was to: what was seen is its doing."""
    told = newest(events, Bystanders)
    if told is None:
        return unknown(ALONE, "nobody looked whether another engine or router restarted")
    if told.changed:
        why = "by something else than the fault, so the recovery may be its doing"
        return unknown(ALONE, f"{', '.join(told.changed)}, {why}")
    return passed(ALONE, "every engine and router that no fault was to restart ran on")


def no_other_fault(events: Events) -> Result:
    """No other run had a fault there meanwhile: two runs at once measure each other."""
    told = newest(events, Company)
    if told is None:
        return unknown(COMPANY, "nobody looked whether another run had a fault there, too")
    if told.faults:
        why = "another run's, was on, too, so what was seen may be its doing"
        return unknown(COMPANY, f"{', '.join(told.faults)}, {why}")
    if told.looks <= told.unanswered:
        return unknown(COMPANY, "whether another run had a fault there could not be told")
    return passed(COMPANY, "no other run had a fault there meanwhile")


def _doubts(injection: Event, told: Events, samples: list[float], stopped: float) -> list[str]:
    """What keeps this fault from having been the one that was asked for."""
    name, fault, ends = fault_name(injection), _read(injection), every(told, FaultRecovered)
    if not ends:
        return [f"{name} was not seen to end"]
    doubts = [_lifted(name, each, fault) for each in every(told, TargetsReplaced)]
    doubts += [_early(name, fault, end) for end in ends]
    if _lasts(fault):
        doubts += [_cut_short(name, end, stopped) for end in ends]
        doubts.append(_unwatched(name, fault, ends[-1], samples))
    return [doubt for doubt in doubts if doubt]


def _lifted(name: str, told: TargetsReplaced, fault: FaultInjected) -> str:
    """Which pods the fault no longer reached."""
    since = max(0.0, told.replaced_at - (fault.injected or 0.0))
    return f"{name} was lifted for {', '.join(told.pods)}, replaced after {span(since)}"


def _early(name: str, fault: FaultInjected, end: FaultRecovered) -> str:
    """By how much it fell short; nothing when it did not, or when nothing was asked."""
    if end.asked is UNSET:
        return f"how long {name} was asked to stand is not told"
    stood = _stood(fault, end)
    if end.asked is None or not _lasts(fault):
        return ""
    if stood is None:
        return f"how long {name} stood is not known; {asked(end.asked)} were asked"
    if stood < end.asked - SLACK:
        return f"{name} ended after {span(max(0.0, stood))} of the {asked(end.asked)} asked"
    return ""


def _cut_short(name: str, end: FaultRecovered, stopped: float) -> str:
    """Whether the run was stopped while it was on: what was asked was never come to."""
    healed = stopped if end.healed is None else end.healed
    cut = end.asked is None and stopped <= healed < math.inf
    return f"{name} was on when the run was stopped" if cut else ""


def _unwatched(name: str, fault: FaultInjected, end: FaultRecovered, samples: list[float]) -> str:
    if fault.injected is None or end.healed is None:
        return f"when {name} was on is not known"
    if any(fault.injected <= at <= end.healed for at in samples):
        return ""
    return f"the index was not looked at while {name} was on"


def _times(injection: Event, told: Events) -> str:
    """How long this fault stood, which is as long as was asked."""
    name, fault, end = fault_name(injection), _read(injection), every(told, FaultRecovered)[-1]
    stood = _stood(fault, end)
    if not _lasts(fault) or stood is None:
        return f"{name} happens at once"
    wanted = f"{asked(end.asked)} asked" if isinstance(end.asked, float) else "no time asked"
    return f"{name} stood for {span(max(0.0, stood))} ({wanted})"


def _lasts(fault: FaultInjected) -> bool:
    """Whether it is a state of some length; a kill happens once."""
    return fault.duration is not None or fault.fault.kind == "NetworkChaos"


def _stood(fault: FaultInjected, end: FaultRecovered) -> float | None:
    """The least of what is told of it; a pod is healed later than its fault ends, not before."""
    told = None if fault.injected is None or end.healed is None else end.healed - fault.injected
    return min((each for each in (told, end.held) if each is not None), default=None)


def _read(injection: Event) -> FaultInjected:
    return read(injection, FaultInjected)
