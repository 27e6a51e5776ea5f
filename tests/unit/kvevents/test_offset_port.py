"""Endpoints of data-parallel ranks."""

from __future__ import annotations

import pytest

from kvchaos.errors import UsageError
from kvchaos.kvevents.publisher import offset_port


@pytest.mark.parametrize(
    ("endpoint", "rank", "wanted"),
    [
        ("tcp://*:5557", 0, "tcp://*:5557"),
        ("tcp://*:5557", 3, "tcp://*:5560"),
        ("tcp://[::]:5557", 1, "tcp://[::]:5558"),
        ("tcp://*:0", 2, "tcp://*:0"),
        ("tcp://127.0.0.1:*", 2, "tcp://127.0.0.1:*"),
        ("inproc://cache", 1, "inproc://cache_dp1"),
        ("ipc:///run/cache", 0, "ipc:///run/cache"),
    ],
)
def test_rank_moves_the_port(endpoint: str, rank: int, wanted: str) -> None:
    """The rule of vLLM's offset_endpoint_port; ports that the system chooses stay."""
    assert offset_port(endpoint, rank) == wanted


@pytest.mark.parametrize("endpoint", ["ipc:///run/cache", "tcp://host", "tcp://host:http"])
def test_endpoints_without_a_port_have_no_ranks(endpoint: str) -> None:
    """vLLM refuses ipc with several ranks; so do we, before anything is bound."""
    with pytest.raises(UsageError, match="rank 1 has no endpoint"):
        offset_port(endpoint, 1)
