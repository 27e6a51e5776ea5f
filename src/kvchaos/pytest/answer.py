"""What a test asked, answered so that ``assert`` tells the whole answer when it is not yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """True only for yes; ``holds`` is None when it cannot be told, which no assert takes for yes.

    ``details`` is the probe's own JSON (see ``kvchaos.probes``).
    """

    holds: bool | None
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.holds is True

    def __repr__(self) -> str:
        said = {True: "yes", False: "no", None: "unknown"}[self.holds]
        return f"<{said}: {self.text}>"
