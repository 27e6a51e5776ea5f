"""Whatever an engine sends: a value or a WireError, within bounds; a follower never stops."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.errors import WireError
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.frames import (
    Message,
    join_live,
    join_reply,
    split_live,
    split_reply,
    split_request,
)
from kvchaos.kvevents.sequence import Tracker
from kvchaos.kvevents.wire import (
    MAX_PAYLOAD,
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    EventForm,
    HashForm,
    UnknownEvent,
    decode,
    encode,
    hashes,
)
from kvchaos.observer.intake import Intake
from tests.hostile import ODD_JSON, bounded, damaged, outcome

BATCH = Batch(
    1.5,
    [
        BlockStored([1, 2**64 - 1], None, list(range(32)), 16, None, "GPU"),
        BlockRemoved([1], "GPU"),
        AllBlocksCleared(),
        UnknownEvent("Novel"),
    ],
    0,
)
VALID = [encode(BATCH, Dialect(form, kind)) for form in EventForm for kind in HashForm]
PAYLOADS = (
    st.binary(max_size=200)
    | damaged(VALID)
    | ODD_JSON.map(lambda value: msgspec.msgpack.encode(value, enc_hook=str)
                   if _fits(value) else b"")
)  # fmt: skip
ENGINE = EngineId("p", "u", 0)


def _fits(value: Any) -> bool:
    """Whether MessagePack has it: numbers of 64 bits, text that is UTF-8."""
    try:
        msgspec.msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError):
        return False
    return True


@given(PAYLOADS)
def test_a_payload_is_a_batch_or_a_wire_error(payload: bytes) -> None:
    """And its hashes are unsigned numbers of 64 bits."""
    with bounded(len(payload)):
        batch = outcome(lambda: decode(payload), WireError)
    if isinstance(batch, WireError):
        assert (batch.size, batch.head) == (len(payload), payload[:32])
        return
    for event in batch.events:
        if isinstance(event, BlockStored | BlockRemoved):
            assert all(0 <= one < 2**64 for one in hashes(event))


@pytest.mark.parametrize("size", [5, 2**10, 2**20])
@pytest.mark.parametrize("header", [b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"])
def test_a_size_that_is_not_there_costs_nothing(header: bytes, size: int) -> None:
    """An array of four thousand million entries, announced in five bytes, wherever it stands."""
    large = header + b"\xff" * 4 + b"\x00" * (size - 5)
    stamp = b"\xcb\x3f\xf0" + b"\x00" * 6
    for payload in (
        large,
        b"\x92" + large,
        b"\x92" + stamp + large,
        b"\x92" + stamp + b"\x91" + large,
        b"\x92" + stamp + b"\x91\x92\xacBlockRemoved" + large,
        b"\x92" + stamp + b"\x91\x82\xa4type\xacBlockRemoved\xacblock_hashes" + large,
        b"\x92" + stamp + b"\x91\x82\xa4type\xacBlockRemoved\xa1x" + large,
    ):
        with bounded(len(payload), memory=(2**16, 80)), pytest.raises(WireError):
            decode(payload)


def test_a_payload_beyond_the_largest_is_not_looked_at() -> None:
    """libzmq drops the link of who sends one; a replayed one is refused as well."""
    payload = b"\x93" + bytes(MAX_PAYLOAD)
    with bounded(0), pytest.raises(WireError, match="payload is too big"):
        decode(payload)


@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b"", b"\xff" * 8, b"\0" * 8]), max_size=9)
)
def test_frames_are_a_message_or_a_wire_error(frames: list[bytes]) -> None:
    """Live ones, replies and requests; of many frames only the beginning is shown."""
    size = sum(map(len, frames))
    for split in (split_live, split_reply, split_request):
        with bounded(size):
            found: Any = outcome(partial(split, frames), WireError)
        if isinstance(found, WireError):
            assert found.size == size
            assert len(str(found)) < 300
        else:
            assert found is None or isinstance(found, tuple)


SEQS = st.integers(0, 40) | st.sampled_from([2**32, 2**63, 2**64 - 2])
MESSAGES = st.builds(Message, st.just(b""), SEQS, st.sampled_from([b"a", b"b", b"c"]))


WORDS = st.sampled_from(["live", "replayed", "ended", "failed", "check"])


@given(st.lists(st.tuples(WORDS, MESSAGES), max_size=60))
def test_a_tracker_takes_any_order(told: list[tuple[str, Message]]) -> None:
    """Numbers from anywhere, replies that nobody asked for: a step each, in bounded memory."""
    tracker = Tracker()
    with bounded(64 * len(told)):
        for what, message in told:
            match what:
                case "live":
                    tracker.live(message)
                case "replayed":
                    tracker.replayed(message)
                case "ended":
                    tracker.replay_ended()
                case "failed":
                    tracker.replay_failed()
                case "check":
                    tracker.check()


@given(st.lists(PAYLOADS, max_size=8))
def test_an_oracle_is_fed_or_told_that_it_cannot_be(payloads: list[bytes]) -> None:
    """One batch that cannot be read does not end what comes after it."""
    oracle = Oracle()
    intake = Intake(ENGINE, oracle)
    with bounded(sum(map(len, payloads))):
        for seq, payload in enumerate(payloads):
            try:
                doubt = intake.apply(Message(b"", seq, payload))
            except WireError:
                doubt = "unreadable"
            if doubt:
                intake.doubt(doubt)
            assert intake.head == seq
        oracle.expected()


def test_frames_survive_their_own_making() -> None:
    """What the tests above damage is sound to begin with."""
    message = Message(b"t", 7, VALID[0])
    assert split_live(join_live(message)) == message
    assert split_reply(join_reply(message)) == message
    assert [decode(payload).ts for payload in VALID] == [1.5] * len(VALID)
