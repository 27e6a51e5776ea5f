"""A game day on a terminal: what would be played, a person asked, the table at the end."""

from __future__ import annotations

import os
import select
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from kvchaos.gameday.day import Day, Step
from kvchaos.gameday.gates import SLICE, Answer
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.player import Ready, RunPlayer
from kvchaos.gameday.words import since_lines, span
from kvchaos.report.layout import hanging, plain
from kvchaos.report.summary import NARROWEST

Json = dict[str, Any]
ANSWERS = {"y": Answer.PLAY, "s": Answer.SKIP, "q": Answer.QUIT}
LONGEST = 4096
"""Bytes of a line that a terminal gives at once."""


class Terminal:
    """Asks the person at the terminal for leave, and the cluster for holds."""

    def __init__(self, player: RunPlayer, *, asks: bool) -> None:
        self._player = player
        self._asks = asks

    def held(self, play: str) -> str:
        return self._player.held(play)

    def leave(self, step: Step, *, closed: Callable[[], bool]) -> Answer | None:
        if not self._asks:
            return Answer.PLAY
        where = self._player.where(step.play)
        while True:
            click.echo(
                f"{step.number}: play {step.title}, {where}? (y)es, (s)kip, (q)uit ", nl=False
            )
            line = _line(sys.stdin.fileno(), closed=closed)
            if not line:  # it is taken back; or Ctrl-D, or a terminal that is gone
                click.echo()
                return None if line is None else Answer.QUIT
            said = line.strip().lower()
            if said in ANSWERS:
                return ANSWERS[said]
            click.echo(f"{said!r} is none of y, s, q")


def _line(terminal: int, *, closed: Callable[[], bool]) -> str | None:
    """What a person typed, empty at the end of input; None once ``closed`` says that it is late."""
    while not select.select([terminal], [], [], SLICE)[0]:
        if closed():
            return None
    try:
        return os.read(terminal, LONGEST).decode(errors="replace")
    except OSError:
        return ""


def preview(plan: Plan, day: Day, ready: Sequence[Ready], *, now: float) -> None:
    """Print what would be played, in which order, where, and whether it might begin now."""
    known = {each.play.name: each for each in ready}
    click.echo(f"game day {plan.name} of {plan.owner}: {plan.purpose}")
    if windows := plan.windows:
        opens = windows.next_open(now)
        is_open = windows.is_open(now)
        click.echo("open now" if is_open else f"closed now: {windows.why_closed(now)}")
        if not is_open:
            click.echo(f"opens {windows.shown(opens)}" if opens else "it does not open again")
    for step in day.due:
        each = known[step.play]
        click.echo(f"{step.number:>3}  {step.title}  {each.where}  {each.play.file}")
    if day.seed is not None:
        click.echo(f"the order is random, by the seed {day.seed}")
    click.echo("nothing was begun")


def final_table(told: Json) -> None:
    """Print each step with its status and its recovery, what got worse, and the whole."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo()
    for line in table_lines(told, width=width):
        click.echo(line)


def table_lines(told: Json, *, width: int | None) -> Iterator[str]:
    """The lines of that table, each within ``width`` columns; None: as long as it comes."""
    titles = max(len(each["title"]) for each in told["steps"])
    for each in told["steps"]:
        line = f"{each['number']:>3}  {each['title']:<{titles}}  {each['status']:<10}"
        line = f"{line}  {span(each['recovery']):>8}  "
        yield from _within(line, each["why"] or each["headline"], width)
    for said in since_lines(told["since"]):
        yield from _within("", said, width)
    played = f"{told['played']} of {told['planned']} played"
    yield from _within("", f"game day {told['gameday']}: {told['status'].upper()}, {played}", width)


def _within(head: str, text: str, width: int | None) -> Iterator[str]:
    if width is None or len(head) + len(text) <= width:
        yield f"{head}{text}"
        return
    head = head if len(head.rstrip()) <= width else " ".join(head.split())
    yield from plain(hanging(((head, ""),), text, width=max(NARROWEST, width))).splitlines()
