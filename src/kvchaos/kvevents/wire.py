"""Payloads of vLLM's and SGLang's KV events, to and from values; pure.

The rule guarded here: whatever the bytes are, the answer is a value or a ``WireError``, and
events that differ only in dialect decode to equal values.

A payload is MessagePack: ``[ts, [event, ...], data_parallel_rank]``, where the rank may be absent
and an event is a map ``{"type": "BlockStored", "block_hashes": [...], ...}`` (vLLM from 0.26,
SGLang from 0.5.21) or an array ``["BlockStored", [...], ...]`` (before). Source: vLLM's
``vllm/distributed/kv_events.py`` and SGLang's ``disaggregation/kv_events.py``. ``frames`` has
the frames around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from kvchaos.errors import WireError

MASK64: Final = 2**64 - 1
MAX_PAYLOAD: Final = 64 * 2**20
"""Bytes; one scheduler step that stores a prompt of a million tokens makes about 6 MB."""
_HEAD: Final = 32
_NAME: Final = 64

RawHash = int | bytes


def _null() -> None:
    """A default that, unlike ``None`` itself, stays on the wire, as in vLLM."""


class _Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Fields in vLLM's order, so that our bytes are vLLM's."""


class _Stored(_Event, frozen=True):
    """The fields that array events had last, in vLLM 0.23."""

    block_hashes: list[RawHash]
    parent_block_hash: RawHash | None
    token_ids: list[int]
    block_size: int
    lora_id: int | None = msgspec.field(default_factory=_null)
    medium: str | None = msgspec.field(default_factory=_null)
    lora_name: str | None = msgspec.field(default_factory=_null)
    extra_keys: Any = None
    group_idx: int | None = None
    kv_cache_spec_kind: str | None = None
    kv_cache_spec_sliding_window: int | None = None


class BlockStored(_Stored, frozen=True, tag=True):
    """Blocks that now are in ``medium``, the first one after ``parent_block_hash``.

    Masked blocks are missing in ``block_hashes`` but not in ``token_ids``; ``hashes`` normalises.
    """

    locality: str | None = None
    ownership: str | None = None
    session_id: str | None = None
    lookahead_token_ids: list[list[int]] | None = None


class _Removed(_Event, frozen=True):
    """As ``_Stored``."""

    block_hashes: list[RawHash]
    medium: str | None = msgspec.field(default_factory=_null)
    group_idx: int | None = None


class BlockRemoved(_Removed, frozen=True, tag=True):
    """One physical copy of each block left ``medium``; another copy may remain."""

    locality: str | None = None
    ownership: str | None = None


class AllBlocksCleared(_Event, frozen=True, tag=True):
    """The engine's prefix cache was reset."""


class UnknownEvent(msgspec.Struct, frozen=True, gc=False):
    """An event whose type (its first 64 characters) is none of the above."""

    type: str


Event = BlockStored | BlockRemoved | AllBlocksCleared | UnknownEvent


class Batch(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What one message holds: events in order, and ``ts``, Unix seconds by the engine's clock."""

    ts: float
    events: list[Event]
    data_parallel_rank: int | None = None


class _Maps(msgspec.Struct, gc=False, array_like=True):
    ts: float
    events: list[BlockStored | BlockRemoved | AllBlocksCleared]
    data_parallel_rank: int | None = None


class _StoredArray(_Stored, frozen=True, array_like=True, tag="BlockStored"):
    pass


class _RemovedArray(_Removed, frozen=True, array_like=True, tag="BlockRemoved"):
    pass


class _ClearedArray(_Event, frozen=True, array_like=True, tag="AllBlocksCleared"):
    pass


class _Arrays(msgspec.Struct, gc=False, array_like=True):
    ts: float
    events: list[_StoredArray | _RemovedArray | _ClearedArray]
    data_parallel_rank: int | None = None


class EventForm(StrEnum):
    """What an event is on the wire."""

    MAP = "map"
    ARRAY = "array"


class HashForm(StrEnum):
    """What a block hash is on the wire: u64, a digest of 32 bytes, or SGLang's i64."""

    INT = "int"
    BYTES = "bytes"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a publisher writes; the default is vLLM's since 0.26."""

    events: EventForm = EventForm.MAP
    hashes: HashForm = HashForm.INT


VLLM: Final = Dialect()
_KNOWN: Final = BlockStored | BlockRemoved | AllBlocksCleared
_KNOWN_ARRAYS: Final = _StoredArray | _RemovedArray | _ClearedArray
_NAMES: Final = frozenset({"BlockStored", "BlockRemoved", "AllBlocksCleared"})
_AS_MAP: Final[dict[type[_Event], type[BlockStored | BlockRemoved | AllBlocksCleared]]] = {
    _StoredArray: BlockStored,
    _RemovedArray: BlockRemoved,
    _ClearedArray: AllBlocksCleared,
}
_ARRAY_FIELDS: Final = {made: len(kind.__struct_fields__) for kind, made in _AS_MAP.items()}
_BAD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_values: Final = msgspec.structs.astuple
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_maps: Final = msgspec.msgpack.Decoder(_Maps).decode
_decode_arrays: Final = msgspec.msgpack.Decoder(_Arrays).decode
_decode_any: Final = msgspec.msgpack.Decoder().decode


def block_hash(raw: RawHash) -> int:
    """``raw`` as an unsigned 64-bit int; of a digest its last 8 bytes, as vLLM shortens it."""
    return (int.from_bytes(raw[-8:], "big") if isinstance(raw, bytes) else raw) & MASK64


def hashes(event: BlockStored | BlockRemoved) -> list[int]:
    """The event's block hashes, each as by ``block_hash``; do not change the list."""
    raw = event.block_hashes
    try:
        if not raw or min(raw) >= 0:  # type: ignore[operator]
            return raw  # type: ignore[return-value]
    except TypeError:
        pass
    return [block_hash(one) for one in raw]


def decode(payload: bytes) -> Batch:
    """The batch in ``payload``, of whatever dialect; events of a later version are kept apart
    as ``UnknownEvent``, and unknown fields are dropped. ``WireError`` on anything else.
    """
    if len(payload) > MAX_PAYLOAD:
        raise _error("payload is too big", payload)
    try:
        if holds_arrays(payload):
            found = _decode_arrays(payload)
            events: list[Any] = found.events
            for at, one in enumerate(events):  # in place: no second list
                events[at] = _AS_MAP[type(one)](*_values(one))
            return Batch(found.ts, events, found.data_parallel_rank)
        batch = _decode_maps(payload)
        return Batch(batch.ts, batch.events, batch.data_parallel_rank)  # type: ignore[arg-type]
    except (*_BAD, IndexError):
        return _decode_loosely(payload)


def holds_arrays(payload: bytes) -> bool:
    """Whether the first event is an array, going by the layout that every publisher writes: one
    byte for the outer array, nine for ``ts``, one, three or five for the array of events.
    """
    size = payload[10]
    first = payload[11 if size < 0xDC else 13 if size == 0xDC else 15]
    return 0x90 <= first < 0xA0 or first == 0xDC


def _decode_loosely(payload: bytes) -> Batch:
    """As ``decode``, for batches of mixed forms, with events of unknown types, or with SGLang's
    metadata map, which stands in array events where vLLM has ``lora_name`` and is dropped.
    """
    try:
        found = msgspec.convert(_decode_any(payload), _Loose)
        events = [_event(one) for one in found.events]
    except _BAD as error:
        raise _error(f"payload is no batch of events ({error})", payload) from error
    return Batch(found.ts, events, found.data_parallel_rank)


class _Loose(msgspec.Struct, array_like=True):
    ts: float
    events: list[dict[str, Any] | list[Any]]
    data_parallel_rank: int | None = None


def _event(value: dict[str, Any] | list[Any]) -> Event:
    name = value.get("type") if isinstance(value, dict) else value[0] if value else None
    if not isinstance(name, str):
        raise msgspec.ValidationError("event without a type")
    if name not in _NAMES:
        return UnknownEvent(name[:_NAME])
    if isinstance(value, dict):
        return msgspec.convert(value, _KNOWN)
    plain = [None if isinstance(field, dict) else field for field in value]
    made = msgspec.convert(plain, _KNOWN_ARRAYS)
    return _AS_MAP[type(made)](*_values(made))


def encode(batch: Batch, dialect: Dialect = VLLM) -> bytes:
    """The payload as a publisher of ``dialect`` writes it."""
    if dialect == VLLM:
        return _encode(batch)
    events = [_in_dialect(event, dialect) for event in batch.events]
    return _encode([batch.ts, events, batch.data_parallel_rank])


def _in_dialect(event: Event, dialect: Dialect) -> Any:
    made = event
    if isinstance(event, BlockStored):
        parent = event.parent_block_hash
        made = msgspec.structs.replace(
            event,
            block_hashes=[_in_form(one, dialect.hashes) for one in event.block_hashes],
            parent_block_hash=None if parent is None else _in_form(parent, dialect.hashes),
        )
    elif isinstance(event, BlockRemoved):
        made = msgspec.structs.replace(
            event, block_hashes=[_in_form(one, dialect.hashes) for one in event.block_hashes]
        )
    if dialect.events == EventForm.MAP:
        return made
    if isinstance(made, UnknownEvent):
        return [made.type]
    return [type(made).__name__, *_values(made)[: _ARRAY_FIELDS[type(made)]]]


def _in_form(raw: RawHash, form: HashForm) -> RawHash:
    if form == HashForm.BYTES:
        return raw if isinstance(raw, bytes) else block_hash(raw).to_bytes(32, "big")
    number = block_hash(raw)
    return number - 2**64 if form == HashForm.SIGNED and number >= 2**63 else number


def _error(what: str, payload: bytes) -> WireError:
    return WireError(what, size=len(payload), head=payload[:_HEAD])
