"""A process named so that a recycled pid is never mistaken for it: pid and start time.

Format: field 22 of ``/proc/PID/stat`` (proc(5)), clock ticks since boot, with the boot's id.
"""

from __future__ import annotations

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kvchaos.clock import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this boot."""

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has ``pid`` now, None when there is none (or only its zombie)."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        return cls(pid=pid, start=int(fields[19]), boot=_BOOT_ID.read_text().strip())

    @classmethod
    def parse(cls, data: Any) -> Self | None:
        """What ``as_json`` wrote; None when it is not that."""
        try:
            return cls(pid=int(data["pid"]), start=int(data["start"]), boot=str(data["boot"]))
        except (KeyError, TypeError, ValueError):
            return None

    def as_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "start": self.start, "boot": self.boot}

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Signal this process and no other; nothing happens when it is gone."""
        handle = self._open()
        if handle is None:
            return
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def wait_gone(self, *, timeout: float, clock: Clock) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        handle = self._open()
        if handle is None:
            return True
        try:
            deadline = clock.now() + timeout
            while left := max(0.0, deadline - clock.now()):
                if select.select([handle], [], [], left)[0]:
                    return True
            return not self.alive()
        finally:
            os.close(handle)

    def _open(self) -> int | None:
        """A pidfd: once it is open and the start time still fits, it cannot mean another."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():
            return handle
        os.close(handle)
        return None
