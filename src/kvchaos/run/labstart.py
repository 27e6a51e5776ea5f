"""The embedded lab as a command: started for a run that names it, stopped at that run's end."""

from __future__ import annotations

import logging
import subprocess
import sys

from kvchaos.errors import LabError

logger = logging.getLogger(__name__)

UP_TIMEOUT = 120.0
DOWN_TIMEOUT = 60.0


def lab_up(*, owner: int | None = None) -> None:
    """Start the lab; ``LabError`` with what the command said when it did not start.

    It ends with the process ``owner``, if one is named, however that ends.
    """
    logger.info("The embedded lab is not up: starting it")
    _run(["lab", "up", *([] if owner is None else ["--while", str(owner)])], timeout=UP_TIMEOUT)


def lab_down() -> None:
    """Stop the lab."""
    _run(["lab", "down"], timeout=DOWN_TIMEOUT)


def _run(arguments: list[str], *, timeout: float) -> None:
    command = " ".join(["kvchaos", *arguments])
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and fixed arguments  # nosec B603
            [sys.executable, "-m", "kvchaos", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            start_new_session=True,  # a Ctrl-C is for the run, which then takes the lab down
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(command, wanted=f"an end within {timeout:.0f} s", saw="none") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{command} failed", saw=said.removeprefix("kvchaos: "))
