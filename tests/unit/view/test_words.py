"""The lines that follow a run: what is told, what is not, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from kvchaos.view.story import Story
from kvchaos.view.words import LONGEST, told
from tests import builders
from tests.builders import ENGINES, ROUTER, event, sample

Json = dict[str, Any]


def lines(events: Iterable[Json]) -> list[str]:
    story, found = Story(), []
    for each in events:
        line = told(each, story)
        story.take(each)
        found += [line.text] if line else []
    return found


def test_a_run_reads_as_a_story() -> None:
    """Steps, the fault, the difference, the recovery; nothing is told twice."""
    assert lines(builders.run_that_recovered()) == [
        "The router's index survives: network-partition (kvchaos-lab, namespace kvchaos)",
        "done: index-agrees (0.20 s)",
        "steady state before: met",
        "done: warm-engines (0.20 s)",
        f"FAULT ON: partition on {ROUTER}, {ENGINES[1]}, 10 s at most",
        "done: cut-router-from-engine (0.20 s)",
        "the index differs: 4 missing, 0 phantom, 0 ghosts",
        "the fault's effect: confirmed",
        "FAULT OFF: NetworkChaos kvchaos/partition-7f3a9c, by duration",
        "the index agrees with the engines",
        "the index agrees again, 2.35 s after the heal",
        "done: index-recovers (0.20 s)",
        "done: index-agrees (0.20 s)",
        "steady state after: met",
        "traffic: 238 of 240 requests answered",
        "done: recover-fault (0.20 s)",
        "nothing of a fault is left",
    ]


@pytest.mark.parametrize(
    ("words", "style", "told_of"),
    [
        (
            "preflight refuses the run for 2 reasons",
            "fail",
            event(0.1, "preflight", targets=[], findings=["too many", "no right"], notes=[]),
        ),
        (
            "preflight: 1 pod may be hit; slow",
            "dim",
            event(0.1, "preflight", targets=[{"pod": "a"}] * 2, findings=[], notes=["slow"]),
        ),
        (
            "steady state before: not met (x)",
            "fail",
            event(1, "hypothesis", when="before", met=False, failed=["x"], unknown=[]),
        ),
        (
            "steady state after: not known (nothing was asked)",
            "unknown",
            event(1, "hypothesis", when="after", met=None, failed=[], unknown=[]),
        ),
        (
            "failed: warm: RouterUnreachable: no answer",
            "fail",
            builders.activity(
                1, "warm", "action", "method", "kvchaos.errors.RouterUnreachable: no answer"
            ),
        ),
        ("no fault: no target", "fail", event(1, "fault_failed", error="no target")),
        (
            "the fault's effect: inconclusive",
            "unknown",
            builders.effect(effect="inconclusive"),
        ),
        (
            "new pods without the fault: a, b",
            "unknown",
            event(1, "targets_replaced", pods=["a", "b"]),
        ),
        (
            "the index cannot be judged: router: no answer in 2 s",
            "unknown",
            builders.blind_sample(1),
        ),
        (
            "engine a/0: 1 batch of it did not come",
            "unknown",
            event(1, "stream", engine={"pod": "a", "rank": 0}, what="gap", missing=1, reason=""),
        ),
        (
            "STOPPED by signal: SIGTERM; faults are recovered now",
            "fail",
            builders.stop(),
        ),
        ("LEFT: x; y", "fail", event(1, "residue", left=["x"], unconfirmed=["y"])),
        ("nothing of a fault is left", "pass", event(1, "residue", left=[], unconfirmed=[])),
        (
            "what is left could not be looked at",
            "unknown",
            event(1, "residue", left=None, unconfirmed=[]),
        ),
        (
            "whether the index recovered cannot be told",
            "unknown",
            builders.recovery(agreed=None),
        ),
    ],
)
def test_an_event_has_its_words(words: str, style: str, told_of: Json) -> None:
    """And a style that says how it is meant."""
    before = Story(agrees=True)
    line = told(told_of, before)

    assert line is not None
    assert (line.text, line.style) == (words, style)


def test_a_sample_is_told_when_its_answer_is_another() -> None:
    """The first that agrees is as it should be."""
    told_of = [sample(1), sample(2), sample(3, 4, 2), sample(4, 5), sample(5), sample(6)]

    assert lines(told_of) == [
        "the index differs: 4 missing, 2 phantom, 0 ghosts",
        "the index agrees with the engines",
    ]


@pytest.mark.parametrize("make", [builders.run_that_stayed_wrong, builders.run_that_was_aborted])
def test_every_run_can_be_told(make: Callable[[], list[Json]]) -> None:
    """The lines of a run that went wrong end with how it did."""
    assert lines(make())


def test_what_is_not_known_is_not_told() -> None:
    """Events of later versions, streams with nothing wrong."""
    fine = event(1, "stream", engine={"pod": "a", "rank": 0}, what="connected", missing=None)

    assert lines([event(1, "of_later_days"), fine]) == []


def test_a_line_takes_no_command_of_a_stranger_and_is_bounded() -> None:
    """A pod's error may have anything in it; a terminal must not obey it."""
    (line,) = lines([event(1, "fault_failed", error="\x1b[2J" + "x" * 2 * LONGEST)])

    assert line.startswith("no fault:  [2Jxxx")
    assert len(line) == LONGEST + 3
