"""What the node process tells the lab's daemon: one JSON object a line, on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from kvchaos.errors import LabError


def tell(**message: Any) -> None:
    """Say one thing to the daemon."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def tell_error(error: LabError) -> None:
    """Tell the daemon why there is no node."""
    fields = {"what": error.what, "wanted": error.wanted, "saw": error.saw, "look": error.look}
    tell(error=fields)
