"""What the verbs of ``kvchaos bench`` have in common: options, and which benchmarks are meant.

The rule guarded here: a suite that cannot be loaded is told of whatever was asked for, as it cannot
say what it would have measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from kvchaos.bench.catalogue import catalogue, chosen
from kvchaos.bench.detect import THRESHOLD
from kvchaos.bench.pairs import Plan
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.trees import here
from kvchaos.clock import SystemClock

CLOCK = SystemClock()
BASELINE = Path("benchmarks", "baseline_metrics.json")

patterns_argument = click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
seed_option = click.option("--seed", default=7, show_default=True, help="Of the data.")
json_option = click.option("--json", "json_", metavar="FILE", help="Write JSON; - is stdout.")
markdown_option = click.option("--markdown", metavar="FILE", help="Write Markdown; - is stdout.")
quick_option = click.option("--quick", is_flag=True, help="Without those that take long.")
no_lab_option = click.option("--no-lab", is_flag=True, help="Without those that start a lab.")
seconds_option = click.option(
    "--seconds", default=Plan().seconds, show_default=True, help="Bound for each benchmark."
)
threshold_option = click.option(
    "--threshold",
    default=THRESHOLD,
    show_default=True,
    type=click.FloatRange(0.01, 10),
    help="How much worse is an alarm: 0.1 is 10 %.",
)


def picked(patterns: Sequence[str]) -> tuple[list[Benchmark], Mapping[str, str]]:
    """The benchmarks that are meant, and why suites could not be loaded, by name; told, too."""
    found, broken = catalogue()
    for suite, error in broken.items():
        click.echo(f"suite {suite} cannot be loaded: {error}", err=True)
    return chosen(found.values(), patterns), broken


def stored_baseline() -> Path:
    """The checkout's baseline, else the one below the current folder."""
    top = here()
    return top / BASELINE if top else BASELINE
