"""End what earlier runs left, one fault after the other, and say what is left then.

The rule: every fault is tried, whatever another raised, and nothing counts as gone that was not
looked for. First all are asked to go, then each is waited for, so that one that hangs keeps no
other in the way of traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kvchaos.clock import Clock, poll
from kvchaos.errors import KVChaosError
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.found import Found, Search, Seen
from kvchaos.mesh.freeing import Way, obstacle
from kvchaos.mesh.recover import ask_deletion, own, recover
from kvchaos.mesh.renew import renew

PATIENCE = 10.0  # seconds for a fault to go by itself, and as many again when it is forced
POD_PATIENCE = 60.0  # seconds for pods to be gone
SETTLING = 5.0  # seconds for the daemon to apply the last change before that counts as left


class Fate(StrEnum):
    """How a fault ended."""

    DELETED = "deleted"
    GONE = "already gone"
    FORCED = "forced"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Reaped:
    """One fault and how it ended; ``details``: what was forced, or what is left and what to do."""

    fault: Fault
    fate: Fate
    details: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """One line for people."""
        known = ", ".join(filter(None, [f"run {self.fault.run}", self.fault.action]))
        return f"{self.fault.label} in {self.fault.namespace} ({known}): {self.fate}"


class Reaper:
    """Ends what ``search`` finds. ``tell`` hears of each fault as soon as it is known.

    ``restart_pods``: the pods of a fault whose daemon is away may be deleted.
    """

    def __init__(
        self,
        cluster: MeshApi,
        search: Search,
        *,
        restart_pods: bool,
        clock: Clock,
        tell: Callable[[Reaped], None],
    ) -> None:
        self._cluster, self._search, self._clock = cluster, search, clock
        self._restart_pods, self._tell = restart_pods, tell

    def reap(self) -> Seen:
        """What is left at the end, and what could not be looked at."""
        seen = self._search()
        there = [self._ask(found) for found in seen.faults.values()]
        for found, was_there in zip(seen.faults.values(), there, strict=True):
            self._tell(self._end(found, was_there=was_there))
        left, _ = poll(
            self._search,
            until=lambda seen: seen.clean,
            timeout=SETTLING if seen.faults else 0.0,
            every=1.0,
            clock=self._clock,
        )
        return left

    def _ask(self, found: Found) -> bool | None:
        """Ask for its deletion; whether it was there, None when the API did not say."""
        try:
            body = own(self._cluster, found.fault, uid=found.uid)
            if body is None:
                return False
            ask_deletion(self._cluster, found.fault, body)
        except KVChaosError:
            return None  # it is asked again when it is waited for, and told then
        return True

    def _end(self, found: Found, *, was_there: bool | None) -> Reaped:
        try:
            return self._recover(found, was_there=was_there)
        except KVChaosError as error:
            first = error
        try:
            if self._restart_pods and self._daemon_is_away(found):
                return self._renew(found)
        except KVChaosError as error:
            return Reaped(found.fault, Fate.LEFT, (str(first), str(error)))
        return Reaped(found.fault, Fate.LEFT, (str(first),))

    def _recover(
        self, found: Found, *, was_there: bool | None = True, renewed: tuple[str, ...] = ()
    ) -> Reaped:
        done = recover(
            self._cluster,
            found.fault,
            timeout=PATIENCE,
            clock=self._clock,
            force=True,
            uid=found.uid,
            renewed=bool(renewed),
        )
        if done.freed or renewed:
            leaves = _LEAVES[found.fault.kind]
            return Reaped(found.fault, Fate.FORCED, (*renewed, *done.freed, leaves))
        return Reaped(found.fault, Fate.GONE if was_there is False else Fate.DELETED)

    def _daemon_is_away(self, found: Found) -> bool:
        found_way = obstacle(self._cluster, found.fault, uid=found.uid)
        return found_way is not None and found_way.way is Way.DAEMON

    def _renew(self, found: Found) -> Reaped:
        """Force it after its pods were deleted; left when they do not go."""
        deleted, there = renew(self._cluster, found.fault, timeout=POD_PATIENCE, clock=self._clock)
        if there:
            why = f"pods that do not go, so nothing was forced: {there}"
            return Reaped(found.fault, Fate.LEFT, (*deleted, why))
        try:
            return self._recover(found, renewed=(*deleted, "its rules went with them"))
        except KVChaosError as error:
            return Reaped(found.fault, Fate.LEFT, (*deleted, str(error)))


_LEAVES = {
    "NetworkChaos": "leaves at most empty chains CHAOS-INPUT and CHAOS-OUTPUT in the pods",
    "PodChaos": "leaves nothing: none of its pods exists any more",
}
