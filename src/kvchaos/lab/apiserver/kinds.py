"""The one table of what the lab's API serves; everything outside it is a loud 404.

Routing, discovery, field selectors, status subresources and printing all follow from its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kvchaos.lab.apiserver import chaosmesh

EVERY_VERB = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_READ_ONLY = ("get", "list", "watch")


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: there is one of each
class Kind:
    """One kind: its names, its abilities, and the rules that are data."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()  # field selectors besides metadata.name and .namespace
    verbs: tuple[str, ...] = EVERY_VERB
    singular: str = ""
    schema: Mapping[str, Any] | None = None  # only custom resources have one
    columns: tuple[tuple[str, str], ...] = ()  # printer columns of custom resources
    returns_deleted: bool = False  # DELETE answers with the object instead of a Status
    initial_status: Mapping[str, Any] = field(default_factory=dict)
    drops_status: bool = True  # whether a status sent with a create is thrown away

    @property
    def group_version(self) -> str:
        """``v1`` or ``apps/v1``: an object's apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """``pods`` or ``deployments.apps``: the name in messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def one(self) -> str:
        """The singular name in discovery."""
        return self.singular or self.kind.lower()

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it."""
        return self.schema is not None

    @property
    def has_status(self) -> bool:
        """Whether status is written apart from the rest."""
        return "status" in self.subresources


def _core(plural: str, kind: str, **rest: Any) -> Kind:
    return Kind("", "v1", plural, kind, **rest)


def _rbac(plural: str, kind: str, *, namespaced: bool) -> Kind:
    return Kind("rbac.authorization.k8s.io", "v1", plural, kind, namespaced=namespaced)


def _chaos(plural: str, kind: str, **rest: Any) -> Kind:
    return Kind("chaos-mesh.org", "v1alpha1", plural, kind, singular=plural, **rest)


NAMESPACES = _core(
    "namespaces",
    "Namespace",
    namespaced=False,
    short=("ns",),
    subresources=("status",),
    fields=("status.phase",),
    returns_deleted=True,
    initial_status={"phase": "Active"},
)
NODES = _core(
    "nodes",
    "Node",
    namespaced=False,
    short=("no",),
    subresources=("status",),
    fields=("spec.unschedulable",),
    drops_status=False,
)
PODS = _core(
    "pods",
    "Pod",
    short=("po",),
    categories=("all",),
    subresources=("status", "log", "portforward"),
    fields=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    returns_deleted=True,
    initial_status={"phase": "Pending", "qosClass": "BestEffort"},
)
SERVICES = _core(
    "services",
    "Service",
    short=("svc",),
    categories=("all",),
    subresources=("status",),
    fields=("spec.clusterIP", "spec.type"),
    returns_deleted=True,
    initial_status={"loadBalancer": {}},
)
ENDPOINTS = _core("endpoints", "Endpoints", short=("ep",), singular="endpoints")
CONFIGMAPS = _core("configmaps", "ConfigMap", short=("cm",))
SECRETS = _core("secrets", "Secret", fields=("type",))
SERVICEACCOUNTS = _core("serviceaccounts", "ServiceAccount", short=("sa",), returns_deleted=True)
EVENTS = _core(
    "events",
    "Event",
    short=("ev",),
    fields=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)
DEPLOYMENTS = Kind(
    "apps",
    "v1",
    "deployments",
    "Deployment",
    short=("deploy",),
    categories=("all",),
    subresources=("status", "scale"),
)
REPLICASETS = Kind(
    "apps",
    "v1",
    "replicasets",
    "ReplicaSet",
    short=("rs",),
    categories=("all",),
    subresources=("status", "scale"),
    initial_status={"replicas": 0},
)
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
CUSTOMRESOURCEDEFINITIONS = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
    short=("crd", "crds"),
    categories=("api-extensions",),
    verbs=_READ_ONLY,
    drops_status=False,
)
ACCESS_REVIEWS = Kind(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
    verbs=("create",),
    drops_status=False,
)
NETWORKCHAOS = _chaos(
    "networkchaos", "NetworkChaos", schema=chaosmesh.NETWORK, columns=chaosmesh.NETWORK_COLUMNS
)
PODCHAOS = _chaos("podchaos", "PodChaos", schema=chaosmesh.POD)
PODNETWORKCHAOS = _chaos(
    "podnetworkchaos",
    "PodNetworkChaos",
    schema=chaosmesh.POD_NETWORK,
    subresources=("status",),  # the only one of Chaos Mesh's that has it
)

KINDS: tuple[Kind, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    CONFIGMAPS,
    SECRETS,
    SERVICEACCOUNTS,
    EVENTS,
    DEPLOYMENTS,
    REPLICASETS,
    _rbac("roles", "Role", namespaced=True),
    _rbac("rolebindings", "RoleBinding", namespaced=True),
    _rbac("clusterroles", "ClusterRole", namespaced=False),
    _rbac("clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    LEASES,
    CUSTOMRESOURCEDEFINITIONS,
    ACCESS_REVIEWS,
    NETWORKCHAOS,
    PODCHAOS,
    PODNETWORKCHAOS,
)

BY_RESOURCE: Mapping[tuple[str, str, str], Kind] = {
    (kind.group, kind.version, kind.plural): kind for kind in KINDS
}
BY_KIND: Mapping[tuple[str, str], Kind] = {(kind.group_version, kind.kind): kind for kind in KINDS}
GROUP_VERSIONS: tuple[tuple[str, str], ...] = tuple(
    dict.fromkeys((kind.group, kind.version) for kind in KINDS)
)
