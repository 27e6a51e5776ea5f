"""The engine double's reading of vLLM's ``--kv-events-config``."""

from __future__ import annotations

import pytest

from kvchaos.errors import UsageError
from kvchaos.kvevents.wire import VLLM
from kvchaos.sim.engine.events import DEFAULT, EventsConfig, open_publisher, read_config


def test_fields_left_out_have_vllms_defaults() -> None:
    """Events are off unless they are enabled, as in vLLM."""
    config = read_config("{}", ranks=1)

    assert config == EventsConfig(
        enable_kv_cache_events=False,
        publisher=None,
        endpoint="tcp://*:5557",
        replay_endpoint=None,
        buffer_steps=10_000,
        hwm=100_000,
        max_queue_size=100_000,
        topic="",
    )
    assert open_publisher(config, rank=0, dialect=VLLM, topic_frame=True) is None


@pytest.mark.parametrize(
    ("text", "publishes"),
    [
        (DEFAULT, True),
        ('{"enable_kv_cache_events": true, "publisher": "zmq"}', True),
        ('{"enable_kv_cache_events": true, "publisher": "null"}', False),
    ],
)
def test_the_publisher_says_whether_events_leave(text: str, *, publishes: bool) -> None:
    """``null`` is vLLM's name for none."""
    assert read_config(text, ranks=1).publishes is publishes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"endpoints": "tcp://*:5557"}', "unknown field .endpoints."),
        ('{"buffer_steps": "many"}', "buffer_steps"),
        ('{"publisher": "kafka"}', "kafka"),
        ("{", "truncated"),
    ],
)
def test_what_vllm_would_not_take_is_refused(text: str, named: str) -> None:
    """A misspelt field would otherwise be a silent default."""
    with pytest.raises(UsageError, match=named):
        read_config(text, ranks=1)


def test_ranks_whose_ports_would_collide_are_refused() -> None:
    """Both bases count up by rank: 5557 and 5558 serve one rank only."""
    with pytest.raises(UsageError, match="port 5558 in both"):
        read_config(DEFAULT, ranks=2)

    apart = DEFAULT.replace("5558", "5657")
    assert read_config(apart, ranks=2).replay_endpoint == "tcp://*:5657"
