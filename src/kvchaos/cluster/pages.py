"""Lists that are whole: page after page, begun anew when the pages expire midway (410)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.transport import Transport
from kvchaos.errors import ClusterError, Gone

PAGE = 500  # objects asked for at once
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
        while True:
            call = Call(verb="list", kind=kind, namespace=self._namespace, query=pages)
            page = decode(call, self._transport.send(call))
            found += [_named(kind, item) for item in page.get("items") or []]
            metadata = page.get("metadata", {})
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion", ""))
            pages = {**pages, "continue": metadata["continue"]}


def _named(kind: Kind, item: Object) -> Object:
    """Items of built-in lists come without their kind."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}


def decode(call: Call, body: bytes) -> Object:
    """The object that a success answer holds; ClusterError when it is no JSON object."""
    try:
        decoded: Any = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ClusterError(
            f"{call}: no JSON came back", saw=repr(body[:80]), look="is this a Kubernetes API?"
        ) from error
    return dict(decoded)
