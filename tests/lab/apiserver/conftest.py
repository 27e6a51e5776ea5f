"""One API server for the module that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.apiserver.serving import Running, running


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running server with its kubeconfig."""
    with running(tmp_path_factory.mktemp("lab")) as api:
        yield api
