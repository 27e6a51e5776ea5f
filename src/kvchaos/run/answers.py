"""What actions and probes do when they cannot: say so, in plain JSON, or end the experiment.

The rule: a probe never raises, so that no tolerance is asked of what it cannot take, and an
experiment without its control ends, because nothing else would keep it from passing.
"""

from __future__ import annotations

import functools
import logging
import signal
import threading
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec

from chaoslib.exit import exit_gracefully

from kvchaos.ending.stopping import INTERRUPTED
from kvchaos.errors import RunMissing

logger = logging.getLogger("chaostoolkit")

Json = dict[str, Any]
P = ParamSpec("P")

ERROR = "error"
"""Under ``unknown``, the error of a probe that would have raised."""


def needs_run(action: Callable[P, Json]) -> Callable[P, Json]:
    """An action that ends the experiment when the control did not start a run."""

    @functools.wraps(action)
    def acted(*args: P.args, **kwargs: P.kwargs) -> Json:
        try:
            return action(*args, **kwargs)
        except RunMissing as error:
            end_experiment(error)

    return acted


def answers(key: str) -> Callable[[Callable[P, Json]], Callable[P, Json]]:
    """Of a probe whose deciding key is ``key``: what it cannot tell is null there, with the error.

    Without a run it ends the experiment, as an action does.
    """

    def wrap(probe: Callable[P, Json]) -> Callable[P, Json]:
        @functools.wraps(probe)
        def answered(*args: P.args, **kwargs: P.kwargs) -> Json:
            try:
                return probe(*args, **kwargs)
            except RunMissing as error:
                end_experiment(error)
            except Exception as error:  # noqa: BLE001 - whatever it is must not reach a tolerance
                logger.warning("%s cannot tell: %s", probe.__name__, error)
                return {key: None, "unknown": {ERROR: f"{type(error).__name__}: {error}"}}

        return answered

    return wrap


def raised(output: object) -> str | None:
    """The error in the answer of a probe that would have raised."""
    unknown = output.get("unknown") if isinstance(output, dict) else None
    error = unknown.get(ERROR) if isinstance(unknown, dict) else None
    return str(error) if error else None


def end_experiment(error: RunMissing) -> NoReturn:
    """Leave, by what Chaos Toolkit plays rollbacks for and does not call completed."""
    logger.critical("%s", error)
    in_background = threading.current_thread() is not threading.main_thread()
    if in_background and callable(signal.getsignal(signal.SIGUSR1)):
        exit_gracefully()
    raise SystemExit(INTERRUPTED) from error
