"""How hard properties are tried: HYPOTHESIS_PROFILE is ``ci`` (the default) or ``nightly``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A module may set fewer examples for one test where each of them is dear, never more.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile(
    "nightly",
    derandomize=False,
    deadline=None,
    max_examples=3000,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
