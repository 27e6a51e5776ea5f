"""What an adapter answers, held to the protocol: adapters are also written by others.

The rule: an adapter that raises, or answers in another form, has not answered. Hashes are looked
at one of each set, so that an index of a million blocks costs nothing more.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from kvchaos.errors import KVChaosError, RouterUnreachable
from kvchaos.index.names import BlockKey
from kvchaos.index.observed import EngineView, Observed, Placing
from kvchaos.index.routers.protocol import RouterIndex

T = TypeVar("T")
HERE = Path(__file__).parent
HASHES = range(2**64)
IMPORTING = "importlib"
NUMBERS = ("seq", "gaps", "replays", "restarts", "lost")


class Checked:
    """A router's client whose every failure is ``RouterUnreachable``, by the adapter's name."""

    def __init__(self, made: RouterIndex, *, name: str) -> None:
        self._made = made
        self._name = name

    def snapshot(self) -> Observed:
        seen = self._asked("snapshot()", self._made.snapshot)
        self._refuse("snapshot()", "an Observed", _amiss_in_index(seen))
        return seen if seen.place is None else replace(seen, place=self._checked(seen.place))

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        seen = self._asked("match()", lambda: self._made.match(tokens))
        self._refuse("match()", "tokens by pod name", _amiss_in_match(seen))
        return seen

    def _checked(self, place: Placing) -> Placing:
        """It is asked later, while the index is compared."""

        def checked(key: BlockKey) -> BlockKey | None:
            seen = self._asked("place()", lambda: place(key))
            self._refuse("place()", "a BlockKey or None", _amiss_in_place(seen))
            return seen

        return checked

    def _asked(self, what: str, question: Callable[[], T]) -> T:
        try:
            return question()
        except RouterUnreachable:
            raise
        except KVChaosError as error:
            raise RouterUnreachable(self._what(what), saw=str(error)) from error
        except (Exception, SystemExit) as error:
            raise RouterUnreachable(self._what(what), saw=told(error)) from error

    def _refuse(self, what: str, wanted: str, amiss: Iterator[str]) -> None:
        if saw := next(amiss, ""):
            raise RouterUnreachable(self._what(what), wanted=wanted, saw=saw)

    def _what(self, question: str) -> str:
        return f"{question} of the router adapter {self._name!r}"


def told(error: BaseException) -> str:
    """An error of somebody else's code in one line, with the line of that code it came from."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    theirs = [each for each in traceback.extract_tb(error.__traceback__) if _is_theirs(each)]
    last = [each for each in theirs if each.filename == theirs[0].filename][-1:]
    return text + "".join(f" ({Path(each.filename).name}, line {each.lineno})" for each in last)


def _is_theirs(frame: traceback.FrameSummary) -> bool:
    """Whether it is neither the adapters' own nor of Python's import."""
    return Path(frame.filename).parent != HERE and IMPORTING not in frame.filename


def _amiss_in_index(seen: Any) -> Iterator[str]:
    if not isinstance(seen, Observed):
        yield repr(type(seen).__name__)
        return
    if not isinstance(seen.engines, Mapping):
        yield f"engines: {type(seen.engines).__name__}"
        return
    if seen.place is not None and not callable(seen.place):
        yield f"place: {type(seen.place).__name__}, wanted a function or None"
    yield from _amiss_in_router(seen.router)
    for place, view in seen.engines.items():
        if not _is_place(place):
            yield f"engine {place!r}, wanted (pod name, rank)"
        elif not isinstance(view, EngineView):
            yield f"{place[0]}: {type(view).__name__}, wanted an EngineView"
        else:
            yield from (f"{place[0]}: {each}" for each in _amiss_in_view(view))


def _amiss_in_router(router: Any) -> Iterator[str]:
    """When it started decides whether it restarted."""
    if not isinstance(router, Mapping):
        yield f"router: {type(router).__name__}"
        return
    started = router.get("started")
    if started is not None and not (type(started) in (int, float) and isfinite(started)):
        yield f"router: started {started!r}, wanted Unix seconds or None"


def _is_place(place: Any) -> bool:
    return isinstance(place, tuple) and len(place) == 2 and list(map(type, place)) == [str, int]


def _amiss_in_view(view: EngineView) -> Iterator[str]:
    for name in NUMBERS:
        if (found := getattr(view, name)) is not None and not (type(found) is int and found >= 0):
            yield f"{name} {found!r}, wanted a number or None"
    yield from _amiss_in_blocks(view.blocks)


def _amiss_in_blocks(blocks: Any) -> Iterator[str]:
    if not isinstance(blocks, Mapping):
        yield f"blocks: {type(blocks).__name__}"
        return
    for key, held in blocks.items():
        if not isinstance(key, BlockKey) or not isinstance(held, frozenset):
            yield f"{key!r}: {type(held).__name__}, wanted BlockKey: frozenset"
        elif not _is_hash(one := next(iter(held), 0)):
            yield f"hash {one!r}, wanted an unsigned 64-bit number"


def _is_hash(found: Any) -> bool:
    return type(found) is int and found in HASHES


def _amiss_in_place(seen: Any) -> Iterator[str]:
    if seen is not None and not isinstance(seen, BlockKey):
        yield repr(seen)


def _amiss_in_match(seen: Any) -> Iterator[str]:
    if not isinstance(seen, dict):
        yield repr(type(seen).__name__)
        return
    for pod, tokens in seen.items():
        if not isinstance(pod, str) or type(tokens) is not int or tokens < 0:
            yield f"{pod!r}: {tokens!r}"
