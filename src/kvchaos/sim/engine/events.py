"""vLLM's ``--kv-events-config``: the JSON that says where and whether events are published.

Same fields and defaults as ``KVEventsConfig`` of vLLM 0.33.0, so that one flag fits both.
"""

from __future__ import annotations

import msgspec

from kvchaos.errors import UsageError
from kvchaos.kvevents.publisher import Publisher, offset_port
from kvchaos.kvevents.wire import Dialect

DEFAULT = (
    '{"enable_kv_cache_events": true, "endpoint": "tcp://*:5557",'
    ' "replay_endpoint": "tcp://*:5558"}'
)


class EventsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a rank publishes: ports count up from these by rank."""

    enable_kv_cache_events: bool = False
    publisher: str | None = None
    endpoint: str = "tcp://*:5557"
    replay_endpoint: str | None = None
    buffer_steps: int = 10_000
    hwm: int = 100_000
    max_queue_size: int = 100_000
    topic: str = ""

    @property
    def publishes(self) -> bool:
        """Whether events leave the engine at all."""
        return self.enable_kv_cache_events and self.publisher in (None, "zmq")


def read_config(text: str, *, ranks: int) -> EventsConfig:
    """The configuration in ``text``; UsageError when it cannot serve ``ranks`` ranks."""
    try:
        config = msgspec.json.decode(text, type=EventsConfig)
    except msgspec.DecodeError as error:
        raise UsageError(f"--kv-events-config: {error}", saw=text) from error
    if config.publisher not in (None, "zmq", "null"):
        raise UsageError(
            "--kv-events-config: no such publisher", wanted="zmq or null", saw=config.publisher
        )
    _check_ports(config, ranks=ranks)
    return config


def _check_ports(config: EventsConfig, *, ranks: int) -> None:
    """Both endpoints count up by rank, so that bases too near each other collide."""
    if config.replay_endpoint is None:
        return
    live = {offset_port(config.endpoint, rank) for rank in range(ranks)}
    replay = {offset_port(config.replay_endpoint, rank) for rank in range(ranks)}
    if both := {_port(endpoint) for endpoint in live} & {_port(endpoint) for endpoint in replay}:
        raise UsageError(
            "--kv-events-config: endpoint and replay_endpoint share ports",
            wanted=f"bases at least {ranks} apart for {ranks} ranks",
            saw=f"port {', '.join(sorted(both))} in both",
        )


def _port(endpoint: str) -> str:
    return endpoint.rpartition(":")[2]


def open_publisher(
    config: EventsConfig, *, rank: int, dialect: Dialect, topic_frame: bool
) -> Publisher | None:
    """The publisher of ``rank``, its sockets bound; None when the configuration has none."""
    if not config.publishes:
        return None
    return Publisher(
        config.endpoint,
        replay_endpoint=config.replay_endpoint,
        topic=config.topic.encode(),
        rank=rank,
        buffer_steps=config.buffer_steps,
        hwm=config.hwm,
        dialect=dialect,
        topic_frame=topic_frame,
    )
