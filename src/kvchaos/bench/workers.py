"""A measuring process from the outside: started in a tree, asked for samples, ended.

The rule guarded here: an answer has a bound, and no process outlives its block. Both sides of a
comparison get the same environment: the same hash seed, no settings of the user's.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from kvchaos.bench.suite import Benchmark
from kvchaos.bench.timing import EXTRA
from kvchaos.bench.trees import Tree
from kvchaos.clock import Clock
from kvchaos.errors import KVChaosError

Json = dict[str, Any]
START = 60.0
END = 40.0
TOLD = 2000
LAST_WORDS = 5.0  # seconds
ENDED = "its process ended"


class BenchmarkFailed(KVChaosError):
    """A benchmark that gave no figure: it raised, ended, or took too long; ``said`` is the end of
    what its process wrote on stderr, a traceback as a rule.
    """

    def __init__(self, what: str, *, wanted: str = "", saw: str = "", said: str = "") -> None:
        self.said = said
        super().__init__(what, wanted=wanted, saw=saw, look=said.rpartition("\n")[2])


class Worker:
    """A process that measures one benchmark; made by ``worker``."""

    def __init__(
        self, process: subprocess.Popen[bytes], benchmark: Benchmark, said: IO[bytes], clock: Clock
    ) -> None:
        self.process = process
        self._benchmark = benchmark
        self._said = said
        self._clock = clock
        self._rest = b""

    def take(
        self, samples: int, *, calibrate: int = 0, profile: Path | None = None
    ) -> tuple[list[dict[str, float]], list[float]]:
        """The figures of so many samples, and seconds of the calibration loop, if asked for."""
        question = {
            "take": samples,
            "calibrate": calibrate,
            "profile": str(profile) if profile else None,
        }
        assert self.process.stdin is not None  # noqa: S101  # a pipe, by construction
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failed(ENDED) from None
        answer = self.answer(self._benchmark.timeout * max(1, samples))
        return answer["samples"], answer["calibration"]

    def answer(self, timeout: float) -> Json:
        """The next line of the process; BenchmarkFailed if there is none in time."""
        assert self.process.stdout is not None  # noqa: S101  # a pipe, by construction
        deadline = self._clock.now() + timeout
        while b"\n" not in self._rest:
            left = deadline - self._clock.now()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise self._failed(f"no answer within {timeout:g} s")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise self._failed(ENDED)
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        found: Json = json.loads(line)
        return found

    def _failed(self, saw: str) -> BenchmarkFailed:
        if saw == ENDED:  # it says why after its last answer, and then ends
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LAST_WORDS)
        self._said.seek(0)
        told = self._said.read()[-TOLD:].decode(errors="replace").strip()
        return BenchmarkFailed(
            f"benchmark {self._benchmark.name}", wanted="a figure", saw=saw, said=told
        )

    def end(self) -> None:
        """Let the benchmark clean up, within a bound; then it is killed."""
        assert self.process.stdin is not None  # noqa: S101  # a pipe, by construction
        self.process.terminate()
        try:
            self.process.communicate(timeout=END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@contextmanager
def worker(benchmark: Benchmark, tree: Tree, *, seed: int, clock: Clock) -> Iterator[Worker]:
    """A process that is ready to measure the benchmark with the code in ``tree``."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603  # this Python, our own module  # nosec B603
            [sys.executable, "-m", "kvchaos.bench.worker", benchmark.name, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=folder,
            env=environment(tree),
            start_new_session=True,
        )
        found = Worker(process, benchmark, said, clock)
        try:
            _greet(found.answer(START), benchmark, tree)
            yield found
        finally:
            found.end()


def environment(tree: Tree) -> dict[str, str]:
    """What a worker sees: the tree's code first, and nothing that makes runs differ."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KVCHAOS_")}
    asked = {EXTRA: str(tree.extra)} if tree.extra else {}
    return {**kept, **asked, "PYTHONPATH": str(tree.source), "PYTHONHASHSEED": "0"}


def _greet(hello: Json, benchmark: Benchmark, tree: Tree) -> None:
    if Path(hello["kvchaos"]).resolve() != (tree.source / "kvchaos").resolve():
        raise BenchmarkFailed(
            f"benchmark {benchmark.name} measures other code",
            wanted=str(tree.source / "kvchaos"),
            saw=hello["kvchaos"],
        )
    if "error" in hello:
        raise BenchmarkFailed(f"benchmark {benchmark.name} in {tree.name}", saw=hello["error"])
