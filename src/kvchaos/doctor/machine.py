"""What this machine has to have, whatever cluster is meant."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kvchaos.doctor.line import Line, missing, note, ok
from kvchaos.settings import Settings

PATIENCE = 10.0  # seconds for a process that only looks
IN_NAMESPACES = """
from kvchaos.errors import LabError
from kvchaos.lab.namespaces import leave_host
try:
    leave_host()
except LabError as error:
    raise SystemExit(str(error))
"""
"""What the lab does first, in a process of its own that ends at once."""


def machine(settings: Settings) -> Iterator[Line]:
    """The programs, the folder of the runs, and what the embedded lab asks of the kernel."""
    yield programs()
    yield runs_folder(Path(settings.runs))
    yield namespaces(needed=settings.is_lab)


def programs() -> Line:
    """The versions; Chaos Toolkit's own command is not needed for ``kvchaos run``."""
    try:
        toolkit = version("chaostoolkit-lib")
    except PackageNotFoundError:
        return missing("programs", "no chaostoolkit-lib", "python -m pip install kvchaos")
    own = f"kvchaos {version('kvchaos')}, chaostoolkit-lib {toolkit}"
    return ok("programs", f"{own}, Python {platform.python_version()}")


def runs_folder(folder: Path) -> Line:
    """Whether a run can keep its history, without which it does not begin."""
    place = folder.absolute()
    there = next(each for each in (place, *place.parents) if each.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return ok("run folders", f"go to {folder}")
    why = f"cannot be written by uid {os.geteuid()}" if there.is_dir() else "is no folder"
    return missing("run folders", f"{there} {why}", "go to a folder of your own")


def namespaces(*, needed: bool) -> Line:
    """Whether the kernel gives the embedded lab its namespaces, by trying it."""
    what = "embedded lab"
    told = missing if needed else note
    if sys.platform != "linux":
        return told(what, f"no namespaces on {platform.system()}", "use Linux, or a real cluster")
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, a fixed text  # nosec B603
            [sys.executable, "-c", IN_NAMESPACES],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return told(what, f"no answer in {PATIENCE:g} s")
    if done.returncode:
        text, _, look = (done.stderr.strip().splitlines() or ["it failed"])[-1].partition("; see: ")
        return told(what, text, f"be root, or set what is named; look: {look}" if look else "")
    return ok(what, "this kernel gives it namespaces")
