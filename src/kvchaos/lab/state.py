"""``state.json``: who runs the lab, and how far it is.

Shape: ``{"phase": "starting|ready|failed", "daemon": PROCESS, "init": PROCESS|null, "url": "https://127.0.0.1:N",
"error": {"what", "wanted", "saw", "look"}|null, "owner": PROCESS|null}`` with PROCESS as in
``identity.py``; ``init`` is pid 1 of the pods' pid namespace, as the host sees it; ``owner`` is the
process that the lab is for, and ends with. The daemon alone writes it, once it has begun.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.identity import Process


class Phase(StrEnum):
    """How far a lab is."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LabState:
    """What ``state.json`` says."""

    phase: Phase
    daemon: Process
    init: Process | None = None
    url: str = ""
    error: dict[str, str] | None = None
    owner: Process | None = None

    def alive(self) -> bool:
        """Whether the lab's daemon still runs."""
        return self.daemon.alive()

    def is_orphaned(self) -> bool:
        """Whether the process that it was for is gone: it ends then, if it has not yet."""
        return self.owner is not None and not self.owner.alive()

    def failed(self, error: LabError) -> LabState:
        """This state with the reason why the lab did not come up."""
        fields = {"what": error.what, "wanted": error.wanted, "saw": error.saw, "look": error.look}
        return replace(self, phase=Phase.FAILED, error=fields)

    def raise_error(self) -> None:
        """Raise the LabError that the daemon kept, if it did."""
        if self.error is not None:
            fields = dict(self.error)
            raise LabError(fields.pop("what"), **fields)


def read_state(directory: LabDirectory) -> LabState | None:
    """The state of the lab in ``directory``; None when there is none, or not a whole one."""
    try:
        data = json.loads(directory.state.read_text(encoding="utf-8"))
        daemon = Process.parse(data["daemon"])
        phase = Phase(data["phase"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if daemon is None:
        return None
    init = Process.parse(data.get("init"))
    owner = Process.parse(data.get("owner"))
    return LabState(phase, daemon, init, str(data.get("url", "")), data.get("error"), owner)


def write_state(directory: LabDirectory, state: LabState) -> None:
    """Replace ``state.json`` in one step."""
    data: dict[str, Any] = {
        "phase": state.phase,
        "daemon": state.daemon.as_json(),
        "init": state.init.as_json() if state.init else None,
        "url": state.url,
        "error": state.error,
        "owner": state.owner.as_json() if state.owner else None,
    }
    new = directory.state.with_suffix(".new")
    new.write_text(json.dumps(data), encoding="utf-8")
    new.replace(directory.state)
