"""Did the fault really happen, and is it gone? Pure: history in, result out.

Nothing is called a fault that did not land and was not seen to have an effect.
"""

from __future__ import annotations

from kvchaos.verdict.events import Event, Events, fault_name, injections, many, of, text
from kvchaos.verdict.records import Effect, FaultInjected, Residue, every, newest, read
from kvchaos.verdict.result import Result, failed, passed, unknown, worst

NO_FAULT = "no fault was injected, so nothing was tested"
EFFECT = "effect observed"


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
    pods = {target.pod for _, fault in faults for target in fault.targets}
    evidence = [text(item) for _, fault in faults for item in fault.evidence]
    why = f"{many(len(faults), 'fault')} injected, {many(len(pods), 'pod')} hit"
    return passed(name, why, *evidence)


def effect_observed(events: Events) -> Result:
    """Each injected fault was seen to do what it says, by more than its own records."""
    answers = [_effect_of(fault, told) for fault, told in injections(events)]
    return worst(answers, default=unknown(EFFECT, NO_FAULT))


def nothing_left(events: Events) -> Result:
    """The run's last look found nothing that its faults left behind."""
    name = "nothing left"
    residue = newest(events, Residue)
    if residue is None or residue.left is None:
        return unknown(name, "nobody looked at the end whether the fault left anything")
    if residue.left:
        left = residue.left
        return failed(name, f"{many(len(left), 'thing')} left behind", *map(text, left))
    return passed(name, "no fault object and no rule of this run remains")


def _effect_of(fault: Event, told: Events) -> Result:
    """Whether this fault was in effect at some time, by the best of what was told of it."""
    name = fault_name(fault)
    looks = every(told, Effect)
    if not looks:
        return unknown(EFFECT, f"nobody looked whether {name} was in effect")
    best = next((look for look in looks if look.effect == "confirmed"), looks[-1])
    evidence = [text({"source": item.source, "text": item.text}) for item in best.evidence]
    held = [item.holds for item in best.evidence]
    if best.effect == "not effective":
        return failed(EFFECT, f"{name} was injected but had no effect", *evidence)
    if best.effect != "confirmed" or True not in held:
        return unknown(EFFECT, f"whether {name} was in effect is not known", *evidence)
    if False in held:
        return unknown(EFFECT, f"the evidence on {name} contradicts itself", *evidence)
    return passed(EFFECT, f"{name} was seen to be in effect", *evidence)
