"""Every command in README and docs is executed, page by page, and prints what the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.console import FENCE, PROMPT, commands, play, wrong
from tests.docs.elsewhere import ELSEWHERE, without_comment
from tests.docs.reader import PROLOGUE, TOP, Reader, kvchaos, typed

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
TYPED = {str(page.relative_to(TOP)): page for page in PAGES if commands(page)}
SHELLS = frozenset({"bash", "sh", "shell", "shell-session", "zsh"})


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with a lab and a cluster, for all pages."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    kvchaos(reader.cluster, "lab", "up")
    reader.names_clusters()
    yield reader
    for environment in (reader.environment, reader.cluster):
        kvchaos(environment, "lab", "down")


@pytest.mark.parametrize("name", TYPED)
def test_the_commands_of_a_page_do_what_it_says(name: str, reader: Reader) -> None:
    """Typed in order into one shell, in a fresh folder, with no lab up but what the page starts."""
    page = commands(TYPED[name])
    folder = reader.copy(re.sub(r"\W", "-", name))

    heard = play(page, folder, reader.environment, prologue=PROLOGUE, typed=typed)

    kvchaos(reader.environment, "lab", "down")
    problems = wrong(page, heard)
    assert not problems, "\n".join(problems)


def test_what_is_executed_elsewhere_is_in_the_documents_and_executed_there() -> None:
    """An exception that no page needs any more goes; one that nobody executes is none."""
    asked = {without_comment(each.text) for page in TYPED.values() for each in commands(page)}

    assert sorted(set(ELSEWHERE) - asked) == []
    assert [
        command
        for command, there in ELSEWHERE.items()
        if there.words not in (TOP / there.file).read_text(encoding="utf-8")
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_commands_are_in_console_blocks(page: Path) -> None:
    """What a reader may type has a prompt and is in a block that is executed."""
    text = page.read_text(encoding="utf-8")
    outside = [
        line
        for fence in FENCE.finditer(text)
        for line in fence[2].splitlines()
        if fence[1] != "console" and (line.startswith(PROMPT) or fence[1] in SHELLS)
    ]

    assert outside == []
    assert [each.shown for each in commands(page) if not each.text] == []
