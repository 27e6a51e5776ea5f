"""The API without sockets: a request in, an answer out.

An answer is a whole Response, or something that takes time and that the adapter carries out: a
Watch, a log to read from the node, ports to forward.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from random import Random

from kvchaos.clock import Clock
from kvchaos.lab.apiserver import discovery, kinds, openapi, reading, scale
from kvchaos.lab.apiserver.bodies import parse_body, parse_options
from kvchaos.lab.apiserver.definitions import definitions
from kvchaos.lab.apiserver.deleting import PERMANENT, Deleter, Wish, parse_wish
from kvchaos.lab.apiserver.message import Object, Request, Response
from kvchaos.lab.apiserver.metadata import timestamp
from kvchaos.lab.apiserver.podaccess import ForwardPorts, ReadLog, forward_ports, read_log
from kvchaos.lab.apiserver.refusal import (
    Refused,
    no_such_resource,
    not_allowed,
    subject,
    success,
)
from kvchaos.lab.apiserver.routes import Target, resolve
from kvchaos.lab.apiserver.store import Store, encode
from kvchaos.lab.apiserver.views import WHOLE, choose
from kvchaos.lab.apiserver.watching import Watch
from kvchaos.lab.apiserver.writing import Writer, dry_run

Answer = Response | Watch | ReadLog | ForwardPorts
logger = logging.getLogger(__name__)


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
        for name in PERMANENT:
            self._writer.put(kinds.NAMESPACES, {"metadata": {"name": name}})
        for body in definitions(timestamp(clock.wall())):
            self._writer.put(kinds.CUSTOMRESOURCEDEFINITIONS, body)

    def handle(self, request: Request) -> Answer:
        """The answer to a request; a refusal is an answer too."""
        try:
            return self._discover(request) or self._serve(request)
        except Refused as refusal:
            logger.debug("%s %s: %s", request.method, request.path, refusal.message)
            return refused(refusal)

    def _discover(self, request: Request) -> Response | None:
        """What a GET outside the collections finds; None when the path leads into one."""
        path = request.path.rstrip("/")
        if path in _HEALTH:
            return Response(200, b"ok", "text/plain")
        if path in {"/api", "/apis"} and (aggregated := _aggregated(request, core=path == "/api")):
            return aggregated
        if found := _DOCUMENTS.get(path):
            return Response(200, encode(found()))
        body: Object | None = None
        match path.split("/")[1:]:
            case ["openapi", "v3", *place]:
                body = openapi.document("/".join(place))
            case ["api", version]:
                body = discovery.resources("", version)
            case ["apis", group]:
                body = discovery.group(group)
            case ["apis", group, version]:
                body = discovery.resources(group, version)
            case _:
                return None
        if body is None:
            raise no_such_resource(path)
        return Response(200, encode(body))

    def _serve(self, request: Request) -> Answer:
        target = resolve(request.path)
        verb = _verb(request, target)
        if not target.subresource and verb not in target.kind.verbs:
            raise _not_served(target, verb)
        match verb, target.subresource:
            case "get", "log":
                return read_log(self._store, request, target)
            case "get" | "create", "portforward":
                return forward_ports(self._store, request, target)
            case "get", "scale":
                return self._get_scale(target)
            case "create", "" if target.kind is kinds.ACCESS_REVIEWS:
                return _access_review(request)
            case "create", "":
                return self._writer.create(request, target)
            case "update", _:
                return self._writer.update(request, target)
            case "patch", _:
                return self._writer.patch(request, target)
            case "delete", "":
                return self._delete(request, target)
            case "deletecollection", "":
                return self._delete_collection(request, target)
        return self._read(request, target, verb)

    def _read(self, request: Request, target: Target, verb: str) -> Answer:
        now = self._clock.wall()
        match verb:
            case "get":
                return reading.get(self._store, request, target, now)
            case "list":
                return reading.list_(self._store, request, target, now)
            case "watch":
                return reading.watch(self._store, request, target, now)
        raise _not_served(target, verb)

    def _get_scale(self, target: Target) -> Response:
        stored = reading.fetch(self._store, target.kind, target.namespace, target.name)
        return Response(200, encode(scale.of(target.kind, stored.object())))

    def _delete(self, request: Request, target: Target) -> Response:
        stored = reading.fetch(self._store, target.kind, target.namespace, target.name)
        last = self._deleter.delete(stored, self._wish(request))
        gone = self._store.by_uid(stored.uid) is None
        if gone and not target.kind.returns_deleted:
            details = {**subject(target.kind, target.name), "uid": stored.uid}
            return Response(200, encode(success(details)))
        view = choose(request, target.kind, self._clock.wall())
        return Response(200, view.one(last))

    def _delete_collection(self, request: Request, target: Target) -> Response:
        wish = self._wish(request)
        selector = reading.select(request, target.kind)
        found = reading.selected(self._store, target, selector)
        for stored in found:
            if current := self._store.by_uid(stored.uid):  # else an earlier one took it along
                self._deleter.delete(current, wish)
        metadata: Object = {"resourceVersion": str(self._store.version)}
        return Response(200, WHOLE.many(target.kind, found, metadata))

    def _wish(self, request: Request) -> Wish:
        return parse_wish(
            parse_options(request),
            grace=request.one("gracePeriodSeconds"),
            policy=request.one("propagationPolicy"),
            dry_run=dry_run(request),
        )


_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_DOCUMENTS: Mapping[str, Callable[[], Object]] = {
    "/version": lambda: dict(discovery.VERSION),
    "/api": discovery.versions,
    "/apis": discovery.groups,
    "/openapi/v3": openapi.index,
}
_VERBS: Mapping[str, tuple[str, str]] = {  # of one object, of a collection
    "GET": ("get", "list"),
    "HEAD": ("get", "list"),
    "POST": ("create", "create"),
    "PUT": ("update", "update"),
    "PATCH": ("patch", "patch"),
    "DELETE": ("delete", "deletecollection"),
}


def refused(refusal: Refused) -> Response:
    """A refusal as an answer."""
    return Response(refusal.code, encode(refusal.status()))


def _verb(request: Request, target: Target) -> str:
    of_object, of_collection = _VERBS.get(request.method, ("", ""))
    if target.name:
        if of_object == "create" and not target.subresource:
            return ""  # POST goes to the collection
        return of_object
    if of_collection == "list" and request.flag("watch"):
        return "watch"
    return of_collection if of_collection in {"list", "create", "deletecollection"} else ""


def _not_served(target: Target, verb: str) -> Refused:
    what = (
        f"{target.kind.resource}/{target.subresource}"
        if target.subresource
        else target.kind.resource
    )
    return not_allowed(
        f"the kvchaos lab does not allow {verb or 'this method'} on {what}; "
        f"it allows {', '.join(target.kind.verbs)}"
    )


def _aggregated(request: Request, *, core: bool) -> Response | None:
    """The aggregated discovery document, if the client takes one."""
    for part in request.headers.get("accept", "").split(","):
        wanted = dict(piece.strip().partition("=")[::2] for piece in part.split(";"))
        if wanted.get("as") == "APIGroupDiscoveryList" and wanted.get("v") in {"v2", "v2beta1"}:
            version = wanted["v"]
            content_type = (
                f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            )
            return Response(
                200, encode(discovery.aggregated(core=core, version=version)), content_type
            )
    return None


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
