"""A game day's windows against a look at each minute, around the nights when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from kvchaos.gameday.windows import Blackout, Window, Windows

NIGHTS = (  # a time zone, and a UTC midnight near which its clock is changed
    ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),  # half an hour
    ("America/Santiago", datetime(2026, 9, 6, tzinfo=UTC)),  # at midnight
)
minutes = st.integers(0, 1439)
days = st.frozensets(st.integers(0, 6), min_size=1)
windows = st.builds(Window, minutes, st.integers(0, 1440), days).filter(
    lambda window: window.start != window.end
)


@settings(max_examples=settings().max_examples // 3)
@given(st.sampled_from(NIGHTS), st.lists(windows, min_size=1, max_size=3), minutes, st.booleans())
def test_the_next_opening_and_closing_are_those_of_a_look_at_each_minute(
    night: tuple[str, datetime], some: list[Window], shift: int, dark: bool
) -> None:
    """Within two days, whatever the windows are."""
    zone, midnight = night
    day = (midnight + timedelta(days=1)).date()
    blackouts = (Blackout(day, day),) if dark else ()
    all_of_them = Windows(ZoneInfo(zone), tuple(some), blackouts)
    begin = (midnight - timedelta(hours=20) + timedelta(minutes=shift)).timestamp()
    walk = [begin + 60 * n for n in range(2 * 1440)]
    seen = [all_of_them.is_open(at) for at in walk]

    found = {True: all_of_them.next_open(begin), False: all_of_them.closes(begin)}

    for wanted in (True, False):
        if wanted is False and not seen[0]:
            continue  # what is closed need not be asked when it closes
        moments = zip(walk, seen, strict=True)
        expected = next((at for at, is_open in moments if is_open == wanted), None)
        if expected is not None:
            assert found[wanted] == expected
