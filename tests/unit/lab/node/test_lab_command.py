"""What is executed for a container, and when nothing can be."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from kvchaos.lab.node.command import NoImage, NoProgram, expand, is_pause, resolve


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "engine", "image": "localhost/kvchaos:dev", **fields}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python3", "-m", "kvchaos"], [sys.executable, "-m", "kvchaos"]),
        (["python", "-V"], [sys.executable, "-V"]),
        (["kvchaos", "engine"], [sys.executable, "-m", "kvchaos", "engine"]),
        (["/bin/sh", "-c", "true"], ["/bin/sh", "-c", "true"]),
    ],
)
def test_python_and_kvchaos_are_this_very_installation(
    command: list[str], expected: list[str]
) -> None:
    """Whatever python3 the machine has, pods run the one that runs the lab."""
    assert resolve(container(command=command), {}) == expected


def test_arguments_follow_the_command_with_variables_replaced() -> None:
    """``$(NAME)`` as Kubernetes expands it, in command and args alike."""
    spec = container(command=["python3", "$(MODULE)"], args=["--pod=$(POD)", "$(UNKNOWN)"])

    found = resolve(spec, {"MODULE": "-mhttp", "POD": "engine-0"})

    assert found == [sys.executable, "-mhttp", "--pod=engine-0", "$(UNKNOWN)"]


def test_without_command_there_is_no_image_to_take_one_from() -> None:
    """The lab has no images; an entry point cannot be known."""
    assert resolve(container(), {}) == NoImage("the lab has no images: engine needs a command")


def test_program_that_this_machine_lacks_is_a_missing_image() -> None:
    """ErrImagePull is what a user of a wrong image name sees on a real cluster too."""
    found = resolve(container(command=["no-such-program"]), {})

    assert found == NoImage("the lab has no images, and this machine no program no-such-program")


def test_pause_image_holds_nothing_but_pause() -> None:
    """pod-failure of a container with a command ends as StartError, as on a real cluster."""
    paused = container(image="localhost/pause:lab")

    assert resolve(paused, {}) == ["sleep", "infinity"]
    assert resolve({**paused, "command": ["python3"]}, {}) == NoProgram(
        'exec: "python3": executable file not found in $PATH'
    )


def test_pause_image_is_told_by_its_name_alone() -> None:
    """Registry, path, tag and digest do not matter."""
    names = ["pause", "k8s.gcr.io/pause:3.9", "localhost:5000/x/pause:dev", "pausegame", "a/b"]

    assert [is_pause(name) for name in names] == [True, True, True, False, False]


def test_two_dollars_are_one() -> None:
    """The escape of Kubernetes."""
    assert expand("$$(A) $(A) $A", {"A": "x"}) == "$(A) x $A"
