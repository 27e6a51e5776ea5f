"""What a run came to: its verdict, or what outweighs it. Pure.

The one rule guarded here: what a run left behind, and that it was ended early, is never outweighed
by how well it went.
"""

from __future__ import annotations

from kvchaos.verdict.events import Event, Events, of
from kvchaos.verdict.result import ORDER, Status, Verdict

EXIT_CODE = {
    Status.PASS: 0,
    Status.FAIL: 1,
    Status.UNKNOWN: 2,
    Status.ABORTED: 3,
    Status.RESIDUE: 5,
}
"""4 is the user's input (``errors.UsageError``)."""


def status_of(verdict: Verdict, events: Events) -> Status:
    """The weightiest of the verdict, of aborted if a ``stop`` is told, and of residue."""
    aborted = [Status.ABORTED] if of(events, "stop") else []
    residue = [Status.RESIDUE] if left_behind(events) else []
    return max([Status(verdict), *aborted, *residue], key=ORDER.index)


def left_behind(events: Events) -> Event | None:
    """The residue event that tells what is left; None when nothing is known to be.

    The newest look counts, unless it could not see: then what an earlier one saw is still there.
    """
    for look in reversed(of(events, "residue")):
        if look.get("left") or look.get("unconfirmed"):
            return look
        if look.get("left") == []:
            return None
    return None
