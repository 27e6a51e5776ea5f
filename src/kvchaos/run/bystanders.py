"""The engines and routers that no pod fault hit: whether something else restarted one of them.

A router that is restarted in mid-partition comes back with a right index: then it was not the
recovery from the partition that was seen.
"""

from __future__ import annotations

from collections import Counter

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.mesh.targets import running
from kvchaos.run.session import Bystander, Run
from kvchaos.run.watched import watched_pods

CONTAINER_KILL = "container-kill"


def changed(run: Run) -> list[str]:
    """Which of the pods that were there before the first fault restarted since, or are gone.

    A container that stopped counts as a restart only once the next one starts, so it is told, too.
    One that was killed restarts once for each kill. A pod that was to go, or to fail, is not told.
    """
    if not run.faults:
        return []
    now = {pods.uid(pod): pod for pod in watched_pods(run, cluster=run.api)}
    struck = [
        (fault.injected.fault.action, target.uid)
        for fault in run.faults
        if fault.injected.fault.kind == "PodChaos"
        for target in fault.injected.targets
    ]
    kills = Counter(uid for action, uid in struck if action == CONTAINER_KILL)
    passed_over = {uid for action, uid in struck if action != CONTAINER_KILL}
    told = (
        _fate(was, now.get(uid), kills=kills[uid])
        for uid, was in run.faults[0].before.pods.items()
        if uid not in passed_over
    )
    return sorted(filter(None, told))


def _fate(was: Bystander, pod: Object | None, *, kills: int) -> str:
    """What happened to a pod beside its kills; nothing when it ran on."""
    if pod is None:
        return f"{was.pod} is gone"
    more = pods.restarts(pod) - was.restarts - kills
    if more > 0:
        return f"{was.pod} restarted" + (f" {more} times more than it was killed" if kills else "")
    if not kills and set(was.running) - set(running(pod)):
        return f"{was.pod} stopped"
    return ""


def as_it_is(pod: Object) -> Bystander:
    """What is to be remembered of a pod."""
    return Bystander(pods.name(pod), pods.restarts(pod), running(pod))
