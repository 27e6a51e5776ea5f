"""An experiment file as the verbs of the command line begin with it: loaded, resolved, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chaoslib.configuration import load_configuration
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.secret import load_secrets

from kvchaos.errors import ExperimentInvalid, UsageError
from kvchaos.experiment import CONTROL, check, load
from kvchaos.settings import Settings, settings_from

Json = dict[str, Any]


class Loaded(NamedTuple):
    """An experiment with its configuration and secrets as they are now, and what they set."""

    experiment: Json
    configuration: Json
    secrets: Json
    settings: Settings


class Variables(NamedTuple):
    """What is given in place of the values in the file, by key; of secrets also by their group."""

    configuration: Mapping[str, Any] = {}
    secrets: Mapping[str, Any] = {}


NO_VARIABLES = Variables()


def loaded(
    path: Path, overrides: Mapping[str, Any] | None = None, *, variables: Variables = NO_VARIABLES
) -> Loaded:
    """The experiment in the file ``path``, with ``overrides`` in its configuration.

    ``variables`` stand in the experiment itself from here on. Raises ``ExperimentInvalid`` with
    what is wrong with the file, ``UsageError`` for a variable that it does not have; no cluster
    is asked.
    """
    found = load(path)
    _assign(found, variables)
    try:
        ensure_experiment_is_valid(found)
        configuration = {**load_configuration(found.get("configuration", {})), **(overrides or {})}
        secrets = load_secrets(found.get("secrets", {}), configuration)
    except (ChaosException, ValueError, AttributeError, TypeError, KeyError) as error:
        saw = f"{type(error).__name__}: {error}"  # chaoslib trips on what is of another type
        raise ExperimentInvalid(str(path), saw=saw) from error
    check(found, configuration, secrets)
    modules = [each.get("provider", {}).get("module") for each in found.get("controls", [])]
    if CONTROL not in modules:
        raise ExperimentInvalid(str(path), wanted=f"the control {CONTROL}", saw=json.dumps(modules))
    return Loaded(found, configuration, secrets, settings_from(configuration))


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
            known[name] = {**known[name], **value} if both and "type" not in value else value
