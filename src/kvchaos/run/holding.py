"""A run and the hold on its namespace: it starts no fault while held, and ends when a hold comes.

The rule: what cannot be told is no leave. A fault is not started when the hold could not be read;
a run that is under way is not ended by that, but says that it was not watched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kvchaos.clock import Clock
from kvchaos.errors import FaultRefused, KVChaosError
from kvchaos.mesh.hold import NAME, Hold, read
from kvchaos.repeating import Repeating
from kvchaos.run.session import Run

logger = logging.getLogger(__name__)

EVERY = 0.5  # seconds between looks; a hold ends a run within 2 s
BOUND = 1.0  # seconds for one look


def refuse_if_held(run: Run) -> None:
    """``FaultRefused`` while the run's namespace is held, and when that cannot be told."""
    namespace, context = run.settings.namespace, run.settings.kubernetes_context
    try:
        there = read(run.cluster, namespace)
    except KVChaosError as error:
        raise FaultRefused(
            f"whether {namespace} is held cannot be told, so no fault is started",
            saw=str(error),
            look=f"kubectl --context {context} -n {namespace} get configmap {NAME}",
        ) from error
    if there is not None:
        raise FaultRefused(
            f"no fault is started: {namespace} is {there.text}", look=there.look(context)
        )


class HoldWatch(Repeating):
    """A thread that looks until it finds a hold, is stopped, or there is nothing left to end.

    ``found`` is called with the hold, once. ``blind`` is called with the error of the first look
    that was not answered, once.
    """

    def __init__(
        self,
        look: Callable[[], Hold | None],
        *,
        found: Callable[[Hold], None],
        blind: Callable[[Exception], None],
        is_over: Callable[[], bool],
        clock: Clock,
        every: float,
    ) -> None:
        super().__init__(name="hold", every=every)
        self._read = look
        self._found = found
        self._blind = blind
        self._is_over = is_over
        self._clock = clock
        self._looks = 0
        self._unanswered = 0
        self._gap = 0.0
        self._answered = clock.now()

    def account(self) -> dict[str, float]:
        """How often it looked, how often in vain, and the longest time between two answers, s."""
        return {
            "looks": self._looks,
            "unanswered": self._unanswered,
            "longest_gap": round(self._gap, 3),
        }

    def look(self) -> bool:
        """Whether a hold was found, or nothing is left to end."""
        if self._is_over():
            return True
        there = self._seen()
        if there is not None:
            self._found(there)
        return there is not None

    def _seen(self) -> Hold | None:
        self._looks += 1
        try:
            there = self._read()
        except Exception as error:  # noqa: BLE001 - a watch that ended would look like no hold
            self._unanswered += 1
            if self._unanswered == 1:
                self._blind(error)
            return None
        finally:
            self._gap = max(self._gap, self._clock.now() - self._answered)
        self._answered = self._clock.now()
        return there


def watch(run: Run) -> HoldWatch:
    """Watch for a hold from now until the run is closed, or its rollbacks begin."""
    cluster = run.cluster.once(timeout=BOUND)
    watching = HoldWatch(
        lambda: read(cluster, run.settings.namespace),
        found=lambda hold: run.stopping.request("hold", hold.text),
        blind=lambda error: _tell(run, error),
        is_over=lambda: run.phase == "rollbacks" or run.stopping.first is not None,
        clock=run.clock,
        every=EVERY,
    )
    run.at_the_end.callback(watching.stop)
    run.watches.callback(_end, run, watching)
    watching.start()
    return watching


def _end(run: Run, watching: HoldWatch) -> None:
    watching.stop()
    run.history.add("hold_watch", **watching.account())


def _tell(run: Run, error: Exception) -> None:
    """A run that nobody can hold says so, and goes on."""
    logger.warning("Whether %s is held cannot be told: %s", run.settings.namespace, error)
    try:
        run.history.add("hold_unreadable", error=f"{type(error).__name__}: {error}")
    except KVChaosError as failed:
        logger.warning("%s", failed)
