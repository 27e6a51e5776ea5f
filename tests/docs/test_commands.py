"""Every command in README and docs is executed, page by page, and prints what the page shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeGuard

import pytest

from tests.docs.console import FENCE, PROMPT, Said, commands, files, play, wrong
from tests.docs.elsewhere import ELSEWHERE, without_comment
from tests.docs.reader import CLUSTERS, PROLOGUE, TOP, Reader, kvchaos, needs_kubectl, typed

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
TYPED = {str(page.relative_to(TOP)): page for page in PAGES if commands(page)}
AT_A_TIME = 3
SHELLS = frozenset({"bash", "sh", "shell", "shell-session", "zsh"})


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[list[Said]]]]:
    """What the commands of each page said: most of their time is waiting, so some at a time."""
    asked = {item.callspec.params.get("name") for item in request.session.items if _has(item)}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            name: pool.submit(play_page, name, tmp_path_factory.mktemp("reader"))
            for name in TYPED
            if name in asked
        }


def _has(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and hasattr(item, "callspec")


def play_page(name: str, root: Path) -> list[Said]:
    """The commands of a page, typed by a reader who has no lab up but what the page starts."""
    reader = Reader(root)
    with ExitStack() as after:
        after.callback(kvchaos, reader.environment, "lab", "down")
        if any(context in TYPED[name].read_text(encoding="utf-8") for context in CLUSTERS):
            kvchaos(reader.cluster, "lab", "up")
            after.callback(kvchaos, reader.cluster, "lab", "down")
            reader.names_clusters()
        page, folder = commands(TYPED[name]), reader.copy("checkout")
        for path, text in files(TYPED[name]).items():
            (folder / path).write_text(text, encoding="utf-8")
        return play(page, folder, reader.environment, prologue=PROLOGUE, typed=typed)


@needs_kubectl
@pytest.mark.parametrize("name", TYPED)
def test_the_commands_of_a_page_do_what_it_says(
    name: str, played: Mapping[str, Future[list[Said]]]
) -> None:
    """Typed in order into one shell, in a fresh folder."""
    problems = wrong(commands(TYPED[name]), played[name].result())

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
