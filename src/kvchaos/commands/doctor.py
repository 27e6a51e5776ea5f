"""``kvchaos doctor``: one screen of what a run needs here, what is missing, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from kvchaos.clock import SystemClock
from kvchaos.commands.loading import Loaded, loaded
from kvchaos.commands.options import complete_context
from kvchaos.commands.shipped import complete_experiment, own, shipped
from kvchaos.doctor.line import Line, is_well, missing, ok, screen
from kvchaos.doctor.machine import machine
from kvchaos.doctor.place import place
from kvchaos.errors import KVChaosError
from kvchaos.preflight.plan import Planned, plan
from kvchaos.settings import Settings


@click.command(epilog="Exit code: 0 nothing is missing, 1 something is.")
@click.argument(
    "experiments",
    nargs=-1,
    type=click.Path(path_type=Path),
    shell_complete=complete_experiment,
)
@click.option(
    "--context",
    help="The cluster, in place of the experiments' kubernetes_context.",
    shell_complete=complete_context,
)
@click.option("--namespace", "-n", help="Where the engines are, in place of theirs.")
def doctor(experiments: tuple[Path, ...], context: str | None, namespace: str | None) -> None:
    """Say what the EXPERIMENTS would need here, what is missing, and what to do about it.

    All of this folder or, without any, all shipped ones unless told. Changes nothing. Which
    cluster, namespace and labels are meant is said as for a run, by the environment.
    """
    given = {"kubernetes_context": context, "namespace": namespace}
    overrides = {key: value for key, value in given.items() if value is not None}
    paths = experiments or tuple((own("experiments") or shipped("experiments")).values())
    lines: list[Line] = []
    found: list[Loaded] = []
    for path in paths:
        try:
            found.append(loaded(path, overrides))
        except KVChaosError as error:
            lines.append(Line.of("experiments", error))
    settings = found[0].settings if found else Settings()
    click.echo(_headline(settings) if found else "no experiment that says which cluster is meant")
    lines += _lines(found, settings)
    lines = list(dict.fromkeys(lines))  # what is wrong with all experiments is told once
    click.echo("\n".join(screen(lines)))
    click.echo(_conclusion(lines))
    raise SystemExit(0 if is_well(lines) else 1)


def _lines(found: list[Loaded], settings: Settings) -> Iterator[Line]:
    yield from machine(settings)
    if not found:
        return
    try:
        planned = list(_planned(found))
    except KVChaosError as error:
        yield Line.of("experiments", error)
        return
    yield ok("experiments", f"{len(found)}, with {len(planned)} faults")
    other = {each.settings.kubernetes_context for each in found} - {settings.kubernetes_context}
    if other:
        saw = f"they name several contexts: {', '.join(sorted(other))} beside the first one's"
        yield missing("experiments", saw, "--context, or KUBERNETES_CONTEXT")
    yield from place(settings, planned, clock=SystemClock())


def _planned(found: list[Loaded]) -> Iterator[Planned]:
    """Every fault of every experiment; they are played one after the other, so never together."""
    stages = 0
    for number, each in enumerate(found, 1):
        faults = plan(*each, run_id=f"doctor-{number}")
        yield from (replace(fault, stage=fault.stage + stages) for fault in faults)
        stages += 1 + max((fault.stage for fault in faults), default=0)


def _headline(settings: Settings) -> str:
    where = settings.kubernetes_context or "in-cluster"
    lab = " (the embedded lab)" if settings.is_lab else ""
    return f"context {where}{lab}, namespace {settings.namespace}"


def _conclusion(lines: list[Line]) -> str:
    number = sum(not is_well([each]) for each in lines)
    return f"{number} missing" if number else "all that is needed is there"
