"""A game day's plan: what is played, when it may be, and what ends it early.

The rule guarded here: a plan is used only when nothing is wrong with it, and all that is wrong is
told at once. Its form is ``plan.schema.json``, which ships beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kvchaos.gameday.windows import Windows

Json = dict[str, Any]

STEPS = 500
"""How often experiments may be played in one game day."""


@dataclass(frozen=True, slots=True)
class Play:
    """One experiment of the plan: its ``file`` is found, ``name`` is its own in the plan."""

    name: str
    file: Path
    repeat: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    var: Mapping[str, Any] = field(default_factory=dict)
    var_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What a game day may cost in all; None: any amount. Times in seconds."""

    faults: int | None = None
    fault_time: float | None = None
    failures: int | None = None
    failed_requests: int | None = None
    time: float | None = None


@dataclass(frozen=True, slots=True)
class StopWhen:
    """What of a run ends the game day, beside what always does; ``recovery_over`` in seconds."""

    status: frozenset[str] = frozenset()
    recovery_over: float | None = None
    missing_over: int | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where its address and its token are found in the environment, and what it is told of."""

    url_env: str
    token_env: str = ""
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """A game day as it is planned; times in seconds, ``text`` as it was read."""

    name: str
    purpose: str
    owner: str
    plays: tuple[Play, ...]
    text: str = ""
    context: str = ""
    namespace: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    order: str = "listed"
    seed: int | None = None
    windows: Windows | None = None
    outside: str = "stop"
    wait: float = 43_200.0
    closing: str = "finish"
    approval: str = "each"
    pause: float = 0.0
    hold: str = "stop"
    hold_wait: float = 1800.0
    budget: Budget = Budget()
    stop_when: StopWhen = StopWhen()
    notify: tuple[Webhook, ...] = ()
    schedule: str = ""
