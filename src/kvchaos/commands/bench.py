"""``kvchaos bench``: list, run, baseline; what is compared is in ``bench_against``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from kvchaos.bench.measure import Told, measure
from kvchaos.bench.render import figure_rows, line
from kvchaos.bench.results import Result
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.summary import Written, figures_page
from kvchaos.bench.trees import at_commit, commit_here, resolve, this_tree
from kvchaos.commands.bench_against import compare, prove
from kvchaos.commands.bench_options import (
    BASELINE,
    CLOCK,
    json_option,
    markdown_option,
    no_lab_option,
    patterns_argument,
    picked,
    quick_option,
    seed_option,
    stored_baseline,
)


@click.group()
def bench() -> None:
    """Figures about kvchaos itself: measure them, and notice when they get worse.

    PATTERN is a benchmark's name, its first part (wire), or a pattern (wire.decode*).
    """


bench.add_command(compare)
bench.add_command(prove)


@bench.command("list")
@patterns_argument
def list_(patterns: tuple[str, ...]) -> None:
    """What there is to measure; a * marks what raises the alarm."""
    known, broken = picked(patterns)
    for each in known:
        marks = "".join(f"  [{mark}]" for mark in ("slow", "lab") if getattr(each, mark))
        click.echo(f"{each.name}  {each.about}{marks}")
        for name, figure in each.figures.items():
            target = "" if figure.target is None else f", target {figure.target:g}"
            star = "* " if figure.gate else "  "
            click.echo(f"  {star}{name or 'one figure'}: {figure.unit}, {figure.better}{target}")
    sys.exit(2 if broken else 0)


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
    known, broken = picked(patterns)
    wanted = _cheap(known, quick=quick, no_lab=no_lab)
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
        broken=broken,
    )
    Written(json_, markdown).write(found.as_json(), figures_page(found))
    if profile:
        click.echo(f"flame graphs: {profile}", err=True)
    missed = strict and any(each.meets is False for each in found.figures.values())
    sys.exit(2 if found.errors else int(missed))


@bench.command()
@click.option("--commit", default="HEAD", show_default=True, help="What is measured.")
@click.option("--out", type=click.Path(path_type=Path), help=f"Default: {BASELINE}.")
@quick_option
@no_lab_option
@seed_option
def baseline(*, commit: str, out: Path | None, quick: bool, no_lab: bool, seed: int) -> None:
    """Measure a commit and write its figures as the baseline of `kvchaos bench compare`."""
    known, broken = picked(())
    name = resolve(commit)
    path = out or stored_baseline()
    with TemporaryDirectory(prefix="kvchaos-bench-") as folder:
        found = measure(
            _cheap(known, quick=quick, no_lab=no_lab),
            at_commit(name, Path(folder)),
            commit=name,
            seed=seed,
            clock=CLOCK,
            told=_figures_told(None, None),
            broken=broken,
        )
    Written(str(path), None).write(found.as_json(), "")
    click.echo(f"{path}: {len(found.figures)} figures of {name[:12]}")
    sys.exit(2 if found.errors else 0)


def _cheap(found: list[Benchmark], *, quick: bool, no_lab: bool) -> list[Benchmark]:
    return [each for each in found if not (quick and each.slow) and not (no_lab and each.lab)]


def _figures_told(*files: str | None) -> Told:
    def told(found: dict[str, Result], error: str) -> None:
        for row in figure_rows(found):
            click.echo(line(row), err="-" in files)
        if error:
            click.echo(error, err=True)

    return told
