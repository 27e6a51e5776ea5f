"""The engines and routers that no pod fault hit: whether something else restarted one of them.

A router that is restarted in mid-partition comes back with a right index: then it was not the
recovery from the partition that was seen.
"""

from __future__ import annotations

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.mesh.targets import running
from kvchaos.run.session import Bystander, Run
from kvchaos.run.watched import watched_pods


def changed(run: Run) -> list[str]:
    """Which of the pods that were there before the first fault restarted since, or are gone.

    A container that stopped counts as a restart only once the next one starts, so it is told, too.
    """
    if not run.faults:
        return []
    now = {pods.uid(pod): pod for pod in watched_pods(run)}
    struck = {
        target.uid
        for fault in run.faults
        if fault.injected.fault.kind == "PodChaos"
        for target in fault.injected.targets
    }
    found = []
    for uid, was in run.faults[0].before.pods.items():
        pod = now.get(uid)
        if uid in struck:
            continue
        if pod is None:
            found.append(f"{was.pod} is gone")
        elif pods.restarts(pod) > was.restarts:
            found.append(f"{was.pod} restarted")
        elif set(was.running) - set(running(pod)):
            found.append(f"{was.pod} stopped")
    return sorted(found)


def as_it_is(pod: Object) -> Bystander:
    """What is to be remembered of a pod."""
    return Bystander(pods.name(pod), pods.restarts(pod), running(pod))
