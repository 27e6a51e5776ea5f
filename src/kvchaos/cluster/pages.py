"""Lists that are whole: page after page, begun anew when the pages expire midway (410)."""

from __future__ import annotations

from collections.abc import Mapping

import urllib3

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.transport import Transport
from kvchaos.errors import ClusterError, Gone
from kvchaos.untrusted import Unreadable, json_object

PAGE = 500  # objects asked for at once
MOST_PAGES = 400  # pages of one list
RELISTS = 3  # times that a list is begun before its expiry is an error


class Pages:
    """Lists in pages, and the streams of a watch, in one namespace or in all."""

    def __init__(self, transport: Transport, namespace: str | None) -> None:
        self._transport = transport
        self._namespace = namespace

    def open(self, call: Call, *, silence: float) -> urllib3.BaseHTTPResponse:
        return self._transport.open(call, silence=silence)

    def list_page(self, kind: Kind, query: Mapping[str, str]) -> tuple[list[Object], str]:
        """Everything and the collection's version; begun anew when the pages expired midway."""
        for _ in range(RELISTS - 1):
            try:
                return self._whole(kind, query)
            except Gone:
                continue
        return self._whole(kind, query)

    def _whole(self, kind: Kind, query: Mapping[str, str]) -> tuple[list[Object], str]:
        found: list[Object] = []
        pages = {**query, "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            call = Call(verb="list", kind=kind, namespace=self._namespace, query=pages)
            page = decode(call, self._transport.send(call))
            found += [_named(kind, item) for item in items(call, page)]
            metadata = page.get("metadata") or {}
            if not isinstance(metadata, dict):
                raise _unfit(call, "its metadata are no object")
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion", ""))
            pages = {**pages, "continue": str(metadata["continue"])}
        raise _unfit(call, f"more than {MOST_PAGES} pages")


def items(call: Call, page: Object) -> list[Object]:
    """The objects of a page."""
    found = page.get("items") or []
    if not isinstance(found, list) or not all(map(is_object, found)):
        raise _unfit(call, "an item that is no object of Kubernetes")
    return found


def is_object(body: object, *keys: str) -> bool:
    """Whether it is an object of Kubernetes: its metadata have a name, and text for ``keys``."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return isinstance(metadata, dict) and all(
        isinstance(metadata.get(key), str) for key in ("name", *keys)
    )


def _named(kind: Kind, item: Object) -> Object:
    """Items of built-in lists come without their kind."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}


def decode(call: Call, body: bytes) -> Object:
    """The object that a success answer holds; ClusterError when it is no JSON object."""
    try:
        return json_object(body)
    except Unreadable as error:
        raise ClusterError(
            f"{call}: no JSON came back", saw=repr(body[:80]), look="is this a Kubernetes API?"
        ) from error


def _unfit(call: Call, saw: str) -> ClusterError:
    return ClusterError(f"{call}: no list came back", saw=saw, look="is this a Kubernetes API?")
