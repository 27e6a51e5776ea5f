"""One sentence tells what came out, by the cause that explains most of it."""

from __future__ import annotations

import pytest

from kvchaos.report.headline import headline
from kvchaos.verdict.result import Result, Status, failed, passed, unknown
from kvchaos.verdict.verdict import Judgement, merge
from tests.builders import NOBODY_WRONG, recovery

FINE = passed("steady state before", "fine")


def said(*results: Result) -> str:
    verdict = merge(each.verdict for each in results)
    judgement = Judgement(verdict, results, Status(verdict))
    return headline(judgement, {"recovery": recovery(), "left": NOBODY_WRONG})


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([FINE], "The router's index became right again 2.35 s after the fault healed."),
        ([], "Nothing was checked, so nothing is known."),
        (
            [failed("actions succeeded", "1 of 2"), failed("fault landed", "1 fault", "x: late.")],
            "The fault did not happen, so nothing was tested: x: late.",
        ),
        (
            [unknown("recovered within budget", "no fault was injected, so nothing was tested")],
            "It is not known if the index became right again.",
        ),
        (
            [unknown("fault landed", "no fault was injected, so nothing was tested")],
            "No fault was seen to happen, so nothing was tested.",
        ),
        (
            [unknown("fault landed", "z"), unknown("run reached its end", "the run was aborted")],
            "The run did not come to its end: the run was aborted.",
        ),
        (
            [failed("run reached its end", "failed"), failed("nothing left", "2 things left")],
            "The fault left something behind: 2 things left.",
        ),
        (
            [failed("recovered within budget", "agreed only 9 s after the heal", "a/0: 3")],
            "The router's index did not become right in time: agreed only 9 s after the heal.",
        ),
        ([unknown("a new check", "it broke")], "A new check: it broke."),
    ],
)
def test_headline_names_the_deepest_cause(results: list[Result], sentence: str) -> None:
    """A fault that never landed explains all that followed; a detail is said once."""
    assert said(*results) == sentence


def test_pass_of_a_router_that_is_always_behind_says_that_it_was_judged_without_traffic() -> None:
    """Its time is that of another test, and no other line is read by everybody."""
    judgement = Judgement(FINE.verdict, (FINE,), Status.PASS)

    assert headline(judgement, {"recovery": recovery(quiet=14.0), "left": NOBODY_WRONG}) == (
        "The router's index became right again 2.35 s after the fault healed, once traffic was "
        "stopped: with it, the router is always behind."
    )


def test_pass_without_a_measured_recovery_claims_no_time() -> None:
    """A time that was not measured is not told."""
    judgement = Judgement(FINE.verdict, (FINE,), Status.PASS)

    assert headline(judgement, {"left": NOBODY_WRONG}) == ("The router's index became right again.")
