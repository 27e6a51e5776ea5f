"""One request to the Kubernetes API as data, with the words that errors and logs use for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from kvchaos.cluster.kinds import Kind, Object

METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "patch": "PATCH",
    "delete": "DELETE",
}
"""RBAC's verbs and the HTTP methods that carry them."""

UNSAFE_TO_REPEAT = frozenset({"create", "delete"})
"""Verbs whose second sending is answered differently from the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request: its verb, what it is about, and what is sent."""

    verb: str
    kind: Kind | None = None
    name: str = ""
    namespace: str | None = None
    subresource: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Object | None = None
    content_type: str = "application/json"

    @property
    def method(self) -> str:
        return METHODS[self.verb]

    @property
    def target(self) -> str:
        """Path and query, as they stand in the request line."""
        path = self.path
        if self.kind is not None and not path:
            path = self.kind.path(
                namespace=self.namespace, name=self.name, subresource=self.subresource
            )
        sent = {key: value for key, value in self.query.items() if value != ""}
        return f"{path}?{urlencode(sent)}" if sent else path

    @property
    def resource(self) -> str:
        """What RBAC calls the thing asked for, such as ``pods/log``."""
        if self.kind is None:
            return self.path
        return (
            f"{self.kind.resource}/{self.subresource}" if self.subresource else self.kind.resource
        )

    @property
    def where(self) -> str:
        """``in namespace N``, or nothing for a kind without namespaces."""
        if self.kind is None or not self.kind.namespaced:
            return ""
        return f" in namespace {self.namespace}" if self.namespace else " in all namespaces"

    def __str__(self) -> str:
        name = self.name or (self.body or {}).get("metadata", {}).get("name", "")
        return f"{self.verb} {self.resource}{f' {name}' if name else ''}{self.where}"
