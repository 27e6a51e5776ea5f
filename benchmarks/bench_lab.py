"""The lab from nothing to four pods ready, and what it then holds in memory.

    python benchmarks/bench_lab.py [--runs 5]

Prints one JSON object: seconds of ``kvchaos lab up`` (as shipped: three engines, one router),
of ``kvchaos lab down``, and the resident (RSS) and proportional (PSS) memory of daemon, node and
pods together in MiB, right after they became ready. Targets: under 4 s, under 400 MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MIB = 1024  # of the kilobytes in /proc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    ups, downs, resident, proportional = [], [], [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="kvchaos-bench-") as folder:
            environment = {**os.environ, "KVCHAOS_LAB_DIR": folder}
            try:
                ups.append(timed("up", environment))
                state = json.loads(Path(folder, "state.json").read_text())
                pids = family(state["daemon"]["pid"])
                resident.append(total(pids, "Rss"))
                proportional.append(total(pids, "Pss"))
            finally:
                downs.append(timed("down", environment))
    print(json.dumps(report(runs, ups, downs, resident, proportional), indent=2))


def report(
    runs: int,
    ups: list[float],
    downs: list[float],
    resident: list[float],
    proportional: list[float],
) -> dict[str, object]:
    """Medians and worst values, with the machine and the commit they belong to."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "load": round(os.getloadavg()[0], 1),
        "n": runs,
        "up_seconds": summary(ups),
        "down_seconds": summary(downs),
        "rss_mib": summary(resident),
        "pss_mib": summary(proportional),
    }


def summary(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "max": round(max(values), 2)}


def timed(word: str, environment: dict[str, str]) -> float:
    """Seconds that ``kvchaos lab WORD`` takes, from exec to exit."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "kvchaos", "lab", word],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


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
    return sum(int(line.split()[1]) for line in lines) / MIB


if __name__ == "__main__":
    main()
