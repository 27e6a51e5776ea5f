"""Objects as encoded JSON, one resource version for all of them, and a window of changes.

Each write takes the next resource version. Each kind keeps its last ``window`` changes, so that a
watch is a cursor over them: nothing is queued per watcher, and a slow one finds itself expired.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from kvchaos.lab.apiserver.kinds import KINDS, Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import expired

encode = msgspec.json.Encoder().encode
decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode


class Key(NamedTuple):
    """Where an object is kept; ``namespace`` is empty for kinds that have none."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of an object, with what selectors ask for beside the bytes."""

    key: Key
    version: int
    uid: str
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[str, ...]  # their uids
    body: bytes

    def object(self) -> Object:
        """A copy that the caller may change."""
        decoded: Object = decode(self.body)
        return decoded

    def at(self, version: int) -> Stored:
        """The same content under another resource version."""
        body = self.object()
        body["metadata"]["resourceVersion"] = str(version)
        return replace(self, version=version, body=encode(body))


@dataclass(frozen=True, slots=True)
class Change:
    """A write: ``before`` is None for a create, ``after`` for a deletion.

    ``last`` is the object as a deletion left it, under the deletion's resource version.
    """

    version: int
    before: Stored | None
    after: Stored | None
    last: Stored


class _Window:
    """The latest changes of one kind; ``floor`` is the newest version that is forgotten."""

    __slots__ = ("changes", "floor", "size", "versions")

    def __init__(self, size: int) -> None:
        self.size = size
        self.changes: list[Change] = []
        self.versions: list[int] = []
        self.floor = 0

    def append(self, change: Change) -> None:
        self.changes.append(change)
        self.versions.append(change.version)
        surplus = len(self.changes) - self.size
        if surplus > self.size // 4:  # in chunks: trimming a list is not free
            self.floor = self.versions[surplus - 1]
            del self.changes[:surplus], self.versions[:surplus]


class Store:
    """All objects; every method is quick and none waits."""

    def __init__(self, *, window: int = 2000) -> None:
        self.version = 1
        self._objects: dict[Kind, dict[tuple[str, str], Stored]] = {kind: {} for kind in KINDS}
        self._windows = {kind: _Window(window) for kind in KINDS}
        self._listeners: dict[Kind, set[Callable[[], None]]] = {kind: set() for kind in KINDS}
        self._dependents: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self._uids: dict[str, Key] = {}

    def get(self, key: Key) -> Stored | None:
        return self._objects[key.kind].get((key.namespace, key.name))

    def every(self, kind: Kind, namespace: str = "") -> list[Stored]:
        """All of a kind, or those of one namespace, by namespace and name."""
        objects = self._objects[kind]
        names = [name for name in objects if not namespace or name[0] == namespace]
        return [objects[name] for name in sorted(names)]

    def in_namespace(self, namespace: str) -> Iterator[Stored]:
        """Everything that lives in a namespace."""
        for kind in KINDS:
            if kind.namespaced:
                yield from self.every(kind, namespace)

    def by_uid(self, uid: str) -> Stored | None:
        key = self._uids.get(uid)
        return self.get(key) if key else None

    def dependents(self, uid: str) -> list[Stored]:
        """The objects whose ownerReferences name ``uid``."""
        found = (self.get(key) for key in list(self._dependents.get(uid, ())))
        return [stored for stored in found if stored is not None]

    def put(self, key: Key, body: Object) -> Stored:
        """Keep ``body`` (whose resourceVersion is set here) and record the change."""
        before = self.get(key)
        after = self._stored(key, body)
        if before is not None:
            self._forget(before)
        self._objects[key.kind][key.namespace, key.name] = after
        self._uids[after.uid] = key
        for owner in after.owners:
            self._dependents[owner][key] = None
        self._record(key.kind, Change(after.version, before, after, after))
        return after

    def remove(self, key: Key, body: Object) -> Stored:
        """Drop the object at ``key``; ``body`` is the last state that watchers see."""
        before = self._objects[key.kind].pop((key.namespace, key.name))
        self._forget(before)
        last = self._stored(key, body)
        self._record(key.kind, Change(last.version, before, None, last))
        return last

    def changes(self, kind: Kind, since: int) -> list[Change]:
        """What happened to a kind after version ``since``; 410 when that is forgotten."""
        window = self._windows[kind]
        if since < window.floor or since > self.version:
            raise expired(f"too old resource version: {since} ({max(window.floor, 1)})")
        return window.changes[bisect_right(window.versions, since) :]

    def listen(self, kind: Kind, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` after each change of a kind, until what this returns is called."""
        self._listeners[kind].add(wake)
        return lambda: self._listeners[kind].discard(wake)

    def _stored(self, key: Key, body: Object) -> Stored:
        self.version += 1
        metadata = body["metadata"]
        metadata["resourceVersion"] = str(self.version)
        return Stored(
            key=key,
            version=self.version,
            uid=metadata["uid"],
            labels=metadata.get("labels") or {},
            fields=selectable_fields(key.kind, body),
            owners=tuple(ref["uid"] for ref in metadata.get("ownerReferences") or ()),
            body=encode(body),
        )

    def _forget(self, stored: Stored) -> None:
        self._uids.pop(stored.uid, None)
        for owner in stored.owners:
            keys = self._dependents[owner]
            keys.pop(stored.key, None)
            if not keys:
                del self._dependents[owner]

    def _record(self, kind: Kind, change: Change) -> None:
        self._windows[kind].append(change)
        for wake in tuple(self._listeners[kind]):
            wake()


def selectable_fields(kind: Kind, body: Object) -> dict[str, str]:
    """The values that field selectors can ask for; absent ones are empty."""
    metadata = body["metadata"]
    found = {"metadata.name": metadata["name"]}
    if kind.namespaced:
        found["metadata.namespace"] = metadata.get("namespace", "")
    for path in kind.fields:
        found[path] = _text(body, path)
    return found


def _text(body: Object, path: str) -> str:
    value: Any = body
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    if path == "source" and isinstance(value, dict):  # of an event: the component's name
        return str(value.get("component", ""))
    return "" if value is None else str(value)
