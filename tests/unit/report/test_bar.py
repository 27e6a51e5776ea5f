"""Two lanes of characters tell a run's course, and claim nothing that was not sampled."""

from __future__ import annotations

from kvchaos.report.bar import Bar, bar
from kvchaos.report.json import faults
from tests.builders import (
    KILL,
    PARTITION,
    Json,
    blind_sample,
    event,
    injected,
    recovered,
    recovery,
    sample,
)


def drawn(history: list[Json], *, cells: int = 21) -> Bar | None:
    return bar(history, faults(history), cells=cells)


def cut(**fields: float | None) -> list[Json]:
    """A fault from second 10 to 20, in a history of 30 seconds."""
    return [
        injected(injected=10.0),
        recovered(healed=20.0),
        recovery(at=30.0, timeline={"agreed": None, **fields}),
    ]


def test_bar_shows_fault_and_index_side_by_side() -> None:
    """Four cells a second here: cut from 10 to 20, wrong from 12 on, agreement again at 30."""
    samples = [sample(float(at), missing=4 if 12 <= at < 30 else 0) for at in range(8, 32)]

    assert drawn([*samples, *cut(agreed=30.0)], cells=88) == Bar(
        fault="-" * 4 + "#" * 40 + "-" * 44,
        index="=" * 12 + "x" * 72 + "=" * 4,
        marks=(
            "    |injected 0.00 s                        |healed 10.0 s             agrees 20.0 s|",
        ),
    )


def test_a_fault_whose_effect_was_seen_first_is_on_from_then() -> None:
    """Chaos Mesh says so later; an effect that was not confirmed is no such sight."""
    seen = event(11.0, "effect", fault=PARTITION, effect="confirmed", effect_at=8.0, evidence=[])
    history = [injected(injected=10.0), seen, recovered(healed=20.0)]
    doubtful = [history[0], seen | {"effect": "inconclusive"}, history[2]]

    early, late = (drawn([*each, sample(21.0)], cells=26) for each in (history, doubtful))

    assert early is not None
    assert late is not None
    assert (early.fault.count("#"), late.fault.count("#")) == (23, 22)


def test_marks_that_would_overlap_stand_in_rows() -> None:
    """A short fault and a quick recovery are told apart all the same."""
    history = [injected(injected=10.0), recovered(healed=10.5), recovery(timeline={"agreed": 30.0})]

    lanes = drawn([sample(31.0), *history], cells=88)

    assert lanes is not None
    assert lanes.marks == (
        "    |injected 0.00 s" + " " * 51 + "agrees 20.0 s|",
        "      |healed 0.50 s",
    )


def test_fault_that_was_not_injected_has_no_place_in_the_bar() -> None:
    """Another one that was has."""
    failed = event(9.0, "fault_failed", fault=KILL, error="no")

    assert drawn([failed, *cut()]) == drawn(cut())


def test_no_fault_no_bar() -> None:
    """Created is not injected."""
    assert drawn([sample(1.0)]) is None
    assert drawn([injected(injected=None)]) is None


def test_cell_is_as_bad_as_its_worst_sample() -> None:
    """A short disagreement is not averaged away, and a blind moment hides no wrong one."""
    samples = [sample(10.0 + at / 10) for at in range(200)]
    wrong = [blind_sample(15.01), sample(15.02, missing=1), sample(15.03)]

    lanes = drawn([*samples, *wrong, blind_sample(25.01), *cut()])

    assert lanes is not None
    assert (lanes.index.count("x"), lanes.index.count("?")) == (1, 2)


def test_what_was_not_sampled_is_not_known() -> None:
    """A sample speaks for two and a half seconds, not for ever."""
    lanes = drawn([sample(9.4), sample(10.0), *cut()])

    assert lanes is not None
    assert lanes.index == "====" + "?" * 17


def test_fault_that_was_not_seen_to_end_is_drawn_to_the_end() -> None:
    """Nobody saw it end, so nobody may say that it did; the history's end is the bar's."""
    lanes = drawn([injected(injected=10.0), event(30.0, "run_ended", journal="failed")])

    assert lanes == Bar(fault="-" + "#" * 20, index="?" * 21, marks=(" |injected 0.00 s",))


def test_fault_shorter_than_a_cell_is_still_seen() -> None:
    """A kill happens in an instant."""
    history = [injected(injected=10.0), recovered(healed=10.0), recovery(at=30.0)]
    history[-1]["timeline"] = {"agreed": None}

    lanes = drawn(history)

    assert lanes is not None
    assert lanes.fault == "-#" + "-" * 19
