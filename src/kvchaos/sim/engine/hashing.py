"""Block hashes as vLLM chains them: h = H((parent, tokens, extra keys)), 32 bytes of SHA-256.

``sha256`` hashes the pickle of that tuple (vLLM's default), ``sha256_cbor`` its canonical CBOR
(RFC 8949, 4.2). The first block's parent is H(seed), the seed being vLLM's own default.
Source: vLLM 0.33.0, ``vllm/v1/core/kv_cache_utils.py`` and ``vllm/utils/hashing.py``.
"""

from __future__ import annotations

import hashlib
import pickle  # vLLM hashes a pickle; none is ever read  # nosec B403
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SEED = "vllm-none-hash"

Extra = tuple[str, ...] | None


class Algorithm(StrEnum):
    """What ``--prefix-caching-hash-algo`` of vLLM may say here."""

    SHA256 = "sha256"
    SHA256_CBOR = "sha256_cbor"


def cbor(value: object) -> bytes:
    """Canonical CBOR of what a block hash is made from: null, int, bytes, text, sequence."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, Sequence):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    raise TypeError(f"no CBOR for {type(value).__name__}")


def _head(major: int, number: int) -> bytes:
    """The first bytes of a data item: its major type and, as short as can be, its number."""
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise OverflowError(f"{number} does not fit CBOR's 64 bits")


def _pickled(value: object) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


_WRITE: dict[Algorithm, Callable[[object], bytes]] = {
    Algorithm.SHA256: _pickled,
    Algorithm.SHA256_CBOR: cbor,
}


@dataclass(frozen=True, slots=True)
class BlockHasher:
    """Names blocks; equal for all engines of equal algorithm and seed."""

    algorithm: Algorithm = Algorithm.SHA256
    seed: str = SEED
    root: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self._digest(self.seed))

    def block(self, parent: bytes | None, tokens: Sequence[int], extra: Extra = None) -> bytes:
        """The hash of the full block ``tokens`` behind ``parent`` (None: the first block)."""
        return self._digest((self.root if parent is None else parent, tuple(tokens), extra))

    def _digest(self, value: object) -> bytes:
        return hashlib.sha256(_WRITE[self.algorithm](value)).digest()
