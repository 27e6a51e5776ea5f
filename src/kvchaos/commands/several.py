"""Several experiments in one call: all are valid before the first is played, one after the other.

The rule: what a run left, or was stopped by, is seen to before the next begins; what it found wrong
is told at the end, in the table and in the exit code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from kvchaos.errors import KVChaosError, RunStopped, UsageError
from kvchaos.report.console import sheet
from kvchaos.report.layout import Line, hanging, paragraph, printable
from kvchaos.report.summary import STYLES
from kvchaos.verdict.times import span

Json = dict[str, Any]

WEIGHT = {0: 0, 2: 1, 1: 2, 4: 3, 3: 4, 5: 5}
"""How much an exit code weighs: pass, unknown, fail, not usable, aborted, something left."""
ENDS = frozenset({RunStopped.exit_code, 5})
"""After these nothing more is begun."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of an experiment; ``outcome`` is None when it was not played."""

    name: str
    outcome: Json | None = None
    folder: Path | None = None

    @property
    def code(self) -> int:
        return 0 if self.outcome is None else int(self.outcome["exit_code"])


def worst(played: Sequence[Played]) -> int:
    """The exit code over all: that of the weightiest outcome."""
    codes = [each.code for each in played if each.outcome is not None]
    return max(codes, key=lambda code: WEIGHT.get(code, 1), default=KVChaosError.exit_code)


def one_after_the_other(
    names: Sequence[str], play: Callable[[int], Played], *, stop_on_failure: bool
) -> list[Played]:
    """What came of each; those after an end that lets nothing follow are not played."""
    done: list[Played] = []
    for number, _ in enumerate(names):
        done.append(play(number))
        if done[-1].code in ENDS or (stop_on_failure and done[-1].code):
            break
    return [*done, *(Played(name) for name in names[len(done) :])]


def all_valid(names: Sequence[str], load: Callable[[str], Any]) -> list[Any]:
    """What ``load`` made of each; one ``UsageError`` with all that is wrong with any."""
    found, wrong = [], []
    for name in names:
        try:
            found.append(load(name))
        except UsageError as error:
            if len(names) == 1:
                raise
            wrong.append(f"{name}: {error}")
    if wrong:
        raise UsageError("nothing was played:\n" + "\n".join(dict.fromkeys(wrong)))
    return found


def print_table(played: Sequence[Played]) -> None:
    """Each experiment in a line: how it went, how long the recovery took, where its folder is.

    On a terminal that is too narrow for it, in as many as it takes.
    """
    console = sheet()
    console.print(Text("\nEXPERIMENTS", style="bold"))
    for line in lines(played, width=console.width if console.is_terminal else None):
        text = Text().append_tokens((said, STYLES.get(style, style)) for said, style in line)
        console.print(text, soft_wrap=True, highlight=False)


def lines(played: Sequence[Played], *, width: int | None = None) -> list[Line]:
    """The status of each, and what stands beside it, in columns; or below, where those are wide."""
    longest = max(len(printable(each.name)) for each in played)
    whole = [
        (*_head(each), (f"{printable(each.name):{longest}}  {_where(each)}".rstrip(), ""))
        for each in played
    ]
    if width is None or all(sum(len(said) for said, _ in line) <= width for line in whole):
        return whole
    return [line for each in played for line in _lines(each, width)]


def _lines(each: Played, width: int) -> list[Line]:
    found = hanging(_head(each), each.name, width=width)
    return [*found, *(paragraph(_where(each), width=width, indent=4) if _where(each) else [])]


def _head(each: Played) -> Line:
    status = _status(each)
    return (("  ", ""), (f"{status:10}", status), (f"  {_recovery(each):>9}  ", ""))


def _status(each: Played) -> str:
    return str(each.outcome.get("status", "unknown")) if each.outcome else "not played"


def _recovery(each: Played) -> str:
    """Seconds from the heal to the agreement; a dash where there was none."""
    recovery = (each.outcome or {}).get("recovery") or {}
    agreed = (recovery.get("after_heal") or {}).get("agreed")
    return span(agreed) if recovery.get("agreed") is True and agreed is not None else "-"


def _where(each: Played) -> str:
    """The run's folder, and why the run did not start if it did not."""
    why = str((each.outcome or {}).get("why") or "").partition("\n")[0]
    return "  ".join(part for part in (str(each.folder or ""), printable(why)) if part)
