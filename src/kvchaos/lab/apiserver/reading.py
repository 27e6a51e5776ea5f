"""The verbs get, list and watch."""

from __future__ import annotations

import base64
import binascii

import msgspec

from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object, Request, Response, is_number
from kvchaos.lab.apiserver.refusal import bad_request, not_found
from kvchaos.lab.apiserver.routes import Target
from kvchaos.lab.apiserver.selectors import Selector, parse_fields, parse_labels
from kvchaos.lab.apiserver.store import Key, Store, Stored
from kvchaos.lab.apiserver.views import choose
from kvchaos.lab.apiserver.watching import Watch

_LONGEST_WATCH = 3600.0  # seconds


class _Place(msgspec.Struct, array_like=True):
    """Where a list goes on: after this object, as of this version."""

    version: int
    namespace: str
    name: str


def fetch(store: Store, kind: Kind, namespace: str, name: str) -> Stored:
    """The object of that name; 404 if there is none."""
    stored = store.get(Key(kind, namespace, name))
    if stored is None:
        raise not_found(kind, name)
    return stored


def get(store: Store, request: Request, target: Target, now: float) -> Response:
    """One object."""
    view = choose(request, target.kind, now)
    stored = fetch(store, target.kind, target.namespace, target.name)
    return Response(200, view.one(stored))


def select(request: Request, kind: Kind) -> Selector:
    """The selector that a request's parameters give."""
    return Selector(
        parse_labels(request.one("labelSelector")),
        parse_fields(request.one("fieldSelector"), kind),
    )


def selected(store: Store, target: Target, selector: Selector) -> list[Stored]:
    """The objects of a collection that a selector lets through, by namespace and name."""
    found = store.every(target.kind, target.namespace)
    if not selector:
        return found
    return [stored for stored in found if selector.matches(stored.labels, stored.fields)]


def list_(store: Store, request: Request, target: Target, now: float) -> Response:
    """A list, or a page of one. A continued list is no snapshot: it shows what is there now,
    under the version of its first page, so that a watch from there misses nothing.
    """
    view = choose(request, target.kind, now)
    selector = select(request, target.kind)
    found = selected(store, target, selector)
    metadata: Object = {"resourceVersion": str(store.version)}
    if token := request.one("continue"):
        place = _parse_continue(token)
        metadata["resourceVersion"] = str(place.version)
        after = (place.namespace, place.name)
        found = [one for one in found if (one.key.namespace, one.key.name) > after]
    limit = _number(request, "limit", 0)
    if limit and len(found) > limit:
        page, rest = found[:limit], len(found) - limit
        last = page[-1].key
        version = int(metadata["resourceVersion"])
        metadata["continue"] = _continue(_Place(version, last.namespace, last.name))
        if not selector:
            metadata["remainingItemCount"] = rest
        found = page
    return Response(200, view.many(target.kind, found, metadata))


def watch(store: Store, request: Request, target: Target, now: float) -> Watch:
    """A watch from the version asked for; without one (or 0) it begins with what exists."""
    selector = select(request, target.kind)
    version = _number(request, "resourceVersion", 0)
    initial = request.flag("sendInitialEvents")
    seconds = _number(request, "timeoutSeconds", 0)
    watching = Watch(
        store,
        target.kind,
        namespace=target.namespace,
        selector=selector,
        since=store.version if initial or not version else version,
        shape=choose(request, target.kind, now).one,
        bookmarks=request.flag("allowWatchBookmarks"),
        timeout=min(float(seconds or _LONGEST_WATCH), _LONGEST_WATCH),
    )
    if initial or not version:
        watching.begin_with(selected(store, target, selector), mark_end=initial)
    return watching


def _number(request: Request, name: str, default: int) -> int:
    text = request.one(name)
    if not text:
        return default
    if not is_number(text):
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a non-negative integer")
    return int(text)


def _continue(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _parse_continue(token: str) -> _Place:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Place)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise bad_request(f"invalid continue token: {error}") from error
