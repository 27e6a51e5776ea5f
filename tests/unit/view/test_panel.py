"""The panel and its rows over time: what they say, and that no row is wider than the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from rich.console import Console

from kvchaos.view.panel import Panel
from kvchaos.view.spark import ASCII_LEVELS, band, sparkline
from kvchaos.view.story import Shown, Story
from tests import builders
from tests.builders import event, sample

Json = dict[str, Any]


def story_of(events: Iterable[Json]) -> Story:
    story = Story()
    for each in events:
        story.take(each)
    return story


def drawn(story: Story, *, width: int = 80, at: float = 12.0, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, legacy_windows=False).print(
        Panel(story, at=at, doing="let it\x1b stand", name="[1/2] e")
    )
    file.seek(0)
    return file.read().splitlines()


def rates(at: float, batches: int) -> Json:
    each = {"batches": batches, "blocks": 2 * batches, "gaps": 1}
    return event(at, "rates", engines={"a/0": each, "b/0": each})


SECOND = event(
    8.0,
    "traffic_second",
    **{"from": 7.0, "to": 8.0, "sent": 9, "ok": 8, "failed": 1},
    hit_tokens=60,
    prompt_tokens=80,
    p50=0.01,
    p95=0.25,
    by_pod={"a": 8},
)
UNDER_WAY = [
    builders.started(),
    sample(1.0),
    rates(1.0, 5),
    builders.injected(),
    sample(4.0, 16),
    rates(8.0, 40),
    SECOND,
]


def test_the_panel_shows_where_the_run_is() -> None:
    """Phase, fault, targets, difference over time, rates, traffic."""
    assert drawn(story_of(UNDER_WAY), width=72, encoding="ascii") == [
        "-" * 72,
        "run       00:12  [1/2] e The router's index survives: network-partition",
        "phase     the fault is on  let it  stand",
        "fault     NetworkChaos partition, on for 8.48 s of 10 s at most",
        f"targets   {builders.ROUTER}, {builders.ENGINES[1]}",
        "index     differs: 16 missing, 0 phantom, 0 ghosts",
        "differs        _______________##########################################",
        "fault on  ------------------############################################",
        "engines   2 followed, 80 batches (10/s), 2 gaps",
        "traffic   8/s answered, 1 failed, 75 % of tokens cached, p95 250 ms",
    ]


@pytest.mark.parametrize("width", [1, 12, 40, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_no_row_is_wider_than_the_terminal(width: int, encoding: str) -> None:
    """However narrow: a row that wraps would be left behind when the panel is drawn anew."""
    assert max(map(len, drawn(story_of(UNDER_WAY), width=width, encoding=encoding))) <= width


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ([], "phase     starting"),
        ([sample(1.0)], "index     agrees"),
        ([sample(1.0, 4), sample(2.0)], "index     agrees  at its worst 4 differed"),
        ([builders.blind_sample(1.0)], "index     cannot be judged"),
        ([builders.activity(1, "x", "probe", "before")], "phase     steady state before"),
        ([builders.activity(9, "x", "probe", "rollbacks")], "phase     rollbacks"),
        ([builders.stop()], "phase     stopping (signal): its faults are recovered"),
        (
            [builders.injected(), builders.recovered()],
            "phase     healed, the index has to recover",
        ),
        ([*UNDER_WAY, builders.traffic()], "engines   2 followed, 80 batches (10/s), 2 gaps"),
        (UNDER_WAY, "traffic   8/s answered, 1 failed, 75 % of tokens cached, p95 250 ms"),
    ],
)
def test_a_row_says_how_it_is(events: list[Json], row: str) -> None:
    """What is not known yet has no row."""
    found = [line.split("  let it")[0].rstrip() for line in drawn(story_of(events), at=20.0)]

    assert row in found


@pytest.mark.parametrize("make", [builders.run_that_recovered, builders.run_that_left_residue])
def test_every_run_can_be_drawn(make: Any) -> None:
    """At each of its events."""
    story = Story()
    for each in make():
        story.take(each)
        assert drawn(story, at=each["at"])


def test_a_sparkline_shows_the_largest_and_goes_on_with_the_last() -> None:
    """The lowest level is 0 alone, ``?`` is unknown; before the first value is nothing."""
    values = [(1.0, 0), (2.0, 8), (2.5, 1), (5.0, None), (6.0, 0)]

    assert sparkline(values, until=8.0, cells=8, levels=ASCII_LEVELS) == "_#..?___"


def test_a_sparkline_of_nothing_is_blank() -> None:
    """As before the first sample."""
    assert sparkline([], until=1.0, cells=3, levels=ASCII_LEVELS) == "   "


def test_a_band_covers_the_time_a_fault_was_on() -> None:
    """One that is on still goes on to the right edge."""
    faults = [Shown("x", [], 1.0, until=2.0), Shown("y", [], 3.5)]

    assert band(faults, until=5.0, cells=5, on="#", off="-") == "-#-##"
