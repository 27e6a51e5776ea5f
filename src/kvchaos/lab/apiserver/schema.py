"""A walk over an object along a structural schema: prune, default, check.

Knows what Chaos Mesh's definitions use: type, properties, additionalProperties, items, required,
enum, pattern, minimum, maximum, nullable, default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kvchaos.lab.apiserver.refusal import Cause

Schema = Mapping[str, Any]

WRONG_TYPE = "FieldValueTypeInvalid"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
}


def prune(schema: Schema, value: Any, path: str = "") -> list[str]:
    """Drop the fields that ``schema`` does not know, in place; returns their paths."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return [
            path_
            for index, item in enumerate(value)
            for path_ in prune(items, item, f"{path}[{index}]")
        ]
    if not isinstance(value, dict):
        return []
    unknown = []
    for name in list(value):
        inner = _property(schema, name)
        where = f"{path}.{name}" if path else name
        if inner is None:
            del value[name]
            unknown.append(where)
        else:
            unknown += prune(inner, value[name], where)
    return unknown


def fill(schema: Schema, value: Any) -> None:
    """Set the defaults of absent fields, in place."""
    if isinstance(value, list):
        for item in value:
            fill(schema.get("items", {}), item)
    if not isinstance(value, dict):
        return
    for name, inner in schema.get("properties", {}).items():
        if "default" in inner:
            value.setdefault(name, inner["default"])
    for name, item in value.items():
        fill(_property(schema, name) or {}, item)


def check(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """Everything in ``value`` that ``schema`` forbids, in Kubernetes' words."""
    if value is None and schema.get("nullable"):
        return
    wanted = schema.get("type")
    if wanted and not _is(value, wanted):
        got = "null" if value is None else _type_name(value)
        message = f'Invalid value: "{got}": {path} in body must be of type {wanted}: "{got}"'
        yield Cause(path, message, WRONG_TYPE)
        return
    yield from _check_value(schema, value, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from check(schema.get("items", {}), item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                yield Cause(_join(path, name), "Required value", "FieldValueRequired")
        for name, item in value.items():
            yield from check(_property(schema, name) or {}, item, _join(path, name))


def _check_value(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if (allowed := schema.get("enum")) and value not in allowed:
        known = ", ".join(json.dumps(one) for one in allowed)
        message = f"Unsupported value: {json.dumps(value)}: supported values: {known}"
        yield Cause(path, message, "FieldValueNotSupported")
    if (pattern := schema.get("pattern")) and not re.search(pattern, value):
        message = f"Invalid value: {json.dumps(value)}: {path} in body should match '{pattern}'"
        yield Cause(path, message)
    if "minimum" in schema and value < schema["minimum"]:
        least = schema["minimum"]
        message = (
            f"Invalid value: {value}: {path} in body should be greater than or equal to {least}"
        )
        yield Cause(path, message)
    if "maximum" in schema and value > schema["maximum"]:
        most = schema["maximum"]
        message = f"Invalid value: {value}: {path} in body should be less than or equal to {most}"
        yield Cause(path, message)


def _property(schema: Schema, name: str) -> Schema | None:
    """The schema of a field; None if it may not be there, empty if anything goes."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if name in properties:
        return properties[name]
    extra: Schema | None = schema.get("additionalProperties")
    return extra if extra is not None or "properties" in schema else {}


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES.get(wanted, (object,)))


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = [name for name, types in _TYPES.items() if isinstance(value, types)]
    return names[0] if names else "number"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
