"""The fixed cost of a run: all of ``chaos run`` but the fault and the recovery, the lab being up.

Prints one JSON object: seconds of whole processes, min, median and max over the runs; beside it
the floor, an experiment that does nothing, in turn with them.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kvchaos.assets import asset

RUNS = 5
BIN = Path(sys.executable).parent
NOTHING = {
    "title": "nothing",
    "description": "the floor: Chaos Toolkit by itself",
    "method": [],
}


def main() -> None:
    """Start a lab, run both in turn, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "KVCHAOS_LAB_DIR": f"{folder}/lab",
            "KUBERNETES_CONTEXT": "kvchaos-lab",
            "KVCHAOS_FAULT_SECONDS": "5",
        }
        subprocess.run(
            [BIN / "kvchaos", "lab", "up"], env=environment, check=True, stdout=sys.stderr
        )
        try:
            pairs = [measure(Path(folder) / str(run), environment) for run in range(RUNS)]
        finally:
            subprocess.run(
                [BIN / "kvchaos", "lab", "down"], env=environment, check=True, stdout=sys.stderr
            )
    print(json.dumps(report(pairs), indent=2))


def measure(folder: Path, environment: dict[str, str]) -> tuple[float, float, float]:
    """Seconds: of the whole run, of its fault and recovery, of the floor."""
    folder.mkdir()
    (folder / "nothing.json").write_text(json.dumps(NOTHING))
    whole = timed([str(asset("experiments", "network-partition.json"))], folder, environment)
    floor = timed(["nothing.json"], folder, environment)
    history = next(folder.glob("kvchaos-runs/*/history.jsonl"))
    events = [json.loads(line) for line in history.read_text().splitlines()]
    requested = next(e["requested"] for e in events if e["event"] == "fault_injected")
    agreed = next(e["timeline"]["agreed"] for e in events if e["event"] == "recovery")
    return whole, agreed - requested, floor


def timed(arguments: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds that ``chaos run`` took."""
    began = time.perf_counter()
    command = [str(BIN / "chaos"), "--no-version-check", "run", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def report(pairs: list[tuple[float, float, float]]) -> dict[str, object]:
    """The figures with what they were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "n": len(pairs),
        "run_seconds": spread([whole for whole, _, _ in pairs]),
        "fault_and_recovery_seconds": spread([fault for _, fault, _ in pairs]),
        "fixed_cost_seconds": spread([whole - fault for whole, fault, _ in pairs]),
        "chaostoolkit_floor_seconds": spread([floor for _, _, floor in pairs]),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Min, median and max, to the millisecond."""
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


if __name__ == "__main__":
    main()
