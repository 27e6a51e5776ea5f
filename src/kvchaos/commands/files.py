"""Small verbs of the command line that need no cluster: render a fault, validate an experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml
from chaoslib.configuration import load_configuration
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.secret import load_secrets

from kvchaos.errors import ExperimentInvalid, TemplateInvalid, UsageError
from kvchaos.experiment import CONTROL, check, find_template, load
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render as render_template

Json = dict[str, Any]


@click.command()
@click.argument("template")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A value, JSON or text.")
def render(template: str, pairs: tuple[str, ...]) -> None:
    """Print the fault that TEMPLATE renders to, and what speaks against sending it."""
    body = render_template(find_template(template), dict(_pair(pair) for pair in pairs))
    click.echo(yaml.safe_dump(body, sort_keys=False), nl=False)
    if findings := lint(body):
        raise TemplateInvalid(f"{template} must not be sent:\n  - " + "\n  - ".join(findings))


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
def validate(experiment: Path) -> None:
    """Say all that is wrong with the EXPERIMENT file, touching nothing."""
    found = load(experiment)
    try:
        ensure_experiment_is_valid(found)
        configuration = load_configuration(found.get("configuration", {}))
        secrets = load_secrets(found.get("secrets", {}), configuration)
    except (ChaosException, ValueError, AttributeError, TypeError, KeyError) as error:
        saw = f"{type(error).__name__}: {error}"  # chaoslib trips on what is of another type
        raise ExperimentInvalid(str(experiment), saw=saw) from error
    check(found, configuration, secrets)
    modules = [each.get("provider", {}).get("module") for each in found.get("controls", [])]
    if CONTROL not in modules:
        raise ExperimentInvalid(
            str(experiment), wanted=f"the control {CONTROL}", saw=json.dumps(modules)
        )
    click.echo(f"{experiment}: valid")


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError("--set", wanted="NAME=VALUE", saw=text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
