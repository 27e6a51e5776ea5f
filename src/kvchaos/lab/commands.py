"""``kvchaos lab``: up, down, status, logs, kubeconfig."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from kvchaos.assets import asset
from kvchaos.clock import Clock, SystemClock
from kvchaos.cluster.labdir import lab_dir
from kvchaos.errors import LabError, UsageError
from kvchaos.lab import up as lifecycle
from kvchaos.lab.addresses import CONTEXT, NAMESPACE
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.identity import Process
from kvchaos.lab.socketclient import SocketClient
from kvchaos.lab.state import LabState, Phase


@click.group()
def lab() -> None:
    """The embedded lab: a small Kubernetes with Chaos Mesh's faults on this machine."""


@lab.command()
@click.option("--engines", default=3, show_default=True, type=click.IntRange(0, 64))
@click.option(
    "--router-recovery",
    default="replay",
    show_default=True,
    type=click.Choice(["replay", "none"]),
    help="none: a router that neither replays nor notices restarts.",
)
@click.option(
    "--timeout", default=60.0, show_default=True, help="Seconds until all pods are ready."
)
@click.option(
    "--manifests", type=click.Path(path_type=Path), help="In place of deploy/overlays/lab."
)
@click.option(
    "--while",
    "owner",
    type=click.IntRange(1),
    metavar="PID",
    help="Stop the lab when this process ends, however it ends.",
)
@click.option(
    "--or-use",
    is_flag=True,
    help="With --while: a lab that is up already, or coming up, is waited for; its end is its own.",
)
def up(  # noqa: PLR0917 - as click passes them
    engines: int,
    router_recovery: str,
    timeout: float,
    manifests: Path | None,
    owner: int | None,
    or_use: bool,
) -> None:
    """Start the lab, apply its manifests, wait until every pod is ready."""
    directory, clock = LabDirectory(lab_dir()), SystemClock()
    whose = _owner(owner)
    state = lifecycle.running(directory)
    begun = state or lifecycle.start(directory, clock=clock, owner=whose)
    if whose is not None and begun.owner != whose and not or_use:
        saw = f"one that is up in {directory.root}"
        raise UsageError("--while", wanted="a lab that is not up yet", saw=saw)
    objects = _manifests(manifests, engines=engines, recovery=router_recovery)
    state = lifecycle.wait_started(directory, begun, clock=clock)
    _deploy(directory, state, objects, timeout=timeout, clock=clock)
    _say_how_to_go_on(directory)


@lab.command()
@click.option(
    "--while",
    "owner",
    type=click.IntRange(1),
    metavar="PID",
    help="Only a lab that was started with this option, for this process.",
)
def down(owner: int | None) -> None:
    """Stop the lab and remove everything of it."""
    directory, clock = LabDirectory(lab_dir()), SystemClock()
    was_up = lifecycle.stop(directory, clock=clock, owner=_owner(owner))
    click.echo("the lab is down" if was_up else "the lab was not up")


@lab.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(as_json: bool) -> None:
    """What runs in the lab; exit code 1 when it is not up."""
    from kvchaos.lab.overview import overview, table  # noqa: PLC0415 - rich is slow to import

    directory = LabDirectory(lab_dir())
    seen = overview(directory, lifecycle.running(directory))
    click.echo(json.dumps(seen) if as_json else table(seen))
    if not seen["up"]:
        sys.exit(1)


@lab.command()
@click.argument("pod")
@click.option("--container", "-c", default="", help="Of several containers, this one.")
@click.option("--previous", "-p", is_flag=True, help="The container's life before this one.")
@click.option("--tail", type=int, help="Only so many lines from the end.")
def logs(pod: str, container: str, previous: bool, tail: int | None) -> None:
    """Print what POD wrote; also of pods that are gone."""
    from kvchaos.lab.logs import find_log, selected  # noqa: PLC0415 - beside its only use

    path = find_log(LabDirectory(lab_dir()), pod, container=container, previous=previous)
    sys.stdout.buffer.write(selected(path.read_bytes(), tail=tail, limit=None))


@lab.command()
def kubeconfig() -> None:
    """Print the path of the kubeconfig: ``KUBECONFIG=$(kvchaos lab kubeconfig) kubectl ...``."""
    path = LabDirectory(lab_dir()).kubeconfig
    if not path.is_file():
        raise LabError("the lab is not up", wanted=str(path), look="kvchaos lab up")
    click.echo(path)


def _owner(pid: int | None) -> Process | None:
    """The process that a lab is for; UsageError when it is gone."""
    if pid is None:
        return None
    if (owner := Process.of(pid)) is None:
        raise UsageError("--while", wanted="the id of a process that runs", saw=str(pid))
    return owner


def _manifests(folder: Path | None, *, engines: int, recovery: str) -> list[dict[str, object]]:
    from kvchaos.lab.kustomize import build  # noqa: PLC0415 - while the daemon starts
    from kvchaos.lab.options import with_options  # noqa: PLC0415

    objects = build(folder or asset("deploy", "overlays", "lab"))
    return with_options(objects, engines=engines, recovery=recovery)


def _deploy(
    directory: LabDirectory,
    state: LabState,
    objects: list[dict[str, object]],
    *,
    timeout: float,
    clock: Clock,
) -> None:
    from kvchaos.lab.manifests import apply  # noqa: PLC0415 - while the daemon starts
    from kvchaos.lab.waiting import wait_ready  # noqa: PLC0415

    client = SocketClient(directory.api_socket)
    apply(client, objects)
    wait_ready(
        client,
        directory,
        namespace=NAMESPACE,
        timeout=timeout,
        clock=clock,
        alive=lambda: state.phase is Phase.READY and state.alive(),
    )


def _say_how_to_go_on(directory: LabDirectory) -> None:
    click.echo(f"the lab is up: context {CONTEXT}, kubeconfig {directory.kubeconfig}")
    click.echo(f"  kubectl --kubeconfig {directory.kubeconfig} get pods")
    click.echo("  kvchaos run network-partition")
    click.echo("  kvchaos lab down")
