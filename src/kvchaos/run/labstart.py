"""The embedded lab as a command: started for whoever needs it, stopped at the end of that."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kvchaos.errors import LabError

logger = logging.getLogger(__name__)

LAB_DIR = "KVCHAOS_LAB_DIR"
UP_TIMEOUT = 120.0
DOWN_TIMEOUT = 60.0


def lab_up(*options: str, owner: int) -> None:
    """Start the lab; ``LabError`` with what the command said when it did not start.

    It ends with the process ``owner``, however that ends; ``options`` are further ones of
    ``kvchaos lab up``.
    """
    logger.info("The embedded lab is not up: starting it")
    _run(["lab", "up", "--while", str(owner), *options], timeout=UP_TIMEOUT)


def lab_down(*, owner: int) -> None:
    """Stop the lab if it was started for the process ``owner``, and nobody else's."""
    _run(["lab", "down", "--while", str(owner)], timeout=DOWN_TIMEOUT)


@contextmanager
def lab_in(directory: Path, *options: str) -> Iterator[None]:
    """A lab of its own in ``directory``, which this process means within the block.

    It is gone after the block, and with this process, however that ends. Raises ``LabError``.
    """
    before = os.environ.get(LAB_DIR)
    os.environ[LAB_DIR] = str(directory)
    try:
        lab_up(*options, owner=os.getpid())
        yield
    finally:
        try:
            lab_down(owner=os.getpid())
        finally:
            del os.environ[LAB_DIR]
            os.environ.update({} if before is None else {LAB_DIR: before})


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
