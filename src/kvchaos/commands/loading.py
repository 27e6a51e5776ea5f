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

from kvchaos.errors import ExperimentInvalid
from kvchaos.experiment import CONTROL, check, load
from kvchaos.settings import Settings, settings_from

Json = dict[str, Any]


class Loaded(NamedTuple):
    """An experiment with its configuration and secrets as they are now, and what they set."""

    experiment: Json
    configuration: Json
    secrets: Json
    settings: Settings


def loaded(path: Path, overrides: Mapping[str, Any] | None = None) -> Loaded:
    """The experiment in the file ``path``, with ``overrides`` in its configuration.

    Raises ``ExperimentInvalid`` with what is wrong with the file; no cluster is asked.
    """
    found = load(path)
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
