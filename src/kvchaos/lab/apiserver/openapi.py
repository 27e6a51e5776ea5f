"""Just enough OpenAPI v3 for kubectl: which kinds there are and that they take fieldValidation.

kubectl apply and create -f look for a PATCH operation with that parameter. The documents offer no
strategic merge patch on purpose: kubectl then merges by the types that it was built with.
"""

from __future__ import annotations

from kvchaos.lab.apiserver.discovery import VERSION
from kvchaos.lab.apiserver.kinds import GROUP_VERSIONS, KINDS, Kind
from kvchaos.lab.apiserver.message import Object

_NO_DOCS = (
    "The lab keeps no documentation of fields; use kubectl explain against a real cluster, or "
    "read the Kubernetes and Chaos Mesh references."
)


def index() -> Object:
    """``/openapi/v3``: where each group version's document is."""
    places = {_place(group, version) for group, version in GROUP_VERSIONS}
    paths = {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in sorted(places)}
    return {"paths": paths}


def document(place: str) -> Object | None:
    """The document of one group version, as ``api/v1`` or ``apis/apps/v1``; None if not ours."""
    kinds = [kind for kind in KINDS if _place(kind.group, kind.version) == place]
    if not kinds:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "kvchaos lab", "version": VERSION["gitVersion"]},
        "paths": {_path(kind): _operations(kind) for kind in kinds},
        "components": {"schemas": {_name(kind): _schema(kind) for kind in kinds}},
    }


def _place(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _path(kind: Kind) -> str:
    inside = "namespaces/{namespace}/" if kind.namespaced else ""
    return f"/{_place(kind.group, kind.version)}/{inside}{kind.plural}/{{name}}"


def _name(kind: Kind) -> str:
    return ".".join(["lab", *([kind.group] if kind.group else []), kind.version, kind.kind])


def _gvk(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _schema(kind: Kind) -> Object:
    return {
        "type": "object",
        "description": _NO_DOCS,
        "x-kubernetes-group-version-kind": [_gvk(kind)],
    }


def _operations(kind: Kind) -> Object:
    answer = {"$ref": f"#/components/schemas/{_name(kind)}"}
    responses = {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}}
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    return {
        "get": {
            "x-kubernetes-action": "get",
            "x-kubernetes-group-version-kind": _gvk(kind),
            "responses": responses,
        },
        "patch": {
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": _gvk(kind),
            "parameters": [parameter],
            "responses": responses,
        },
    }
