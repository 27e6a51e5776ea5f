"""The fields of the built-in kinds, and the types of those that the lab or its clients read.

An object made by ``_closed`` has the fields that Kubernetes 1.34 knows and no others, so that a
misspelt one is noticed; what ``_open`` makes, such as a status, may hold more. A field that has no
type here may hold anything. What is typed holds the right type once stored: neither controllers
nor typed clients stumble over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.kinds import Kind

Schema = Mapping[str, Any]

_ANY: Schema = {}
_TEXT: Schema = {"type": "string", "nullable": True}
_NUMBER: Schema = {"type": "integer", "nullable": True}
_MAP: Schema = {"type": "object", "additionalProperties": _TEXT, "nullable": True}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "nullable": True}


def _open(**typed: Schema) -> Schema:
    """An object of which only some fields are typed."""
    properties = {"properties": typed, "additionalProperties": _ANY} if typed else {}
    return {"type": "object", "nullable": True, **properties}


def _closed(others: str = "", /, **typed: Schema) -> Schema:
    """An object of exactly these fields; ``others`` are those of any type."""
    names = dict.fromkeys(others.split(), _ANY)
    return {"type": "object", "nullable": True, "properties": {**names, **typed}}


def _whole(others: str = "", /, **typed: Schema) -> Schema:
    """A kind: its own fields beside those of every kind."""
    return _closed(f"metadata {others}", apiVersion=_TEXT, kind=_TEXT, **typed)


_TEXTS = _list(_TEXT)
_OWNER = _closed(
    "blockOwnerDeletion controller", apiVersion=_TEXT, kind=_TEXT, name=_TEXT, uid=_TEXT
)
METADATA = _closed(
    "creationTimestamp deletionGracePeriodSeconds deletionTimestamp generation managedFields "
    "selfLink",
    annotations=_MAP,
    finalizers=_TEXTS,
    generateName=_TEXT,
    labels=_MAP,
    name=_TEXT,
    namespace=_TEXT,
    ownerReferences=_list(_OWNER),
    resourceVersion=_TEXT,
    uid=_TEXT,
)
_HTTP_GET = _closed("httpHeaders port", host=_TEXT, path=_TEXT, scheme=_TEXT)
_PROBE = _closed(
    "exec grpc tcpSocket terminationGracePeriodSeconds",
    failureThreshold=_NUMBER,
    httpGet=_HTTP_GET,
    initialDelaySeconds=_NUMBER,
    periodSeconds=_NUMBER,
    successThreshold=_NUMBER,
    timeoutSeconds=_NUMBER,
)
_VALUE_FROM = _closed(
    "configMapKeyRef fileKeyRef resourceFieldRef secretKeyRef",
    fieldRef=_closed(apiVersion=_TEXT, fieldPath=_TEXT),
)
_CONTAINER = _closed(
    "lifecycle resizePolicy restartPolicy restartPolicyRules securityContext stdin stdinOnce tty "
    "terminationMessagePath terminationMessagePolicy volumeDevices",
    args=_TEXTS,
    command=_TEXTS,
    env=_list(_closed(name=_TEXT, value=_TEXT, valueFrom=_VALUE_FROM)),
    envFrom=_list(_closed("configMapRef prefix secretRef")),
    image=_TEXT,
    imagePullPolicy=_TEXT,
    livenessProbe=_PROBE,
    name=_TEXT,
    ports=_list(
        _closed("hostIP", containerPort=_NUMBER, hostPort=_NUMBER, name=_TEXT, protocol=_TEXT)
    ),
    readinessProbe=_PROBE,
    resources=_closed("claims", limits=_open(), requests=_open()),
    startupProbe=_PROBE,
    volumeMounts=_list(
        _closed(
            "mountPropagation readOnly recursiveReadOnly subPath subPathExpr",
            mountPath=_TEXT,
            name=_TEXT,
        )
    ),
    workingDir=_TEXT,
)
_POD_SPEC = _closed(
    "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy "
    "enableServiceLinks ephemeralContainers hostAliases hostIPC hostPID hostUsers "
    "hostnameOverride imagePullSecrets os overhead preemptionPolicy priority priorityClassName "
    "readinessGates resourceClaims resources runtimeClassName schedulerName schedulingGates "
    "securityContext serviceAccount setHostnameAsFQDN shareProcessNamespace subdomain "
    "topologySpreadConstraints",
    containers=_list(_CONTAINER),
    hostNetwork={"type": "boolean", "nullable": True},
    hostname=_TEXT,
    initContainers=_list(_CONTAINER),
    nodeName=_TEXT,
    nodeSelector=_MAP,
    restartPolicy=_TEXT,
    serviceAccountName=_TEXT,
    terminationGracePeriodSeconds=_NUMBER,
    tolerations=_list(_open()),
    volumes=_list(_open(name=_TEXT)),
)
_REPLICA_FIELDS: Mapping[str, Schema] = {
    "minReadySeconds": _NUMBER,
    "replicas": _NUMBER,
    "selector": _closed("matchExpressions", matchLabels=_MAP),
    "template": _closed(metadata=METADATA, spec=_POD_SPEC),
}
_DEPLOYMENT_SPEC = _closed(
    "paused",
    progressDeadlineSeconds=_NUMBER,
    revisionHistoryLimit=_NUMBER,
    strategy=_closed(type=_TEXT, rollingUpdate=_closed("maxSurge maxUnavailable")),
    **_REPLICA_FIELDS,
)
_SERVICE_SPEC = _closed(
    "allocateLoadBalancerNodePorts clusterIPs externalIPs externalName externalTrafficPolicy "
    "healthCheckNodePort internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass "
    "loadBalancerIP loadBalancerSourceRanges publishNotReadyAddresses sessionAffinity "
    "sessionAffinityConfig trafficDistribution",
    clusterIP=_TEXT,
    ports=_list(
        _closed("appProtocol nodePort targetPort", name=_TEXT, port=_NUMBER, protocol=_TEXT)
    ),
    selector=_MAP,
    type=_TEXT,
)
_SUBSET = _closed(
    "notReadyAddresses",
    addresses=_list(_closed("hostname nodeName targetRef", ip=_TEXT)),
    ports=_list(_closed("appProtocol", name=_TEXT, port=_NUMBER, protocol=_TEXT)),
)
_EVENT = _whole(
    "action eventTime firstTimestamp lastTimestamp related series",
    count=_NUMBER,
    involvedObject=_closed(
        "resourceVersion",
        apiVersion=_TEXT,
        fieldPath=_TEXT,
        kind=_TEXT,
        name=_TEXT,
        namespace=_TEXT,
        uid=_TEXT,
    ),
    message=_TEXT,
    reason=_TEXT,
    reportingComponent=_TEXT,
    reportingInstance=_TEXT,
    source=_closed(component=_TEXT, host=_TEXT),
    type=_TEXT,
)
_LEASE_SPEC = _closed(
    "acquireTime leaseDurationSeconds leaseTransitions preferredHolder renewTime strategy",
    holderIdentity=_TEXT,
)
_RULES = _list(
    _closed(
        apiGroups=_TEXTS,
        nonResourceURLs=_TEXTS,
        resourceNames=_TEXTS,
        resources=_TEXTS,
        verbs=_TEXTS,
    )
)
_WORKLOAD_STATUS = _open(
    availableReplicas=_NUMBER, observedGeneration=_NUMBER, readyReplicas=_NUMBER, replicas=_NUMBER
)

SHAPES: Mapping[Kind, Schema] = {
    kinds.PODS: _whole(spec=_POD_SPEC, status=_open(phase=_TEXT, podIP=_TEXT)),
    kinds.DEPLOYMENTS: _whole(spec=_DEPLOYMENT_SPEC, status=_WORKLOAD_STATUS),
    kinds.REPLICASETS: _whole(spec=_closed(**_REPLICA_FIELDS), status=_WORKLOAD_STATUS),
    kinds.SERVICES: _whole(spec=_SERVICE_SPEC, status=_open()),
    kinds.ENDPOINTS: _whole(subsets=_list(_SUBSET)),
    kinds.CONFIGMAPS: _whole("immutable", data=_MAP, binaryData=_MAP),
    kinds.SECRETS: _whole("immutable", data=_MAP, stringData=_MAP, type=_TEXT),
    kinds.SERVICEACCOUNTS: _whole(
        "automountServiceAccountToken",
        imagePullSecrets=_list(_closed(name=_TEXT)),
        secrets=_list(_open(name=_TEXT)),
    ),
    kinds.NAMESPACES: _whole(spec=_closed(finalizers=_TEXTS), status=_open(phase=_TEXT)),
    kinds.NODES: _whole(spec=_open(), status=_open()),
    kinds.EVENTS: _EVENT,
    kinds.LEASES: _whole(spec=_LEASE_SPEC),
    **{
        kind: _whole(
            roleRef=_closed(apiGroup=_TEXT, kind=_TEXT, name=_TEXT),
            subjects=_list(_closed(apiGroup=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT)),
        )
        for kind in kinds.KINDS
        if kind.kind.endswith("RoleBinding")
    },
    **{
        kind: _whole("aggregationRule", rules=_RULES)
        for kind in kinds.KINDS
        if kind.kind in {"Role", "ClusterRole"}
    },
}


def whole(kind: Kind) -> Schema:
    """The schema of a kind's fields; that of its metadata is ``METADATA``."""
    return kind.schema or SHAPES.get(kind, _ANY)
