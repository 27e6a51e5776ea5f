"""What a run needs to know, from the experiment's ``configuration`` block.

The rule: every key has a default that fits the embedded lab, so that the same file runs anywhere
and only what differs has to be said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kvchaos.errors import ExperimentInvalid
from kvchaos.index.routers.adapters import adapter
from kvchaos.observer.settings import Transport

LAB_CONTEXT = "kvchaos-lab"
TRANSPORTS = tuple(Transport)
SWITCH = {"true": True, "false": False}
PORTS = frozenset({"engine_port", "event_port", "replay_port", "router_port"})
ABOVE_0 = frozenset({"ranks", "block_size", "sample_every", "probe_deadline", "ready_timeout"})
NAMES = frozenset({"namespace", "mesh_namespace"})
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123, of a namespace
WANTED = {
    str: "a text that is not empty",
    int: "a whole number, 0 or more",
    float: "a number, 0 or more",
    bool: "true or false",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The named cluster, where engines and router are in it, and what a fault may do there.

    ``environment`` must be the namespaces' annotation of that name, empty: they have none;
    ``require_opt_in``: they must be annotated for Chaos Mesh. ``max_targets`` bounds the pods that
    a fault may hit (0: any number), ``max_percent`` the share of the engines, ``max_duration`` its
    seconds. A probe that takes ``probe_deadline`` s longer than it was asked to ends the run.
    ``router_adapter`` is what asks the router: the name of a shipped one, or ``module:Name``.
    """

    kubernetes_context: str = LAB_CONTEXT
    namespace: str = "kvchaos"
    engine_selector: str = "model.aibrix.ai/kv-events-enabled=true"
    router_selector: str = "app.kubernetes.io/name=kvchaos-router"
    router_adapter: str = "reference"
    model: str = "kvchaos-demo"
    transport: str = "auto"
    engine_port: int = 8000
    event_port: int = 5557
    replay_port: int = 5558
    router_port: int = 8080
    ranks: int = 1
    block_size: int = 16
    seed: int = 7
    sample_every: float = 0.1
    ready_timeout: float = 30.0
    runs: str = "kvchaos-runs"
    environment: str = ""
    require_opt_in: bool = False
    max_targets: int = 0
    max_percent: int = 50
    max_duration: float = 3600.0
    mesh_namespace: str = "chaos-mesh"
    probe_deadline: float = 60.0

    @property
    def is_lab(self) -> bool:
        """Whether the embedded lab is meant."""
        return self.kubernetes_context == LAB_CONTEXT


def settings_from(configuration: Mapping[str, Any]) -> Settings:
    """The settings that ``configuration`` gives; other keys in it are the experiment's own.

    Imports the router's adapter, which may be the user's own code. Raises ``ExperimentInvalid``
    for a value of the wrong kind, naming the key, ``UsageError`` for what is no adapter.
    """
    given = [f.name for f in fields(Settings) if f.name in configuration]
    settings = Settings(**{name: _value(name, configuration[name]) for name in given})
    if settings.transport not in TRANSPORTS:
        raise ExperimentInvalid(
            "configuration key 'transport'",
            wanted=f"one of {', '.join(TRANSPORTS)}",
            saw=repr(settings.transport),
        )
    if abs(settings.replay_port - settings.event_port) < settings.ranks:
        raise ExperimentInvalid(
            "configuration keys 'event_port' and 'replay_port'",
            wanted=f"at least {settings.ranks} apart: each rank adds one to both",
            saw=f"{settings.event_port} and {settings.replay_port}",
        )
    if settings.max_percent > 100:
        raise ExperimentInvalid(
            "configuration key 'max_percent'", wanted="at most 100", saw=str(settings.max_percent)
        )
    adapter(settings.router_adapter)
    return settings


def _value(name: str, raw: object) -> Any:
    default = getattr(Settings(), name)
    wanted = type(default)
    try:
        value = SWITCH[str(raw).lower()] if wanted is bool else wanted(raw)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ExperimentInvalid(
            f"configuration key {name!r}", wanted=WANTED[wanted], saw=repr(raw)
        ) from error
    if wanted_more := _out_of_range(name, value):
        raise ExperimentInvalid(f"configuration key {name!r}", wanted=wanted_more, saw=repr(raw))
    if (value == "" and default) or (wanted is not str and not 0 <= value < math.inf):
        raise ExperimentInvalid(f"configuration key {name!r}", wanted=WANTED[wanted], saw=repr(raw))
    return value


def _out_of_range(name: str, value: Any) -> str:
    """What is wanted of a value of the right kind that cannot be meant; empty: nothing more."""
    if name in PORTS and not 0 < value < 65536:
        return "a port, 1 to 65535"
    if name in ABOVE_0 and not 0 < value < math.inf:
        return "a number above 0"
    if name in NAMES and not NAME.fullmatch(value):
        return "small letters, digits and -, at most 63"
    return ""
