"""Frames of ZMQ messages around the payloads, to and from values; pure.

The rule guarded here: whatever the frames are, the answer is a value or a ``WireError``.

A live message is ``[topic, seq (u64, big-endian), payload]``. A DEALER asks ``[b"", start]`` for
every batch from ``start`` on. A reply, as it sees it, is ``[b"", topic, seq, payload]``, without
the topic before vLLM 0.26 and SGLang 0.5.23; the last one is the end marker: seq ``ff`` x 8 and an
empty payload. Source: ``ZmqEventPublisher`` in vLLM's ``vllm/distributed/kv_events.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from kvchaos.errors import WireError

END_MARKER: Final = b"\xff" * 8
"""The seq frame of the last reply to a replay request."""
_HEAD: Final = 32
_SHOWN: Final = 8


class Message(NamedTuple):
    """One numbered batch of one topic, not yet decoded."""

    topic: bytes
    seq: int
    payload: bytes


_made: Final = tuple.__new__  # the same, and three times as fast


def split_live(frames: Sequence[bytes]) -> Message:
    """The message in the three frames that a SUB received."""
    if len(frames) != 3:
        raise _misfit("live message is not of 3 frames", frames)
    topic, seq, payload = frames
    if len(seq) != 8 or seq == END_MARKER:
        raise _misfit("live message has no sequence number", frames)
    return _made(Message, (topic, int.from_bytes(seq, "big"), payload))


def split_reply(frames: Sequence[bytes]) -> Message | None:
    """The message in a reply that a DEALER received, of 3 or 4 frames; None = the end marker."""
    if len(frames) not in (3, 4) or frames[0] or len(frames[-2]) != 8:
        raise _misfit("reply is not of 3 or 4 frames with a sequence number", frames)
    seq, payload = frames[-2:]
    if (seq == END_MARKER) != (not payload):
        raise _misfit("reply is half an end marker", frames)
    topic = frames[1] if len(frames) == 4 else b""
    return Message(topic, int.from_bytes(seq, "big"), payload) if payload else None


def split_request(frames: Sequence[bytes]) -> tuple[bytes, int]:
    """Who asks (a ROUTER's identity frame) and from which seq on."""
    if len(frames) != 3 or frames[1] or len(frames[2]) != 8:
        raise _misfit("replay request is not [identity, empty, seq]", frames)
    return frames[0], int.from_bytes(frames[2], "big")


def join_live(message: Message) -> list[bytes]:
    """The frames that a PUB sends."""
    return [message.topic, message.seq.to_bytes(8, "big"), message.payload]


def join_reply(message: Message | None, *, topic_frame: bool = True) -> list[bytes]:
    """The frames that a ROUTER sends after the identity; None = the end marker."""
    topic, seq, payload = message or Message(b"", 0, b"")
    number = END_MARKER if message is None else seq.to_bytes(8, "big")
    return [b"", topic, number, payload] if topic_frame else [b"", number, payload]


def join_request(start: int) -> list[bytes]:
    """The frames by which a DEALER asks for every batch from ``start`` on."""
    return [b"", start.to_bytes(8, "big")]


def _misfit(what: str, frames: Sequence[bytes]) -> WireError:
    shown = frames[:_SHOWN]
    sizes = [len(frame) for frame in shown]
    return WireError(
        f"{what} ({len(frames)} frames of {sizes} bytes)",
        size=sum(len(frame) for frame in frames),
        head=b"".join(frame[:_HEAD] for frame in shown)[:_HEAD],
    )
