"""Runs that are killed: when and by which signals is drawn from a seed; then the truth is asked."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

from kvchaos.clock import SystemClock
from tests.lab.faults.ended import Ended, ended
from tests.lab.faults.place import Place, Started, short_partition

CLOCK = SystemClock()
PATIENCE = 60.0  # seconds from the first signal to the end of the process
PROGRAMS = ("chaos", "kvchaos")
LOOK = 0.02  # seconds between looks for a history
SOFT = (SIGINT, SIGTERM, SIGHUP)
WAYS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "two in a row", "SIGTERM, then SIGKILL")


@dataclass(frozen=True, slots=True)
class Kill:
    """One run's death: at ``share`` of its life; each signal so many seconds after the one before.

    Every other life is counted from its first line of history on: until then, which is half of a
    run on a busy machine, there is nothing to leave.
    """

    number: int
    way: str
    program: str
    share: float
    from_history: bool
    signals: tuple[tuple[float, Signals], ...]

    @property
    def label(self) -> str:
        since = " of its history" if self.from_history else ""
        return f"{self.number} {self.program} run {self.way} at {self.share:.2f}{since}"


@dataclass(frozen=True, slots=True)
class Killed:
    """How it went. ``standing``: a fault stood when the signal came; ``complete``: the run had seen
    its end by then, ``lived`` how long it took when it had ended by itself; ``before_reap`` is what
    a SIGKILL left, ``left`` what stayed after all.
    """

    kill: Kill
    ended: Ended
    standing: bool
    complete: bool
    lived: float | None
    took: float
    before_reap: tuple[str, ...]
    left: tuple[str, ...]
    cut_off: tuple[str, ...]
    reap: str

    @property
    def wrongly_pass(self) -> bool:
        return self.ended.claims_pass and not self.complete

    @property
    def is_fine(self) -> bool:
        end = self.ended
        wrong = (self.left, self.cut_off, self.wrongly_pass, end.stuck, end.lies, self.reap)
        return not any(wrong)

    @property
    def how(self) -> str:
        """How the process ended, in words."""
        code = self.ended.code
        said = next(iter(self.ended.statuses), "no record")
        return f"signal {-code}" if code < 0 else f"exit {code} {said}"

    @property
    def about(self) -> str:
        """One line: the kill, and what is wrong after it."""
        wrong = {
            "left": self.left,
            "cut off": self.cut_off,
            "wrongly pass": self.wrongly_pass,
            "did not end": self.ended.stuck,
            "exit code": self.ended.lies,
            "reap": self.reap,
        }
        what = "; ".join(f"{key}: {value}" for key, value in wrong.items() if value)
        return f"kill {self.kill.label}: {what}; {self.how}"


def planned(*, seed: int, runs: int) -> list[Kill]:
    """So many kills: each way as often as the others, instants spread over a run's whole life."""
    rng = random.Random(seed)
    rounds = -(-runs // len(WAYS))
    strata = {way: rng.sample(range(rounds), rounds) for way in WAYS}
    ways = [way for _ in range(rounds) for way in rng.sample(WAYS, len(WAYS))]
    return [
        Kill(
            number=number,
            way=way,
            program=PROGRAMS[number // len(WAYS) % len(PROGRAMS)],
            share=(strata[way].pop() + rng.random()) / rounds,
            from_history=number // len(WAYS) % 4 < 2,
            signals=_signals(way, rng),
        )
        for number, way in enumerate(ways[:runs])
    ]


def _signals(way: str, rng: random.Random) -> tuple[tuple[float, Signals], ...]:
    if way == "two in a row":
        return ((0.0, rng.choice(SOFT)), (rng.choice((0.0, 0.05, 0.3, 1.0)), rng.choice(SOFT)))
    if way == "SIGTERM, then SIGKILL":
        return ((0.0, SIGTERM), (0.5, SIGKILL))
    return ((0.0, Signals[way]),)


@dataclass(frozen=True, slots=True)
class Life:
    """How many seconds a run lives when nobody disturbs it, and how many without a history."""

    whole: float
    unborn: float

    def after(self, lived: float) -> Life:
        """What is to be expected once a run lived so many seconds: half as before, half as now."""
        part = (self.whole + lived) / 2 / self.whole
        return Life(self.whole * part, self.unborn * part)


def undisturbed(place: Place, folder: Path) -> Life:
    """A run's life in this place; it must be a pass, or nothing else means much."""
    experiment = short_partition(place.root)
    start = CLOCK.now()
    started = place.start(folder, experiment)
    _await_history(started)
    unborn = CLOCK.now() - start
    run = ended(started, within=PATIENCE)
    life = Life(whole=CLOCK.now() - start, unborn=unborn)
    assert (run.code, run.was_complete(experiment), place.truth.left()) == (0, True, []), run.said
    return life


def carried_out(kill: Kill, place: Place, folder: Path, life: Life) -> Killed:
    """One run, killed; then what is left of it, and whether the engines' events flow."""
    experiment = short_partition(place.root)
    born = CLOCK.now()
    started = place.start(folder, experiment, program=kill.program)
    if kill.from_history:
        _await_history(started)
    length = life.whole - life.unborn if kill.from_history else life.whole
    by_itself = _has_ended(started, within=kill.share * length)
    lived = CLOCK.now() - born if by_itself else None
    standing = bool(place.truth.left())
    begun = CLOCK.now()
    for after, what in kill.signals:
        _has_ended(started, within=after)
        started.process.send_signal(what)
    end = ended(started, within=PATIENCE)
    took = CLOCK.now() - begun
    before_reap: tuple[str, ...] = ()
    said = ""
    if end.code == -SIGKILL or end.stuck:
        before_reap = tuple(place.truth.left())
        said = _reaped(place, end, folder, kill)
    left = tuple(place.truth.left())
    if left:
        place.truth.clear()
    result = Killed(
        kill=kill,
        ended=end,
        standing=standing,
        complete=end.was_complete(experiment),
        lived=lived,
        took=took,
        before_reap=before_reap,
        left=left,
        cut_off=() if left else tuple(place.truth.flows()),
        reap=said,
    )
    if result.is_fine:
        shutil.rmtree(folder)
    return result


def _reaped(place: Place, end: Ended, folder: Path, kill: Kill) -> str:
    """Nothing when it says that nothing is left; by the run's id, or by labels alone."""
    by_run = end.run != "none" and kill.number % 2 == 0
    how = ("--run", end.run, "--runs", str(folder / "kvchaos-runs")) if by_run else ("--all",)
    done = place.reap(*how)
    return "" if done.returncode == 0 else f"{' '.join(how)}: {done.stdout}{done.stderr}"


def _await_history(started: Started) -> None:
    """Until the run's history begins, or it has ended without one."""
    for _ in range(int(PATIENCE / LOOK)):
        if any(started.folder.glob("kvchaos-runs/*/history.jsonl")):
            return
        if _has_ended(started, within=LOOK):
            return


def _has_ended(started: Started, *, within: float) -> bool:
    try:
        started.process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True
