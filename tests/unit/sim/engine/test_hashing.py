"""Block hashes of the engine double."""

from __future__ import annotations

import pytest

from kvchaos.sim.engine.hashing import Algorithm, BlockHasher, cbor


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        (Algorithm.SHA256, (3262291359910021016, 7142137847444424233)),
        (Algorithm.SHA256_CBOR, (2233398808101521225, 17911472383915781900)),
    ],
)
def test_chained_hashes_are_those_of_vllm(algorithm: Algorithm, expected: tuple[int, int]) -> None:
    """Low 64 bits of two chained blocks of tokens 0..15 and 16..31 are vLLM's formula's."""
    hasher = BlockHasher(algorithm)

    first = hasher.block(None, range(16))
    second = hasher.block(first, range(16, 32))

    assert (int.from_bytes(first[-8:], "big"), int.from_bytes(second[-8:], "big")) == expected


def test_a_salt_names_other_blocks() -> None:
    """Extra keys are part of a block's name, so that tenants do not share cache."""
    hasher = BlockHasher()

    assert hasher.block(None, range(16), ("tenant",)) != hasher.block(None, range(16))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (500, "1901f4"),
        (1_000_000, "1a000f4240"),
        (1_000_000_000_000, "1b000000e8d4a51000"),
        (-1, "20"),
        (-500, "3901f3"),
        (b"\x01\x02", "420102"),
        ("IETF", "6449455446"),
        ((1, (2, 3), None), "8301820203f6"),
    ],
)
def test_cbor_is_that_of_the_standard(value: object, encoded: str) -> None:
    """Vectors of RFC 8949, appendix A."""
    assert cbor(value).hex() == encoded


@pytest.mark.parametrize(("value", "error"), [(1.5, TypeError), (1 << 64, OverflowError)])
def test_cbor_refuses_what_no_block_is_made_from(value: object, error: type[Exception]) -> None:
    """A value that vLLM would encode otherwise is an error, not another hash."""
    with pytest.raises(error):
        cbor(value)
