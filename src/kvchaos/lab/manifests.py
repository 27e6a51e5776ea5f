"""Apply Kubernetes objects to the lab: create each, or merge it over what is there."""

from __future__ import annotations

from collections.abc import Iterable

from kvchaos.errors import AlreadyExists, LabError
from kvchaos.lab.socketclient import Object, SocketClient

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Service": "/api/v1/namespaces/{}/services",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}
_FIRST = ("Namespace", "ServiceAccount", "ConfigMap", "Secret")
_MERGE_PATCH = "application/merge-patch+json"


def apply(client: SocketClient, objects: Iterable[Object]) -> None:
    """Make the objects be there as given, namespaces and what pods read before the pods.

    Raises:
        LabError: a kind that the lab does not have.
        ClusterError: the API refused an object.
    """
    for body in sorted(objects, key=_order):
        collection = _collection(body)
        try:
            client.request("POST", collection, body=body)
        except AlreadyExists:
            path = f"{collection}/{body['metadata']['name']}"
            client.request("PATCH", path, body=body, content_type=_MERGE_PATCH)


def _order(body: Object) -> int:
    return _FIRST.index(body["kind"]) if body["kind"] in _FIRST else len(_FIRST)


def _collection(body: Object) -> str:
    template = _PATHS.get(body["kind"])
    if template is None:
        raise LabError(
            f"the lab has no {body['kind']}",
            wanted=", ".join(_PATHS),
            look=body["metadata"]["name"],
        )
    return template.format(body["metadata"].get("namespace") or "default")
