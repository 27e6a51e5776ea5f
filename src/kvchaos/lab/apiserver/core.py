"""The API without sockets: a request in, an answer out.

An answer is a whole Response, or something that takes time and that the adapter carries out: a
Watch, a log to read from the node, ports to forward.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from random import Random

from kvchaos.clock import Clock
from kvchaos.lab.apiserver import documents, kinds, reading, scale
from kvchaos.lab.apiserver.bodies import parse_body, parse_options
from kvchaos.lab.apiserver.definitions import definitions
from kvchaos.lab.apiserver.deleting import PERMANENT, Deleter, Wish, parse_wish
from kvchaos.lab.apiserver.message import Object, Request, Response
from kvchaos.lab.apiserver.metadata import timestamp
from kvchaos.lab.apiserver.podaccess import ForwardPorts, ReadLog, forward_ports, read_log
from kvchaos.lab.apiserver.refusal import Refused, bad_request, not_allowed, subject, success
from kvchaos.lab.apiserver.routes import Target, resolve
from kvchaos.lab.apiserver.store import Store, encode
from kvchaos.lab.apiserver.views import WHOLE, choose
from kvchaos.lab.apiserver.watching import Watch
from kvchaos.lab.apiserver.writing import Writer, dry_run

Answer = Response | Watch | ReadLog | ForwardPorts
Handler = Callable[[Request, Target], Answer]
logger = logging.getLogger(__name__)

_VERBS: Mapping[str, tuple[str, str]] = {  # of one object, of a collection
    "GET": ("get", "list"),
    "HEAD": ("get", "list"),
    "POST": ("", "create"),
    "PUT": ("update", ""),
    "PATCH": ("patch", ""),
    "DELETE": ("delete", "deletecollection"),
}


class Core:
    """All objects of the lab and the rules by which they change.

    ``clock`` gives timestamps, ``rng`` uids and the suffixes of generated names. Not thread-safe:
    one event loop calls it.
    """

    def __init__(self, clock: Clock, *, rng: Random, window: int = 2000) -> None:
        self._clock = clock
        self._store = Store(window=window)
        self._deleter = Deleter(self._store, clock)
        self._writer = Writer(self._store, self._deleter, clock, rng)
        self._handlers = self._table()
        for name in PERMANENT:
            self._writer.put(kinds.NAMESPACES, {"metadata": {"name": name}})
        for body in definitions(timestamp(clock.wall())):
            self._writer.put(kinds.CUSTOMRESOURCEDEFINITIONS, body)

    def handle(self, request: Request) -> Answer:
        """The answer to a request; a refusal is an answer too."""
        try:
            return documents.find(request) or self._serve(request)
        except Refused as refusal:
            logger.debug("%s %s: %s", request.method, request.path, refusal.message)
            return refused(refusal)
        except RecursionError:
            return refused(bad_request("the object provided is nested too deeply"))

    def _table(self) -> Mapping[tuple[str, str], Handler]:
        """What is done for a verb on a subresource (empty: on the object itself)."""
        writer, updates = self._writer, ("", "status", "scale")
        return {
            ("get", ""): self._get,
            ("get", "status"): self._get,
            ("get", "scale"): self._get_scale,
            ("get", "log"): lambda request, target: read_log(self._store, request, target),
            ("get", "portforward"): self._forward,
            ("create", "portforward"): self._forward,
            ("list", ""): self._list,
            ("watch", ""): self._watch,
            ("create", ""): self._create,
            **{("update", name): writer.update for name in updates},
            **{("patch", name): writer.patch for name in updates},
            ("delete", ""): self._delete,
            ("deletecollection", ""): self._delete_collection,
        }

    def _serve(self, request: Request) -> Answer:
        target = resolve(request.path)
        verb = _verb(request, target)
        handler = self._handlers.get((verb, target.subresource))
        if handler is None or not (target.subresource or verb in target.kind.verbs):
            raise _not_served(target, verb)
        return handler(request, target)

    def _get(self, request: Request, target: Target) -> Response:
        return reading.get(self._store, request, target, self._clock.wall())

    def _get_scale(self, _request: Request, target: Target) -> Response:
        stored = reading.fetch(self._store, target.kind, target.namespace, target.name)
        return Response(200, encode(scale.of(stored.object())))

    def _list(self, request: Request, target: Target) -> Response:
        return reading.list_(self._store, request, target, self._clock.wall())

    def _watch(self, request: Request, target: Target) -> Watch:
        return reading.watch(self._store, request, target, self._clock.wall())

    def _forward(self, request: Request, target: Target) -> ForwardPorts:
        return forward_ports(self._store, request, target)

    def _create(self, request: Request, target: Target) -> Response:
        if target.kind is kinds.ACCESS_REVIEWS:
            return _access_review(request)
        return self._writer.create(request, target)

    def _delete(self, request: Request, target: Target) -> Response:
        stored = reading.fetch(self._store, target.kind, target.namespace, target.name)
        last = self._deleter.delete(stored, _wish(request))
        gone = self._store.by_uid(stored.uid) is None
        if gone and not target.kind.returns_deleted:
            details = {**subject(target.kind, target.name), "uid": stored.uid}
            return Response(200, encode(success(details)))
        view = choose(request, target.kind, self._clock.wall())
        return Response(200, view.one(last))

    def _delete_collection(self, request: Request, target: Target) -> Response:
        wish = _wish(request)
        selector = reading.select(request, target.kind)
        found = reading.selected(self._store, target, selector)
        for stored in found:
            if current := self._store.by_uid(stored.uid):  # else an earlier one took it along
                self._deleter.delete(current, wish)
        metadata: Object = {"resourceVersion": str(self._store.version)}
        return Response(200, WHOLE.many(target.kind, found, metadata))


def refused(refusal: Refused) -> Response:
    """A refusal as an answer."""
    return Response(refusal.code, encode(refusal.status()))


def _verb(request: Request, target: Target) -> str:
    of_object, of_collection = _VERBS.get(request.method, ("", ""))
    if target.subresource and request.method == "POST":
        return "create"
    if target.name:
        return of_object
    return "watch" if of_collection == "list" and request.flag("watch") else of_collection


def _wish(request: Request) -> Wish:
    return parse_wish(
        parse_options(request),
        grace=request.one("gracePeriodSeconds"),
        policy=request.one("propagationPolicy"),
        dry_run=dry_run(request),
    )


def _not_served(target: Target, verb: str) -> Refused:
    kind = target.kind
    what = f"{kind.resource}/{target.subresource}" if target.subresource else kind.resource
    return not_allowed(
        f"the server does not allow this method on the requested resource (the lab does not "
        f"allow {verb or 'it'} on {what}; it allows {', '.join(kind.verbs)})"
    )


def _access_review(request: Request) -> Response:
    """Whoever holds the lab's token may do everything."""
    body = parse_body(request, kinds.ACCESS_REVIEWS)
    spec = body.get("spec", {}) if isinstance(body, dict) else {}
    review: Object = {
        "kind": kinds.ACCESS_REVIEWS.kind,
        "apiVersion": kinds.ACCESS_REVIEWS.group_version,
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": {"allowed": True, "reason": "the lab allows everything"},
    }
    return Response(201, encode(review))
