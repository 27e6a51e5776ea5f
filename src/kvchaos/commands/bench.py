"""``kvchaos bench``: list, run, compare, prove, baseline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from kvchaos.bench import prove as proof
from kvchaos.bench.against import against_commit, against_figures, gated
from kvchaos.bench.catalogue import catalogue, chosen
from kvchaos.bench.detect import THRESHOLD
from kvchaos.bench.measure import Told, measure
from kvchaos.bench.pairs import Compared, Plan
from kvchaos.bench.render import compared_rows, figure_rows, line
from kvchaos.bench.results import Result, read_results
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.summary import Comparison, Proof, Written, figures_page
from kvchaos.bench.trees import at_commit, commit_here, here, resolve, this_tree
from kvchaos.clock import SystemClock
from kvchaos.errors import UsageError

Json = dict[str, Any]
CLOCK = SystemClock()
BASELINE = Path("benchmarks", "baseline_metrics.json")
EXIT_CODES = "Exit codes: 0 nothing got worse, 1 something did, 2 not known, 4 not usable."

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


@click.group()
def bench() -> None:
    """Figures about kvchaos itself: measure them, and notice when they get worse.

    PATTERN is a benchmark's name, its first part (wire), or a pattern (wire.decode*).
    """


@bench.command("list")
@patterns_argument
def list_(patterns: tuple[str, ...]) -> None:
    """What there is to measure; a * marks what raises the alarm."""
    for each in _chosen(patterns):
        marks = "".join(f"  [{mark}]" for mark in ("slow", "lab") if getattr(each, mark))
        click.echo(f"{each.name}  {each.about}{marks}")
        for name, figure in each.figures.items():
            target = "" if figure.target is None else f", target {figure.target:g}"
            star = "* " if figure.gate else "  "
            click.echo(f"  {star}{name or 'one figure'}: {figure.unit}, {figure.better}{target}")


@bench.command()
@patterns_argument
@quick_option
@no_lab_option
@seed_option
@click.option("--samples", type=click.IntRange(1), help="For each benchmark, in place of its own.")
@click.option("--profile", type=click.Path(path_type=Path), help="Folder for flame graphs.")
@click.option("--strict", is_flag=True, help="A target that is missed is exit code 1.")
@json_option
@markdown_option
def run(
    patterns: tuple[str, ...],
    *,
    quick: bool,
    no_lab: bool,
    seed: int,
    samples: int | None,
    profile: Path | None,
    strict: bool,
    json_: str | None,
    markdown: str | None,
) -> None:
    """Measure this tree: median, least and most of each figure, and whether targets are met."""
    wanted = _cheap(_chosen(patterns), quick=quick, no_lab=no_lab)
    if profile:
        profile.mkdir(parents=True, exist_ok=True)
    found = measure(
        wanted,
        this_tree(),
        commit=commit_here(),
        seed=seed,
        clock=CLOCK,
        told=_figures_told(json_, markdown),
        profiles=profile.resolve() if profile else None,
        samples=samples,
    )
    Written(json_, markdown).write(found.as_json(), figures_page(found))
    if profile:
        click.echo(f"flame graphs: {profile}", err=True)
    missed = strict and any(each.meets is False for each in found.figures.values())
    sys.exit(2 if found.errors else int(missed))


@bench.command(epilog=EXIT_CODES)
@patterns_argument
@click.option("--baseline", type=click.Path(path_type=Path), help=f"Default: {BASELINE}.")
@click.option("--against", metavar="REVISION", help="A commit, in place of the baseline's.")
@click.option("--stored", is_flag=True, help="Against the stored figures, not their commit.")
@threshold_option
@seconds_option
@seed_option
@json_option
@markdown_option
def compare(
    patterns: tuple[str, ...],
    *,
    baseline: Path | None,
    against: str | None,
    stored: bool,
    threshold: float,
    seconds: float,
    seed: int,
    json_: str | None,
    markdown: str | None,
) -> None:
    """Measure this tree and the baseline's commit in turn, and say what got worse.

    Without that commit (a wheel, a shallow clone) it is the baseline's stored figures, by a
    calibration loop, which notices less: a slowdown of a third.
    """
    wanted = gated(_chosen(patterns))
    plan = Plan(threshold=threshold, seconds=seconds, seed=seed)
    told = _compared_told(json_, markdown)
    base = None if against else read_results(baseline or _baseline())
    revision = against or (base.commit if base and not stored else None)
    try:
        commit = resolve(revision) if revision else None
    except UsageError as error:
        if against:
            raise
        click.echo(f"the baseline's commit is not here ({error.saw}): its stored figures", err=True)
        commit = None
    if commit:
        found = against_commit(wanted, commit, plan=plan, clock=CLOCK, told=told)
    else:
        assert base is not None  # noqa: S101  # --against has a commit or was refused above
        found = against_figures(wanted, base, this_tree(), seed=seed, clock=CLOCK, told=told)
    name = commit or (base and (base.commit or f"kvchaos {base.kvchaos}")) or ""
    comparison = Comparison(name, bool(commit), found)
    Written(json_, markdown).write(comparison.as_json(plan), comparison.page())
    click.echo(comparison.last_line(), err=True)
    sys.exit(comparison.exit_code)


@bench.command(epilog="Exit codes: 0 both proofs hold, 1 one does not.")
@patterns_argument
@click.option("--slowdown", default=proof.SLOWDOWN, show_default=True, help="0.2: 20 % more work.")
@click.option("--clean", default=proof.CLEAN, show_default=True, help="Comparisons unchanged.")
@threshold_option
@seconds_option
@seed_option
@json_option
@markdown_option
def prove(
    patterns: tuple[str, ...],
    *,
    slowdown: float,
    clean: int,
    threshold: float,
    seconds: float,
    seed: int,
    json_: str | None,
    markdown: str | None,
) -> None:
    """Prove the alarm on this machine: 20 % more work rings it, ten clean comparisons do not."""
    wanted = gated(_chosen(patterns or proof.BENCHMARKS))
    plan = Plan(threshold=threshold, seconds=seconds, seed=seed)

    def told(trial: proof.Trial) -> None:
        what = f"{trial.extra:.0%} slower" if trial.extra else f"clean {trial.number}"
        for row in compared_rows(trial.gates):
            click.echo(f"{what:<12}{line(row)}", err="-" in (json_, markdown))

    trials = proof.prove(wanted, slowdown=slowdown, clean=clean, plan=plan, clock=CLOCK, told=told)
    shown = Proof(trials)
    Written(json_, markdown).write(shown.as_json(plan), shown.page())
    click.echo(shown.last_line(), err="-" in (json_, markdown))
    sys.exit(shown.exit_code)


@bench.command()
@click.option("--commit", default="HEAD", show_default=True, help="What is measured.")
@click.option("--out", type=click.Path(path_type=Path), help=f"Default: {BASELINE}.")
@quick_option
@no_lab_option
@seed_option
def baseline(*, commit: str, out: Path | None, quick: bool, no_lab: bool, seed: int) -> None:
    """Measure a commit and write its figures as the baseline of `kvchaos bench compare`."""
    name = resolve(commit)
    path = out or _baseline()
    with TemporaryDirectory(prefix="kvchaos-bench-") as folder:
        found = measure(
            _cheap(_chosen(()), quick=quick, no_lab=no_lab),
            at_commit(name, Path(folder)),
            commit=name,
            seed=seed,
            clock=CLOCK,
            told=_figures_told(None, None),
        )
    Written(str(path), None).write(found.as_json(), "")
    click.echo(f"{path}: {len(found.figures)} figures of {name[:12]}")
    sys.exit(2 if found.errors else 0)


def _chosen(patterns: Sequence[str]) -> list[Benchmark]:
    found, broken = catalogue()
    for suite, error in broken.items():
        click.echo(f"suite {suite} cannot be loaded: {error}", err=True)
    return chosen(found.values(), patterns)


def _cheap(found: list[Benchmark], *, quick: bool, no_lab: bool) -> list[Benchmark]:
    return [each for each in found if not (quick and each.slow) and not (no_lab and each.lab)]


def _baseline() -> Path:
    """The checkout's baseline, else the one below the current folder."""
    top = here()
    return top / BASELINE if top else BASELINE


def _figures_told(*files: str | None) -> Told:
    def told(found: dict[str, Result], error: str) -> None:
        for row in figure_rows(found):
            click.echo(line(row), err="-" in files)
        if error:
            click.echo(error, err=True)

    return told


def _compared_told(*files: str | None) -> Callable[[list[Compared]], None]:
    def told(found: list[Compared]) -> None:
        for row in compared_rows(found):
            click.echo(line(row), err="-" in files)

    return told
