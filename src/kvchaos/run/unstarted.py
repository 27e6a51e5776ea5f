"""A run that did not come to begin: why, for whoever finds its folder and was not there.

The rule: what is kept of it never hides why it did not start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kvchaos.ending.stopping import Stopping
from kvchaos.errors import KVChaosError, PreflightRefused
from kvchaos.run import current
from kvchaos.run.folder import keep_refusal
from kvchaos.run.session import Run
from kvchaos.verdict.history_checks import NOT_STARTED

logger = logging.getLogger(__name__)


@contextmanager
def kept(run: Run, stopping: Stopping) -> Iterator[None]:
    """What keeps the run from starting within is told by its history, its record and its report."""
    try:
        yield
    except BaseException as error:
        _keep(run, error, stopping)
        raise


def _keep(run: Run, error: BaseException, stopping: Stopping) -> None:
    try:
        stopping.record_late(run.history.add)
        if not isinstance(error, PreflightRefused):  # whose findings are in the history
            run.history.add("run_ended", journal=NOT_STARTED, why=_why(error))
        current.refused(run.history.events())
        keep_refusal(run)
    except (KVChaosError, OSError) as unkept:
        logger.warning("Why the run did not start is not in its folder: %s", unkept)


def _why(error: BaseException) -> str:
    if isinstance(error, KVChaosError):
        return str(error)
    if isinstance(error, SystemExit):
        return "it was stopped"
    return f"{type(error).__name__}: {error}"
