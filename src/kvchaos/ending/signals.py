"""Which signals are taken: those that end what goes on, unless somebody asked that they should not.

The rule guarded here: a SIGHUP that whoever started us made ignored, as ``nohup`` does, stays so,
for what was started that way is to outlive its terminal. SIGINT is taken also where it is ignored:
a shell without job control makes it so for all that it starts with ``&``, which nobody asked for,
and whoever presses Ctrl-C or cancels a job wants no fault to go on. SIGTERM is taken always.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def taken(numbers: Sequence[signal.Signals] = ENDING) -> tuple[signal.Signals, ...]:
    """Those of them that are to be taken here and now."""
    return tuple(each for each in numbers if not _is_to_be_outlived(each))


def _is_to_be_outlived(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
