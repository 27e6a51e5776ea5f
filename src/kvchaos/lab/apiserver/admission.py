"""From what a client sent to what is stored: shape, identity, defaults, validation, webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from random import Random
from typing import Any

from kvchaos.lab.apiserver import chaosmesh, defaults, kinds, metadata, schema, shapes, validation
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import (
    Cause,
    Refused,
    bad_request,
    conflict,
    denied,
    forbidden,
    invalid,
)

_SPEC_KINDS = (kinds.PODS, kinds.DEPLOYMENTS, kinds.REPLICASETS, kinds.SERVICES)
_COUNTED = (kinds.PODS, kinds.DEPLOYMENTS, kinds.REPLICASETS)  # have a generation, besides CRs
_CHAOS = (kinds.NETWORKCHAOS, kinds.PODCHAOS)  # have webhooks


class Validation(StrEnum):
    """What is done about fields that no schema knows."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


def for_create(
    kind: Kind, body: Object, *, namespace: str, unknown: Validation, now: float, rng: Random
) -> tuple[Object, list[str]]:
    """The object to store, and warnings; changes ``body``."""
    warnings = _shape(kind, body, unknown)
    _same_place(body, namespace)
    metadata.begin(body, namespace=namespace, now=now, rng=rng)
    _complete(kind, body)
    if kind.drops_status and not kind.custom:
        body.pop("status", None)
        if kind.has_status:
            body["status"] = dict(kind.initial_status)
    if kind in _COUNTED or kind.custom:
        body["metadata"]["generation"] = 1
    defaults.fill(kind, body)
    _judge(kind, body)
    if kind in _CHAOS:
        _webhook(kind, body)
    return body, warnings


def for_update(
    kind: Kind, old: Object, new: Object, *, subresource: str, unknown: Validation
) -> tuple[Object, list[str]]:
    """What replaces ``old``, and warnings; changes ``new``. 409 when ``new`` is of another time."""
    warnings = _shape(kind, new, unknown)
    _same_object(kind, old, new)
    if subresource == "status":
        new = {**old, "status": new.get("status", {})}
        schema_of_status(kind, new)
        return _counted(kind, old, new), warnings
    metadata.carry_over(new, old)
    _complete(kind, new)
    if kind.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    defaults.fill(kind, new)
    if kind in _CHAOS and new.get("spec") != old.get("spec"):
        raise denied(f"v{kind.plural}.kb.io", "Cannot update chaos spec")
    _judge(kind, new, validation.check_change(kind, old, new))
    _no_new_finalizers(kind, old, new)
    return _counted(kind, old, new), warnings


def schema_of_status(kind: Kind, body: Object) -> None:
    """422 for a status that the kind's schema or shape forbids."""
    if causes := list(schema.check(shapes.whole(kind), body)):
        raise invalid(kind, body["metadata"]["name"], causes)


def _shape(kind: Kind, body: Any, unknown: Validation) -> list[str]:
    """Make sure that everything later code touches has the right type; returns warnings."""
    if not isinstance(body, dict):
        raise bad_request("the body of the request is no JSON object")
    _drop_nulls(body)
    body.setdefault("kind", kind.kind)
    body.setdefault("apiVersion", kind.group_version)
    if (body["apiVersion"], body["kind"]) != (kind.group_version, kind.kind):
        given = f"{body['apiVersion']} {body['kind']}"
        raise _unusable(kind, f"the object provided is a {given}")
    body.setdefault("metadata", {})
    wrong = list(schema.check(shapes.METADATA, body["metadata"], "metadata"))
    if not kind.custom:  # those are judged later, with a 422
        wrong += schema.check(shapes.whole(kind), body)
    if wrong:
        raise _unusable(kind, "; ".join(cause.message for cause in wrong))
    unknown_fields = _prune(kind, body)
    messages = [f'unknown field "{field}"' for field in unknown_fields]
    if messages and unknown is Validation.STRICT:
        raise _unusable(kind, f"strict decoding error: {', '.join(messages)}")
    return messages if unknown is Validation.WARN else []


def _drop_nulls(value: Any) -> None:
    """A null is an absent field, in place: nobody after this has to think of it."""
    if isinstance(value, list):
        value[:] = [item for item in value if item is not None]
        for item in value:
            _drop_nulls(item)
    elif isinstance(value, dict):
        for name in [name for name, item in value.items() if item is None]:
            del value[name]
        for item in value.values():
            _drop_nulls(item)


def _unusable(kind: Kind, why: str) -> Refused:
    return bad_request(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
    )


def _prune(kind: Kind, body: Object) -> list[str]:
    """Drop the fields that the kind does not have, in place; returns their paths."""
    inner = {name: value for name, value in body.items() if name != "metadata"}
    fields = schema.prune(shapes.METADATA, body["metadata"], "metadata")
    fields += schema.prune(shapes.whole(kind), inner)
    for name in set(body) - set(inner) - {"metadata"}:
        del body[name]
    return fields


def _complete(kind: Kind, body: Object) -> None:
    """Give kinds that cannot be without one a spec, in place."""
    if kind in _SPEC_KINDS and body.get("spec") is None:
        body["spec"] = {}
    if kind.schema is not None:
        _check_types(kind, body, kind.schema)
        schema.fill(kind.schema, body)


def _check_types(kind: Kind, body: Object, of: schema.Schema) -> None:
    """422 for what the webhook, which comes before the rest of the schema, could not read."""
    wrong = [cause for cause in schema.check(of, body) if cause.reason == schema.WRONG_TYPE]
    if "spec" not in body:
        wrong.append(validation.required("spec"))
    if wrong:
        raise invalid(kind, body["metadata"].get("name", ""), wrong)


def _judge(kind: Kind, body: Object, more: Iterable[Cause] = ()) -> None:
    causes = [*metadata.check(kind, body), *validation.check(kind, body), *more]
    if kind.schema is not None:
        causes += schema.check(kind.schema, body)
    if causes:
        raise invalid(kind, body["metadata"].get("name", ""), causes)


def _webhook(kind: Kind, body: Object) -> None:
    if found := chaosmesh.objections(kind.kind, body["spec"]):
        text = ", ".join(f"{field}: {message}" for field, message in found)
        raise denied(f"v{kind.plural}.kb.io", f"[{text}]" if len(found) > 1 else text)


def _same_place(body: Object, namespace: str) -> None:
    sent = body["metadata"].get("namespace")
    if sent and namespace and sent != namespace:
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the "
            f"request ({sent!r} is not {namespace!r})"
        )


def _same_object(kind: Kind, old: Object, new: Object) -> None:
    """400 for another name, 409 for another life or another version of the object."""
    was, sent = old["metadata"], new["metadata"]
    if sent.get("name", was["name"]) != was["name"]:
        raise bad_request(
            f"the name of the object ({sent['name']}) does not match the name on the URL "
            f"({was['name']})"
        )
    _same_place(new, was.get("namespace", ""))
    if sent.get("uid") and sent["uid"] != was["uid"]:
        why = f"Precondition failed: UID in precondition: {sent['uid']}, UID in object meta: "
        raise conflict(kind, was["name"], why + was["uid"])
    version = sent.get("resourceVersion")
    if version and version != was["resourceVersion"]:
        raise conflict(kind, was["name"])


def _no_new_finalizers(kind: Kind, old: Object, new: Object) -> None:
    if not old["metadata"].get("deletionTimestamp"):
        return
    before = old["metadata"].get("finalizers") or []
    added = [name for name in new["metadata"].get("finalizers") or [] if name not in before]
    if added:
        why = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new "
            f"finalizers {added}"
        )
        cause = Cause("metadata.finalizers", why, "FieldValueForbidden")
        raise invalid(kind, old["metadata"]["name"], [cause])


def _counted(kind: Kind, old: Object, new: Object) -> Object:
    """``new`` with its generation raised if its wish changed.

    Without a status subresource a custom resource's status counts as a wish, as in Kubernetes.
    """
    generation = old["metadata"].get("generation")
    if generation and _wish(kind, old) != _wish(kind, new):
        new["metadata"] = {**new["metadata"], "generation": generation + 1}
    return new


def _wish(kind: Kind, body: Object) -> Mapping[str, Any]:
    ignored = {"metadata", "status"} if kind.has_status else {"metadata"}
    return {name: value for name, value in body.items() if name not in ignored}


def in_namespace(kind: Kind, name: str, namespace: Object) -> None:
    """403 when nothing new may come into a namespace."""
    if namespace["metadata"].get("deletionTimestamp"):
        where = namespace["metadata"]["name"]
        why = f"unable to create new content in namespace {where} because it is being terminated"
        cause = Cause(
            "metadata.namespace", f"namespace {where} is being terminated", "NamespaceTerminating"
        )
        raise forbidden(kind, name, why, [cause])
