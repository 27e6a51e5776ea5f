"""Whether the alarm is worth something on this machine: a slowdown rings it, nothing else does.

The slow side really is slower: of the measured work that much is done once more and not counted
(``kvchaos.bench.timing``). The clean sides are two copies of the same code. Both are compared as
any two commits are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kvchaos.bench.detect import Judgement
from kvchaos.bench.pairs import Compared, Plan, compare_trees
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.trees import copied
from kvchaos.clock import Clock

SLOWDOWN = 0.2
CLEAN = 10
BENCHMARKS = ("wire.decode_map", "wire.encode_map", "oracle.fold")
"""What the proof is made with, unless others are named; each alone takes some seconds."""
SEEDS = 100
"""Between the seeds of two comparisons."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison of the proof, and what it had to be."""

    extra: float
    number: int
    found: list[Compared]

    @property
    def gates(self) -> list[Compared]:
        return [each for each in self.found if each.gate]

    @property
    def holds(self) -> bool:
        """A slowdown is worse in every gate; what is the same raises the alarm in none."""
        alarms = [each.judgement is Judgement.WORSE for each in self.gates]
        return bool(alarms) and (all(alarms) if self.extra else not any(alarms))


def prove(
    benchmarks: Sequence[Benchmark],
    *,
    slowdown: float = SLOWDOWN,
    clean: int = CLEAN,
    plan: Plan,
    clock: Clock,
    told: Callable[[Trial], None],
) -> list[Trial]:
    """One comparison of each benchmark slowed down, then ``clean`` ones of it unchanged."""
    trials = []
    with TemporaryDirectory(prefix="kvchaos-bench-") as folder:
        base, this = copied(Path(folder, "base")), copied(Path(folder, "this"))
        for number in range(clean + 1):
            slowed = replace(this, extra=0.0 if number else slowdown)
            planned = replace(plan, seed=plan.seed + SEEDS * number)
            for benchmark in benchmarks:
                found = compare_trees(benchmark, base, slowed, plan=planned, clock=clock)
                trials.append(Trial(slowed.extra, number, found))
                told(trials[-1])
    return trials
