"""Frames and messages, both ways, and what is neither."""

from __future__ import annotations

import pytest

from kvchaos.errors import WireError
from kvchaos.kvevents.frames import (
    END_MARKER,
    Message,
    join_live,
    join_reply,
    join_request,
    split_live,
    split_reply,
    split_request,
)

SEQ = bytes.fromhex("0000000000000102")
MESSAGE = Message(b"kv", 258, b"\x93")


def test_live_message_is_topic_seq_payload() -> None:
    """vLLM sends three frames, the second an unsigned 64-bit big-endian seq."""
    assert split_live([b"kv", SEQ, b"\x93"]) == MESSAGE
    assert join_live(MESSAGE) == [b"kv", SEQ, b"\x93"]


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"kv"],
        [b"kv", SEQ],
        [b"kv", SEQ, b"\x93", b"more"],
        [b"kv", SEQ[1:], b"\x93"],
        [b"kv", END_MARKER, b"\x93"],
    ],
)
def test_other_live_frames_are_a_wire_error(frames: list[bytes]) -> None:
    """Nothing but three frames with a seq of 8 bytes, not that of the end marker, is a message."""
    with pytest.raises(WireError):
        split_live(frames)


def test_wire_error_of_frames_has_size_and_first_bytes() -> None:
    """Whoever counts malformed messages can say what they looked like."""
    with pytest.raises(WireError) as caught:
        split_live([b"kv", b"\x01" * 40])

    assert (caught.value.size, caught.value.head) == (42, b"kv" + b"\x01" * 30)
    assert "2 frames of [2, 40] bytes" in str(caught.value)


@pytest.mark.parametrize("topic_frame", [True, False])
def test_reply_with_and_without_topic_frame(topic_frame: bool) -> None:
    """From vLLM 0.26 and SGLang 0.5.23 on the topic is there; both forms must be read."""
    frames = join_reply(MESSAGE, topic_frame=topic_frame)

    found = split_reply(frames)

    assert len(frames) == (4 if topic_frame else 3)
    assert found == Message(b"kv" if topic_frame else b"", 258, b"\x93")


@pytest.mark.parametrize("frames", [[b"", b"", b"\xff" * 8, b""], [b"", b"\xff" * 8, b""]])
def test_end_marker_is_seq_minus_one_without_payload(frames: list[bytes]) -> None:
    """Both forms of vLLM's end marker are read as None, and written so."""
    assert split_reply(frames) is None
    assert join_reply(None, topic_frame=len(frames) == 4) == frames


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"", SEQ],
        [b"kv", SEQ, b"\x93"],
        [b"", b"kv", SEQ, b"\x93", b"more"],
        [b"", SEQ[1:], b"\x93"],
        [b"", SEQ, b""],
        [b"", END_MARKER, b"\x93"],
    ],
)
def test_other_replies_are_a_wire_error(frames: list[bytes]) -> None:
    """Half an end marker would end a replay that is not over, so it is none."""
    with pytest.raises(WireError):
        split_reply(frames)


def test_request_is_the_form_that_vllm_accepts() -> None:
    """vLLM ignores a request unless its ROUTER sees identity, empty frame, 8 bytes."""
    assert join_request(258) == [b"", SEQ]
    assert split_request([b"id", *join_request(258)]) == (b"id", 258)


@pytest.mark.parametrize("frames", [[b"id", SEQ], [b"id", b"x", SEQ], [b"id", b"", b"\x01"]])
def test_other_requests_are_a_wire_error(frames: list[bytes]) -> None:
    """The double ignores what vLLM ignores."""
    with pytest.raises(WireError):
        split_request(frames)
