"""Whose an address is: the engines' pods as the API server lists them.

A router is looked at up to 200 times a second, so a list is kept for ``KEPT`` seconds. The rule
guarded here: nobody is a ghost for its age. It is kept only while the same pods are there, and a
name that it does not have makes it old.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kvchaos.clock import Clock
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.errors import ClusterError, RouterUnreachable

KEPT = 1.0  # seconds
NO_ENGINES = "the engines' pods cannot be looked up"


@dataclass(frozen=True, slots=True)
class _List:
    """The pods by address, when they were listed, and the uids that were there just before."""

    pods: dict[str, str]
    at: float
    there: AbstractSet[str] | None

    def is_good(self, there: AbstractSet[str] | None, now: float) -> bool:
        return there is not None and there == self.there and now - self.at < KEPT


class _Own(threading.local):
    """One thread's: its last list, whether that was kept when it was asked for, and who is in no
    list although the router named him.
    """

    last: _List | None = None
    was_kept: bool = False
    strangers: AbstractSet[str] = frozenset()


class EngineAddresses:
    """The engines' pods that are there, by their addresses.

    ``there`` tells their uids at no cost, as who watches them does; without it nothing is kept.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        selector: str,
        clock: Clock,
        there: Callable[[], AbstractSet[str]] | None = None,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self._clock = clock
        self._there = there
        self._own = _Own()

    def by_address(self) -> dict[str, str]:
        """IP address -> name of those that have one, terminating ones included."""
        own, now = self._own, self._clock.now()
        there = self._there() if self._there else None
        last = own.last
        own.was_kept = last is not None and last.is_good(there, now)
        if last is None or not own.was_kept:
            last = own.last = _List(_by_address(self._listed()), now, there)
            own.strangers = frozenset()
        return dict(last.pods)

    def are_too_old(self, named: AbstractSet[str]) -> bool:
        """Whether one of those whom a router ``named`` may be there since they were listed.

        Then they are forgotten. Whoever is in a new list neither is no reason while that is kept.
        """
        own = self._own
        if own.last is None:
            return False
        strangers = named - set(own.last.pods.values())
        if not own.was_kept:
            own.strangers = strangers
        elif not strangers <= own.strangers:
            own.last = None
            return True
        return False

    def _listed(self) -> list[Object]:
        """One list of the API server, within the client's own bound."""
        try:
            return self._cluster.list(PODS, namespace=self._namespace, labels=self._selector)
        except ClusterError as error:
            raise RouterUnreachable(NO_ENGINES, saw=str(error)) from error


def _by_address(found: Iterable[Object]) -> dict[str, str]:
    """A pod that is about to go keeps its address until somebody else has it."""
    there = [pod for pod in found if pods.address(pod) and not pods.is_finished(pod)]
    return _names(filter(pods.is_terminating, there)) | _names(filter(pods.is_alive, there))


def _names(found: Iterable[Object]) -> dict[str, str]:
    known: dict[str, str] = {}
    for pod in found:
        at, name = pods.address(pod), pods.name(pod)
        if known.setdefault(at, name) != name:
            raise RouterUnreachable(
                "whose blocks those of an address are cannot be told",
                wanted="an address of its own for each engine",
                saw=f"{at} of {known[at]}, {name}",
            )
    return known
