"""A run's history as data: how to pick from its events. Pure.

An event is a JSON object ``{"at": seconds since the run began, "wall": RFC 3339 time in UTC,
"event": name, ...}``; docs/verdict.md lists the names and their fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Event = Mapping[str, Any]
Events = Sequence[Event]

LIFE = ("fault_injected", "effect", "targets_replaced", "fault_recovered")
"""The events of a fault's life, in their order."""


def name_of(event: Event) -> str:
    """The event's name; empty when it has none, which is the name of no kind of event."""
    return str(event.get("event", ""))


def of(events: Events, name: str, **fields: object) -> list[Event]:
    """The events of that name whose fields have exactly these values, in their order."""
    return [
        event
        for event in events
        if name_of(event) == name and all(event.get(key) == want for key, want in fields.items())
    ]


def last(events: Events, name: str) -> Event | None:
    """The newest event of that name."""
    return next((event for event in reversed(events) if name_of(event) == name), None)


def until_first(events: Events, name: str) -> Events:
    """What came before the first event of that name; all events when there is none."""
    positions = (at for at, event in enumerate(events) if name_of(event) == name)
    return events[: next(positions, len(events))]


def since_first(events: Events, name: str) -> Events:
    """What followed the first event of that name; all events when there is none."""
    positions = (at for at, event in enumerate(events) if name_of(event) == name)
    return events[next(positions, -1) + 1 :]


def since_last(events: Events, *names: str) -> Events:
    """What followed the newest event of these names; all events when there is none."""
    positions = (at for at in reversed(range(len(events))) if name_of(events[at]) in names)
    return events[next(positions, -1) + 1 :]


def fault_name(event: Event) -> str:
    """``kind namespace/name`` of the fault that this event is about."""
    fault = event["fault"]
    return f"{fault['kind']} {fault['namespace']}/{fault['name']}"


def injections(events: Events) -> list[tuple[Event, Events]]:
    """Each ``fault_injected``, and the events about that very fault: the later ones of its name,
    up to the next injection of that name.
    """
    return [
        (event, _about(fault_name(event), events[at + 1 :]))
        for at, event in enumerate(events)
        if name_of(event) == "fault_injected"
    ]


def many(count: int, one: str, more: str = "") -> str:
    """``1 pod``, ``2 pods``; ``more`` where the plural is not one plus s."""
    return f"{count} {one}" if count == 1 else f"{count} {more or one + 's'}"


def text(item: object) -> str:
    """One line for a piece of evidence, which is a text or an object that has one."""
    if not isinstance(item, Mapping):
        return str(item)
    if "text" in item:
        source = item.get("source")
        return f"{source}: {item['text']}" if source else str(item["text"])
    return ", ".join(f"{key} {value}" for key, value in item.items())


def _about(name: str, later: Events) -> Events:
    named = [event for event in later if name_of(event) in LIFE and fault_name(event) == name]
    again = (at for at, event in enumerate(named) if name_of(event) == "fault_injected")
    return named[: next(again, len(named))]
