"""The verbs create, update and patch, on objects, their status and their scale."""

from __future__ import annotations

from random import Random
from typing import Any

from kvchaos.clock import Clock
from kvchaos.lab.apiserver import admission, kinds, patching, scale
from kvchaos.lab.apiserver.admission import Validation
from kvchaos.lab.apiserver.bodies import parse_body
from kvchaos.lab.apiserver.deleting import Deleter
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object, Request, Response
from kvchaos.lab.apiserver.reading import fetch
from kvchaos.lab.apiserver.refusal import (
    Refused,
    already_exists,
    bad_request,
    not_allowed,
    not_found,
)
from kvchaos.lab.apiserver.routes import Target
from kvchaos.lab.apiserver.store import Key, Store, encode
from kvchaos.lab.apiserver.views import choose

_NAME_ATTEMPTS = 8


class Writer:
    """Writes on one store; ``deleter`` takes what a write lets go."""

    def __init__(self, store: Store, deleter: Deleter, clock: Clock, rng: Random) -> None:
        self._store = store
        self._deleter = deleter
        self._clock = clock
        self._rng = rng

    def create(self, request: Request, target: Target) -> Response:
        """201 with the object as stored."""
        kind = target.kind
        body = parse_body(request, kind)
        self._check_namespace(target, body)
        generated = not _name(body)
        for _ in range(_NAME_ATTEMPTS):
            admitted, warnings = admission.for_create(
                kind,
                body,
                namespace=target.namespace,
                unknown=_validation(request),
                now=self._clock.wall(),
                rng=self._rng,
            )
            key = Key(kind, target.namespace, admitted["metadata"]["name"])
            if self._store.get(key) is None:
                return self._keep_new(request, key, admitted, warnings)
            if not generated:
                break
            del body["metadata"]["name"]
        raise already_exists(kind, key.name)

    def update(self, request: Request, target: Target) -> Response:
        """PUT: the whole object anew."""
        body = parse_body(request, target.kind)
        return self._replace(request, target, lambda _old: body)

    def patch(self, request: Request, target: Target) -> Response:
        """PATCH, by one of the media types of ``patching``."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        return self._replace(
            request,
            target,
            lambda old: patching.apply(target.kind, media_type, request.body, old),
        )

    def put(self, kind: Kind, body: Object, *, namespace: str = "") -> None:
        """Create an object of the server's own, unless it is there."""
        target = Target(kind, namespace)
        if self._store.get(Key(kind, namespace, body["metadata"]["name"])) is None:
            self.create(Request("POST", "", body=encode(body)), target)

    def _keep_new(self, request: Request, key: Key, body: Object, warnings: list[str]) -> Response:
        view = choose(request, key.kind, self._clock.wall())
        if dry_run(request):
            return _response(201, encode(body), warnings)
        stored = self._store.put(key, body)
        answer = _response(201, view.one(stored), warnings)
        self._deleter.collect(stored)
        return answer

    def _replace(self, request: Request, target: Target, change: Any) -> Response:
        stored = fetch(self._store, target.kind, target.namespace, target.name)
        old = stored.object()
        scaled = target.subresource == "scale"
        if scaled:
            wanted = change(scale.of(old))
            new = scale.applied(target.kind, stored.object(), wanted)
        else:
            new = change(stored.object())
        admitted, warnings = admission.for_update(
            target.kind,
            old,
            new,
            subresource=target.subresource,
            unknown=_validation(request),
        )
        if admitted != old and not dry_run(request):
            stored = self._store.put(stored.key, admitted)
            self._deleter.settle(stored)
        elif admitted != old:
            return _response(200, encode(admitted), warnings)
        if scaled:
            return _response(200, encode(scale.of(stored.object())), warnings)
        view = choose(request, target.kind, self._clock.wall())
        return _response(200, view.one(stored), warnings)

    def _check_namespace(self, target: Target, body: Any) -> None:
        if not target.namespace:
            if target.kind.namespaced:
                raise not_allowed(f"{target.kind.resource} are created in a namespace")
            return
        stored = self._store.get(Key(kinds.NAMESPACES, "", target.namespace))
        if stored is None:
            raise not_found(kinds.NAMESPACES, target.namespace)
        admission.in_namespace(target.kind, _name(body), stored.object())


def dry_run(request: Request) -> bool:
    """Whether nothing is to be kept; 422 for anything but ``All``."""
    values = request.query.get("dryRun", ())
    if any(value != "All" for value in values):
        message = f'dryRun: Unsupported value: {list(values)}: supported values: "All"'
        raise Refused(422, "Invalid", message)
    return bool(values)


def _validation(request: Request) -> Validation:
    try:
        return Validation(request.one("fieldValidation", Validation.WARN))
    except ValueError as error:
        raise bad_request(f"fieldValidation: {error}") from error


def _name(body: Any) -> str:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


def _response(status: int, body: bytes, warnings: list[str]) -> Response:
    texts = [warning.replace("\\", "\\\\").replace('"', '\\"') for warning in warnings]
    headers = {"Warning": ", ".join(f'299 - "{text}"' for text in texts)} if texts else {}
    return Response(status, body, headers=headers)
