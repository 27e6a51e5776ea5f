"""What was left behind, and that a run was ended early, outweigh how well it went."""

from __future__ import annotations

from itertools import product

import pytest

from kvchaos.verdict.result import Status, Verdict
from kvchaos.verdict.status import EXIT_CODE, left_behind, status_of
from tests.builders import Json, event

STOP = event(9.0, "stop", by="signal", reason="SIGTERM")
CLEAN = event(17.0, "residue", left=[], unconfirmed=[])
LEFT = event(17.0, "residue", left=["rules in pod a"], unconfirmed=[])
OPEN = event(17.0, "residue", left=[], unconfirmed=["partition: its end"])
UNSEEN = event(17.0, "residue", left=None)
NOBODY: Json = event(1.0, "sample")

TABLE = [
    (verdict, stop, look, status)
    for verdict, stop, (look, residue) in product(
        Verdict,
        (None, STOP),
        ((NOBODY, False), (CLEAN, False), (UNSEEN, False), (LEFT, True), (OPEN, True)),
    )
    for status in [Status.RESIDUE if residue else Status.ABORTED if stop else Status(str(verdict))]
]


@pytest.mark.parametrize(("verdict", "stop", "look", "status"), TABLE)
def test_status_of_each_combination(
    verdict: Verdict, stop: Json | None, look: Json, status: Status
) -> None:
    """Residue outweighs aborted, aborted the verdict; nothing makes any of them lighter."""
    assert status_of(verdict, [*([stop] if stop else []), look]) is status


def test_exit_code_is_zero_for_a_pass_alone() -> None:
    """4 is left to wrong usage."""
    assert {str(status): code for status, code in EXIT_CODE.items()} == {
        "pass": 0,
        "fail": 1,
        "unknown": 2,
        "aborted": 3,
        "residue": 5,
    }


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([LEFT, CLEAN], None),
        ([LEFT, UNSEEN], LEFT),
        ([OPEN, UNSEEN], OPEN),
        ([CLEAN, LEFT], LEFT),
        ([CLEAN, UNSEEN], None),
        ([], None),
    ],
)
def test_newest_look_that_could_see_counts(looks: list[Json], found: Json | None) -> None:
    """What was seen and not seen to go is still there."""
    assert left_behind(looks) is found


def test_event_without_a_name_stops_nobody() -> None:
    """A history that is broken still gets a status."""
    assert status_of(Verdict.UNKNOWN, [{}, {"event": 3}]) is Status.UNKNOWN
