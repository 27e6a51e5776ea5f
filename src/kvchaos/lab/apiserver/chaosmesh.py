"""The structural schemas of the Chaos Mesh kinds that the lab serves, and its webhooks' rules.

Written after Chaos Mesh 2.8's definitions: the same fields, enums, patterns and required lists,
without the descriptions. What a schema does not name is pruned, or refused under Strict.
"""

from __future__ import annotations

import re
from typing import Any

from kvchaos.lab.apiserver.message import is_number

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_MAP: Schema = {"type": "object", "additionalProperties": _TEXT}
_GO_NUMBER_UNIT: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$"}


def _object(required: str = "", /, **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": required.split()} if required else schema


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _enum(*values: str, **rest: str) -> Schema:
    return {"type": "string", "enum": list(values), **rest}


def _integer(**bounds: int) -> Schema:
    return {"type": "integer", **bounds}


_MODE = _enum("one", "all", "fixed", "fixed-percent", "random-max-percent")
_REQUIREMENT = _object("key operator", key=_TEXT, operator=_TEXT, values=_TEXTS)
_SELECTOR = _object(
    annotationSelectors=_MAP,
    expressionSelectors=_list(_REQUIREMENT),
    fieldSelectors=_MAP,
    labelSelectors=_MAP,
    namespaces=_TEXTS,
    nodeSelectors=_MAP,
    nodes=_TEXTS,
    podPhaseSelectors=_TEXTS,
    pods={"type": "object", "additionalProperties": _TEXTS},
)
_RECORD_EVENT = _object(
    "operation timestamp type", message=_TEXT, operation=_TEXT, timestamp=_TEXT, type=_TEXT
)
_RECORD = _object(
    "id injectedCount phase recoveredCount selectorKey",
    events=_list(_RECORD_EVENT),
    id=_TEXT,
    injectedCount=_integer(),
    phase=_TEXT,
    recoveredCount=_integer(),
    selectorKey=_TEXT,
)
_CONDITION = _object("status type", reason=_TEXT, status=_TEXT, type=_TEXT)
_STATUS_FIELDS: dict[str, Schema] = {
    "conditions": _list(_CONDITION),
    "experiment": _object(containerRecords=_list(_RECORD), desiredPhase=_enum("Run", "Stop")),
}
_DELAY = _object(
    "latency",
    correlation=_TEXT,
    jitter=_GO_NUMBER_UNIT,
    latency=_GO_NUMBER_UNIT,
    reorder=_object("gap reorder", correlation=_TEXT, gap=_integer(), reorder=_TEXT),
)
_BANDWIDTH = _object(
    "buffer limit rate",
    buffer=_integer(minimum=1),
    limit=_integer(minimum=1),
    minburst=_integer(minimum=0),
    peakrate=_integer(minimum=0),
    rate=_TEXT,
)
_NETEM: dict[str, Schema] = {
    "bandwidth": _BANDWIDTH,
    "corrupt": _object("corrupt", correlation=_TEXT, corrupt=_TEXT),
    "delay": _DELAY,
    "duplicate": _object("duplicate", correlation=_TEXT, duplicate=_TEXT),
    "loss": _object("loss", correlation=_TEXT, loss=_TEXT),
    "rate": _object("rate", rate=_TEXT),
}


def _kind(spec: Schema, status: Schema) -> Schema:
    return _object(
        "spec", apiVersion=_TEXT, kind=_TEXT, metadata={"type": "object"}, spec=spec, status=status
    )


NETWORK = _kind(
    _object(
        "action mode selector",
        action=_enum("netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"),
        device=_TEXT,
        direction=_enum("to", "from", "both", default="to"),
        duration=_TEXT,
        externalTargets=_TEXTS,
        mode=_MODE,
        remoteCluster=_TEXT,
        selector=_SELECTOR,
        target=_object("mode selector", mode=_MODE, selector=_SELECTOR, value=_TEXT),
        targetDevice=_TEXT,
        value=_TEXT,
        **_NETEM,
    ),
    _object(
        "experiment",
        instances={"type": "object", "additionalProperties": _integer()},
        **_STATUS_FIELDS,
    ),
)
NETWORK_COLUMNS = (("action", "spec.action"), ("duration", "spec.duration"))

POD = _kind(
    _object(
        "action mode selector",
        action=_enum("pod-kill", "pod-failure", "container-kill"),
        containerNames=_TEXTS,
        duration=_TEXT,
        gracePeriod=_integer(minimum=0),
        mode=_MODE,
        remoteCluster=_TEXT,
        selector=_SELECTOR,
        value=_TEXT,
    ),
    _object("experiment", **_STATUS_FIELDS),
)

_IPSET = _object(
    "ipsetType name source",
    cidrAndPorts=_list(_object("cidr port", cidr=_TEXT, port=_integer(minimum=1, maximum=65535))),
    cidrs=_TEXTS,
    ipsetType=_TEXT,
    name=_TEXT,
    setNames=_TEXTS,
    source=_TEXT,
)
_IPTABLES = _object(
    "direction name source",
    device=_TEXT,
    direction=_TEXT,
    ipsets={**_TEXTS, "nullable": True},
    name=_TEXT,
    source=_TEXT,
)
_TC = _object("source type", device=_TEXT, ipset=_TEXT, source=_TEXT, type=_TEXT, **_NETEM)
POD_NETWORK = _kind(
    _object(ipsets=_list(_IPSET), iptables=_list(_IPTABLES), tcs=_list(_TC)),
    _object(failedMessage=_TEXT, observedGeneration=_integer()),
)

_GO_DURATION = re.compile(r"[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")


def default(body: dict[str, Any]) -> None:
    """What Chaos Mesh's mutating webhook fills in, in place."""
    spec = body.get("spec", {})
    namespace = body["metadata"].get("namespace", "")
    for part in (spec, spec.get("target")):
        if part and not part.get("selector", {}).get("namespaces"):
            part.setdefault("selector", {})["namespaces"] = [namespace]
    body.setdefault("status", {}).setdefault("experiment", {})
    if "reorder" in spec.get("delay", {}):
        spec["delay"]["reorder"].setdefault("correlation", "0")
    for name in ("delay", "loss", "duplicate", "corrupt"):
        if name in spec:
            spec[name].setdefault("correlation", "0")
    if "delay" in spec:
        spec["delay"].setdefault("jitter", "0ms")


def objections(kind: str, spec: dict[str, Any]) -> list[tuple[str, str]]:
    """What Chaos Mesh's validating webhook has against a spec: (field, message) pairs."""
    found = []
    duration = spec.get("duration", "")
    if duration and not _GO_DURATION.fullmatch(duration):
        bare = re.fullmatch(r"[-+]?[\d.]+", duration)
        what = "missing unit in" if bare else "invalid"
        why = f'parse duration field error: time: {what} duration "{duration}"'
        found.append(("Spec.Duration", f'Invalid value: "{duration}": {why}'))
    if kind == "PodChaos" and spec.get("action") == "container-kill":
        if not spec.get("containerNames"):
            why = "the name of container is required on container-kill action: invalid value"
            found.append(("Spec.containerNames", f"Invalid value: null: {why}"))
    elif kind == "NetworkChaos" and spec.get("action") != "partition":
        found += _netem_objections(spec)
    return found + _mode_objections(spec)


def _netem_objections(spec: dict[str, Any]) -> list[tuple[str, str]]:
    direction = spec.get("direction", "to")
    if direction == "to" or spec.get("target"):
        return []
    why = "`from` and `both` direction cannot be used when targets is empty in netem action"
    return [("Spec.direction", f'Invalid value: "{direction}": {why}')]


def _mode_objections(spec: dict[str, Any]) -> list[tuple[str, str]]:
    mode, value = spec.get("mode", ""), spec.get("value", "")
    if mode not in {"fixed", "fixed-percent", "random-max-percent"}:
        return []
    most = 100 if mode != "fixed" else None
    if is_number(value) and int(value) > 0 and (most is None or int(value) <= most):
        return []
    if most is None:
        why = "value must be greater than 0 with mode:fixed"
    else:
        why = f"value of {value} is invalid, Must be (0,100] with mode:{mode}"
    return [("Spec.value", f'Invalid value: "{value}": {why}')]
