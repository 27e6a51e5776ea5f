"""A request to an API server, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the ``number``-th of all; ``since`` the first fault was created, in seconds."""

    number: int
    method: str
    path: str
    query: str
    since: float | None

    @property
    def is_watch(self) -> bool:
        return "watch=true" in self.query.lower() or "watch=1" in self.query

    @property
    def is_forward(self) -> bool:
        return self.path.endswith("/portforward")

    @property
    def is_stream(self) -> bool:
        return self.is_watch or self.is_forward

    @property
    def is_create(self) -> bool:
        """A fault that is really created: no rehearsal."""
        return (
            self.method == "POST" and "chaos-mesh.org" in self.path and "dryRun" not in self.query
        )

    @property
    def is_rehearsal(self) -> bool:
        return self.method == "POST" and "dryRun" in self.query

    @property
    def is_delete(self) -> bool:
        return self.method == "DELETE" and "chaos-mesh.org" in self.path


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done with a request.

    ``passed``: it reaches the server. ``status``: what the client is told instead of the server's
    answer (0: the server's). ``cut``: the connection ends without an answer; ``held``: nothing
    comes at all; ``lasts``: a stream is cut after so many seconds. ``body`` makes another of the
    server's.
    """

    passed: bool = True
    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    held: bool = False
    lasts: float | None = None
    body: Callable[[bytes], bytes] = bytes


PASSED = Deed()
