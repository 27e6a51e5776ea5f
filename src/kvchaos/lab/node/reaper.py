"""Waits for children: the node is pid 1 of its pid namespace, so every orphan comes to it.

A container's process leads a process group; when it ends, the rest of its group is killed
before its pid is given free, as the end of a container ends everything in it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress


class Reaper:
    """Turns SIGCHLD into results: exit codes as ``os.waitstatus_to_exitcode`` gives them.

    Everything here runs on the event loop's thread, so a child cannot be reaped unclaimed.
    """

    def __init__(self) -> None:
        self._exits: dict[int, asyncio.Future[int]] = {}

    def start(self) -> None:
        """Reap from now on, on the running loop."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self.reap)

    def claim(self, pid: int) -> asyncio.Future[int]:
        """The future exit code of a child that was made just now, without awaiting since."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._exits[pid] = future
        return future

    def reap(self) -> None:
        """Collect every child that has ended."""
        while (pid := _ended()) is not None:
            future = self._exits.pop(pid, None)
            if future is not None:
                kill_group(pid)
            _, status = os.waitpid(pid, 0)
            if future is not None and not future.done():
                future.set_result(os.waitstatus_to_exitcode(status))


def kill_group(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal the process group that ``pid`` leads, if anything of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _ended() -> int | None:
    """The pid of an ended child, still a zombie; None when there is none."""
    try:
        info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return info.si_pid if info else None
