"""A terminal as its reader's end: read, left unread, or full."""

from __future__ import annotations

import os
import select


def fill(inner: int) -> None:
    """Until it takes nothing more; by a descriptor of our own, as the writer's is to wait."""
    ours = os.open(os.ttyname(inner), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        while select.select([], [ours], [], 0.2)[1]:
            os.write(ours, b"x")
    except BlockingIOError:
        pass
    finally:
        os.close(ours)


def shown(outer: int) -> str:
    """What was written to it and is not read yet."""
    found = b""
    try:
        while select.select([outer], [], [], 0)[0]:
            found += os.read(outer, 65536)
    except OSError:  # EIO: nobody has it open any more
        pass
    return found.decode(errors="replace")
