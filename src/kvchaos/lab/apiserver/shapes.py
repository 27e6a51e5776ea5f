"""The types of the fields of built-in kinds that the lab or its clients read.

Not whole schemas: a field that is not named here may hold anything. What is named holds the right
type once stored, so that neither controllers nor typed clients stumble over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.kinds import Kind

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string", "nullable": True}
_NUMBER: Schema = {"type": "integer", "nullable": True}
_TEXTS: Schema = {"type": "array", "items": _TEXT, "nullable": True}
_MAP: Schema = {"type": "object", "additionalProperties": _TEXT, "nullable": True}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "nullable": True}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "nullable": True}


_OWNER = _object(apiVersion=_TEXT, kind=_TEXT, name=_TEXT, uid=_TEXT)
METADATA = _object(
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
_PROBE = _object(
    failureThreshold=_NUMBER,
    httpGet=_object(host=_TEXT, path=_TEXT, scheme=_TEXT),
    initialDelaySeconds=_NUMBER,
    periodSeconds=_NUMBER,
    successThreshold=_NUMBER,
    timeoutSeconds=_NUMBER,
)
_ENV = _object(name=_TEXT, value=_TEXT, valueFrom=_object(fieldRef=_object(fieldPath=_TEXT)))
_PORT = _object(containerPort=_NUMBER, name=_TEXT, protocol=_TEXT)
_CONTAINER = _object(
    args=_TEXTS,
    command=_TEXTS,
    env=_list(_ENV),
    envFrom=_list(_object()),
    image=_TEXT,
    imagePullPolicy=_TEXT,
    livenessProbe=_PROBE,
    name=_TEXT,
    ports=_list(_PORT),
    readinessProbe=_PROBE,
    resources=_object(limits=_object(), requests=_object()),
    startupProbe=_PROBE,
    volumeMounts=_list(_object(mountPath=_TEXT, name=_TEXT)),
    workingDir=_TEXT,
)
_POD_SPEC = _object(
    containers=_list(_CONTAINER),
    hostname=_TEXT,
    initContainers=_list(_CONTAINER),
    nodeName=_TEXT,
    nodeSelector=_MAP,
    restartPolicy=_TEXT,
    serviceAccountName=_TEXT,
    terminationGracePeriodSeconds=_NUMBER,
    tolerations=_list(_object()),
    volumes=_list(_object(name=_TEXT)),
)
_TEMPLATE = _object(metadata=_object(annotations=_MAP, labels=_MAP), spec=_POD_SPEC)
_WORKLOAD = _object(
    replicas=_NUMBER, selector=_object(matchLabels=_MAP), strategy=_object(), template=_TEMPLATE
)
_SUBJECT = _object(kind=_TEXT, name=_TEXT, namespace=_TEXT)
_SUBSET = _object(addresses=_list(_object(ip=_TEXT)), ports=_list(_object(port=_NUMBER)))

SHAPES: Mapping[Kind, Schema] = {
    kinds.PODS: _object(spec=_POD_SPEC, status=_object(phase=_TEXT, podIP=_TEXT)),
    kinds.DEPLOYMENTS: _object(spec=_WORKLOAD, status=_object(readyReplicas=_NUMBER)),
    kinds.REPLICASETS: _object(spec=_WORKLOAD, status=_object(readyReplicas=_NUMBER)),
    kinds.SERVICES: _object(
        spec=_object(ports=_list(_object(port=_NUMBER)), selector=_MAP, type=_TEXT)
    ),
    kinds.ENDPOINTS: _object(subsets=_list(_SUBSET)),
    kinds.CONFIGMAPS: _object(data=_MAP, binaryData=_MAP),
    kinds.SECRETS: _object(data=_MAP, stringData=_MAP, type=_TEXT),
    kinds.NAMESPACES: _object(spec=_object(finalizers=_TEXTS), status=_object(phase=_TEXT)),
    kinds.NODES: _object(spec=_object(), status=_object()),
    kinds.EVENTS: _object(involvedObject=_object(name=_TEXT), count=_NUMBER),
    kinds.LEASES: _object(spec=_object(holderIdentity=_TEXT)),
    kinds.ACCESS_REVIEWS: _object(spec=_object(resourceAttributes=_object())),
    **{
        kind: _object(roleRef=_object(name=_TEXT), subjects=_list(_SUBJECT))
        for kind in kinds.KINDS
        if kind.kind.endswith("RoleBinding")
    },
    **{
        kind: _object(rules=_list(_object(verbs=_TEXTS)))
        for kind in kinds.KINDS
        if kind.kind in {"Role", "ClusterRole"}
    },
}
