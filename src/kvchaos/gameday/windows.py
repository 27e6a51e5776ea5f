"""When a game day may begin an experiment: hours of days in a time zone, less blackout dates. Pure.

The rule guarded here: what is open is told by the clock on the wall of that zone, also in the
nights in which it is put forward or back: an hour that happens twice is open twice, one that is
left out never was, and every opening and closing is found to the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES = 24 * 60  # of a day
AHEAD = 800  # days that are looked through for the next opening
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From one minute of a day to another, which is no part of it; past midnight when not later."""

    start: int
    end: int
    days: frozenset[int] = frozenset(range(7))

    def holds(self, weekday: int, minute: float) -> bool:
        """Whether that minute of that weekday (Monday: 0) is in it."""
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        began_today = weekday in self.days and minute >= self.start
        return began_today or ((weekday - 1) % 7 in self.days and minute < self.end)


@dataclass(frozen=True, slots=True)
class Blackout:
    """Dates, both included, on which nothing begins."""

    first: date
    last: date
    why: str = ""

    @property
    def text(self) -> str:
        """``2026-12-24 to 2027-01-02 (holidays)``."""
        to = f" to {self.last}" if self.last != self.first else ""
        return f"{self.first}{to}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of one zone; instants are seconds since the Unix epoch."""

    zone: ZoneInfo
    open: tuple[Window, ...]
    blackouts: tuple[Blackout, ...] = field(default=())

    def is_open(self, at: float) -> bool:
        """Whether an experiment may begin then."""
        local = self.local(at)
        minute = local.hour * 60 + local.minute + local.second / 60
        within = any(window.holds(local.weekday(), minute) for window in self.open)
        return within and self._blackout(local.date()) is None

    def next_open(self, at: float) -> float | None:
        """The first instant from ``at`` on that is open; None: not in the next two years."""
        return at if self.is_open(at) else self._next(at, opened=True)

    def closes(self, at: float) -> float | None:
        """When what is open at ``at`` closes; None: not in the next two years."""
        return self._next(at, opened=False)

    def why_closed(self, at: float) -> str:
        """One line for people: the time there, and the blackout or that no window is open."""
        local = self.local(at)
        dark = self._blackout(local.date())
        why = f"the blackout {dark.text}" if dark else "no window is open"
        return f"{self.shown(at)}: {why}"

    def local(self, at: float) -> datetime:
        """What calendar and clock say there."""
        return datetime.fromtimestamp(at, self.zone)

    def shown(self, at: float) -> str:
        """``Tue 2026-08-04 10:00 CEST``."""
        local = self.local(at)
        day = DAYS[local.weekday()].capitalize()
        return f"{day} {local:%Y-%m-%d %H:%M} {local.tzname() or self.zone.key}"

    def _blackout(self, day: date) -> Blackout | None:
        return next((each for each in self.blackouts if each.first <= day <= each.last), None)

    def _next(self, at: float, *, opened: bool) -> float | None:
        """The first instant after ``at`` from which on it is open, or is not."""
        today = self.local(at).date()
        for day in (today + n * ONE_DAY for n in range(AHEAD)):
            for edge in self._edges(day):
                if edge > at and self.is_open(edge) == opened:
                    return edge
        return None

    def _edges(self, day: date) -> list[float]:
        """Every instant of the day at which something may open or close, in order."""
        minutes = {0, *(minute for window in self.open for minute in (window.start, window.end))}
        walls = [datetime.combine(day, time(m // 60, m % 60)) for m in minutes if m < MINUTES]
        found = {wall.replace(tzinfo=self.zone, fold=fold) for wall in walls for fold in (0, 1)}
        edges = {edge.astimezone(UTC).timestamp() for edge in found}
        return sorted(edges | set(self._changes(day)))

    def _changes(self, day: date) -> Iterator[float]:
        """When the clock there is put forward or back on that day: to the second."""
        begin = datetime.combine(day, time(), self.zone).astimezone(UTC).timestamp() - 3600
        hours = [begin + 3600 * n for n in range(28)]
        for low, high in pairwise(hours):
            if self._offset(low) != self._offset(high):
                change = self._change(low, high)
                if self.local(change).date() == day:
                    yield change

    def _change(self, low: float, high: float) -> float:
        """Where between two instants, whose offsets differ, the offset changes."""
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return high

    def _offset(self, at: float) -> timedelta | None:
        return self.local(at).utcoffset()
