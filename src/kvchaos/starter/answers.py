"""What has to be known of somebody's cluster, and whether it can be so.

The rule: nothing is written before every answer is one that Kubernetes and a shell can take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from kvchaos.errors import TemplateInvalid, UsageError
from kvchaos.index.routers.adapters import WANTED, is_named
from kvchaos.mesh.values import labels_of
from kvchaos.settings import Settings

DEFAULTS = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The cluster, where engines and router are in it, and how they are reached.

    The defaults are those of the embedded lab. Selectors are labels, ``a=b,c=d``.
    """

    context: str = DEFAULTS.kubernetes_context
    namespace: str = DEFAULTS.namespace
    engines: str = DEFAULTS.engine_selector
    router: str = DEFAULTS.router_selector
    router_adapter: str = DEFAULTS.router_adapter
    model: str = DEFAULTS.model
    engine_container: str = "engine"
    router_container: str = "router"
    engine_port: int = DEFAULTS.engine_port
    event_port: int = DEFAULTS.event_port
    replay_port: int = DEFAULTS.replay_port
    router_port: int = DEFAULTS.router_port
    ranks: int = DEFAULTS.ranks
    block_size: int = DEFAULTS.block_size
    mesh_namespace: str = DEFAULTS.mesh_namespace
    workflow: bool = True

    @property
    def is_lab(self) -> bool:
        """Whether the embedded lab is all that is meant."""
        return self.context == DEFAULTS.kubernetes_context


VARIABLES = {
    "context": "KUBERNETES_CONTEXT",
    "namespace": "KVCHAOS_NAMESPACE",
    "engines": "KVCHAOS_ENGINE_SELECTOR",
    "router": "KVCHAOS_ROUTER_SELECTOR",
    "router_adapter": "KVCHAOS_ROUTER_ADAPTER",
    "model": "KVCHAOS_MODEL",
    "engine_container": "KVCHAOS_ENGINE_CONTAINER",
    "router_container": "KVCHAOS_ROUTER_CONTAINER",
    "engine_port": "KVCHAOS_ENGINE_HTTP_PORT",
    "event_port": "KVCHAOS_EVENT_PORT",
    "replay_port": "KVCHAOS_REPLAY_PORT",
    "router_port": "KVCHAOS_ROUTER_HTTP_PORT",
    "ranks": "KVCHAOS_RANKS",
    "block_size": "KVCHAOS_BLOCK_SIZE",
    "mesh_namespace": "KVCHAOS_MESH_NAMESPACE",
}
"""The environment variable by which the experiments are told each."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123, as namespaces and containers
_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII
)
_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
NAMES = frozenset({"namespace", "mesh_namespace", "engine_container", "router_container"})
LABELS = frozenset({"engines", "router"})
PORTS = frozenset({"engine_port", "event_port", "replay_port", "router_port"})


def wrong(name: str, value: Any) -> str:
    """What speaks against ``value`` as the answer to ``name``; empty when nothing does."""
    if name in LABELS:
        return "" if _are_labels(str(value)) else "wanted label=value, separated by commas"
    if name in NAMES:
        return "" if _NAME.fullmatch(value) else "wanted small letters, digits and -, at most 63"
    if name == "router_adapter":
        return "" if is_named(value) else f"wanted {WANTED}"
    if name in PORTS:
        return "" if 0 < value < 65536 else "wanted a port, 1 to 65535"
    if isinstance(value, int):
        return "" if value > 0 else "wanted a number above 0"
    return "" if _PLAIN.fullmatch(value) else "wanted a text without control characters"


def check(answers: Answers) -> None:
    """``UsageError`` with all that is wrong with the answers, each by its option."""
    if findings := list(_findings(answers)):
        raise UsageError("these answers cannot be:\n  - " + "\n  - ".join(findings))


def _findings(answers: Answers) -> Iterator[str]:
    for each in fields(answers):
        value = getattr(answers, each.name)
        if each.name in VARIABLES and (why := wrong(each.name, value)):
            yield f"{option(each.name)}: {why}, saw {value!r}"
    if abs(answers.event_port - answers.replay_port) < answers.ranks:
        ports = f"{answers.event_port} and {answers.replay_port}"
        yield f"--event-port, --replay-port: wanted --ranks ({answers.ranks}) apart, saw {ports}"


def option(name: str) -> str:
    """``engine_port`` as it is typed: ``--engine-port``."""
    return f"--{name.replace('_', '-')}"


def _are_labels(text: str) -> bool:
    try:
        labels = labels_of(text)
    except TemplateInvalid:
        return False
    return all(_KEY.fullmatch(key) and _VALUE.fullmatch(value) for key, value in labels.items())
