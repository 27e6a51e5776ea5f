"""What a run's process came to, from its exit code and from the record that it left. Pure.

The rule guarded here: a code that no record bears out proves nothing: a pass or a fail without its
record is unknown.
"""

from __future__ import annotations

from kvchaos.gameday.ending import UNUSABLE
from kvchaos.gameday.process import Ended
from kvchaos.verdict.result import Status
from kvchaos.verdict.status import EXIT_CODE

BY_CODE = {code: status for status, code in EXIT_CODE.items()}
PROVEN = frozenset({Status.PASS, Status.FAIL})


def status_of(ended: Ended, recorded: int | None) -> tuple[Status, str]:
    """The status, and why where it is not the run's own; ``recorded`` is the record's code."""
    code = ended.code
    if code is None:
        return Status.RESIDUE, f"it was stopped ({ended.stopped}) and has not ended"
    if code < 0:
        return Status.ABORTED, f"its process was killed by signal {-code}"
    if code == UNUSABLE:
        return Status.UNKNOWN, "the experiment cannot be used as it stands"
    status = BY_CODE.get(code, Status.UNKNOWN)
    if status in PROVEN and recorded != code:
        left = "no record" if recorded is None else f"a record that says {recorded}"
        return Status.UNKNOWN, f"it ended with {code} and left {left}"
    return status, f"it was stopped: {ended.stopped}" if ended.stopped else ""
