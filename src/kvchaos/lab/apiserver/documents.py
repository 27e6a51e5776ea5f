"""What a GET outside the collections finds: health, version, discovery, OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kvchaos.lab.apiserver import discovery, openapi
from kvchaos.lab.apiserver.message import Object, Request, Response
from kvchaos.lab.apiserver.refusal import no_such_resource
from kvchaos.lab.apiserver.store import encode

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_FIXED: Mapping[str, Callable[[], Object]] = {
    "/version": lambda: dict(discovery.VERSION),
    "/api": discovery.versions,
    "/apis": discovery.groups,
    "/openapi/v3": openapi.index,
}


def find(request: Request) -> Response | None:
    """The document at a path; None when the path leads into a collection, 404 when nowhere."""
    path = request.path.rstrip("/")
    if path in _HEALTH:
        return Response(200, b"ok", "text/plain")
    if path in {"/api", "/apis"} and (version := _aggregated_version(request)):
        body = discovery.aggregated(core=path == "/api", version=version)
        return Response(200, encode(body), _AGGREGATED.format(version))
    if fixed := _FIXED.get(path):
        return Response(200, encode(fixed()))
    return _of_group(path)


def _of_group(path: str) -> Response | None:
    found: Object | None
    match path.split("/")[1:]:
        case ["openapi", "v3", *place]:
            found = openapi.document("/".join(place))
        case ["api", version]:
            found = discovery.resources("", version)
        case ["apis", group]:
            found = discovery.group(group)
        case ["apis", group, version]:
            found = discovery.resources(group, version)
        case _:
            return None
    if found is None:
        raise no_such_resource(path)
    return Response(200, encode(found))


def _aggregated_version(request: Request) -> str:
    """Which form of the aggregated document the client takes; empty for none."""
    for part in request.headers.get("accept", "").split(","):
        wanted = dict(piece.strip().partition("=")[::2] for piece in part.split(";"))
        if wanted.get("as") == "APIGroupDiscoveryList" and wanted.get("v") in {"v2", "v2beta1"}:
            return wanted["v"]
    return ""
