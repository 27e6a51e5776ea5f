"""Hostile input: bytes at random, valid ones damaged; and the bounds that reading them must keep.

Work is counted in calls and memory as Python counts it, so that no bound depends on how fast the
machine is.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
MEMORY = (3 * 2**20, 400)  # bytes: so many, and so many for each byte that came in
CALLS = (60_000, 400)  # likewise

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "Status", "\ud800", "\x00", "a" * 300, "9" * 5000, "-1", "NaN", "${a}"])
)
ODD_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@contextmanager
def bounded(size: int, *, memory: tuple[int, int] = MEMORY) -> Iterator[None]:
    """What is done inside takes memory and calls that an input of ``size`` bytes may take."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    tracemalloc.start()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= memory[0] + memory[1] * size, f"{peak} bytes for {size}"
    assert calls <= CALLS[0] + CALLS[1] * size, f"{calls} calls for {size} bytes"


def outcome(call: Callable[[], T], *errors: type[E]) -> T | E:
    """What the call gives, or the one of the documented ``errors`` that it raises."""
    try:
        return call()
    except errors as error:
        return error


@st.composite
def damaged(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """One of ``valid`` after up to four accidents: bytes changed, lost, doubled, put in, moved."""
    found = bytearray(draw(st.sampled_from(list(valid))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        size = draw(st.integers(1, 16))
        match draw(st.sampled_from(["change", "lose", "double", "put", "cut", "splice"])):
            case "change" if found:
                found[at] = draw(st.integers(0, 255))
            case "lose":
                del found[at : at + size]
            case "double":
                found[at:at] = found[at : at + size] * draw(st.integers(1, 50))
            case "put":
                found[at:at] = draw(st.binary(max_size=16) | st.sampled_from(INSERTED))
            case "cut":
                del found[at:]
            case "splice":
                found[at:] = draw(st.sampled_from(list(valid)))[at:]
    return bytes(found)


INSERTED = [
    b"\xdd\xff\xff\xff\xff",  # arrays, maps and bytes of MessagePack that are not there
    b"\xdc\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\x91" * 3000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\xff" * 40,
    b"null",
    b"1e999",
    b"9" * 5000,
    b"\n",
    b"\x00",
    b"\xed\xa0\x80",  # half a surrogate pair
    b"*a",
    b"&a ",
    b"!!python/object/apply:os.system ",
    b"{{",
    b"{%",
]


def damaged_json(*valid: Any) -> st.SearchStrategy[bytes]:
    """Bytes at random, odd JSON, and ``valid`` after accidents, to its bytes and to its tree."""
    plain = [msgspec.json.encode(each) for each in valid]
    return (
        st.binary(max_size=64)
        | ODD_JSON.map(_encoded)
        | damaged(plain)
        | st.sampled_from(list(valid)).flatmap(lambda tree: _grafted(tree).map(_encoded))
    )


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def _grafted(draw: st.DrawFn, tree: Any) -> Any:
    """The tree with one of its parts taken out, or odd JSON in its place."""
    if not isinstance(tree, dict | list) or not tree or draw(st.integers(0, 3)) == 0:
        return draw(ODD_JSON)
    if isinstance(tree, list):
        at = draw(st.integers(0, len(tree) - 1))
        return [*tree[:at], draw(_grafted(tree[at])), *tree[at + 1 :]]
    key = draw(st.sampled_from(sorted(tree)))
    rest = {name: each for name, each in tree.items() if name != key}
    return rest if draw(st.booleans()) and rest else {**rest, key: draw(_grafted(tree[key]))}


grafted = _grafted
