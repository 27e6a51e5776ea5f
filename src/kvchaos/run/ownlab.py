"""The embedded lab for several runs: started before the first that needs it, stopped at their end.

The rule guarded here: a lab that was up is left alone, and one that was started here ends with
this process, however that ends; but not under a run that outlives it, and has a fault to recover.
So the lab's owner is a process that waits until a pipe has no other end any more.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

from kvchaos.cluster.client import Cluster
from kvchaos.errors import ClusterUnreachable, KVChaosError
from kvchaos.run.labstart import lab_down, lab_up
from kvchaos.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds in which a lab that is up answers, however busy the machine is."""
END = 2.0
WAITING = (sys.executable, "-S", "-c", "import sys; sys.stdin.buffer.read()")


class OwnLab:
    """The lab within a block; runs in it find it up, and so neither start nor stop it."""

    def __init__(self) -> None:
        self._owner: subprocess.Popen[bytes] | None = None

    @property
    def holds(self) -> tuple[int, ...]:
        """File descriptors for a run's process to inherit: the lab stays up while it has them."""
        return (self._owner.stdin.fileno(),) if self._owner and self._owner.stdin else ()

    def need(self, settings: Settings) -> None:
        """Start the lab if these settings name it and it is not up; once.

        When it does not start, the run that needs it tries again, and tells why.
        """
        if self._owner or not lab_is_down(settings):
            return
        self._owner = subprocess.Popen(  # noqa: S603 - our own interpreter  # nosec B603
            WAITING, stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            lab_up(owner=self._owner.pid)
        except KVChaosError as error:
            logger.debug("The lab did not start: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, whole or half-way up; if that fails, it ends with this process."""
        if self._owner is None:
            return
        with suppress(KVChaosError):
            lab_down(owner=self._owner.pid)
        if self._owner.stdin:
            self._owner.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # a run that outlives us holds it
            self._owner.wait(END)


def lab_is_down(settings: Settings) -> bool:
    """Whether these settings name the lab, and nothing answers there: one that was killed, say."""
    if not settings.is_lab:
        return False
    try:
        with closing(Cluster.connect(settings.kubernetes_context)) as cluster:
            cluster.once(timeout=PATIENCE).version()
    except ClusterUnreachable:
        return True
    except KVChaosError:
        return False  # something is there: the run tells what is wrong with it
    return False
