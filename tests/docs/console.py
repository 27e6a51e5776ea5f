"""The commands of a page: fenced ``console`` blocks, where a line that begins with ``$ `` is typed.

A line that ends in a backslash goes on in the next. Lines below a command are what it prints, or
a part of it: ``...`` stands for anything, numbers for any number, and the names of runs and of
pods for any other. A command ends with 0, unless the next one is ``echo $?``. A block of another
language with a title, such as ``title="plan.yaml"``, is a file that the reader has written.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\S*).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```\w+ title=\"(.+?)\"\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
ASKS_CODE = "echo $?"
MARK = "\x1e"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE = 300.0  # seconds for all commands of one page

PARTS = (
    (r"\d{8}-\d{6}-[0-9a-f]{6}", r"\d{8}-\d{6}-[0-9a-f]{6}"),  # a run
    (r"kvchaos-(?:engine|router)-[0-9a-z]+-[0-9a-z]{5}", r"kvchaos-\w+-[0-9a-z]+-[0-9a-z]{5}"),
    (r"\d+(?:\.\d+)?", r"\d+(?:\.\d+)?"),
    (r"\s+", r"\s+"),
)
LEFT_OUT = re.compile(r"\.\.\.")
"""The rest of a line, some lines, or what does not matter."""
SPECIAL = re.compile("|".join(f"({part})" for part, _ in PARTS), re.MULTILINE)

BEGIN = f"""
__code=0
__last() {{ return "$__code"; }}
__done() {{ __code=$?; printf '{MARK}%d{MARK}' "$__code"; }}
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, at which line of its page, and what of its output the page shows."""

    line: int
    text: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a command: its exit code and all that it wrote, without colours."""

    command: Command
    code: int
    output: str


def commands(page: Path) -> list[Command]:
    """Every command of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        command
        for fence in FENCE.finditer(text)
        if fence[1] == "console"
        for command in _of_block(fence[2], first=text.count("\n", 0, fence.start(2)) + 1)
    ]


def files(page: Path) -> dict[str, str]:
    """The files that the reader of a page writes, by name."""
    return dict(FILE.findall(page.read_text(encoding="utf-8")))


def _of_block(block: str, *, first: int) -> list[Command]:
    found: list[Command] = []
    going_on = False
    for number, line in enumerate(block.splitlines(), start=first):
        if line.startswith(PROMPT):
            found.append(Command(number, line.removeprefix(PROMPT)))
        elif going_on:
            found[-1] = Command(found[-1].line, f"{found[-1].text}\n{line}")
        elif found:
            shown = f"{found[-1].shown}\n{line}".strip()
            found[-1] = Command(found[-1].line, found[-1].text, shown)
        else:
            found.append(Command(number, "", line))  # output of nothing: told by a test
        going_on = found[-1].text.endswith("\\") and not found[-1].shown
    return found


def matches(shown: str, output: str) -> bool:
    """Whether ``output`` has what the page shows of it.

    Piece by piece between the dots, each at its first place behind the one before: what is left
    out never has to be tried at other lengths, so that a page that is wrong is told at once.
    """
    at = 0
    for piece in LEFT_OUT.split(shown):
        found = re.compile(_pattern(piece.strip())).search(output, at)
        if found is None:
            return False
        at = found.end()
    return True


def _pattern(shown: str) -> str:
    """``shown`` as a regular expression: what varies from run to run may vary."""
    found, at = [], 0
    for special in SPECIAL.finditer(shown):
        found += [re.escape(shown[at : special.start()]), PARTS[(special.lastindex or 0) - 1][1]]
        at = special.end()
    return "".join([*found, re.escape(shown[at:])])


def play(
    page: list[Command],
    folder: Path,
    environment: Mapping[str, str],
    *,
    prologue: str,
    typed: Callable[[str], str],
) -> list[Said]:
    """Type the commands into one shell, which ends at the first that should not have failed.

    ``typed`` is what a reader makes of a command's text, with what ``prologue`` defines.
    """
    asked = [*(each.text == ASKS_CODE for each in page[1:]), False]
    steps = [
        f"__last\n{typed(command.text)}\n__done\n" + ("" if may_fail else "__last || exit\n")
        for command, may_fail in zip(page, asked, strict=True)
    ]
    script = folder / ".page.sh"
    script.write_text(prologue + BEGIN + "".join(steps), encoding="utf-8")
    output = _bash(script, folder, environment)
    script.unlink()
    pieces = output.split(MARK)
    return [
        Said(command, int(code), said)
        for command, said, code in zip(page, pieces[::2], pieces[1::2], strict=False)
    ]


def _bash(script: Path, folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", script],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return COLOURS.sub("", done.stdout)


def wrong(page: list[Command], heard: list[Said]) -> list[str]:
    """What did not go as the page says, with what was seen; empty when all did."""
    found = [
        f"line {each.command.line}: `{each.command.text}` does not print what is shown"
        f" but:\n{each.output}"
        for each in heard
        if each.command.shown and not matches(each.command.shown, each.output)
    ]
    last = heard[-1] if heard else None
    if len(heard) < len(page) or (last and last.code):
        ended = last or Said(page[0], 1, "the shell said nothing")
        found.append(
            f"line {ended.command.line}: `{ended.command.text}` ended with {ended.code}:"
            f"\n{ended.output}"
        )
    return found
