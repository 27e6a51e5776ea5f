"""What speaks against a run: in a refusal's words, and as a finding with the refusal's name."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from kvchaos.errors import KVChaosError


@dataclass(frozen=True, slots=True)
class Reason:
    """What is wrong, what was wanted and seen instead, and where to look."""

    what: str
    wanted: str = ""
    saw: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a run: which refusal, its text, and where to look."""

    refusal: str
    text: str
    look: str = ""

    @classmethod
    def of(cls, refusal: str, reason: Reason) -> Finding:
        """The finding of the refusal of that name."""
        text = KVChaosError(reason.what, wanted=reason.wanted, saw=reason.saw).text()
        return cls(refusal, text, reason.look)

    @property
    def line(self) -> str:
        """One line for people."""
        told = f"{self.refusal}: {self.text}"
        return f"{told}; see: {self.look}" if self.look else told

    def to_json(self) -> dict[str, str]:
        """Plain JSON, as the history keeps it."""
        return asdict(self)
