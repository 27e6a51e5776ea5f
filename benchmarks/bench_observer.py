"""Blocks a second that the observer takes in: receive, decode, order, oracle, end to end.

A publisher in a process of its own sends batches that were encoded before, over loopback, as fast
as they are taken (it waits at its high-water mark instead of dropping), so that it is never the
bottleneck; its own rate against a consumer that only receives is measured too. The observer is the
real one, with its threads, its locks and its libzmq I/O thread, pinned to one core (``cores`` 1:
the publisher shares that core; 2: it has the other one). Blocks per CPU second (of the observer's
process, all threads) tell what one core does on a machine that has other work as well.

    python benchmarks/bench_observer.py [--seconds 3] [--runs 5] [--seed 7] > result.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import zmq

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster.config import Access
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.kvevents.wire import Batch, BlockRemoved, BlockStored, Event, encode
from kvchaos.observer import Observer

BLOCKS = 8
BLOCK_SIZE = 16
DISTINCT = 4096
WINDOW = 20_000
TARGET = 300_000
CLOCK = SystemClock()


def stored(rng: Random, parent: int | None) -> BlockStored:
    """What an engine publishes for a prompt of eight blocks."""
    return BlockStored(
        [rng.getrandbits(64) for _ in range(BLOCKS)],
        parent,
        [rng.randrange(1000, 32_000) for _ in range(BLOCKS * BLOCK_SIZE)],
        BLOCK_SIZE,
        None,
        "GPU",
        None,
    )


def payloads(kind: str, seed: int) -> list[bytes]:
    """``stored``: eight blocks a batch; ``churn``: also eight evictions, one event each."""
    rng = Random(seed)
    events = [stored(rng, rng.getrandbits(64)) for _ in range(DISTINCT)]
    batches: list[list[Event]] = [[event] for event in events]
    if kind == "churn":
        for number, batch in enumerate(batches):
            old = events[number - DISTINCT // 2]
            batch += [BlockRemoved([block], "GPU") for block in old.block_hashes]
    return [encode(Batch(1.5 + number, batch, 0)) for number, batch in enumerate(batches)]


def publish(control: Connection, kind: str, seed: int, core: int) -> None:
    """The publisher's process: binds, tells its ports, answers replays, sends when told to."""
    os.sched_setaffinity(0, {core})
    context = zmq.Context()
    pub, router = context.socket(zmq.PUB), context.socket(zmq.ROUTER)
    pub.sndhwm = WINDOW
    pub.setsockopt(zmq.XPUB_NODROP, 1)
    ports = tuple(socket.bind_to_random_port("tcp://127.0.0.1") for socket in (pub, router))
    made = payloads(kind, seed)
    control.send(ports)
    while not control.poll(0):
        if router.poll(20):
            peer, *_ = router.recv_multipart()
            router.send_multipart([peer, b"", b"", b"\xff" * 8, b""])
    control.recv()
    seq = 0
    while not control.poll(0):
        seq = burst(pub, made, seq)
    context.destroy(linger=0)
    control.send(seq)


def burst(pub: zmq.Socket[bytes], made: list[bytes], seq: int) -> int:
    """The next seq, after as many batches as are taken, at most 256."""
    for _ in range(256):
        try:
            pub.send_multipart([b"", seq.to_bytes(8, "big"), made[seq % DISTINCT]], zmq.NOBLOCK)
        except zmq.Again:
            CLOCK.sleep(0.0005)
            return seq
        seq += 1
    return seq


class OnePod:
    """A cluster that has one engine, at 127.0.0.1."""

    access: Access
    timeout = 1.0

    def list(self, kind: Kind, **_: Any) -> list[Object]:  # noqa: ARG002  # only pods
        running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        status = {"name": "engine", "restartCount": 0, "state": running}
        return [
            {
                "metadata": {"name": "engine", "uid": "1", "namespace": "bench"},
                "spec": {"containers": [{"name": "engine"}]},
                "status": {
                    "phase": "Running",
                    "podIP": "127.0.0.1",
                    "containerStatuses": [status],
                },
            }
        ]

    def watch(self, kind: Kind, *, stop: threading.Event, **_: Any) -> Iterator[WatchEvent]:  # noqa: ARG002  # as above
        stop.wait()
        yield from ()


class Rig:
    """A publisher in a process of its own, to be used once."""

    def __init__(self, kind: str, seed: int, core: int) -> None:
        self.control, theirs = multiprocessing.Pipe()
        arguments = (theirs, kind, seed, core)
        self.process = multiprocessing.get_context("spawn").Process(target=publish, args=arguments)
        self.process.start()
        self.event_port, self.replay_port = self.control.recv()

    def go(self) -> None:
        self.control.send("go")

    def end(self) -> None:
        self.control.send("stop")
        if not self.control.poll(10):
            raise RuntimeError("the publisher did not end")
        self.process.join(10)


def measure(rig: Rig, seconds: float) -> dict[str, float]:
    """One run with the observer: blocks and batches a second, and how long ``expected`` takes."""
    observer = Observer(
        OnePod(),
        namespace="bench",
        selector="",
        event_port=rig.event_port,
        replay_port=rig.replay_port,
        transport="direct",
        emit=lambda *_: None,
        clock=CLOCK,
    )
    observer.start()
    left = observer.wait_ready(10)
    if left:
        raise RuntimeError(f"not ready: {left}")
    rig.go()
    engine = observer.engines()[0]
    poll(
        lambda: observer.head(engine) or 0,
        lambda head: head > 1000,
        timeout=10,
        every=0.01,
        clock=CLOCK,
    )
    first, began, cpu = observer.status(), CLOCK.now(), os.times()
    CLOCK.sleep(seconds)
    asked = CLOCK.now()
    last, ended, spent = observer.status(), CLOCK.now(), os.times()
    gaps = observer.wait_ready(0.0)
    observer.stop()
    took = ended - began
    worked = spent.user + spent.system - cpu.user - cpu.system
    blocks = last["blocks"] - first["blocks"]
    return {
        "blocks_per_second": blocks / took,
        "blocks_per_cpu_second": blocks / worked,
        "batches_per_second": (last["batches"] - first["batches"]) / took,
        "cpu_share": worked / took,
        "status_seconds": ended - asked,
        "unready": len(gaps),
    }


def ceiling(rig: Rig, seconds: float) -> dict[str, float]:
    """What a consumer gets that only receives."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.rcvhwm = WINDOW
    socket.subscribe(b"")
    socket.connect(f"tcp://127.0.0.1:{rig.event_port}")
    CLOCK.sleep(0.5)
    rig.go()
    socket.recv_multipart()
    count, began = 0, CLOCK.now()
    while CLOCK.now() - began < seconds:
        for _ in range(256):
            socket.recv_multipart()
        count += 256
    took = CLOCK.now() - began
    socket.close(0)
    return {"blocks_per_second": count * BLOCKS / took}


def repeat(
    run: Callable[[Rig, float], dict[str, float]], kind: str, core: int, given: argparse.Namespace
) -> dict[str, Any]:
    found = []
    for number in range(given.runs):
        rig = Rig(kind, given.seed + number, core)
        found.append(run(rig, given.seconds))
        rig.end()
    rates = [name for name in found[0] if name.startswith("blocks_per_")]
    medians = {
        f"median_{name}": round(statistics.median(each[name] for each in found)) for name in rates
    }
    return {**medians, "runs": found}


def cpu() -> str:
    """The processor's name, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")


def commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    results: dict[str, Any] = {}
    for kind in ("stored", "churn"):
        for name, core in (("two cores", cores[-1]), ("one core", cores[0])):
            results[f"{kind}, {name}"] = repeat(measure, kind, core, given)
    results["receive only, two cores"] = repeat(ceiling, "stored", cores[-1], given)
    json.dump(
        {
            "what": "observer end to end, 8 blocks a batch",
            "target_blocks_per_second": TARGET,
            "machine": {"cpu": cpu(), "cores": len(cores)},
            "python": platform.python_version(),
            "commit": commit(),
            "seed": given.seed,
            "n": given.runs,
            "load": os.getloadavg()[0],
            "results": results,
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
