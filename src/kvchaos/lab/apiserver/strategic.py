"""Strategic merge patch: a merge patch in which some lists are merged by a key.

Which lists, and by which field, is Kubernetes' own choice, told by the field's name here. The
directives that kubectl sends are understood: ``$patch: delete|replace|merge``,
``$setElementOrder/F``, ``$deleteFromPrimitiveList/F`` and ``$retainKeys``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kvchaos.lab.apiserver.refusal import bad_request

# For a field of several meanings the first key that the items have counts.
MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "addresses": ("type",),  # of a node's status
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "hostIPs": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "ports": ("containerPort", "port"),  # of a container, of a service
    "resourceClaims": ("name",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
MERGED_SETS = frozenset({"finalizers"})

_ORDER = "$setElementOrder/"
_DELETE_FROM = "$deleteFromPrimitiveList/"


def merge(target: Any, patch: Any) -> Any:
    """``target`` (not changed) under ``patch``; 400 for a directive that makes no sense."""
    if not isinstance(patch, dict):
        return patch
    match patch.get("$patch"):
        case "replace":
            return _clean({name: value for name, value in patch.items() if name != "$patch"})
        case "delete":
            return {}
        case None | "merge":
            return _merge_object(target if isinstance(target, dict) else {}, patch)
        case directive:
            raise bad_request(f"unknown $patch directive {directive!r}")


def _merge_object(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    if (retained := patch.get("$retainKeys")) is not None:
        kept = _listed(retained, "$retainKeys")
        merged = {name: value for name, value in merged.items() if name in kept}
    for name, values in _directives(patch, _DELETE_FROM):
        merged[name] = [item for item in _items(merged.get(name)) if item not in values]
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, list):
            merged[name] = _merge_list(name, _items(merged.get(name)), value)
        else:
            merged[name] = merge(merged.get(name), value)
    for name, order in _directives(patch, _ORDER):
        if isinstance(merged.get(name), list):
            merged[name] = _ordered(name, merged[name], order)
    return merged


def _merge_list(name: str, target: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [_clean(item) for item in patch if item != {"$patch": "replace"}]
    if name in MERGED_SETS:
        return target + [item for item in patch if item not in target]
    key = _merge_key(name, [*patch, *target])
    if key is None:
        return [_clean(item) for item in patch]
    merged = list(target)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"an item of {name} in the patch lacks its merge key {key!r}")
        place = _find(merged, key, item[key])
        if item.get("$patch") == "delete":
            merged = [one for one in merged if _key_of(one, key) != item[key]]
        elif place is None:
            merged.append(merge({}, item))
        else:
            merged[place] = merge(merged[place], item)
    return merged


def _ordered(name: str, items: list[Any], order: Sequence[Any]) -> list[Any]:
    """``items`` in the order given; those it does not name keep their places at the end."""
    key = _merge_key(name, [*order, *items])

    ranks = [_key_of(item, key) for item in order]

    def rank(item: Any) -> int:
        identity = _key_of(item, key)
        return ranks.index(identity) if identity in ranks else len(ranks)

    return sorted(items, key=rank)


def _key_of(item: Any, key: str | None) -> Any:
    """What names an item in its list; a primitive names itself."""
    return item.get(key) if key is not None and isinstance(item, dict) else item


def _merge_key(name: str, items: Sequence[Any]) -> str | None:
    for key in MERGE_KEYS.get(name, ()):
        if any(isinstance(item, dict) and key in item for item in items):
            return key
    return None


def _find(items: Sequence[Any], key: str, value: Any) -> int | None:
    for index, item in enumerate(items):
        if _key_of(item, key) == value:
            return index
    return None


def _directives(patch: dict[str, Any], prefix: str) -> list[tuple[str, list[Any]]]:
    return [
        (name[len(prefix) :], _listed(value, name))
        for name, value in patch.items()
        if name.startswith(prefix)
    ]


def _listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request(f"{name} in the patch is no list")
    return value


def _items(value: Any) -> list[Any]:
    """The items of a target's list; what is no list is replaced."""
    return value if isinstance(value, list) else []


def _clean(value: Any) -> Any:
    """A value of the patch as it is to be kept: without nulls and directives."""
    if isinstance(value, dict):
        return {
            name: _clean(item)
            for name, item in value.items()
            if item is not None and not name.startswith("$")
        }
    return [_clean(item) for item in value] if isinstance(value, list) else value
