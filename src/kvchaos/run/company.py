"""Faults of other runs beside this one's: two runs at once measure each other.

The rule: preflight refuses what is there before it; what comes later is looked for right before a
fault is sent and all the time, and is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kvchaos.errors import FaultRefused
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL, MeshApi
from kvchaos.repeating import Repeating
from kvchaos.run.session import Run

logger = logging.getLogger(__name__)

EVERY = 0.5  # seconds between looks
BOUND = 1.0  # seconds for one call of a look


def others(cluster: MeshApi, *, run: str, namespace: str) -> list[str]:
    """The faults there that another run made, as ``networkchaos/NAME``."""
    return sorted(
        f"{kind.plural}/{body['metadata']['name']}"
        for kind in FAULT_KINDS.values()
        for body in cluster.list(
            kind, namespace=namespace, labels=f"{RUN_LABEL},{RUN_LABEL}!={run}"
        )
    )


def refuse_company(run: Run) -> None:
    """``FaultRefused`` while another run has a fault where this one's would be."""
    namespace = run.settings.namespace
    if there := others(run.cluster, run=run.id, namespace=namespace):
        raise FaultRefused(
            "no fault is started beside that of another run",
            wanted=f"none in {namespace}",
            saw=", ".join(there),
            look=f"kubectl get {there[0]} -n {namespace} --show-labels",
        )


class CompanyWatch(Repeating):
    """A thread that looks for faults of other runs until it is stopped; remembers all it saw."""

    def __init__(self, look: Callable[[], list[str]], *, every: float = EVERY) -> None:
        super().__init__(name="company", every=every)
        self._read = look
        self.seen: set[str] = set()
        self.looks = 0
        self.unanswered = 0

    def look(self) -> None:
        """One look; one that is not answered is counted as such."""
        self.looks += 1
        try:
            there = self._read()
        except Exception as error:  # noqa: BLE001 - a watch that ended would look like no company
            self.unanswered += 1
            logger.debug("Whether other runs have faults cannot be told: %s", error)
            return
        if news := set(there) - self.seen:
            self.seen |= news
            logger.warning("Another run has a fault here, too: %s", ", ".join(sorted(news)))


def watch(run: Run) -> CompanyWatch:
    """Look from now until the end of the run, which has the account in its history."""
    cluster = run.cluster.once(timeout=BOUND)
    watching = CompanyWatch(lambda: others(cluster, run=run.id, namespace=run.settings.namespace))
    run.at_the_end.callback(watching.stop)
    run.watches.callback(_end, run, watching)
    watching.start()
    return watching


def _end(run: Run, watching: CompanyWatch) -> None:
    watching.stop()
    run.history.add(
        "company",
        faults=sorted(watching.seen),
        looks=watching.looks,
        unanswered=watching.unanswered,
    )
