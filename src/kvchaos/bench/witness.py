"""The reference router, which also says when what it applied changed: the truth about a recovery.

Runs in the lab's router pod in place of ``kvchaos router``, with the same arguments, and prints a
line of JSON for each change: ``{"witness": "pod/rank", "at": s, "seq": applied last, or null}``, by
the machine's monotonic clock, which all processes of a lab share. The router's own code is what
runs; it is looked up by name, as the lab's pods do, for nothing here is part of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from kvchaos.clock import Clock, SystemClock

Json = dict[str, Any]
MARK = '{"witness": '


class Witness:
    """Hands the lines to ``write``: what a receiver's ranks have applied, whenever that changed."""

    def __init__(self, write: Callable[[str], object], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._seen: dict[str, int | None] = {}

    def look(self, receiver: Any) -> None:
        """After a turn of its receive thread, while it still holds the lock."""
        at = self._clock.now()
        for view in (feed.view() for feeds in receiver._feeds.values() for feed in feeds):  # noqa: SLF001  # no other way
            engine = f"{view['pod']}/{view['rank']}"
            if engine not in self._seen or self._seen[engine] != view["seq"]:
                self._seen[engine] = view["seq"]
                line = {"witness": engine, "at": at, "seq": view["seq"]}
                self._write(f"{json.dumps(line)}\n")


def told(log: str) -> Iterator[Json]:
    """The witness's lines in what the router wrote."""
    for line in log.splitlines():
        if line.startswith(MARK) and line.endswith("}"):
            yield json.loads(line)


def main() -> None:
    """The router with its witness."""
    receiver = import_module("kvchaos.sim.router.receiver").Receiver
    witness, turn = Witness(_print, SystemClock()), receiver._turn  # noqa: SLF001  # as above

    def witnessed(self: Any) -> None:
        turn(self)
        witness.look(self)

    receiver._turn = witnessed  # noqa: SLF001  # as above
    import_module("kvchaos.sim.router.main").main()


def _print(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
