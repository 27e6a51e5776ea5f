"""Start and stop a lab: the daemon as a detached process, found again by ``state.json``."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kvchaos.clock import Clock, poll
from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.identity import Process
from kvchaos.lab.state import LabState, Phase, read_state, write_state

_START_SECONDS = 40.0
_STOP_SECONDS = 5.0
_EVERY = 0.02


def running(directory: LabDirectory) -> LabState | None:
    """The state of the lab if it is up (or coming up), and not about to end with its owner."""
    state = read_state(directory)
    is_up = state is not None and state.alive() and not state.is_orphaned()
    return state if is_up else None


def start(directory: LabDirectory, *, clock: Clock, owner: Process | None = None) -> LabState:
    """Clear what a killed lab left, and start the daemon; returns once it has begun.

    The lab ends with the process ``owner``, if one is named; one that somebody else started just
    now has its own.

    Raises:
        LabError: the directory cannot be used.
    """
    directory.create()
    with _alone(directory):
        state = running(directory)
        if state is not None:  # somebody else started it just now
            return state
        _end_all(read_state(directory), clock=clock)
        directory.create()  # one that was about to end may have taken it along
        directory.clear()
        return _spawn(directory, owner)


@contextmanager
def _alone(directory: LabDirectory) -> Iterator[None]:
    """One start in a directory at a time; it lasts for milliseconds."""
    handle = os.open(directory.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _spawn(directory: LabDirectory, owner: Process | None) -> LabState:
    """The state of a daemon just started, already written down for the next who looks."""
    words = [] if owner is None else [str(owner.pid)]
    with directory.daemon_log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - this very package  # nosec B603
            [sys.executable, "-m", "kvchaos.lab.daemon", str(directory.root), *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    me = Process.of(process.pid)
    process.returncode = 0  # it outlives us; nobody here waits for it
    if me is None:
        raise LabError("the lab's daemon did not start", look=str(directory.daemon_log))
    state = LabState(Phase.STARTING, me, owner=owner)
    write_state(directory, state)
    return state


def wait_started(directory: LabDirectory, begun: LabState, *, clock: Clock) -> LabState:
    """The state once the API and the node are ready.

    Raises:
        LabError: why they are not; nothing is left running then.
    """

    def read() -> LabState:
        state = read_state(directory)
        if state is not None and state.daemon == begun.daemon:
            return state
        return begun

    def settled(state: LabState) -> bool:
        return state.phase is not Phase.STARTING or not state.alive()

    state, waited = poll(read, settled, timeout=_START_SECONDS, every=_EVERY, clock=clock)
    state = read()
    if state.phase is Phase.READY:
        return state
    tail = _tail(directory)
    if begun.is_orphaned():
        tail = "the process that it was for is gone"
    stop(directory, clock=clock, keep_logs=state.error is None)
    state.raise_error()
    saw, look = f"after {waited:.1f} s: {tail}", str(directory.daemon_log)
    raise LabError("the lab did not come up", saw=saw, look=look)


def stop(
    directory: LabDirectory,
    *,
    clock: Clock,
    keep_logs: bool = False,
    owner: Process | None = None,
) -> bool:
    """End the lab and remove all that it left; whether there was one running.

    With an ``owner`` only a lab that is for that process; any other is left as it is.

    Raises:
        LabError: a process of it could not be ended.
    """
    state = read_state(directory)
    if owner is not None and (state is None or state.owner != owner):
        return False
    was_up = state is not None and state.alive()
    _end_all(state, clock=clock)
    directory.remove(keep_logs=keep_logs)
    return was_up


def _end_all(state: LabState | None, *, clock: Clock) -> None:
    """End the daemon, then see that pid 1 of the pods, and so all of them, is gone."""
    for process in (state.daemon, state.init) if state is not None else ():
        if process is not None:
            _end(process, clock=clock)


def _end(process: Process, *, clock: Clock) -> None:
    """SIGTERM for an orderly end, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        process.send(number)
        if process.wait_gone(timeout=_STOP_SECONDS, clock=clock):
            return
    raise LabError(f"process {process.pid} of the lab does not end", look=f"ps -f {process.pid}")


def _environment() -> dict[str, str]:
    """Ours, without what means something else to the lab's processes."""
    dropped = {"KUBECONFIG", "NOTIFY_SOCKET"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def _tail(directory: LabDirectory) -> str:
    try:
        text = directory.daemon_log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no log"
    return " | ".join(text.strip().splitlines()[-3:]) or "an empty log"
