"""Did the index become right again, and could that be seen? Pure: history in, result out.

Nothing is called recovered that was not observed, on every engine, after the fault ended.
"""

from __future__ import annotations

from kvchaos.verdict.events import (
    Event,
    Events,
    fault_name,
    last,
    many,
    of,
    since_first,
    since_last,
)
from kvchaos.verdict.fault_checks import NO_FAULT
from kvchaos.verdict.result import Result, failed, passed, unknown, worst

RECOVERED = "recovered within budget"


def recovered_within_budget(events: Events) -> Result:
    """After the last fault the index agreed again, on every engine, within its budget."""
    faults = of(events, "fault_injected")
    if not faults:
        return unknown(RECOVERED, NO_FAULT)
    if not of(since_last(events, "fault_injected"), "recovery"):
        return unknown(RECOVERED, "recovery was not measured after the fault")
    measured = of(since_first(events, "fault_injected"), "recovery")
    lasting = _not_ended(events, measured[-1])
    why = "the fault was not seen to end before recovery was measured"
    ended = unknown(RECOVERED, why, *lasting) if lasting else _recovery(measured[-1])
    return worst([*map(_recovery, measured), ended], default=ended)


def oracle_complete(events: Events) -> Result:
    """What the engines published is known from the start of each epoch; never a fail."""
    name = "oracle complete"
    observer = last(events, "observer")
    if observer is None:
        return unknown(name, "the observer left no account of what it saw")
    if not observer["engines"]:
        return unknown(name, "the observer followed no engine")
    if observer["incomplete"]:
        reasons = [f"{engine}: {reason}" for engine, reason in observer["incomplete"].items()]
        why = f"{many(len(reasons), 'engine')} of {observer['engines']} cannot be judged"
        return unknown(name, why, *reasons)
    if observer["malformed"]:
        why = f"{many(observer['malformed'], 'message')} could not be decoded"
        return unknown(name, why)
    batches = many(observer["batches"], "batch", "batches")
    why = f"every batch of {many(observer['engines'], 'engine')} was seen ({batches})"
    return passed(name, why)


def observer_up_and_sampled(events: Events) -> Result:
    """The judge itself was awake, and read the router's index after the fault; never a fail."""
    name = "observer up and sampled"
    observer = last(events, "observer")
    if observer is None or not observer["up"]:
        return unknown(name, "the observer was not up at the end of the run")
    samples = of(since_first(events, "fault_injected"), "sample")
    if not samples:
        return unknown(name, "the index was never sampled after the fault")
    told = [sample for sample in samples if sample["agrees"] is not None]
    if not told:
        why = f"none of {many(len(samples), 'sample')} after the fault could tell"
        return unknown(name, why, *_reasons(samples[-1]["unknown"]))
    blind = len(samples) - len(told)
    why = f"{many(len(samples), 'sample')} of the index, {blind} without an answer"
    return passed(name, why)


def _recovery(event: Event) -> Result:
    wrong, blind = _wrong(event), _reasons(event["left"]["unknown"])
    budget = f"budget {event['budget']:g} s"
    if event["agreed"] is False:
        why = f"the index did not agree within {event['waited']:.1f} s; {budget}"
        return failed(RECOVERED, why, *wrong)
    if event["agreed"] is None or blind:
        return unknown(RECOVERED, "whether the index recovered could not be told", *blind)
    if wrong:
        return unknown(RECOVERED, "said to have recovered, but not everything agreed", *wrong)
    if _took(event) > event["budget"]:
        return failed(RECOVERED, f"agreed only {_took(event):.2f} s after the heal; {budget}")
    return passed(RECOVERED, f"the index agreed {_took(event):.2f} s after the heal; {budget}")


def _not_ended(events: Events, recovery: Event) -> list[str]:
    """The faults that nobody saw end before this measurement did.

    The timeline's own ``healed`` is only where it counts from, and proves no end.
    """
    faults = [fault_name(event) for event in of(events, "fault_injected")]
    ended = {
        fault_name(event)
        for event in of(events, "fault_recovered")
        if event["healed"] is not None and event["healed"] <= recovery["at"]
    }
    return [fault for fault in faults if fault not in ended]


def _took(event: Event) -> float:
    """Seconds from the heal to the first agreeing sample; the wait where that is not known."""
    since = event["after_heal"]["agreed"]
    return float(event["waited"] if since is None else since)


def _wrong(event: Event) -> list[str]:
    engines = [
        f"{engine}: {count['missing']} missing, {count['phantom']} phantom"
        for engine, count in event["left"]["engines"].items()
        if count["missing"] or count["phantom"]
    ]
    return [*engines, *(f"{pod}: ghost (not alive)" for pod in event["left"]["ghosts"])]


def _reasons(unknown_engines: dict[str, str]) -> list[str]:
    return [f"{who}: {reason}" for who, reason in unknown_engines.items()]
