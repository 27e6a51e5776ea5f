"""The embedded lab for several runs: started before the first that needs it, stopped at their end.

The rule guarded here: a lab that was up is left alone, and one that was started here ends with
this process, however that ends.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

from kvchaos.cluster.client import Cluster
from kvchaos.errors import ClusterUnreachable, KVChaosError
from kvchaos.run.labstart import lab_down, lab_up
from kvchaos.settings import Settings

logger = logging.getLogger(__name__)

LAB_DIR = "KVCHAOS_LAB_DIR"
PATIENCE = 10.0
"""Seconds in which a lab that is up answers, however busy the machine is."""


class OwnLab:
    """The lab within a block; runs in it find it up, and so neither start nor stop it."""

    def __init__(self) -> None:
        self._tried = False

    def need(self, settings: Settings) -> None:
        """Start the lab if these settings name it and it is not up; once.

        When it does not start, the run that needs it tries again, and tells why.
        """
        if self._tried or not lab_is_down(settings):
            return
        self._tried = True
        try:
            lab_up(owner=os.getpid())
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
        if self._tried:
            with suppress(KVChaosError):
                lab_down()


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
