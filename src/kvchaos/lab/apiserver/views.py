"""How objects are shown: whole, as rows of a Table, or only their metadata.

The client chooses by its Accept header: ``as=Table`` (kubectl get), ``as=PartialObjectMetadata``,
else JSON as stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvchaos.lab.apiserver.columns import columns
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object, Request
from kvchaos.lab.apiserver.refusal import not_acceptable
from kvchaos.lab.apiserver.store import Stored, encode

_META = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class View:
    """One way of showing: ``one`` object, or ``many`` under a list's metadata."""

    one: Callable[[Stored], bytes]
    many: Callable[[Kind, Sequence[Stored], Object], bytes]


def choose(request: Request, kind: Kind, now: float) -> View:
    """The view that the Accept header asks for; 406 if it takes nothing we can make."""
    accept = request.headers.get("accept", "*/*")
    for part in accept.split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        wanted = dict(piece.partition("=")[::2] for piece in parameters)
        if media_type not in {"application/json", "application/*", "*/*"}:
            continue
        match wanted.get("as", ""):
            case "Table":
                return _table(kind, request.one("includeObject", "Metadata"), now)
            case "PartialObjectMetadata" | "PartialObjectMetadataList":
                return METADATA_ONLY
            case _:
                return WHOLE
    raise not_acceptable(f"the lab answers in application/json only, not in {accept}")


def _list(api_version: str, kind: str, metadata: Object, items: Sequence[bytes]) -> bytes:
    head = encode({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    return b'%s,"items":[%s]}' % (head[:-1], b",".join(items))


def _many(kind: Kind, objects: Sequence[Stored], metadata: Object) -> bytes:
    items = [stored.body for stored in objects]
    return _list(kind.group_version, f"{kind.kind}List", metadata, items)


def _partial(stored: Stored) -> Object:
    metadata = stored.object()["metadata"]
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": metadata}


def _many_partial(_kind: Kind, objects: Sequence[Stored], metadata: Object) -> bytes:
    items = [encode(_partial(stored)) for stored in objects]
    return _list(_META, "PartialObjectMetadataList", metadata, items)


def _table(kind: Kind, include: str, now: float) -> View:
    shown = columns(kind)
    definitions = [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.name,
            "priority": column.priority,
        }
        for column in shown
    ]

    def row(stored: Stored) -> Object:
        body = stored.object()
        line: Object = {"cells": [column.cell(body, now) for column in shown]}
        if include != "None":
            line["object"] = body if include == "Object" else _partial(stored)
        return line

    def many(_kind: Kind, objects: Sequence[Stored], metadata: Object) -> bytes:
        return encode(
            {
                "kind": "Table",
                "apiVersion": _META,
                "metadata": metadata,
                "columnDefinitions": definitions,
                "rows": [row(stored) for stored in objects],
            }
        )

    return View(
        one=lambda stored: many(kind, [stored], {"resourceVersion": str(stored.version)}),
        many=many,
    )


WHOLE = View(one=lambda stored: stored.body, many=_many)
METADATA_ONLY = View(one=lambda stored: encode(_partial(stored)), many=_many_partial)
