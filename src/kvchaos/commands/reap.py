"""``kvchaos reap``: end the faults that runs left behind, and say what is left then.

For a run that was killed, and as a net below all runs: an ``if: always()`` step, a CronJob.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from kvchaos.clock import Clock, SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.commands.options import DEFAULTS, context_option
from kvchaos.errors import TemplateInvalid, UsageError
from kvchaos.mesh.duration import duration_seconds
from kvchaos.mesh.found import Scope, Search, Seen
from kvchaos.mesh.lines import Line, of_context, read_ledgers
from kvchaos.mesh.reap import Reaped, Reaper

LEFT = 5
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@click.command(
    epilog="Exit code: 0 nothing is left, 5 something is left or that cannot be told, "
    "2 the cluster cannot be reached, 4 usage."
)
@click.option("--run", metavar="ID", default="", help="The faults of this run.")
@click.option("--older-than", metavar="T", default="", help="Faults made so long ago, such as 1h.")
@click.option("--all", "every", is_flag=True, help="The faults of every run, of live ones too.")
@context_option
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Only there; may be repeated.")
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULTS.runs,
    show_default=True,
    help="The folder of the runs; their ledgers are read when it is there.",
)
@click.option(
    "--restart-pods", is_flag=True, help="Delete the pods of a fault whose chaos-daemon is away."
)
@click.option("--dry-run", is_flag=True, help="List what is there and change nothing.")
def reap(
    *,
    run: str,
    older_than: str,
    every: bool,
    context: str,
    namespaces: tuple[str, ...],
    runs: Path,
    restart_pods: bool,
    dry_run: bool,
) -> None:
    """End the faults that runs left behind, and say what is left then.

    Faults are found by the ledgers in --runs, by their label kvchaos.io/run, and by the rules in
    pods that outlived them. Nothing else is touched. Without --namespace all namespaces are
    searched; where that is not allowed, those that the ledgers and KVCHAOS_NAMESPACE name. With
    --all and --older-than, ledgers are passed over whose run says that nothing was left, or that
    it was in another context.

    A fault of a run that is still going on looks like any other: name the run by --run, or leave
    out what is young by --older-than.

    A fault that cannot be deleted is forced: its finalizer is dropped, then its rules. That is
    not done while chaos-daemon is away, for the rules would stay in the pods: Chaos Mesh ends such
    a fault itself once the daemon is back. --restart-pods deletes the pods instead; one that
    nothing owns is lost.
    """
    clock = SystemClock()
    scope = _scope(run, older_than, every=every, clock=clock)
    told, unread = read_ledgers(runs, run=run)
    lines, notes = of_context(told, context, run=run)
    known = filter(None, [os.environ.get("KVCHAOS_NAMESPACE")])
    with Cluster.connect(context) as cluster:
        cluster.version()  # raises when there is nobody to ask
        search = Search(cluster, scope, lines=lines, namespaces=namespaces, known=known)
        if dry_run:
            seen = search()
            _list(seen)
        else:
            reaper = Reaper(cluster, search, restart_pods=restart_pods, clock=clock, tell=_tell)
            seen = reaper.reap()
    unknown = [*unread, *seen.unknown]
    if run and not (unknown or search.heard or _is_known(run, runs, lines)):
        notes.append(f"no ledger and no object knows the run {run}; looked in {runs}")
    seen.notes[:0] = notes
    _conclude(seen, unknown, dry_run=dry_run, older_than=older_than)


def _is_known(run: str, runs: Path, lines: list[Line]) -> bool:
    """Whether there was such a run, which may have made no fault."""
    return (runs / run).is_dir() or any(line.fault.run == run for line in lines)


def _scope(run: str, older_than: str, *, every: bool, clock: Clock) -> Scope:
    given = [
        name
        for name, value in (("--run", run), ("--older-than", older_than), ("--all", every))
        if value
    ]
    if len(given) != 1:
        raise UsageError(
            "reap",
            wanted="exactly one of --run, --older-than and --all",
            saw=", ".join(given) or "none",
        )
    if run and not _LABEL.fullmatch(run):
        raise UsageError("--run", wanted="a run's id, as its folder is named", saw=repr(run))
    if not older_than:
        return Scope(run=run)
    return Scope(until=clock.wall() - _seconds(older_than))


def _seconds(text: str) -> float:
    try:
        seconds = duration_seconds(text)
    except TemplateInvalid as error:
        raise UsageError("--older-than", wanted=error.wanted, saw=error.saw) from error
    if seconds < 0:
        raise UsageError("--older-than", wanted="a time that is not negative", saw=text)
    return seconds


def _tell(reaped: Reaped) -> None:
    click.echo(reaped.label)
    for detail in reaped.details:
        click.echo(f"  {detail}")


def _list(seen: Seen) -> None:
    for found in seen.faults.values():
        where = "there" if found.uid else "known by ledger or rules only"
        click.echo(
            f"{found.fault.label} in {found.fault.namespace} (run {found.fault.run}): {where}"
        )


def _conclude(seen: Seen, unknown: list[str], *, dry_run: bool, older_than: str) -> None:
    for note in seen.notes:
        click.echo(f"note: {note}")
    for each in seen.left:
        click.echo(f"{'there' if dry_run else 'LEFT'}: {each.label}")
    for text in unknown:
        click.echo(f"cannot tell: {text}")
    if seen.left or unknown:
        click.echo(
            f"{len(seen.left)} left"
            + (f", {len(unknown)} that cannot be told" if unknown else "")
            + ("; nothing was changed" if dry_run else "")
        )
        sys.exit(LEFT)
    click.echo(f"nothing older than {older_than} is left" if older_than else "nothing is left")
