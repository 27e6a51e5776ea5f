"""The lab's daemon: ``python -m kvchaos.lab.daemon DIRECTORY [PID]``, detached by ``lab up``.

It is the API server, and the parent of the node process. Whatever ends it ends the node and all
pods with it (the kernel sees to that). It tells how far it is in ``state.json``. With ``PID`` it
ends when that process does, however that ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.identity import Process
from kvchaos.lab.state import LabState, Phase, write_state

logger = logging.getLogger(__name__)

_NODE_SECONDS = 30.0


def main() -> int:
    """Run until told to stop; 1 when the lab could not come up."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    directory = LabDirectory(Path(sys.argv[1]))
    with directory.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            logger.info("another daemon has this directory")
            return 1
        return _run(directory)


def _run(directory: LabDirectory) -> int:
    me = Process.of(os.getpid())
    if me is None:
        return 1
    owner = Process.of(int(sys.argv[2])) if len(sys.argv) > 2 else None
    state = LabState(Phase.STARTING, me, owner=owner)
    write_state(directory, state)
    with directory.node_log.open("ab") as log:
        node = subprocess.Popen(  # noqa: S603 - this very package  # nosec B603
            [sys.executable, "-m", "kvchaos.lab.node", str(directory.root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        asyncio.run(_serve(directory, state, node))
    except LabError as error:
        logger.error("%s", error)  # noqa: TRY400 - its text says it all
        write_state(directory, state.failed(error))
        return 1
    finally:
        node.kill()
        node.wait()
        if _is_orphaned():
            directory.remove()  # nobody is there who would
    return 0


async def _serve(directory: LabDirectory, state: LabState, node: subprocess.Popen[bytes]) -> None:
    from kvchaos.lab.serving import start  # noqa: PLC0415 - the node starts while this imports

    server = await start(directory)
    owner = _owner()
    try:
        if owner is not None:
            _end_with(owner, node)
        async for message in _messages(directory, node):
            state = _told(state, message)
            write_state(directory, state)
        write_state(directory, replace(state, phase=Phase.READY, url=server.url))
        await _until_stopped(directory, node)
    finally:
        node.kill()  # first, so that nobody talks to the server when it closes
        await server.close()


def _end_with(owner: int, node: subprocess.Popen[bytes]) -> None:
    """End the node, and so the lab, also one that is still coming up, when its owner ends."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(owner)
        os.close(owner)
        node.kill()

    loop.add_reader(owner, ended)


def _told(state: LabState, message: dict[str, Any]) -> LabState:
    """The state after a message of the node; LabError when it could not come up."""
    if "error" in message:
        fields = dict(message["error"])
        raise LabError(fields.pop("what"), **fields)
    return replace(state, init=Process.of(int(message["init"])))


async def _messages(
    directory: LabDirectory, node: subprocess.Popen[bytes]
) -> AsyncIterator[dict[str, Any]]:
    """What the node says until it is ready; LabError when it says nothing for too long."""
    while "ready" not in (message := await _next_message(directory, node)):
        yield message


async def _next_message(directory: LabDirectory, node: subprocess.Popen[bytes]) -> dict[str, Any]:
    look = str(directory.node_log)
    if node.stdout is None:
        raise LabError("the lab's node has no output", look=look)
    try:
        async with asyncio.timeout(_NODE_SECONDS):
            line = await asyncio.to_thread(node.stdout.readline)
    except TimeoutError as error:
        node.kill()
        saw = f"nothing for {_NODE_SECONDS:.0f} s"
        raise LabError("the lab's node did not come up", saw=saw, look=look) from error
    if not line:
        raise LabError("the lab's node ended", saw=_last_line(directory.node_log), look=look)
    message: dict[str, Any] = json.loads(line)
    return message


async def _until_stopped(directory: LabDirectory, node: subprocess.Popen[bytes]) -> None:
    """Return on SIGTERM or SIGINT; LabError when the node ends, by itself or with the owner."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handle = os.pidfd_open(node.pid)
    loop.add_reader(handle, stop.set)
    await stop.wait()
    loop.remove_reader(handle)
    os.close(handle)
    if node.poll() is not None:
        look = str(directory.node_log)
        raise LabError("the lab's node ended", saw=_last_line(directory.node_log), look=look)


def _owner() -> int | None:
    """A pidfd of the process that the lab is for, None when it is for nobody in particular."""
    if len(sys.argv) < 3:
        return None
    try:
        return os.pidfd_open(int(sys.argv[2]))
    except ProcessLookupError as error:
        raise LabError("the process that the lab was for is gone", saw=sys.argv[2]) from error


def _is_orphaned() -> bool:
    """Whether the process that the lab was for is gone."""
    return len(sys.argv) > 2 and Process.of(int(sys.argv[2])) is None


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word"


if __name__ == "__main__":
    sys.exit(main())
