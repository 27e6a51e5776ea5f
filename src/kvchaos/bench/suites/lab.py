"""The lab from nothing to all pods ready, what it then holds in memory, and how long it takes down.

Each sample is a lab of its own, as it is shipped (three engines, one router), in its own folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.clock import Clock

KIB = 1024
LIMIT = 90.0
FIGURES = {
    "up": Figure("s", target=4.0),
    "down": Figure("s"),
    "rss": Figure("MiB", target=400.0),
    "pss": Figure("MiB"),
}


@benchmark("lab.start", figures=FIGURES, samples=3, slow=True, lab=True)
def start(bench: Bench) -> Iterator[dict[str, float]]:
    """`kvchaos lab up`, the memory of daemon, node and pods together, `kvchaos lab down`."""
    while True:
        with folder() as environment:
            up = timed("up", environment, bench.clock)
            state = json.loads(Path(environment["KVCHAOS_LAB_DIR"], "state.json").read_text())
            pids = family(state["daemon"]["pid"])
            memory = {"rss": total(pids, "Rss"), "pss": total(pids, "Pss")}
            yield {"up": up, "down": timed("down", environment, bench.clock), **memory}


@contextmanager
def folder() -> Iterator[dict[str, str]]:
    """An environment that names a lab of its own; whatever happens, that lab is taken down."""
    with tempfile.TemporaryDirectory(prefix="kvchaos-bench-") as place:
        environment = {**os.environ, "KVCHAOS_LAB_DIR": f"{place}/lab"}
        try:
            yield environment
        finally:
            command([sys.executable, "-m", "kvchaos", "lab", "down"], environment)


def timed(word: str, environment: dict[str, str], clock: Clock) -> float:
    """Seconds that ``kvchaos lab WORD`` takes, from exec to exit."""
    began = clock.now()
    command([sys.executable, "-m", "kvchaos", "lab", word], environment)
    return clock.now() - began


def command(words: list[str], environment: dict[str, str], *, cwd: Path | None = None) -> None:
    """Runs it to its end; what it says counts only when it fails, and is then on stderr."""
    ran = subprocess.run(  # noqa: S603  # our own words  # nosec B603
        words,
        env=environment,
        cwd=cwd,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    if ran.returncode:
        sys.stderr.write((ran.stdout + ran.stderr).decode(errors="replace"))
        ran.check_returncode()


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        for task in Path(f"/proc/{found[-1]}/task").iterdir():
            queue += map(int, (task / "children").read_text().split())
    return found


def total(pids: list[int], field: str) -> float:
    """The processes' memory in MiB, by a field of smaps_rollup (proc(5))."""
    lines = (
        line
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith(f"{field}:")
    )
    return sum(int(line.split()[1]) for line in lines) / KIB
