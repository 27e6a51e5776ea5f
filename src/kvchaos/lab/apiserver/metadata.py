"""An object's metadata: what the server owns, what a client may set, which names are legal."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from random import Random

from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import Cause

_SERVER_OWNED = ("creationTimestamp", "uid", "generation", "selfLink")
_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by chance
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_DNS_LABEL_KINDS = frozenset({"Namespace", "Service"})
_SUBDOMAIN_HINT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_HINT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def timestamp(seconds: float) -> str:
    """RFC 3339 in whole seconds, as Kubernetes writes times; from seconds since the epoch."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since_epoch(text: str) -> float:
    """The inverse of ``timestamp``; takes fractions too."""
    return dt.datetime.fromisoformat(text).timestamp()


def begin(body: Object, *, namespace: str, now: float, rng: Random) -> None:
    """Give a new object its identity, in place: name, namespace, uid, creation time."""
    metadata = body["metadata"]
    for name in (*_SERVER_OWNED, *_DELETION, "resourceVersion", "managedFields"):
        metadata.pop(name, None)
    if not metadata.get("name") and metadata.get("generateName"):
        suffix = "".join(rng.choices(_SUFFIX, k=5))
        metadata["name"] = f"{metadata['generateName'][:58]}{suffix}"
    if namespace:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    metadata["uid"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    metadata["creationTimestamp"] = timestamp(now)


def carry_over(new: Object, old: Object) -> None:
    """Set the fields of ``new``'s metadata that only the server may change, in place."""
    fresh, kept = new["metadata"], old["metadata"]
    fresh.pop("managedFields", None)
    for name in (*_SERVER_OWNED, *_DELETION, "resourceVersion", "name", "namespace"):
        if name in kept:
            fresh[name] = kept[name]
        else:
            fresh.pop(name, None)


def check(kind: Kind, body: Object) -> Iterator[Cause]:
    """What is wrong with an object's metadata."""
    metadata = body["metadata"]
    name = metadata.get("name", "")
    if not name:
        message = "Required value: name or generateName is required"
        yield Cause("metadata.name", message, "FieldValueRequired")
    elif not _legal_name(kind, name):
        yield Cause("metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN_HINT}')
    yield from check_labels(metadata.get("labels"), "metadata.labels")
    for index, reference in enumerate(metadata.get("ownerReferences") or ()):
        for wanted in ("apiVersion", "kind", "name", "uid"):
            if not reference.get(wanted):
                path = f"metadata.ownerReferences[{index}].{wanted}"
                yield Cause(path, "Required value", "FieldValueRequired")


def check_labels(labels: object, path: str) -> Iterator[Cause]:
    """What is wrong with a map of labels."""
    for key, value in (labels or {}).items() if isinstance(labels, dict) else ():
        if not _LABEL_NAME.fullmatch(key.rpartition("/")[2]):
            yield Cause(path, f'Invalid value: "{key}": name part is no qualified name')
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            yield Cause(path, f'Invalid value: "{value}": {_LABEL_HINT}')


def _legal_name(kind: Kind, name: str) -> bool:
    if kind.group == "rbac.authorization.k8s.io":  # their names may hold colons
        return "/" not in name and "%" not in name
    if kind.kind in _DNS_LABEL_KINDS:
        return len(name) <= 63 and "." not in name and _SUBDOMAIN.fullmatch(name) is not None
    return len(name) <= 253 and _SUBDOMAIN.fullmatch(name) is not None
