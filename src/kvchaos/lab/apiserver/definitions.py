"""The CustomResourceDefinitions of the lab's own custom kinds, as objects that can be listed."""

from __future__ import annotations

from kvchaos.lab.apiserver.kinds import KINDS, Kind
from kvchaos.lab.apiserver.message import Object


def definitions(now: str) -> list[Object]:
    """One definition for each custom kind, established at ``now`` (RFC 3339)."""
    return [_definition(kind, now) for kind in KINDS if kind.custom]


def _definition(kind: Kind, now: str) -> Object:
    names: Object = {
        "plural": kind.plural,
        "singular": kind.one,
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
    }
    if kind.short:
        names["shortNames"] = list(kind.short)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.resource},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},
            "versions": [_version(kind)],
        },
        "status": {
            "acceptedNames": names,
            "storedVersions": [kind.version],
            "conditions": [_condition("NamesAccepted", now), _condition("Established", now)],
        },
    }


def _version(kind: Kind) -> Object:
    version: Object = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": dict(kind.schema or {})},
    }
    if kind.has_status:
        version["subresources"] = {"status": {}}
    if kind.columns:
        version["additionalPrinterColumns"] = [
            {"name": name, "type": "string", "jsonPath": f".{path}"} for name, path in kind.columns
        ]
    return version


def _condition(name: str, now: str) -> Object:
    return {
        "type": name,
        "status": "True",
        "reason": "InitialNamesAccepted" if name == "Established" else "NoConflicts",
        "message": "built into the lab",
        "lastTransitionTime": now,
    }
