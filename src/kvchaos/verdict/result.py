"""What a check answers, pass, fail or unknown, and why; what a run came to. Pure.

The one rule guarded here: unknown is an answer of its own, never a kind of pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known of a run, or of one question about it."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


WEIGHT = {Verdict.PASS: 0, Verdict.UNKNOWN: 1, Verdict.FAIL: 2}
"""What was seen to be wrong outweighs what was not seen, which outweighs what was right."""


class Status(StrEnum):
    """What a whole run came to: its verdict, unless it was ended early or left something."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    UNKNOWN = "unknown"
    FAIL = "fail"
    ABORTED = "aborted"
    RESIDUE = "residue"


ORDER = (Status.PASS, Status.UNKNOWN, Status.FAIL, Status.ABORTED, Status.RESIDUE)
"""From light to heavy: what was left behind is more urgent than why, and that than what came of it.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One check's answer, in words that stand alone, with what it rests on."""

    name: str
    verdict: Verdict
    why: str
    evidence: tuple[str, ...] = ()


def passed(name: str, why: str, *evidence: str) -> Result:
    """The history shows it."""
    return Result(name, Verdict.PASS, why, evidence)


def failed(name: str, why: str, *evidence: str) -> Result:
    """The history contradicts it."""
    return Result(name, Verdict.FAIL, why, evidence)


def unknown(name: str, why: str, *evidence: str) -> Result:
    """The history does not tell."""
    return Result(name, Verdict.UNKNOWN, why, evidence)


def worst(results: Iterable[Result], *, default: Result) -> Result:
    """The first of the weightiest; ``default`` when there are none."""
    return max(results, key=lambda result: WEIGHT[result.verdict], default=default)
