"""Charts: figures in, markup out."""

from __future__ import annotations

import re

from kvchaos.report.html.axes import Heights, time_marks, value_marks
from kvchaos.report.html.charts import Trace, difference_chart, plot, timeline
from kvchaos.report.html.course import Band, Course
from kvchaos.report.html.scale import Scale
from kvchaos.report.html.series import Stretch
from kvchaos.report.html.spread import MAX_DOTS, Spread, distribution_chart

COURSE = Course(Scale(0.0, 10.0), bands=(Band("fault", "network partition", 2.0, 8.0),))


def test_a_value_holds_until_the_next_and_stops_where_nothing_is_known() -> None:
    """Steps, not slopes: between two looks nothing is made up."""
    trace = Trace(name="x", kind="one", points=[(0.0, 0.0), (2.0, 10.0), (4.0, None), (9.0, 5.0)])

    drawn = str(plot("A", [trace], COURSE))

    assert re.findall(r'class="trace one"[^>]* d="([^"]+)"', drawn) == [
        "M0.00 100.00L200.00 100.00L200.00 0.00L400.00 0.00M900.00 50.00L1000.00 50.00"
    ]


def test_missing_stands_above_and_phantom_below() -> None:
    """So that neither hides the other; without phantom there is no room for it."""
    missing, phantom = [(0.0, 16.0)], [(0.0, 8.0)]

    both = str(difference_chart(missing, phantom, COURSE, []))
    alone = str(difference_chart(missing, [(0.0, 0.0)], COURSE, []))

    assert 'data-bottom="-10.0" data-top="20.0"' in both
    assert 'data-bottom="0.0" data-top="20.0"' in alone
    assert "no phantom seen" in alone


def test_a_chart_says_what_it_shows() -> None:
    """To somebody who does not see it."""
    drawn = str(difference_chart([(0.0, 16.0)], [(0.0, None)], COURSE, []))

    assert 'aria-label="Difference (blocks) over time: missing ↑ at most 16, no phantom seen"' in (
        drawn
    )


def test_what_is_not_known_is_hatched() -> None:
    """Only that; what is right or wrong is drawn."""
    holes = [Stretch(0.0, 1.0, "good"), Stretch(1.0, 3.0, "blank")]

    drawn = str(plot("A", [], COURSE, holes=holes))

    assert re.findall(r'class="hole" x="([^"]+)" width="([^"]+)"', drawn) == [("10.0%", "20.0%")]


def test_a_name_that_does_not_fit_stands_beside_its_bar() -> None:
    """On the side that has room."""
    short = Course(Scale(0.0, 10.0), bands=(Band("fault", "pod killed", 1.0, 1.1),))
    late = Course(Scale(0.0, 10.0), bands=(Band("fault", "pod killed", 9.0, 9.1),))

    assert '<em style="left:11.0%">pod killed</em>' in str(timeline(short, []))
    assert '<em style="right:10.0%">pod killed</em>' in str(timeline(late, []))
    assert ">network partition</span>" in str(timeline(COURSE, []))


def test_levels_are_round_and_the_largest_figure_fits() -> None:
    """Below 0 as far as needed."""
    assert [each.text for each in Heights.around(16.0, 0.0, steps=3).levels()] == ["0", "10", "20"]
    assert [each.text for each in Heights.around(9.0, -1.0, steps=3).levels()] == [
        "5",
        "0",
        "5",
        "10",
    ]
    assert [each.text for each in Heights.around(0.0, 0.0, steps=3).levels()] == ["0", "1"]
    assert [each.text for each in Heights.around(11.0, 0.0, steps=1).levels()] == ["0", "15"]


def test_the_last_mark_has_the_unit() -> None:
    """Once is enough; a clock needs none."""
    assert [each.text for each in time_marks(Scale(0.0, 4.0))][-1] == "4 s"
    assert [each.text for each in time_marks(Scale(0.0, 600.0))][-1] == "10:00"
    assert [each.text for each in value_marks(Scale(0.0, 400.0), "blocks")][-1] == "400 blocks"


def test_distributions_stand_below_each_other_on_one_scale() -> None:
    """With their figures in words; a row without values says so."""
    rows = [
        Spread(name="before", values=[0.5, 1.0, 2.0]),
        Spread(name="now", values=[1.0], note="2 late"),
        Spread(name="never", values=[]),
    ]

    drawn = str(distribution_chart(rows, limit=60.0))

    assert re.findall(r'<span class="soft">([^<]+)</span>', drawn) == [
        "n 3, median 1.00 s, 0.50 s to 2.00 s",
        "n 1, 1.00 s; 2 late",
        "no value",
    ]
    assert "budget 60.0 s (beyond the chart)" in drawn
    assert re.findall(r'cx="([^"]+)%"', drawn) == ["25.0", "50.0", "100.0", "50.0"]


def test_many_values_are_drawn_in_part() -> None:
    """The extremes always."""
    drawn = str(distribution_chart([Spread(name="x", values=[float(at) for at in range(10_000)])]))

    places = re.findall(r'cx="([^"]+)%"', drawn)

    assert len(places) <= MAX_DOTS + 1
    assert (places[0], places[-1]) == ("0.0", "99.99")
