"""An experiment file as the verbs of the command line begin with it: loaded, resolved, checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chaoslib import convert_to_type
from chaoslib.configuration import load_configuration
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.secret import load_secrets

from kvchaos.commands.shipped import find_experiment
from kvchaos.errors import ExperimentInvalid, UsageError
from kvchaos.experiment import CONTROL, check, load
from kvchaos.mesh.whereabouts import folder_of
from kvchaos.redact import says_secret
from kvchaos.settings import Settings, settings_from

Json = dict[str, Any]

CONTROL_LINES = (
    f'"controls": [{{"name": "kvchaos", "provider": {{"type": "python", "module": "{CONTROL}"}}}}]'
)
NUMBERS = frozenset({"int", "integer", "float", "number"})
TRIPS = (ChaosException, ValueError, AttributeError, TypeError, KeyError)
"""What chaoslib raises at what it does not take, or is of another type."""


class Loaded(NamedTuple):
    """An experiment with its configuration and secrets as they are now, and what they set.

    ``beside`` is the folder of its file.
    """

    experiment: Json
    configuration: Json
    secrets: Json
    settings: Settings
    beside: Path


class Variables(NamedTuple):
    """What is given in place of the values in the file, by key; of secrets also by their group."""

    configuration: Mapping[str, Any] = {}
    secrets: Mapping[str, Any] = {}


NO_VARIABLES = Variables()


def loaded(
    path: Path, overrides: Mapping[str, Any] | None = None, *, variables: Variables = NO_VARIABLES
) -> Loaded:
    """The experiment that ``path`` means, a file or a name; ``overrides`` in its configuration.

    ``variables`` stand in the experiment itself from here on. Raises ``ExperimentInvalid`` with
    what is wrong with the file, ``UsageError`` for a variable that it does not have; no cluster
    is asked.
    """
    path = find_experiment(path)
    found = load(path)
    _assign(found, variables)
    try:
        configuration = {**_configuration(found.get("configuration", {})), **(overrides or {})}
        ensure_experiment_is_valid(found)
        secrets = load_secrets(found.get("secrets", {}), configuration)
    except TRIPS as error:
        saw = f"{type(error).__name__}: {error}"
        raise ExperimentInvalid(str(path), saw=saw) from error
    beside = folder_of(path)
    check(found, configuration, secrets, beside)
    modules = [each.get("provider", {}).get("module") for each in found.get("controls", [])]
    if CONTROL not in modules:
        wanted, saw = f"the control {CONTROL}", json.dumps(modules)
        raise ExperimentInvalid(str(path), wanted=wanted, saw=saw, look=f"add {CONTROL_LINES}")
    return Loaded(found, configuration, secrets, settings_from(configuration), beside)


def _configuration(declared: Json) -> Json:
    """The values of the configuration; an error names the first key that cannot be read."""
    configuration: Json = {}
    for key, said in declared.items():
        try:
            configuration |= load_configuration({key: said})
        except TRIPS as error:
            raise _unusable(key, said, error) from error
    return configuration


def _unusable(key: str, said: object, error: Exception) -> ExperimentInvalid:
    """The error for one key of the configuration, whose value is told unless it is a secret."""
    said = said if isinstance(said, dict) else {}
    variable = str(said.get("key", "none"))
    what = f"configuration key {key!r} (environment {variable})"
    if not isinstance(error, ValueError) or said.get("env_var_type") not in NUMBERS:
        return ExperimentInvalid(what, saw=f"{type(error).__name__}: {error}")
    value = os.environ.get(variable, said.get("default"))
    saw = "another value" if says_secret(key) else repr(value)
    return ExperimentInvalid(what, wanted=said["env_var_type"], saw=saw)


def _assign(experiment: Json, variables: Variables) -> None:
    """Put the values of ``variables`` where the experiment declares them."""
    for block, given in zip(("configuration", "secrets"), variables, strict=True):
        declared = experiment.get(block) or {}
        known = declared if isinstance(declared, dict) else {}
        if unknown := sorted(set(given) - set(known)):
            raise UsageError(
                f"the experiment's {block} has no {', '.join(unknown)}",
                wanted=f"one of {', '.join(sorted(known)) or 'none'}",
            )
        for name, value in given.items():
            both = isinstance(value, dict) and isinstance(known[name], dict)
            known[name] = (
                {**known[name], **value}
                if both and "type" not in value
                else _typed(name, value, known[name])
            )


def _typed(name: str, value: object, declared: object) -> object:
    """A text as the type that the key's value in the environment would have."""
    kind = declared.get("env_var_type") if isinstance(declared, dict) else None
    if not isinstance(value, str) or kind not in NUMBERS:
        return value
    try:
        return convert_to_type(kind, value)
    except ValueError as error:
        saw = "another value" if says_secret(name) else repr(value)
        raise UsageError(f"--var {name}", wanted=kind, saw=saw) from error
