"""The fixed cost of a run: all of it but the fault and the recovery, the lab being up."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from kvchaos.assets import asset
from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.suites.lab import command, folder
from kvchaos.bench.timing import Bench
from kvchaos.clock import Clock

NOTHING = {
    "title": "nothing",
    "description": "the floor: Chaos Toolkit by itself",
    "method": [],
}
CHAOS = [sys.executable, "-m", "chaostoolkit", "--no-version-check"]
KVCHAOS = [sys.executable, "-m", "kvchaos"]
FIGURES = {
    "fixed": Figure("s", target=3.0),
    "whole": Figure("s"),
    "chaostoolkit": Figure("s"),
}


@benchmark("run.overhead", figures=FIGURES, samples=3, slow=True, lab=True)
def overhead(bench: Bench) -> Iterator[dict[str, float]]:
    """`kvchaos run` of a network partition, without its fault; beside it Chaos Toolkit alone."""
    with folder() as environment:
        environment |= {"KUBERNETES_CONTEXT": "kvchaos-lab", "KVCHAOS_FAULT_SECONDS": "3"}
        environment |= {"KVCHAOS_TRAFFIC_SECONDS": "0"}
        command([*KVCHAOS, "lab", "up"], environment)
        place = Path(environment["KVCHAOS_LAB_DIR"]).parent
        number = 0
        while True:
            number += 1
            yield _sample(place / str(number), environment, bench.clock)


def _sample(place: Path, environment: dict[str, str], clock: Clock) -> dict[str, float]:
    place.mkdir()
    (place / "nothing.json").write_text(json.dumps(NOTHING))
    experiment = str(asset("experiments", "network-partition.json"))
    whole = _timed([*KVCHAOS, "run", experiment], place, environment, clock)
    floor = _timed([*CHAOS, "run", "nothing.json"], place, environment, clock)
    return {"fixed": whole - _busy(place), "whole": whole, "chaostoolkit": floor}


def _busy(place: Path) -> float:
    """Seconds from the request of the fault until the index agreed again, by the history."""
    history = next(place.glob("kvchaos-runs/*/history.jsonl"))
    events = [json.loads(line) for line in history.read_text().splitlines()]
    requested = next(e["requested"] for e in events if e["event"] == "fault_injected")
    agreed = next(e["timeline"]["agreed"] for e in events if e["event"] == "recovery")
    return float(agreed - requested)


def _timed(words: list[str], place: Path, environment: dict[str, str], clock: Clock) -> float:
    began = clock.now()
    command(words, environment, cwd=place)
    return clock.now() - began
