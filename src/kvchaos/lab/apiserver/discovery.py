"""What the server says it has: versions, groups and resources, in the old form and the new one.

Clients ask ``/api`` and ``/apis``; kubectl asks for the aggregated form by its Accept header.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from kvchaos.lab.apiserver.kinds import GROUP_VERSIONS, KINDS, Kind
from kvchaos.lab.apiserver.message import Object

MINOR = "34"
VERSION: Mapping[str, str] = {
    "major": "1",
    "minor": MINOR,
    "gitVersion": f"v1.{MINOR}.0+kvchaos",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "python",
    "platform": "linux/amd64",
}
_GROUPS = [group for group, _ in GROUP_VERSIONS if group]
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_SUBRESOURCE_VERBS: Mapping[str, tuple[str, ...]] = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "portforward": ("create", "get"),
}


def versions() -> Object:
    """``/api``."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    }


def groups() -> Object:
    """``/apis``."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(one) for one in _GROUPS]}


def group(name: str) -> Object | None:
    """``/apis/<group>``; None if the lab has no such group."""
    if name not in _GROUPS:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resources(api_group: str, version: str) -> Object | None:
    """``/api/v1`` or ``/apis/<group>/<version>``; None if the lab has no such version."""
    if (api_group, version) not in GROUP_VERSIONS:
        return None
    rows = [row for kind in _of(api_group, version) for row in _rows(kind)]
    name = f"{api_group}/{version}" if api_group else version
    body: Object = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name}
    return {**body, "resources": rows}


def aggregated(*, core: bool, version: str) -> Object:
    """All groups with all their resources: APIGroupDiscoveryList of ``version`` v2 or v2beta1."""
    names = [("", "v1")] if core else [one for one in GROUP_VERSIONS if one[0]]
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {},
            "versions": [_aggregated_version(name, one) for _, one in pairs],
        }
        for name, pairs in groupby(names, key=lambda pair: pair[0])
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _of(api_group: str, version: str) -> list[Kind]:
    return [kind for kind in KINDS if (kind.group, kind.version) == (api_group, version)]


def _group(name: str) -> Object:
    versions_ = [
        {"groupVersion": f"{name}/{version}", "version": version}
        for one, version in GROUP_VERSIONS
        if one == name
    ]
    return {"name": name, "versions": versions_, "preferredVersion": versions_[0]}


def _rows(kind: Kind) -> list[Object]:
    row: Object = {
        "name": kind.plural,
        "singularName": kind.one,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if kind.categories:
        row["categories"] = list(kind.categories)
    return [row, *(_subresource_row(kind, name) for name in kind.subresources)]


def _subresource_row(kind: Kind, name: str) -> Object:
    row: Object = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": "PodPortForwardOptions" if name == "portforward" else kind.kind,
        "verbs": list(_SUBRESOURCE_VERBS[name]),
    }
    return {**row, **_SCALE} if name == "scale" else row


def _aggregated_version(api_group: str, version: str) -> Object:
    return {
        "version": version,
        "freshness": "Current",
        "resources": [_aggregated_row(kind) for kind in _of(api_group, version)],
    }


def _aggregated_row(kind: Kind) -> Object:
    row: Object = {
        "resource": kind.plural,
        "responseKind": _gvk(kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.one,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind.subresources:
        row["subresources"] = [
            {
                "subresource": name,
                "responseKind": _SCALE if name == "scale" else _gvk(kind),
                "verbs": list(_SUBRESOURCE_VERBS[name]),
            }
            for name in kind.subresources
        ]
    return row


def _gvk(kind: Kind) -> Mapping[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}
