"""What pages say of commands, settings and code is so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kvchaos.assets import asset
from kvchaos.cli import main
from kvchaos.experiment import load
from kvchaos.settings import Settings
from tests.docs.console import FENCE
from tests.docs.reader import TOP

PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
INLINE = re.compile(r"(?<!`)`(kvchaos (?!lab\.)[^`]+)`(?!`)")
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (?:`(\w+)`)? ?\|", re.MULTILINE)
SOURCES = [*(TOP / "src").rglob("*.py"), *(TOP / "examples").rglob("*.py")]


def mistakes(words: list[str]) -> Iterator[str]:
    """What the command line does not know of ``kvchaos WORDS``: a verb, an option."""
    command: click.Command = main
    context = click.Context(command)
    for word in words:
        name = word.partition("=")[0]
        if isinstance(command, click.Group):
            verbs = command.list_commands(context)
            if "play" in verbs and word not in verbs:  # kvchaos gameday PLAN.yaml
                command = command.commands["play"]
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if found is None:
                yield f"no verb {word!r}"
                return
            command, context = found, click.Context(found, parent=context)
        elif name.startswith("-") and name not in _options(command, context):
            yield f"no option {name!r}"


def _options(command: click.Command, context: click.Context) -> set[str]:
    found = {each for option in command.get_params(context) for each in option.opts}
    return {*found, "--help", "-h", "--version"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_commands_in_the_text_name_verbs_and_options_that_there_are(page: Path) -> None:
    """Those in blocks are executed; those in a sentence are held against the command line."""
    named = INLINE.findall(page.read_text(encoding="utf-8").replace("\n", " "))
    wrong = {
        text: found for text in named if (found := list(mistakes(shlex.split(text, True)[1:])))
    }

    assert wrong == {}


def test_the_table_of_settings_is_that_of_the_code() -> None:
    """Every setting with its default, and with the variable that the shipped experiments read."""
    page = (TOP / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = {key: (default.strip("`"), variable) for key, default, variable in ROW.findall(page)}
    asked = {
        key: (said["default"], said["key"])
        for path in sorted(asset("experiments").glob("*.json"))
        for key, said in load(path)["configuration"].items()
    }
    defaults = {name: getattr(Settings(), name) for name in Settings.__dataclass_fields__}
    wanted = {name: (value, "") for name, value in defaults.items()} | asked

    assert rows == {key: (_shown(value), name) for key, (value, name) in wanted.items()}


def _shown(value: object) -> str:
    return "none" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_python_on_a_page_is_that_of_a_file(page: Path) -> None:
    """Code to copy is in the source or the examples, word for word, where it is run and checked."""
    shown = [
        fence[2]
        for fence in FENCE.finditer(page.read_text(encoding="utf-8"))
        if fence[1] == "python"
    ]
    code = [path.read_text(encoding="utf-8") for path in SOURCES] if shown else []

    assert [each for each in shown if not any(each in text for text in code)] == []
