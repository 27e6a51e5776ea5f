"""A core with a clock that stands still, and a few words to speak to it."""

from __future__ import annotations

import pytest

from tests.unit.lab.apiserver.speaking import Api


@pytest.fixture
def api() -> Api:
    """A fresh core with the namespace ``ns``."""
    api = Api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    return api
