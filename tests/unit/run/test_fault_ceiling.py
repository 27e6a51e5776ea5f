"""The longest that a run's faults may last."""

from __future__ import annotations

import pytest

from kvchaos.errors import TemplateInvalid
from kvchaos.run import faults
from tests.run_world import VALUES, Made, cuttable


def test_a_fault_that_would_last_longer_than_the_run_allows_is_not_sent(made: Made) -> None:
    """The preflight says so too; this is for what is only known when it is injected."""
    short = made(cluster=cuttable(), max_duration=9.0)

    with pytest.raises(TemplateInvalid, match="at most 9s, saw '10s'"):
        faults.inject(short.run, "network-partition", VALUES, timeout=5.0)

    assert short.cluster.verbs("try", "create") == []


def test_a_fault_that_lasts_as_long_as_the_run_allows_is_sent(made: Made) -> None:
    """The ceiling is the run's setting, an hour unless told otherwise."""
    long = made(cluster=cuttable(), max_duration=10.0)

    faults.inject(long.run, "network-partition", VALUES, timeout=5.0)

    assert len(long.cluster.verbs("create")) == 1
