"""``kvchaos preflight``: the pods that an experiment would hit, and all that speaks against it."""

from __future__ import annotations

import secrets as random_names
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import yaml

from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import Object
from kvchaos.commands.loading import Loaded, loaded
from kvchaos.commands.options import complete_context
from kvchaos.commands.shipped import complete_experiment
from kvchaos.preflight.examine import Preflight, examine
from kvchaos.preflight.plan import Planned, plan
from kvchaos.redact import Redactor, leaves, named_secrets


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), shell_complete=complete_experiment)
@click.option(
    "--context",
    help="The cluster, in place of the experiment's kubernetes_context.",
    shell_complete=complete_context,
)
@click.option(
    "--dry-run",
    type=click.Choice(["server"]),
    help="server: also print the faults as they would be sent; the server was asked to take them.",
)
def preflight(experiment: Path, context: str | None, dry_run: str | None) -> None:
    """Tell which pods the EXPERIMENT would hit, and all that speaks against it. Changes nothing.

    Exit code 0 when nothing does, 2 when it would be refused, 4 when the file is not usable.
    """
    overrides = {} if context is None else {"kubernetes_context": context}
    found = loaded(experiment, overrides)
    planned = plan(*found, run_id=f"preflight-{random_names.token_hex(3)}")
    with Cluster.connect(found.settings.kubernetes_context) as cluster:
        cluster.version()
        seen = examine(cluster, planned, found.settings, clock=SystemClock())
    click.echo("\n".join(told(seen)))
    if dry_run:
        bodies = _shown([each.body for each in planned], found)
        click.echo(yaml.safe_dump_all(bodies, sort_keys=False, explicit_start=True), nl=False)
    seen.refuse()


def told(seen: Preflight) -> Iterator[str]:
    """What was seen, line by line; findings are left to the error."""
    for planned in seen.plan:
        yield _headline(planned)
        yield from _targets(seen, planned)
    if not seen.plan:
        yield "the experiment injects no fault"
    yield from (f"note: {note}" for note in seen.notes)
    if not seen.findings:
        yield "nothing speaks against it"


def _shown(bodies: list[Object], found: Loaded) -> list[Object]:
    """The bodies without the experiment's secrets."""
    hidden = [*leaves(found.secrets), *named_secrets(found.configuration)]
    shown: list[Object] = Redactor(hidden).json(bodies)
    return shown


def _headline(planned: Planned) -> str:
    fault = planned.fault
    lasting = "" if fault.duration is None else f" for at most {fault.duration:g} s"
    what = f"{fault.kind} {fault.action}{lasting}"
    return f"{planned.activity}: {what} ({fault.label} in {fault.namespace})"


def _targets(seen: Preflight, planned: Planned) -> Iterator[str]:
    own = [each for each in seen.targets if each["fault"] == planned.fault.label]
    for (role, amount), targets in groupby(own, lambda each: (each["role"], each["amount"])):
        yield f"  {ROLES[role]}: {amount}"
        for each in targets:
            mark = ", an engine" if each["engine"] else ""
            yield f"    {each['namespace']}/{each['pod']} on {each['node'] or 'no node'}{mark}"


ROLES = {".": "selected", ".Target": "at the other end"}
