"""Where the time goes, of all threads: looked at a thousand times per second of CPU time.

Two files come of it: ``NAME.folded``, a line for each stack that was seen with how often, as
flame graph tools read it, and ``NAME.svg``, the flame graph. The look happens when the main thread
gets a turn (a signal), so that a thread in C code is seen at the call that led there.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from kvchaos.bench.flames import flame_graph

EVERY = 0.001
DEEPEST = 200
IDLE = frozenset({"wait", "select", "poll", "_sampled"})


@contextmanager
def profiling(target: str | None) -> Iterator[None]:
    """While the block runs, stacks are collected for ``target`` (a path without ending)."""
    if not target:
        yield
        return
    seen: Counter[tuple[str, ...]] = Counter()

    def look(_number: int, frame: FrameType | None) -> Any:
        seen.update(_stacks(frame))

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        _write(Path(target), seen)


def _write(target: Path, seen: Counter[tuple[str, ...]]) -> None:
    lines = [f"{';'.join(stack)} {times}\n" for stack, times in sorted(seen.items())]
    target.with_name(f"{target.name}.folded").write_text("".join(lines))
    target.with_name(f"{target.name}.svg").write_text(flame_graph(target.name, seen))


def _stacks(main: FrameType | None) -> Iterator[tuple[str, ...]]:
    """The stacks of the threads that do something; the main thread's without the look itself."""
    inner = sys._getframe(1)  # noqa: SLF001  # the handler, whose caller was interrupted
    for frame in sys._current_frames().values():  # noqa: SLF001  # there is no public way
        stack = _stack(main if _within(frame, inner) else frame)
        if stack and stack[-1].rpartition(":")[2] not in IDLE:
            yield stack


def _within(frame: FrameType | None, wanted: FrameType) -> bool:
    while frame is not None:
        if frame is wanted:
            return True
        frame = frame.f_back
    return False


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    names: list[str] = []
    while frame is not None and len(names) < DEEPEST:
        module = str(frame.f_globals.get("__name__", "?"))
        names.append(f"{module}:{frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(reversed(names))
