"""vLLM's own ``ZmqEventPublisher`` against our decoder, subscription and replay client.

``KVCHAOS_VLLM_KV_EVENTS`` names one or several (joined as in PATH) copies of
``vllm/distributed/kv_events.py`` of vLLM releases; 0.23.0 and 0.33.0 were tried. What that file
imports of vLLM is stubbed here.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import make_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import zmq

from kvchaos.kvevents.frames import Message, split_live
from kvchaos.kvevents.publisher import offset_port
from kvchaos.kvevents.subscriber import Subscription, wait
from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    Event,
    EventForm,
    HashForm,
    decode,
    encode,
)
from tests.replaying import replayed

PATHS = [path for path in os.environ.get("KVCHAOS_VLLM_KV_EVENTS", "").split(os.pathsep) if path]
CONFIG = (
    *("enable_kv_cache_events", "publisher", "endpoint", "replay_endpoint"),
    *("buffer_steps", "hwm", "max_queue_size", "topic"),
)
STUBS: dict[str, dict[str, Any]] = {
    "vllm.config.kv_events": {"KVEventsConfig": make_dataclass("KVEventsConfig", CONFIG)},
    "vllm.logger": {"init_logger": logging.getLogger},
    "vllm.utils.network_utils": dict.fromkeys(
        ("get_ip", "get_tcp_uri", "is_valid_ipv6_address", "split_zmq_path")
    ),
    "vllm.v1.core.kv_cache_utils": {"ExternalBlockHash": bytes | int},
}
DIGEST = bytes(range(32))
EVENTS: list[Event] = [
    BlockStored([1, 2**64 - 1], None, list(range(32)), 16, None, "GPU", None, [None, ["salt"]], 0),
    BlockStored([DIGEST], DIGEST[::-1], list(range(16)), 16, 3, "CPU", "lora"),
    BlockRemoved([1, DIGEST], "GPU", 0),
    AllBlocksCleared(),
]

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not PATHS, reason="KVCHAOS_VLLM_KV_EVENTS names no kv_events.py of vLLM"),
]


@pytest.fixture(scope="module", params=PATHS or [""], ids=lambda path: Path(path).stem)
def vllm(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The module, loaded from its file."""
    with pytest.MonkeyPatch.context() as patch:
        for name, content in STUBS.items():
            stub = ModuleType(name)
            stub.__dict__.update(content)
            patch.setitem(sys.modules, name, stub)
        spec = importlib.util.spec_from_file_location("vllm_kv_events", request.param)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "vllm_kv_events", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def publisher(vllm: Any) -> Iterator[Any]:
    """vLLM's publisher on loopback, with a history of 50 batches at most."""
    opened = vllm.ZmqEventPublisher(
        data_parallel_rank=0,
        endpoint="tcp://127.0.0.1:*",
        replay_endpoint="tcp://127.0.0.1:*",
        buffer_steps=50,
        topic="kv@pod",
    )
    yield opened
    opened.shutdown()


def theirs(vllm: Any, event: Event) -> Any:
    """The same event in vLLM's class, with the fields that this release has."""
    kind = getattr(vllm, type(event).__name__)
    return kind(**{name: getattr(event, name) for name in kind.__struct_fields__})


def batch(vllm: Any, number: int) -> Any:
    return vllm.KVEventBatch(ts=float(number), events=[theirs(vllm, event) for event in EVENTS])


def dialect(vllm: Any) -> Dialect:
    """How this release writes; hashes here stay as they are."""
    arrays = vllm.BlockStored.__struct_config__.array_like
    return Dialect(EventForm.ARRAY if arrays else EventForm.MAP)


def endpoint(socket: zmq.Socket[bytes]) -> str:
    return socket.get_string(zmq.LAST_ENDPOINT)


def published(vllm: Any, publisher: Any, subscription: Subscription, count: int) -> list[Message]:
    """``count`` messages as they came live, without a gap; waits for the subscription first."""
    number = 0
    while subscription.receive(0.05) is None:
        publisher.publish(batch(vllm, number))
        number += 1
        assert number < 200
    for _ in range(count):
        publisher.publish(batch(vllm, number))
        number += 1
    found: list[Message] = []
    while (not found or found[-1].seq < number - 1) and wait([subscription], 5):
        found += [split_live(frames) for frames in subscription.drain(1000)]
    return found[-count:]


def test_live_batches_decode_to_the_same_values(vllm: Any, publisher: Any) -> None:
    """Every field, every hash form, every event, and the rank that publish() fills in."""
    with closing(Subscription(endpoint(publisher._pub), topic=b"kv@")) as subscription:
        found = published(vllm, publisher, subscription, 20)

    assert {message.topic for message in found} == {b"kv@pod"}
    assert [decode(one.payload) for one in found] == [
        Batch(float(one.seq), EVENTS, 0) for one in found
    ]
    assert [one.seq for one in found] == list(range(found[0].seq, found[0].seq + 20))


def test_replay_gives_the_same_bytes_as_far_back_as_history_goes(vllm: Any, publisher: Any) -> None:
    """In the form of the release: with or without a topic frame."""
    with closing(Subscription(endpoint(publisher._pub))) as subscription:
        live = published(vllm, publisher, subscription, 100)
    at = endpoint(publisher._replay)
    last = live[-1].seq

    recent, old = replayed(at, last - 9), replayed(at, 0)

    assert [one[1:] for one in recent] == [one[1:] for one in live[-10:]]
    assert [one[1:] for one in old] == [one[1:] for one in live[-50:]]
    assert replayed(at, last + 1) == []


def test_our_bytes_are_theirs(vllm: Any) -> None:
    """For each event, as far as this release has its fields; hashes as ints."""
    for event in (EVENTS[0], EVENTS[3], BlockRemoved([1, 2**63], "GPU", 0)):
        mine = encode(Batch(1.5, [event], 0), dialect(vllm))
        real = vllm.KVEventBatch(ts=1.5, events=[theirs(vllm, event)], data_parallel_rank=0)

        assert mine == msgspec.msgpack.encode(real)


def test_vllm_reads_what_we_write(vllm: Any) -> None:
    """The double's consumers may use vLLM's own classes."""
    form = dialect(vllm).events

    mine = encode(Batch(1.5, EVENTS, 0), Dialect(form, HashForm.BYTES))
    found = msgspec.msgpack.decode(mine, type=vllm.KVEventBatch)

    assert decode(msgspec.msgpack.encode(found)) == decode(mine)


@pytest.mark.parametrize("rank", [0, 1, 7])
@pytest.mark.parametrize("address", ["tcp://*:5557", "tcp://[::]:5557", "inproc://cache"])
def test_ranks_have_the_ports_that_vllm_gives_them(vllm: Any, address: str, rank: int) -> None:
    """base + rank, or a suffix."""
    assert offset_port(address, rank) == vllm.ZmqEventPublisher.offset_endpoint_port(address, rank)
