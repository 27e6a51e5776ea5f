"""``kvchaos hold`` and ``kvchaos release``: keep every fault out of a namespace, and let them back.

A hold stops new faults from starting and ends those that run; see ``kvchaos.mesh.hold``.
"""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime

import click

from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.commands.options import context_option, namespace_option
from kvchaos.mesh.hold import lift, place


@click.command()
@click.option("--reason", default="", help="Why, for those who are refused.")
@context_option
@namespace_option
def hold(reason: str, context: str, namespace: str) -> None:
    """Let no fault start in a namespace, and end those that are there.

    The first hold stays: when there is one, its holder is told, and nothing is changed.
    """
    with Cluster.connect(context) as cluster:
        there, ours = place(cluster, namespace, reason=reason, by=_who(), since=_now())
    click.echo(f"{namespace} in {context} is {'' if ours else 'already '}{there.text}")
    click.echo(f"  {there.look(context)}")


@click.command()
@context_option
@namespace_option
def release(context: str, namespace: str) -> None:
    """Let faults start again in a namespace that is held."""
    with Cluster.connect(context) as cluster:
        there = lift(cluster, namespace)
    click.echo(
        f"{namespace} in {context} was not held"
        if there is None
        else f"{namespace} in {context} is released; it was {there.text}"
    )


def _who() -> str:
    """``user@host``; the number of a user without a name, as pods have."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _now() -> str:
    wall = datetime.fromtimestamp(SystemClock().wall(), UTC)
    return wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
