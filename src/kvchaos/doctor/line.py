"""One thing that was looked for, and the screen that all of them make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kvchaos.errors import KVChaosError


class State(StrEnum):
    """How it is. Only what is missing stands in a run's way."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Line:
    """What was looked for, how it is, what was seen, and what to do about it."""

    what: str
    state: State
    saw: str
    todo: str = ""

    @classmethod
    def of(cls, what: str, error: KVChaosError, *, todo: str = "") -> Line:
        """The line for a question that ended in ``error``, which says itself where to look."""
        plain = KVChaosError(error.what, wanted=error.wanted, saw=error.saw)
        return missing(what, str(plain), todo or error.look)


def ok(what: str, saw: str) -> Line:
    """It is there."""
    return Line(what, State.OK, saw)


def note(what: str, saw: str, todo: str = "") -> Line:
    """Good to know; a run begins all the same."""
    return Line(what, State.NOTE, saw, todo)


def missing(what: str, saw: str, todo: str = "") -> Line:
    """A run would not begin, or would end in nothing known."""
    return Line(what, State.MISSING, saw, todo)


def is_well(lines: Iterable[Line]) -> bool:
    """Whether nothing is missing."""
    return all(each.state is not State.MISSING for each in lines)


LONGEST = 200
"""Characters of what was seen: a screen, not a log."""


def screen(lines: Iterable[Line]) -> Iterator[str]:
    """All lines as text, what to do below each one that asks for it."""
    listed = list(lines)
    wide = max((len(each.what) for each in listed), default=0)
    for each in listed:
        state = each.state.upper() if each.state is State.MISSING else each.state
        yield f"  {state:<7}  {each.what:<{wide}}  {_short(each.saw)}"
        if each.todo:
            yield f"  {'':<7}  {'':<{wide}}  -> {each.todo}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
