"""How hard properties are tried: HYPOTHESIS_PROFILE is ``ci`` (the default) or ``nightly``.

The nightly one takes minutes a property, and is given that time here. And what the tests start
hears a SIGHUP, also where they themselves were started by ``nohup``; and no run of theirs lets
traffic go on for a chart that nobody looks at, unless its test says so.
"""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.spreading import spread

NIGHTLY_TIMEOUT = 1800  # seconds a test

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile(
    "nightly",
    derandomize=False,
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

os.environ.setdefault("KVCHAOS_TRAFFIC_SECONDS", "0")

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers share the files well; a nightly property may take minutes, yet is bounded."""
    if hasattr(config, "workerinput"):
        items[:] = spread(items)
    if settings.get_current_profile_name() != "nightly":
        return
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(NIGHTLY_TIMEOUT))
