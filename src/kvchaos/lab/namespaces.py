"""Linux namespaces by ctypes: leave the host's, make a pod's network, act inside one.

Threads have namespaces of their own: what must happen in a pod's network happens in a thread
that enters it and ends, and sockets and children made there stay there. setns(2), unshare(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kvchaos.errors import LabError

T = TypeVar("T")

CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIMITS = {
    "kernel.apparmor_restrict_unprivileged_userns": "0",
    "kernel.unprivileged_userns_clone": "1",
}
_MAXIMA = ("user.max_user_namespaces", "user.max_net_namespaces", "user.max_pid_namespaces")


def unshare(flags: int) -> None:
    """Move this thread (and, for pids, its children) into new namespaces. OSError if refused."""
    if _LIBC.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that made it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def leave_host() -> None:
    """Put this process in a network, and its children in a pid namespace, of their own.

    Root just does it; everyone else (and a root without the capability) becomes root of a new
    user namespace first.

    Raises:
        LabError: the kernel refuses, with the setting that is in the way as far as it shows.
    """
    flags = CLONE_NEWNET | CLONE_NEWPID
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0 and _unshared(flags):
            return
        unshare(flags | CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    except OSError as error:
        raise refused("a user, network and pid namespace", error) from error


def refused(what: str, error: OSError) -> LabError:
    """The LabError for a kernel that does not give ``what``, naming the likely setting."""
    name = errno.errorcode.get(error.errno or 0, str(error.errno))
    return LabError(
        f"the kernel refuses the lab {what}",
        wanted="root (CAP_SYS_ADMIN), or unprivileged user namespaces",
        saw=f"{name} as uid {os.geteuid()}{_limits()}",
        look="`unshare --user --net --pid --fork true`; docs/lab.md",
    )


def new_network() -> int:
    """A file descriptor of a new, empty network namespace; it lives while that is open."""

    def make() -> int:
        unshare(CLONE_NEWNET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return in_thread(make)


def inside(network: int, act: Callable[[], T]) -> T:
    """What ``act`` returns when run in the network namespace ``network``; its errors pass."""

    def enter() -> T:
        if _LIBC.setns(network, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return act()

    return in_thread(enter)


def in_thread(act: Callable[[], T]) -> T:
    """Run ``act`` in a thread of its own to the end, and give back what it gave or raised."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001 - carried over and raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="in-namespace", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _unshared(flags: int) -> bool:
    """Whether unshare worked; False when only a capability was missing."""
    try:
        unshare(flags)
    except PermissionError:
        return False
    return True


def _limits() -> str:
    """The sysctls that explain a refusal, as ``; name=value`` pairs."""
    said = []
    for name, wanted in _LIMITS.items():
        value = _sysctl(name)
        if value is not None and value != wanted:
            said.append(f"{name}={value}")
    said += [f"{name}=0" for name in _MAXIMA if _sysctl(name) == "0"]
    return "".join(f"; {text}" for text in said)


def _sysctl(name: str) -> str | None:
    try:
        return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return None
