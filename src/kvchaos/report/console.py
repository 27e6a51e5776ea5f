"""A console whose reader may go away: that is an error like others, and no end of the process.

Rich by itself would raise ``SystemExit``, which reads as a run that was aborted.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from rich.console import Console

from kvchaos.errors import NobodyReads


class Sheet(Console):
    """A console that raises ``NobodyReads`` when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """What is left in the stream is lost, lest it fails once more when the process ends."""
        self.quiet = True
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())
            os.close(nowhere)
        raise NobodyReads(errno.EPIPE, "nobody reads what is printed")


def sheet() -> Sheet:
    """Standard output as it is now."""
    return Sheet(file=sys.stdout)
