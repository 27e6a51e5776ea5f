"""Chaos for kvchaos: ``python -m tests.lab.faults.ourselves --seed 7 --runs 200``.

Kills runs at random instants, and lets the API server fail in front of them; prints what was left
(must be nothing) and who said pass without having seen it (must be none). Ends with 1 otherwise.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import click
from click import echo

from kvchaos.clock import SystemClock
from tests.lab.faults import kills
from tests.lab.faults.kills import WAYS, Kill, Killed, Life
from tests.lab.faults.place import Place, hear_signals, place
from tests.lab.faults.plans import PLANS, Plan
from tests.lab.faults.playing import Played, played
from tests.lab.faults.table import counted, table

T = TypeVar("T")
R = TypeVar("R")
CLOCK = SystemClock()
HEAD = ("", "runs", "residue left", "wrongly pass", "not ended")
OF_KILLS = (
    *HEAD,
    "cut standing",
    "ended before",
    "had to be reaped",
    "slowest end, s",
    "how it ended",
)
OF_PLANS = (*HEAD, "how it ended")


@click.command(help=__doc__)
@click.option("--seed", default=7, show_default=True)
@click.option("--runs", default=200, show_default=True, help="Runs to kill.")
@click.option("--api", default="all", show_default=True, help="Only plans whose name has this.")
@click.option(
    "--workers", default=2, show_default=True, help="Labs for kills; one more for the API."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for what was not fine.")
def main(seed: int, runs: int, api: str, workers: int, keep: Path | None) -> None:
    """Both parts; 0 when nothing was left, no pass was wrong, and every process ended."""
    hear_signals()
    root = keep or Path(tempfile.mkdtemp(prefix="kvchaos-ourselves-"))
    echo(f"seed {seed}, {runs} kills; folders of what was not fine are kept in {root}")
    plans = [plan for plan in PLANS if api == "all" or api in plan.name]
    with ThreadPoolExecutor(2) as both:
        parts = [
            both.submit(killing, root / "kills", workers, seed, runs),
            both.submit(failing, root / "api", workers + 1, seed, plans),
        ]
    echo()
    for part in parts:
        echo("\n".join(part.result().lines), nl=True)
    fine = all(part.result().fine for part in parts)
    if fine and not keep:
        shutil.rmtree(root)
    sys.exit(0 if fine else 1)


@dataclass(frozen=True, slots=True)
class Part:
    """What one part has to say, and whether all was fine."""

    lines: list[str]
    fine: bool


def killing(root: Path, workers: int, seed: int, runs: int) -> Part:
    """The kills, as a table."""
    if not runs:
        return Part([], fine=True)
    begun = CLOCK.now()
    with _places(root, workers) as places:
        lives = dict(_side_by_side(_undisturbed, places))
        one = partial(_kill, lives=lives)
        done = list(_shared(one, kills.planned(seed=seed, runs=runs), places))
    rows = [_row_of_kills(way, [each for each in done if each.kill.way == way]) for way in WAYS]
    lengths = " and ".join(f"{life.whole:.1f} s" for life in lives.values())
    took = (
        f"{runs} kills in {CLOCK.now() - begun:.0f} s; a run that nobody disturbs takes {lengths}"
    )
    wrong = [f"NOT FINE  {each.about}" for each in done if not each.is_fine]
    return Part(
        [table(OF_KILLS, [*rows, _row_of_kills("all", done)]), took, *wrong], fine=not wrong
    )


def failing(root: Path, workers: int, seed: int, plans: Sequence[Plan]) -> Part:
    """The API faults, as a table."""
    if not plans:
        return Part([], fine=True)
    begun = CLOCK.now()
    with _places(root, workers) as places:
        slow_first = sorted(plans, key=lambda plan: plan.never, reverse=True)
        done = list(_shared(partial(_play, seed=seed), slow_first, places))
    took = f"{len(done)} API faults in {CLOCK.now() - begun:.0f} s"
    wrong = [f"NOT FINE  {each.plan.name}: {each.wrong}" for each in done if each.wrong]
    return Part(
        [table(OF_PLANS, [_row_of_plan(each) for each in done]), took, *wrong], fine=not wrong
    )


@contextmanager
def _places(root: Path, workers: int) -> Iterator[list[Place]]:
    """So many labs, side by side."""
    folders = [root / f"worker-{number}" for number in range(workers)]
    with ExitStack() as stack:
        yield list(_side_by_side(lambda path: stack.enter_context(place(path)), folders))


def _undisturbed(where: Place) -> tuple[Path, Life]:
    return where.root, kills.undisturbed(where, where.root / "undisturbed")


def _kill(kill: Kill, where: Place, *, lives: dict[Path, Life]) -> Killed:
    folder = where.root / f"kill-{kill.number}"
    done = kills.carried_out(kill, where, folder, lives[where.root])
    if done.lived:
        lives[where.root] = lives[where.root].after(done.lived)
    echo("." if done.is_fine else f"\n{done.about}\n", nl=False)
    return done


def _play(plan: Plan, where: Place, *, seed: int) -> Played:
    done = played(plan, where, where.root / plan.name.replace(" ", "-"), seed=seed)
    echo("." if not done.wrong else f"\n{plan.name}: {done.wrong}\n", nl=False)
    return done


def _row_of_kills(way: str, done: Sequence[Killed]) -> Sequence[object]:
    return (
        way,
        len(done),
        sum(len(each.left) + len(each.cut_off) for each in done),
        sum(each.wrongly_pass for each in done),
        sum(each.ended.stuck for each in done),
        sum(each.standing for each in done),
        sum(each.complete for each in done),
        sum(bool(each.before_reap) for each in done),
        f"{max((each.took for each in done), default=0):.1f}",
        counted(each.how for each in done),
    )


def _row_of_plan(done: Played) -> Sequence[object]:
    how = f"exit {done.ended.code}, {'/'.join(done.ended.statuses) or 'no record'}; {done.told}"
    return (
        done.plan.name,
        1,
        len(done.unreported),
        int(done.wrongly_pass),
        int(done.ended.stuck),
        how,
    )


def _side_by_side(do: Callable[[T], R], things: Sequence[T]) -> Iterator[R]:
    with ThreadPoolExecutor(len(things)) as pool:
        yield from pool.map(do, things)


def _shared(
    do: Callable[[T, Place], R], things: Sequence[T], places: Sequence[Place]
) -> Iterator[R]:
    """``do`` each thing in whichever place is free; what came back, in the things' order."""
    free: SimpleQueue[Place] = SimpleQueue()
    for where in places:
        free.put(where)

    def one(thing: T) -> R:
        where = free.get()
        try:
            return do(thing, where)
        finally:
            free.put(where)

    with ThreadPoolExecutor(len(places)) as pool:
        yield from pool.map(one, things)


if __name__ == "__main__":
    main()
