"""Small verbs of the command line that need no cluster: render a fault, validate an experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from kvchaos.commands.loading import loaded
from kvchaos.commands.shipped import complete_experiment, complete_template, find_experiment
from kvchaos.errors import TemplateInvalid, UsageError
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render as render_template
from kvchaos.mesh.whereabouts import find_template
from kvchaos.preflight.plan import plan

Json = dict[str, Any]


@click.command()
@click.argument("template", shell_complete=complete_template)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A value, JSON or text.")
def render(template: str, pairs: tuple[str, ...]) -> None:
    """Print the fault that TEMPLATE renders to, and what speaks against sending it."""
    body = render_template(find_template(template), dict(_pair(pair) for pair in pairs))
    click.echo(yaml.safe_dump(body, sort_keys=False), nl=False)
    if findings := lint(body):
        raise TemplateInvalid(f"{template} must not be sent:\n  - " + "\n  - ".join(findings))


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), shell_complete=complete_experiment)
def validate(experiment: Path) -> None:
    """Say all that is wrong with the EXPERIMENT, a file or a name, touching nothing."""
    experiment = find_experiment(experiment)
    plan(*loaded(experiment), run_id="validate")
    click.echo(f"{experiment}: valid")


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError("--set", wanted="NAME=VALUE", saw=text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
