"""The Kubernetes kinds that kvchaos reads or writes, and where the API serves them.

A kind's place in the API is data: one row each, no discovery at run time. The plurals of Chaos
Mesh equal their singular (``networkchaos``, not ``networkchaoses``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Object = dict[str, Any]
"""A Kubernetes object as the API's JSON has it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: how the API names and places a kind."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What objects carry as ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The name that RBAC and kubectl use, such as ``networkchaos.chaos-mesh.org``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def root(self) -> str:
        """The path of the group's discovery document."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, *, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, or of one object, or of its subresource."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


PODS = Kind("", "v1", "pods", "Pod")
NODES = Kind("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
SERVICES = Kind("", "v1", "services", "Service")
ENDPOINTS = Kind("", "v1", "endpoints", "Endpoints")
EVENTS = Kind("", "v1", "events", "Event")
CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
SECRETS = Kind("", "v1", "secrets", "Secret")
SERVICEACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")
PERSISTENTVOLUMECLAIMS = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
CRONJOBS = Kind("batch", "v1", "cronjobs", "CronJob")
JOBS = Kind("batch", "v1", "jobs", "Job")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
ROLES = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLEBINDINGS = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CLUSTERROLES = Kind(
    "rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False
)
CLUSTERROLEBINDINGS = Kind(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
SELFSUBJECTACCESSREVIEWS = Kind(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
)
CUSTOMRESOURCEDEFINITIONS = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
NETWORKCHAOS = Kind("chaos-mesh.org", "v1alpha1", "networkchaos", "NetworkChaos")
PODCHAOS = Kind("chaos-mesh.org", "v1alpha1", "podchaos", "PodChaos")
PODNETWORKCHAOS = Kind("chaos-mesh.org", "v1alpha1", "podnetworkchaos", "PodNetworkChaos")

KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        PODS,
        NODES,
        NAMESPACES,
        SERVICES,
        ENDPOINTS,
        EVENTS,
        CONFIGMAPS,
        SECRETS,
        SERVICEACCOUNTS,
        PERSISTENTVOLUMECLAIMS,
        DEPLOYMENTS,
        CRONJOBS,
        JOBS,
        LEASES,
        ROLES,
        ROLEBINDINGS,
        CLUSTERROLES,
        CLUSTERROLEBINDINGS,
        SELFSUBJECTACCESSREVIEWS,
        CUSTOMRESOURCEDEFINITIONS,
        NETWORKCHAOS,
        PODCHAOS,
        PODNETWORKCHAOS,
    )
}
"""Every kind by its plural."""
