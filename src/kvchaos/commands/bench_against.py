"""``kvchaos bench compare`` and ``prove``: what got slower, and what that alarm is worth."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from kvchaos.bench import prove as proof
from kvchaos.bench.against import against_commit, against_figures, gated, unloaded
from kvchaos.bench.pairs import Compared, Plan
from kvchaos.bench.render import compared_rows, line
from kvchaos.bench.results import read_results
from kvchaos.bench.summary import Comparison, Proof, Written
from kvchaos.bench.trees import resolve, this_tree
from kvchaos.commands.bench_options import (
    BASELINE,
    CLOCK,
    json_option,
    markdown_option,
    patterns_argument,
    picked,
    seconds_option,
    seed_option,
    stored_baseline,
    threshold_option,
)
from kvchaos.errors import KVChaosError, UsageError

EXIT_CODES = "Exit codes: 0 nothing got worse, 1 something did, 2 not known, 4 not usable."


@click.command(epilog=EXIT_CODES)
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
    known, broken = picked(patterns)
    wanted, open_ends = gated(known), unloaded(broken)
    plan = Plan(threshold=threshold, seconds=seconds, seed=seed)
    told = _compared_told(json_, markdown)
    base = None if against else read_results(baseline or stored_baseline())
    revision = against or (base.commit if base and not stored else None)
    try:
        commit = resolve(revision) if revision else None
    except UsageError as error:
        if against:
            raise
        click.echo(f"the baseline's commit is not here ({error.saw}): its stored figures", err=True)
        commit = None
    told(open_ends)
    if commit:
        found = against_commit(wanted, commit, plan=plan, clock=CLOCK, told=told)
    else:
        assert base is not None  # noqa: S101  # --against has a commit or was refused above
        found = against_figures(wanted, base, this_tree(), seed=seed, clock=CLOCK, told=told)
    name = commit or (base and (base.commit or f"kvchaos {base.kvchaos}")) or ""
    comparison = Comparison(name, bool(commit), [*open_ends, *found])
    Written(json_, markdown).write(comparison.as_json(plan), comparison.page())
    click.echo(comparison.last_line(), err=True)
    sys.exit(comparison.exit_code)


@click.command(epilog="Exit codes: 0 both proofs hold, 1 one does not, 2 not known.")
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
    known, broken = picked(patterns or proof.BENCHMARKS)
    if broken:
        raise KVChaosError("nothing is proven", saw=f"{', '.join(broken)} cannot be loaded")
    wanted = gated(known)
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


def _compared_told(*files: str | None) -> Callable[[list[Compared]], None]:
    def told(found: list[Compared]) -> None:
        for row in compared_rows(found):
            click.echo(line(row), err="-" in files)

    return told
