"""The witness in the router: what it applied, told at each change and at no other time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kvchaos.bench.witness import Witness, told
from tests.scripted import FakeClock


@dataclass
class Feed:
    """A rank as the router shows it."""

    pod: str
    seq: int | None = None

    def view(self) -> dict[str, Any]:
        return {"pod": self.pod, "rank": 0, "seq": self.seq}


@dataclass
class Receiver:
    """The receiver's ranks."""

    _feeds: dict[str, list[Feed]] = field(default_factory=dict)


def test_each_change_is_told_once_with_its_time() -> None:
    """And read again from among the router's own lines."""
    lines, clock = ["router on port 8080\n"], FakeClock()
    witness, engine = Witness(lines.append, clock), Feed("a")
    receiver = Receiver({"a": [engine], "b": [Feed("b", 4)]})

    for seq in (None, None, 3, 3, 4):
        engine.seq = seq
        witness.look(receiver)
        clock.sleep(1)

    assert [(line["witness"], line["at"], line["seq"]) for line in told("".join(lines))] == [
        ("a/0", 100.0, None),
        ("b/0", 100.0, 4),
        ("a/0", 102.0, 3),
        ("a/0", 104.0, 4),
    ]


def test_a_line_that_was_cut_off_is_passed_over() -> None:
    """A log's tail begins anywhere, and its end may be on its way."""
    assert list(told('ness": "a/0"}\n{"witness": "a/0", "at": 1')) == []
