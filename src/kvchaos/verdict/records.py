"""What the checks read of a history's events, each in the one form that counts. Pure.

The one rule guarded here: a field that decides something has exactly its type. A text is no truth,
a truth is no number, and no number is NaN or endless: such an event is ``Malformed``, not evidence.
docs/verdict.md lists all fields; those that only inform are not read here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kvchaos.verdict.events import Event, Events, last, of

Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
Second = Annotated[float, Meta(ge=0, le=1e9)]
"""Seconds, most of them since the run began."""
Span = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""Seconds from one moment to another, which may have been the earlier one."""


class Malformed(ValueError):
    """An event has not the form that docs/verdict.md gives it."""


class Record(Struct, frozen=True, tag_field="event"):
    """The fields of one kind of event that a check rests on."""


class Hypothesis(Record, frozen=True, tag="hypothesis"):
    """One asking of the hypothesis; the names are those of probes."""

    when: Literal["before", "during", "after"]
    met: bool | None
    failed: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class Activity(Record, frozen=True, tag="activity"):
    """An action or a probe that ended; a probe that could not tell has failed, with an error."""

    name: str
    type: Literal["action", "probe"]
    phase: Literal["before", "method", "during", "after", "rollbacks"]
    outcome: Literal["succeeded", "failed"]
    error: str | None


class Fault(Struct, frozen=True):
    """The Chaos Mesh object."""

    kind: Name
    namespace: Name
    name: Name


class Target(Struct, frozen=True):
    """A pod that was hit."""

    pod: Name


class FaultInjected(Record, frozen=True, tag="fault_injected"):
    """A fault that was created; ``injected`` is None when nobody saw it land."""

    fault: Fault
    targets: tuple[Target, ...]
    injected: Second | None
    evidence: tuple[Any, ...]
    requested: Second | None = None
    duration: Second | None = None


class Evidence(Struct, frozen=True):
    """One source's word; ``holds`` is None when it could not tell."""

    holds: bool | None
    source: str = ""
    text: str = ""


class Effect(Record, frozen=True, tag="effect"):
    """One look whether the fault is in effect."""

    fault: Fault
    effect: Literal["confirmed", "not effective", "inconclusive"]
    evidence: tuple[Evidence, ...]
    effect_at: Second | None = None


class TargetsReplaced(Record, frozen=True, tag="targets_replaced"):
    """Pods of the fault that others took the place of; those the fault does not reach."""

    fault: Fault
    pods: tuple[Name, ...]
    replaced_at: Second


class FaultRecovered(Record, frozen=True, tag="fault_recovered"):
    """A fault's end; ``healed`` is None when nobody saw it.

    ``held`` seconds it was in effect, None: not known; ``asked``: should be, None: not asked.
    """

    fault: Fault
    healed: Second | None
    held: Span | None = None
    asked: Second | UnsetType | None = UNSET


class Sample(Record, frozen=True, tag="sample"):
    """One look at the router's index; ``agrees`` is None when it could not tell."""

    at: Second
    agrees: bool | None
    unknown: dict[str, str]


class Timeline(Struct, frozen=True):
    """The moments of a recovery that decide; None or absent: not seen."""

    healed: Second | None = None
    agreed: Second | None = None


class Wrong(Struct, frozen=True):
    """Blocks of one engine."""

    missing: Count
    phantom: Count


class Left(Struct, frozen=True):
    """What was wrong or unknown when the measurement ended."""

    engines: dict[str, Wrong]
    ghosts: tuple[str, ...]
    unknown: dict[str, str]


class Recovery(Record, frozen=True, tag="recovery"):
    """One measurement; ``flushed``: when every engine had last been sent a request.

    ``apart``: seconds within which a difference is an event on its way.
    """

    at: Second
    agreed: bool | None
    budget: Second
    waited: Second
    timeline: Timeline
    left: Left
    flushed: Second | None = None
    samples_needed: Annotated[int, Meta(ge=1)] = 1
    apart: Annotated[float, Meta(ge=0, le=5)] = 0.0


class Residue(Record, frozen=True, tag="residue"):
    """What the faults left, None when nobody could look; the faults whose end is unconfirmed."""

    left: tuple[Any, ...] | None
    unconfirmed: tuple[Any, ...] | UnsetType = UNSET


class Bystanders(Record, frozen=True, tag="bystanders"):
    """Engines and routers that no pod fault hit, and that restarted all the same."""

    changed: tuple[str, ...]


class Company(Record, frozen=True, tag="company"):
    """The faults of other runs that were seen beside this one's, and how often it was looked."""

    faults: tuple[str, ...]
    looks: Count
    unanswered: Count


class Observer(Record, frozen=True, tag="observer"):
    """The observer's account, and whether the sampler lived as long."""

    up: bool
    engines: Count
    batches: Count
    malformed: Count
    incomplete: dict[str, str]
    sampler_up: bool | None = None


class Stop(Record, frozen=True, tag="stop"):
    """What ended the run early, and why."""

    at: Second
    by: Name
    reason: str


class Preflight(Record, frozen=True, tag="preflight"):
    """What was looked at before anything was touched; a finding refuses the run."""

    findings: tuple[Any, ...]


class RunEnded(Record, frozen=True, tag="run_ended"):
    """What Chaos Toolkit calls the run, or that it did not start, and why."""

    journal: str
    why: str = ""


Form = TypeVar("Form", bound=Record)


def read(event: Event, form: type[Form]) -> Form:
    """The event in this form; raises Malformed, with the field and what it should be."""
    try:
        return msgspec.convert(event, form)
    except msgspec.ValidationError as error:
        raise Malformed(f"the event {_kind(form)}: {error}") from error


def every(events: Events, form: type[Form]) -> list[Form]:
    """All events of this form's kind, in their order; raises Malformed if one is not of it."""
    return [read(event, form) for event in of(events, _kind(form))]


def newest(events: Events, form: type[Form]) -> Form | None:
    """The last event of this form's kind, if any; raises Malformed if it is not of the form."""
    event = last(events, _kind(form))
    return None if event is None else read(event, form)


def _kind(form: type[Record]) -> str:
    return str(form.__struct_config__.tag)
