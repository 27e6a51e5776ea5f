"""What an assert makes of an answer."""

from __future__ import annotations

import pytest

from kvchaos.errors import FaultNotRecovered
from kvchaos.pytest.answer import Answer
from kvchaos.pytest.trial import _refuse_residue


@pytest.mark.parametrize(
    ("holds", "is_yes", "said"),
    [(True, True, "<yes: so>"), (False, False, "<no: so>"), (None, False, "<unknown: so>")],
)
def test_only_yes_passes_an_assert(holds: bool | None, is_yes: bool, said: str) -> None:
    """Unknown is no pass, and is not called no either."""
    answer = Answer(holds, "so")

    assert (bool(answer), repr(answer)) == (is_yes, said)


@pytest.mark.parametrize("record", [{"residue": ["a rule"]}, {"unconfirmed": ["a fault"]}])
def test_a_test_that_left_something_fails(record: dict[str, list[str]]) -> None:
    """Whether it is there, or may be."""
    with pytest.raises(FaultNotRecovered, match="left something behind"):
        _refuse_residue(record)


def test_a_test_that_left_nothing_passes() -> None:
    """The record of a tidy run."""
    _refuse_residue({"residue": [], "unconfirmed": []})
