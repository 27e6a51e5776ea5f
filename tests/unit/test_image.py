"""The image's recipe says what the manifests ask of it, and lets in what it copies."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
RECIPE = (TOP / "Dockerfile").read_text().replace("\\\n", " ")
LET_IN = [line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
FROM_OURS = "kvchaos:dev"


def said(instruction: str) -> list[str]:
    """What stands behind that instruction, each time."""
    return re.findall(rf"^{instruction} (.+)$", RECIPE, re.MULTILINE)


def pods() -> Iterator[dict[str, Any]]:
    """The pods' specs in deploy/ that run the image."""
    for path in (TOP / "deploy").rglob("*.yaml"):
        for body in yaml.safe_load_all(path.read_text()):
            yield from _pods(body)


def _pods(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if any(each.get("image") == FROM_OURS for each in value.get("containers") or []):
            yield value
        for each in value.values():
            yield from _pods(each)
    elif isinstance(value, list):
        for each in value:
            yield from _pods(each)


def test_the_image_has_the_user_that_pods_run_as() -> None:
    """With a group of that number: it is what a pod gets that names none."""
    (user,), (installs,) = said("USER"), said("RUN")
    number, _, group = user.partition(":")

    asked = [each["securityContext"] for each in pods()]
    assert len(asked) >= 5
    assert {str(each["runAsUser"]) for each in asked} == {number}
    assert {str(each.get("runAsGroup", group)) for each in asked} == {group}
    assert f"groupadd --gid {group} " in installs
    assert f"useradd --uid {number} --gid {group} " in installs


def test_the_image_has_the_commands_that_pods_run() -> None:
    """Its base has ``python3``; the others come with the package or with what it needs."""
    first = {each["command"][0] for pod in pods() for each in pod["containers"]}

    assert first == {"python3", "chaos"}
    assert said("ENTRYPOINT") == ['["kvchaos"]']
    assert "kvchaos" in PROJECT["scripts"]
    assert any(each.startswith("chaostoolkit") for each in PROJECT["dependencies"])


def test_what_is_copied_is_let_in() -> None:
    """All else of a checkout stays outside: folders of runs have more in them than one thinks."""
    copied = [word for words in said("COPY") for word in words.split()[:-1]]

    assert sorted(copied) == sorted(LET_IN)
    assert not any(fnmatch.fnmatch(each, entry) for entry in LET_IN for each in ("kvchaos-runs",))
    assert [each for each in copied if "*" not in each and not (TOP / each).exists()] == []


def test_the_base_has_a_python_that_the_package_takes() -> None:
    """The oldest that it takes: what runs there, runs on later ones."""
    (base,) = said("FROM")

    assert f">={base.removeprefix('python:').removesuffix('-slim')}" in PROJECT["requires-python"]
