"""The process that measures one benchmark: asked by JSON lines on stdin, answers on stdout.

It says hello with where its kvchaos comes from, then for each ``{"take": n}`` answers with n
samples; the end of stdin, or SIGTERM, closes the benchmark, which cleans up after itself. What a
benchmark itself prints goes to stderr.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from kvchaos.bench.calibration import calibrated
from kvchaos.bench.catalogue import found
from kvchaos.bench.profiling import profiling
from kvchaos.bench.suite import Benchmark, Sample
from kvchaos.bench.timing import Bench, extra_work
from kvchaos.bench.trees import PACKAGE

Json = dict[str, Any]


def main() -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # before a traceback, not at the very end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name, seed = sys.argv[1], int(sys.argv[2])
    benchmark, broken = found(name)
    here = str(PACKAGE)
    if benchmark is None:
        told = "; ".join(f"suite {suite}: {error}" for suite, error in broken.items())
        answers.write(json.dumps({"error": told or f"no benchmark {name}", "kvchaos": here}) + "\n")
        return
    answers.write(json.dumps({"kvchaos": here}) + "\n")
    samples = benchmark.run(Bench(seed, extra=extra_work()))
    try:
        for question in sys.stdin:
            answers.write(json.dumps(_answer(benchmark, samples, json.loads(question))) + "\n")
    finally:
        getattr(samples, "close", lambda: None)()


def _answer(benchmark: Benchmark, samples: Iterator[Sample], question: Json) -> Json:
    with profiling(question.get("profile")):
        taken = [benchmark.read(next(samples)) for _ in range(question["take"])]
    scale = [calibrated() for _ in range(question.get("calibrate", 0))]
    return {"samples": taken, "calibration": scale}


if __name__ == "__main__":
    main()
