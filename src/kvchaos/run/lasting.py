"""How long a fault really stood: watched while it is held, so that its early end is noticed.

Chaos Mesh goes on reporting a cut as injected when a new pod, which is not cut, took the place of
one that was; a duration counts from the object's creation; and anybody may delete the object.
"""

from __future__ import annotations

import logging

from kvchaos.clock import poll
from kvchaos.errors import ClusterError
from kvchaos.mesh import confirm
from kvchaos.mesh.fault import Recovered
from kvchaos.mesh.recover import ended
from kvchaos.run.session import ActiveFault, Run

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds between looks at a fault that is held


def stand(run: Run, active: ActiveFault, *, held: float) -> Recovered | None:
    """Let a fault stand until it was in effect for ``held`` seconds.

    Returns its end if that was seen to come meanwhile, not by us. An API that does not answer ends
    nothing: the fault's own duration bounds it, and what happened shows afterwards.
    """
    is_over = _look(run, active) is not None  # before: what Chaos Mesh wrote tells since when
    left = active.at + held - run.at()
    if is_over or left <= 0:
        return None
    end, _ = poll(
        lambda: _look(run, active),
        until=lambda end: end is not None,
        timeout=left,
        every=LOOK_EVERY,
        clock=run.clock,
    )
    return end


def note_replaced(run: Run, active: ActiveFault) -> None:
    """Record, once each, the pods of a network fault that are no longer those that were cut."""
    if active.injected.fault.kind != "NetworkChaos":
        return
    others = {target.pod for target in confirm.replaced(run.api, active.injected)}
    if news := sorted(others - active.replaced):
        active.replaced.update(news)
        at = round(run.at(), 3)
        run.history.add("targets_replaced", fault=active.brief(), pods=news, replaced_at=at)
        logger.warning(
            "%s: %s replaced at %.1f s: a new pod is not cut off",
            active.injected.fault.label, ", ".join(news), at,
        )  # fmt: skip


def _look(run: Run, active: ActiveFault) -> Recovered | None:
    try:
        note_replaced(run, active)
        return ended(run.api, active.injected.fault, clock=run.clock)
    except ClusterError as error:
        logger.debug("While %s stands: %s", active.injected.fault.label, error)
        return None
