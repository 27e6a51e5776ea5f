"""``kvchaos gameday``: experiments by a plan, here and now, or by a CronJob."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import SystemRandom

import click
from click.shell_completion import CompletionItem

from kvchaos.clock import SystemClock
from kvchaos.commands.gameday_cluster import install, status, uninstall
from kvchaos.commands.gameday_files import find, looked_at, read
from kvchaos.commands.gameday_terminal import Terminal, final_table, preview
from kvchaos.commands.options import complete_context
from kvchaos.errors import UsageError
from kvchaos.gameday.day import Day, Step, planned, read_day
from kvchaos.gameday.folder import DAYS, locked, new_folder
from kvchaos.gameday.notify import Notifier, targets
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.player import RunPlayer, environment_of
from kvchaos.gameday.playing import Playing, Send
from kvchaos.gameday.process import Signals
from kvchaos.gameday.reading import plan_of
from kvchaos.gameday.reports import HTML, write_reports
from kvchaos.gameday.summary import rfc3339
from kvchaos.run.ownlab import OwnLab
from kvchaos.verdict.status import EXIT_CODE
from kvchaos.view.outlet import outlets

EXIT_CODES = (
    "0 all passed, 1 one failed, 2 unknown or not all was played, 3 aborted, 4 not usable, "
    "5 something is left behind"
)


class PlanOrVerb(click.Group):
    """A group in which a first word that is no verb of it is a plan to play."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["play", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs, then files, which are plans."""
        found = super().shell_complete(ctx, incomplete)
        return found or [CompletionItem(incomplete, type="file")]


@click.group(cls=PlanOrVerb)
def gameday() -> None:
    """Play a plan of experiments: `kvchaos gameday PLAN.yaml`; or have a CronJob do it.

    The same as `kvchaos gameday play PLAN.yaml`, whose --help has the options.
    """


@gameday.command(epilog=f"Exit codes: {EXIT_CODES}.")
@click.argument("plan_file", metavar="[PLAN.yaml]", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Give leave to every experiment.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Go on with this game day; its plan may be left out.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be played, and begin nothing.")
@click.option(
    "--context",
    default="",
    help="The cluster, whatever the plan says.",
    shell_complete=complete_context,
)
@click.option(
    "--days",
    type=click.Path(path_type=Path, file_okay=False),
    default=DAYS,
    show_default=True,
    help="The folder that game days are kept in, and compared with each other.",
)
@outlets()
def play(
    plan_file: Path | None,
    *,
    yes: bool,
    resume: Path | None,
    dry_run: bool,
    context: str,
    days: Path,
) -> None:
    """Play the experiments of a plan, one after the other, and report on all of them."""
    clock = SystemClock()
    day = read_day(resume) if resume else None
    plan, source = _plan(plan_file, day)
    context = context or (day.context if day else "")
    environments = {
        each.name: environment_of(plan, each, os.environ, context=context) for each in plan.plays
    }
    ready = looked_at(plan, source, context=context)
    hooks = targets(plan.notify, os.environ)
    day = day or planned(
        plan,
        source=source.absolute(),
        at=clock.wall(),
        seed=SystemRandom().randrange(10**6),
        context=ready[0].settings.kubernetes_context,
        namespace=ready[0].settings.namespace,
        version=version("kvchaos"),
    )
    if dry_run:
        preview(plan, day, ready, now=clock.wall())
        return
    _ensure_due(day, resume)
    if plan.approval != "none" and not (yes or sys.stdin.isatty()):
        raise UsageError(
            "nobody can be asked for leave",
            wanted="a terminal, --yes, or approval: none in the plan",
        )
    folder = resume or new_folder(days, plan.name, day.began)
    signals = Signals()
    lab = OwnLab()
    player = RunPlayer(ready, environments, signals=signals, clock=clock, lab=lab)
    door = Terminal(player, asks=not yes)
    tell = partial(click.echo, err=True)
    notifier = Notifier(hooks, tell=tell, clock=clock)
    with locked(folder), signals.caught(), lab:
        try:
            day = _as_left(day, resume)
            _ensure_due(day, resume)
            click.echo(f"in {folder}")
            playing = Playing(
                plan,
                day,
                folder,
                player=player,
                door=door,
                signals=signals,
                clock=clock,
                send=_sender(notifier, folder),
            )
            day = playing.play()
        finally:
            notifier.close()
        told = write_reports(day, folder, tell=tell)
    final_table(told)
    click.echo(f"report: {folder / HTML}")
    if day.due:
        click.echo(f"go on with: kvchaos gameday --resume {folder}")
    sys.exit(EXIT_CODE[day.status])


gameday.add_command(install)
gameday.add_command(status)
gameday.add_command(uninstall)


def _plan(path: Path | None, day: Day | None) -> tuple[Plan, Path]:
    """The plan, and where it stands; that of a day that goes on is as it was."""
    if day is None:
        if path is None:
            raise UsageError("gameday", wanted="a plan, or --resume with a game day's folder")
        return read(path), path
    source = Path(day.source)
    plan = plan_of(day.text, path=source, find=find)
    if path is not None and read(path).text != day.text:
        raise UsageError(
            f"{path} has changed since the game day began",
            wanted="--resume without a plan, or a new game day",
        )
    return plan, source


def _as_left(day: Day, resume: Path | None) -> Day:
    """The day that goes on as another process left it, which may have played it until now."""
    return read_day(resume) if resume else day


def _ensure_due(day: Day, resume: Path | None) -> None:
    if not day.due:
        raise UsageError(f"{resume}", wanted="something left to play", saw="all of it was played")


def _sender(notifier: Notifier, folder: Path) -> Send:
    """What tells the terminal and the webhooks of an event."""

    def send(event: str, text: str, day: Day, step: Step | None) -> None:
        if event != "ended":  # the table at the end tells it
            click.echo(text)
        last = step.last if step else None
        notifier.send(
            event,
            text,
            plan=day.plan,
            owner=day.owner,
            purpose=day.purpose,
            at=rfc3339(day.log[-1].at),
            folder=str(folder),
            context=day.context,
            namespace=day.namespace,
            experiment=step.play if step else None,
            run=last.run or None if last else None,
            status=str(day.status) if event == "ended" else last and last.status,
        )

    return send
