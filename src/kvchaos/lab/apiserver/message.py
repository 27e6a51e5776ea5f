"""A request and its answers, without sockets: what the core takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]  # a Kubernetes object as JSON
_DIGITS = 18  # of a whole number; int() reads no more than 4300


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, decoded as far as every handler needs; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """A boolean parameter, spelt in any way that Go's ParseBool takes (``True`` too)."""
        return self.one(name).lower() in {"1", "t", "true"}


def is_number(text: str) -> bool:
    """Whether it is a whole number, 0 or more, of a length that numbers have."""
    return text.isdecimal() and len(text) <= _DIGITS


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
