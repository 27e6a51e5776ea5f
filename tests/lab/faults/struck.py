"""What happens to a lab's pods while a run is looking: processes killed or halted, pods gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import Signals

from tests.lab.faults.place import Place

Act = Callable[[Place], bool]


def router(what: Signals) -> Act:
    """Send the router's process a signal."""
    return lambda place: _send(place, "router", what)


def engine(what: Signals) -> Act:
    """Send the process of the engine that is cut off a signal."""
    return lambda place: _send(place, "engine", what, pod=_cut_engine(place))


def replace_engine(place: Place) -> bool:
    """Delete the pod of the engine that is cut off: another takes its place, without the cut."""
    place.truth.delete_pod(_cut_engine(place))
    return True


def wake(place: Place) -> None:
    """Let every halted process of the lab go on."""
    for pid in _processes(place, ""):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _cut_engine(place: Place) -> str:
    """The engine in whose pod there are rules."""
    cut = place.truth.pods_with_rules()
    return next(name for name in sorted(cut) if "engine" in name)


def _send(place: Place, program: str, what: Signals, *, pod: str = "") -> bool:
    pids = _processes(place, program, pod)
    for pid in pids:
        os.kill(pid, what)
    return bool(pids)


def _processes(place: Place, program: str, pod: str = "") -> list[int]:
    """The processes of ``python -m kvchaos PROGRAM`` in this lab's pods, or in one of them."""
    lab = place.environment["KVCHAOS_LAB_DIR"]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
            named = f"HOSTNAME={pod}".encode() in environment.split(b"\0") or not pod
            asked = not program or program.encode() in command
            if b"kvchaos" in command and lab.encode() in environment and named and asked:
                found.append(int(entry.name))
    return found
