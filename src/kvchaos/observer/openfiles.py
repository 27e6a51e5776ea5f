"""How many files this process may have open: a socket is one, and an engine needs several."""

from __future__ import annotations

import resource


def allow(files: int) -> int:
    """Have the soft limit raised to ``files``, or as far as the hard one lets; returns what it is.

    It is never lowered, and where the system refuses it stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return soft
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted
