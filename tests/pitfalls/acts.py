"""Actions and probes of the pitfalls' experiments, run by Chaos Toolkit in a process of its own.

State is in files, in the folder in which the experiment runs: ``deviates`` while the system is to
be wrong, ``asked`` with one character for each time that it was asked.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from kvchaos.clock import SystemClock, poll

DEVIATES, ASKED, WENT_ON = Path("deviates"), Path("asked"), Path("went-on")
PATIENCE = 20.0  # seconds that a thing may take in the worst case


def is_well() -> bool:
    """Whether the system is in its steady state."""
    with ASKED.open("a") as asked:
        asked.write("." if DEVIATES.exists() else "")
    return not DEVIATES.exists()


def deviate(looks: int = 2, *, heals: bool = True) -> dict[str, bool]:
    """Leave the steady state until that was looked at so often; then be well again, if it heals."""
    DEVIATES.touch()
    seen, _ = poll(
        lambda: ASKED.read_text() if ASKED.exists() else "",
        lambda asked: len(asked) >= looks,
        timeout=PATIENCE,
        every=0.02,
        clock=SystemClock(),
    )
    if heals:
        DEVIATES.unlink()
    return {"seen": len(seen) >= looks}


def number(first: float = 1.0) -> float | None:
    """A number at first, then nothing, which a range cannot be compared with."""
    if ASKED.exists():
        return None
    ASKED.touch()
    return first


def terminate(name: str = "SIGTERM") -> str:
    """Gets a signal while it is at work, as any Python function may."""
    os.kill(os.getpid(), signal.Signals[name])
    threading.Event().wait(PATIENCE)
    return "the signal did not come"


def hang() -> bool:
    """Answers after an hour."""
    threading.Event().wait(3600)
    return True


def hang_once_it_deviates() -> bool:
    """Answers at once while all is well."""
    return is_well() or hang()


def go_on() -> str:
    """What is not to be reached any more leaves a trace if it is."""
    WENT_ON.touch()
    return "done"


def fail() -> str:
    """An action or a dynamic configuration that cannot do it."""
    raise RuntimeError("it cannot")
