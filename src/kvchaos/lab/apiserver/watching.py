"""A watch: a cursor over one kind's changes, as the events that its selector lets through.

Line-delimited JSON, ``{"type": "ADDED", "object": {...}}``. An object that begins or ceases to
match the selector is ADDED or DELETED; a cursor that fell out of the window gets one ERROR event
holding a 410 Status, and the watch is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import Refused
from kvchaos.lab.apiserver.selectors import Selector
from kvchaos.lab.apiserver.store import Change, Store, Stored, encode

Shape = Callable[[Stored], bytes]  # how an object is shown: whole, as a Table, metadata only


class Watch:
    """What one client still has to see; ``take`` never waits."""

    def __init__(
        self,
        store: Store,
        kind: Kind,
        *,
        namespace: str,
        selector: Selector,
        since: int,
        shape: Shape,
        bookmarks: bool,
        timeout: float,
    ) -> None:
        self.kind = kind
        self.timeout = timeout  # seconds, after which the server ends it
        self.over = False
        self._store = store
        self._namespace = namespace
        self._selector = selector
        self._cursor = since
        self._shape = shape
        self._bookmarks = bookmarks
        self._pending: list[bytes] = []

    def begin_with(self, objects: Sequence[Stored], *, mark_end: bool) -> None:
        """Show what exists as ADDED first; ``mark_end`` adds the bookmark that says so."""
        self._pending = [_line("ADDED", self._shape(stored)) for stored in objects]
        if mark_end:
            self._pending.append(self._bookmark({"k8s.io/initial-events-end": "true"}))

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` when there may be something to take; returns how to stop that."""
        return self._store.listen(self.kind, wake)

    def take(self) -> list[bytes]:
        """The events since the last call, each a line."""
        lines, self._pending = self._pending, []
        try:
            changes = self._store.changes(self.kind, self._cursor)
        except Refused as refusal:
            self.over = True
            return [*lines, _line("ERROR", encode(refusal.status()))]
        lines += [line for change in changes if (line := self._show(change))]
        self._cursor = self._store.version
        return lines

    def bookmark(self) -> bytes:
        """A line telling how far the client has seen; empty if it did not ask for such."""
        return self._bookmark({}) if self._bookmarks else b""

    def _show(self, change: Change) -> bytes:
        was, now = self._sees(change.before), self._sees(change.after)
        if now and change.after is not None:
            return _line("MODIFIED" if was else "ADDED", self._shape(change.after))
        if not was or change.before is None:
            return b""
        last = change.last if change.after is None else change.before.at(change.version)
        return _line("DELETED", self._shape(last))

    def _sees(self, stored: Stored | None) -> bool:
        if stored is None or (self._namespace and stored.key.namespace != self._namespace):
            return False
        return self._selector.matches(stored.labels, stored.fields)

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        metadata: Object = {"resourceVersion": str(self._cursor), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        body = {
            "kind": self.kind.kind,
            "apiVersion": self.kind.group_version,
            "metadata": metadata,
        }
        return _line("BOOKMARK", encode(body))


def _line(event: str, body: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (event.encode(), body)
