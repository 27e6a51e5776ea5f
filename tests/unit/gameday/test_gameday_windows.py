"""When a game day may begin something: hours, nights that are an hour off, blackout dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from kvchaos.gameday.windows import Blackout, Window, Windows

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = frozenset(range(5))
HOURS = Window(9 * 60, 16 * 60, WORKDAYS)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def test_the_first_minute_is_open_and_the_last_is_not() -> None:
    """A window is from its beginning, to its end exclusive, in the zone's own time."""
    windows = Windows(BERLIN, (HOURS,))
    minutes = ["06:59", "07:00", "13:59", "14:00"]  # in UTC, in summer

    assert [windows.is_open(utc(f"2026-08-04 {minute}")) for minute in minutes] == [
        *(False, True, True, False)
    ]


def test_what_opens_next_skips_the_weekend_and_blackouts() -> None:
    """Friday evening: Monday is dark, so Tuesday."""
    dark = Blackout(date(2026, 8, 10), date(2026, 8, 10), "a release")
    windows = Windows(BERLIN, (HOURS,), (dark,))

    assert shown(windows.next_open(utc("2026-08-07 18:00"))) == "2026-08-11 07:00"
    assert windows.why_closed(utc("2026-08-10 10:00")) == (
        "Mon 2026-08-10 12:00 CEST: the blackout 2026-08-10 (a release)"
    )


def test_a_window_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    """Friday 22:00 to Saturday 02:00, and nothing on Saturday night."""
    windows = Windows(BERLIN, (Window(22 * 60, 2 * 60, frozenset({4})),))

    assert shown(windows.next_open(utc("2026-08-03 12:00"))) == "2026-08-07 20:00"
    assert shown(windows.closes(utc("2026-08-07 23:30"))) == "2026-08-08 00:00"
    assert not windows.is_open(utc("2026-08-08 21:00"))


def test_an_hour_that_is_left_out_opens_when_the_clock_is_put_forward() -> None:
    """02:30 does not exist on 29 March 2026: it opens at 03:00, which is 01:00 UTC."""
    windows = Windows(BERLIN, (Window(150, 300),))

    assert shown(windows.next_open(utc("2026-03-29 00:00"))) == "2026-03-29 01:00"
    assert shown(windows.closes(utc("2026-03-29 01:00"))) == "2026-03-29 03:00"


def test_an_hour_that_happens_twice_is_open_twice() -> None:
    """02:00 to 02:30 on 25 October 2026: at 00:00 and at 01:00 UTC."""
    windows = Windows(BERLIN, (Window(120, 150),))
    first = windows.next_open(utc("2026-10-24 12:00"))
    assert first is not None
    closed = windows.closes(first)
    assert closed is not None

    assert [shown(first), shown(closed), shown(windows.next_open(closed))] == [
        *("2026-10-25 00:00", "2026-10-25 00:30", "2026-10-25 01:00")
    ]


def test_the_offset_of_the_zone_is_that_of_the_day() -> None:
    """09:00 in Berlin is 07:00 UTC in summer, and 08:00 in winter."""
    windows = Windows(BERLIN, (HOURS,))

    assert shown(windows.next_open(utc("2026-10-23 20:00"))) == "2026-10-26 08:00"


@pytest.mark.parametrize("blackouts", [(), (Blackout(date(2020, 1, 1), date(2040, 1, 1)),)])
def test_what_never_closes_or_never_opens_is_none(blackouts: tuple[Blackout, ...]) -> None:
    """The whole day, every day; or a blackout of years."""
    windows = Windows(ZoneInfo("UTC"), (Window(0, 1440),), blackouts)
    now = utc("2026-08-04 10:00")

    assert (windows.next_open if blackouts else windows.closes)(now) is None
