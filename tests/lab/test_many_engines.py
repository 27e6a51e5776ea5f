"""More engines than libzmq allows sockets for by default: one observer follows them all."""

from __future__ import annotations

import pytest

from kvchaos.bench.suites.engines import crowd

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def test_hundreds_of_engines_are_followed_without_a_loss() -> None:
    """Each batch of each of them is taken in, once and in order."""
    found = crowd(300, 7, seconds=1.0)

    assert (found["lost"], found["gaps"]) == (0, 0)
    assert 0 < found["rate"] <= 1500
