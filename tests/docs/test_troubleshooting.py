"""Every symptom of the page on troubleshooting is produced, and its message is the quoted one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.console import COLOURS, matches
from tests.docs.reader import TOP, Reader, kvchaos, needs_kubectl
from tests.docs.symptoms import SYMPTOMS, write

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

PAGE = TOP / "docs" / "troubleshooting.md"
QUOTE = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, list[str]]:
    """The messages that the page quotes, by the heading above them."""
    pieces = re.split(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    quoted = zip(pieces[::2], map(QUOTE.findall, pieces[1::2]), strict=True)
    return {heading: messages for heading, messages in quoted if messages}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Path]]:
    """A lab, and a folder with experiments that go wrong."""
    reader = Reader(tmp_path_factory.mktemp("symptoms"))
    kvchaos(reader.environment, "lab", "up")
    folder = reader.copy("here")
    write(folder)
    yield reader, folder
    kvchaos(reader.environment, "lab", "down")


def said(reader: Reader, folder: Path, script: str) -> str:
    """All that a script writes, without colours, its white space made single."""
    environment = {"KUBECONFIG": str(reader.root / "lab" / "kubeconfig")}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, **reader.environment, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return COLOURS.sub("", done.stdout)


def test_every_symptom_of_the_page_is_produced() -> None:
    """None is on the page alone, and none in the table alone."""
    assert sorted(sections()) == sorted(SYMPTOMS)


@needs_kubectl
@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_a_symptom_shows_the_message_that_is_quoted(
    symptom: str, folder: tuple[Reader, Path]
) -> None:
    """As a reader would see it; what varies from run to run may vary."""
    output = said(*folder, SYMPTOMS[symptom])

    unquoted = [message for message in sections()[symptom] if not matches(message.strip(), output)]
    assert not unquoted, f"{unquoted}\nis not in\n{output}"
