"""One life of a container: a process group inside the pod's network, its output in a file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node.reaper import Reaper, kill_group


@dataclass(frozen=True, slots=True)
class Life:
    """A started process; ``exit`` becomes its exit code (negative: the signal)."""

    pid: int
    exit: asyncio.Future[int]

    async def stop(self, grace: float) -> None:
        """SIGTERM, then SIGKILL to the group after ``grace`` seconds; returns at the end."""
        if grace > 0:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            await asyncio.wait([self.exit], timeout=grace)
        self.kill()
        await asyncio.wait([self.exit])

    def kill(self) -> None:
        """SIGKILL to everything in the group."""
        if not self.exit.done():
            kill_group(self.pid)


def start(
    arguments: list[str],
    *,
    environment: Mapping[str, str],
    workdir: str,
    log: Path,
    network: PodNetwork,
    reaper: Reaper,
) -> Life:
    """Execute ``arguments`` inside ``network``. OSError when the program cannot be executed."""
    log.parent.mkdir(parents=True, exist_ok=True)

    def spawn() -> int:
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - the manifest's own command  # nosec B603
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=workdir,
                start_new_session=True,
            )
        process.returncode = 0  # the reaper waits for it, not this object
        return process.pid

    pid = network.run(spawn)
    return Life(pid, reaper.claim(pid))
