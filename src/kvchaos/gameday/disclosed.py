"""What of a plan would be a secret that anybody can read, were it put into a ConfigMap. Pure.

The rule guarded here: a secret is named in what is installed, and never stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kvchaos.errors import UsageError
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.player import Ready
from kvchaos.redact import says_secret

Json = dict[str, Any]
SOURCES = ("env", "vault")
"""Types of values that only say where Chaos Toolkit finds a secret."""


def ensure_no_secret(plan: Plan, ready: Sequence[Ready]) -> None:
    """UsageError with each place in the plan, or in a file of its experiments, that has one."""
    found = [*_named("environment", plan.environment)]
    for number, each in enumerate(ready, 1):
        places = [*_named("environment", each.play.environment), *each.secrets]
        found += [f"experiments[{number}] ({each.play.name}): {place}" for place in places]
    if found:
        raise UsageError(
            "a ConfigMap would have these secrets, for many to read:\n  - " + "\n  - ".join(found),
            wanted='each in a Secret, which --secret names, and in a file only as {"type": "env", '
            '"key": NAME}',
            look="kubectl create secret generic kvchaos-gameday --from-literal=NAME=...",
        )


def secrets_in(experiment: Json) -> Iterator[str]:
    """Where a secret stands in an experiment with its variables: ``secrets.group.name``."""
    yield from _written("secrets", experiment.get("secrets") or {})
    yield from _named("configuration", experiment.get("configuration") or {})


def _named(place: str, said: Mapping[str, Any]) -> Iterator[str]:
    """Values whose names say that they are secrets."""
    for name, value in said.items():
        where = f"{place}.{name}"
        if says_secret(str(name)):
            yield from _written(where, value)
        elif isinstance(value, Mapping):
            yield from _named(where, value)


def _written(place: str, said: object) -> Iterator[str]:
    """Values that are there as they are; of one that comes from elsewhere the default."""
    if isinstance(said, Mapping):
        from_elsewhere = said.get("type") in SOURCES
        for name in ["default"] if from_elsewhere else said:
            yield from _written(f"{place}.{name}", said.get(name))
    elif said not in (None, ""):
        yield place
