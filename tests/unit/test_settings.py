"""What an experiment's configuration may say."""

from __future__ import annotations

import pytest

from kvchaos.errors import ExperimentInvalid, UsageError
from kvchaos.settings import Settings, settings_from


def test_an_empty_configuration_means_the_embedded_lab() -> None:
    """The same file runs anywhere; what is not said fits the lab."""
    assert settings_from({}) == Settings()
    assert settings_from({}).is_lab


def test_values_from_the_environment_become_their_kind() -> None:
    """Chaos Toolkit hands text over unless told otherwise."""
    found = settings_from({"event_port": "6000", "seed": 3, "recovery_budget": 60})

    assert (found.event_port, found.seed) == (6000, 3)


def test_bounds_of_what_a_fault_may_hit_are_settings() -> None:
    """What is not said bounds it too: half of the engines, for an hour."""
    found = settings_from({"max_percent": "30", "max_targets": 2, "require_opt_in": "true"})

    assert (found.max_percent, found.max_targets, found.require_opt_in) == (30, 2, True)
    assert (Settings().max_percent, Settings().max_duration) == (50, 3600.0)


def test_another_context_is_not_the_lab() -> None:
    """The cluster is named, never guessed."""
    assert not settings_from({"kubernetes_context": "prod"}).is_lab


@pytest.mark.parametrize(
    "configuration",
    [
        {"transport": "pigeon"},
        {"event_port": "many"},
        {"namespace": ""},
        {"ranks": -1},
        {"sample_every": None},
        {"require_opt_in": "yes"},
        {"max_percent": "half"},
        {"max_duration": "inf"},
        {"probe_deadline": "nan"},
        {"probe_deadline": 0},
        {"ranks": 0},
        {"block_size": "0"},
        {"engine_port": 99999},
        {"router_port": "0"},
        {"namespace": "Foo_Bar"},
        {"mesh_namespace": "a b"},
        {"router_adapter": ""},
    ],
)
def test_a_value_of_the_wrong_kind_is_named(configuration: dict[str, object]) -> None:
    """The key is in the message."""
    with pytest.raises(ExperimentInvalid, match=next(iter(configuration))):
        settings_from(configuration)


def test_ports_of_ranks_must_not_overlap() -> None:
    """Each rank adds one to both ports: rank 1's events would be looked for at rank 0's replay."""
    with pytest.raises(ExperimentInvalid, match="at least 2 apart"):
        settings_from({"ranks": 2})
    assert settings_from({"ranks": 2, "replay_port": 5657}).ranks == 2


def test_a_share_of_the_engines_is_at_most_all_of_them() -> None:
    """More would be no bound at all."""
    with pytest.raises(ExperimentInvalid, match="wanted at most 100, saw 500"):
        settings_from({"max_percent": 500})


@pytest.mark.parametrize("name", ["dynamite", "nowhere.at.all:Index", "json:dumpz"])
def test_a_routers_adapter_has_to_be_there(name: str) -> None:
    """Before a cluster is asked: a run without its router would end in nothing known."""
    with pytest.raises(UsageError, match=f"router_adapter {name!r}"):
        settings_from({"router_adapter": name})
    assert settings_from({"router_adapter": "reference"}) == Settings()
