"""What keeps a benchmark from being silent, or from telling a figure that says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without

COMMAND = "unit/commands/test_bench_command.py"


def of_measuring() -> Iterator[Guard]:
    """A suite that cannot be loaded is no success; nothing lost at no rate is none either."""
    yield returns("kvchaos.bench.against:unloaded", "[]", tests=COMMAND)
    yield without(
        "kvchaos.bench.measure:measure", "(broken or {}).items()", instead="()", tests=COMMAND
    )
    yield without(
        "kvchaos.commands.bench_against:prove.callback",
        "if broken:",
        instead="if 0:",
        tests=COMMAND,
    )
    yield returns(
        "kvchaos.bench.suites.engines:at_rate", "_[0]", tests="unit/bench/test_engines.py"
    )
