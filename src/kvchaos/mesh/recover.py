"""End a fault, and return only when it is gone: its object, and every rule of it in a pod.

Only the very object is deleted: one that was made by the same name since, by another run or with
another uid, is not touched, and its rules are not this fault's. ``force`` frees what hangs, as
far as ``freeing`` allows.
"""

from __future__ import annotations

from kvchaos.clock import Clock, poll
from kvchaos.cluster.kinds import Object
from kvchaos.errors import (
    ClusterError,
    ClusterUnreachable,
    FaultNotRecovered,
    Forbidden,
    NotFound,
)
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import End, Fault, Recovered
from kvchaos.mesh.freeing import Freeing, Obstacle
from kvchaos.mesh.records import has_ended, stood_for
from kvchaos.mesh.residue import Residue, cannot_tell, find, is_of, left_of
from kvchaos.mesh.silence import Silence

EVERY = 0.2  # seconds between looks at the cluster
BRISK = 1.0  # seconds, at first, in which they are closer: most faults end at once, and from
CLOSE = 0.02  # their end on a recovery is counted


def recover(
    cluster: MeshApi,
    fault: Fault,
    *,
    timeout: float,
    clock: Clock,
    force: bool = False,
    uid: str = "",
    since: float | None = None,
    renewed: bool = False,
    silence: Silence | None = None,
) -> Recovered:
    """``fault`` deleted and nothing of it left; the same again when it was gone before.

    ``timeout`` bounds the wait, in seconds, also while the API fails; with ``force`` there is a
    second such wait in which finalizers and rules are dropped. ``uid``: which object is meant,
    empty for the first one seen. ``since``: when it was injected, on the clock. ``renewed``: the
    pods that it was in have been deleted. ``silence``: no look follows one that made it long.
    FaultNotRecovered says what is left; at once, when we have not the right to look at it or to
    delete it.
    """
    ending = _Ending(cluster, fault, uid=uid, silence=silence, clock=clock)
    start = clock.now()
    left, waited = poll(
        ending,
        until=lambda left: not left or ending.is_vain or (force and ending.gone),
        timeout=timeout,
        every=_pace,
        clock=clock,
    )
    freeing = Freeing(cluster, fault, uid=ending.uid, before=ending.before, renewed=renewed)
    forced = bool(left) and force and not ending.is_vain
    if forced:
        left, more = poll(freeing, until=freeing.is_over, timeout=timeout, every=EVERY, clock=clock)
        waited += more
    if left:
        raise _not_recovered(fault, left, waited=waited, obstacle=freeing.obstacle)
    return Recovered(
        fault=fault,
        by=_ended_by(fault, ending.before),
        healed_at=_healed_at(ending.before, since=since, gone=start + waited),
        waited=waited,
        forced=forced,
        freed=tuple(freeing.done),
    )


def _pace(waited: float) -> float:
    return CLOSE if waited < BRISK else EVERY


def ended(cluster: MeshApi, fault: Fault, *, clock: Clock) -> Recovered | None:
    """One look whether ``fault`` ended without us: by its duration, or deleted by somebody else."""
    body = find(cluster, fault)
    if body is not None and not has_ended(body):
        return None
    by = End.GONE if body is None else End.DURATION
    return Recovered(fault=fault, by=by, healed_at=clock.now(), waited=0.0)


def own(cluster: MeshApi, fault: Fault, *, uid: str = "") -> Object | None:
    """The very object; None when it is gone, or when another has its name."""
    body = find(cluster, fault)
    return body if body is not None and is_of(body, fault, uid=uid) else None


def ask_deletion(cluster: MeshApi, fault: Fault, body: Object) -> None:
    """Ask for the deletion of the object ``body``, once; it may be gone, another is left alone."""
    uid = body["metadata"].get("uid")
    if body["metadata"].get("deletionTimestamp"):
        return
    try:
        cluster.delete(fault.api, fault.name, namespace=fault.namespace, uid=uid)
    except NotFound:
        return  # which is what is wanted


class _Ending:
    """One look after another: deletes the fault where it is still there, says what is left.

    An API that fails meanwhile is asked again at the next look. ``before`` is the object as it
    was before it was deleted, None when it was gone; ``uid`` the one that was meant or seen.
    ``gone``: it is, and whoever could have taken its rules away with it. ``refused``: for lack of
    rights, which no wait gives; a deletion that was accepted goes on and is waited for.
    """

    def __init__(
        self, cluster: MeshApi, fault: Fault, *, uid: str, silence: Silence | None, clock: Clock
    ) -> None:
        self._cluster, self._fault = cluster, fault
        self._silence, self._clock = silence, clock
        self.uid = uid
        self.gone = False
        self.refused = False
        self._going = False
        self.before: Object | None = None

    @property
    def is_vain(self) -> bool:
        """Whether no further look would find more: for lack of rights, or of any answer."""
        return self.refused or (self._silence is not None and self._silence.is_long)

    def __call__(self) -> list[Residue]:
        self._going = False
        try:
            self._delete(self._own())
            return left_of(self._cluster, self._fault, uid=self.uid)
        except ClusterError as error:
            self.refused = isinstance(error, Forbidden) and not self._going
            return [cannot_tell(self._fault, error)]

    def _own(self) -> Object | None:
        """The object, and whether anybody answered."""
        asked, silence = self._clock.now(), self._silence or Silence(clock=self._clock)
        try:
            body = own(self._cluster, self._fault, uid=self.uid)
        except ClusterUnreachable:
            silence.missed(asked)
            raise
        except ClusterError:
            silence.heard()
            raise
        silence.heard()
        return body

    def _delete(self, body: Object | None) -> None:
        """A create that was still under way may make the object appear at any look."""
        self.gone = body is None
        if body is None:
            return
        self.uid = str(body["metadata"].get("uid") or "")
        ask_deletion(self._cluster, self._fault, body)
        self._going = True
        self.before = self.before or body


def _ended_by(fault: Fault, before: Object | None) -> End:
    if fault.one_shot:
        return End.ONE_SHOT
    if before is None:
        return End.GONE
    return End.DURATION if has_ended(before) else End.DELETION


def _healed_at(before: Object | None, *, since: float | None, gone: float) -> float:
    """When the links were whole again, on the clock: never before ``since`` nor after ``gone``.

    By its duration: as long after ``since`` as it stood by the cluster's own two stamps, to whole
    seconds; no wall clock is compared with another, for they may differ and jump. Otherwise, and
    when that is not known: when the last of it was seen gone.
    """
    stood = stood_for(before) if before is not None and has_ended(before) else None
    if since is None or stood is None:
        return gone
    return max(min(since, gone), min(gone, since + stood))


def _not_recovered(
    fault: Fault, left: list[Residue], *, waited: float, obstacle: Obstacle | None = None
) -> FaultNotRecovered:
    labels = tuple(each.label for each in left)
    not_forced = (f"not forced, {obstacle.why}",) if obstacle else ()
    return FaultNotRecovered(
        f"{fault.label}: not recovered after {waited:.1f}s",
        left=labels,
        wanted="nothing left of it",
        saw="; ".join((*labels, *not_forced)),
        look=obstacle.advice if obstacle else fault.look,
    )
