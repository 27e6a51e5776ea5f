"""What must not be shown of the run that this process is in.

It is known before the run starts and after it ended: a run that could not start has a log and a
journal too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kvchaos.redact import Redactor, guard_logs, leaves, named_secrets

Json = dict[str, Any]

_known: list[Redactor] = []
_undo: list[Callable[[], None]] = []


def begin(configuration: Json, secrets: Json) -> None:
    """From here on logs show none of the experiment's secrets, which are given as resolved."""
    end()
    _known[:] = [Redactor([*leaves(secrets), *named_secrets(configuration)])]
    _undo[:] = [guard_logs(_known[0])]


def redactor() -> Redactor:
    """What takes this run's secrets out; one that knows of none before the first run."""
    return _known[0] if _known else Redactor()


def end() -> None:
    """Logs are as they were before; what is known stays known."""
    while _undo:
        _undo.pop()()
