"""What to execute for a container: the lab has no images, only this machine's programs.

``python3`` and ``kvchaos`` are this very Python and package; anything else is looked up in PATH.
The pause image (Chaos Mesh puts it in place of a failed pod's) holds nothing but ``/pause``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kvchaos.lab.api import Object

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][-A-Za-z0-9_.]*)\)")
_OURS = {
    "python": [sys.executable],
    "python3": [sys.executable],
    "kvchaos": [sys.executable, "-m", "kvchaos"],
}
_PAUSE = ["sleep", "infinity"]
_HARMLESS_VOLUMES = frozenset({"emptyDir", "projected"})  # this machine's own files are there


@dataclass(frozen=True, slots=True)
class NoImage:
    """The container cannot start because the lab has no such image."""

    message: str


@dataclass(frozen=True, slots=True)
class NoProgram:
    """The image is there, but not the program that the container wants of it."""

    message: str


def resolve(container: Object, environment: Mapping[str, str]) -> list[str] | NoImage | NoProgram:
    """The argument vector to execute, with ``$(VAR)`` replaced, or why there is none."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    words = [expand(str(word), environment) for word in words]
    if is_pause(container.get("image", "")):
        return _of_pause(words)
    if not container.get("command"):
        return NoImage(f"the lab has no images: {container['name']} needs a command")
    found = _OURS.get(words[0]) or _in_path(words[0])
    if not found:
        return NoImage(f"the lab has no images, and this machine no program {words[0]}")
    return [*found, *words[1:]]


def unsupported(spec: Object) -> str:
    """What of a pod spec the lab would have to ignore, to the program's harm; empty if nothing."""
    if spec.get("initContainers"):
        return "the lab has no init containers"
    for volume in spec.get("volumes") or []:
        kinds = volume.keys() - {"name"} - _HARMLESS_VOLUMES
        if kinds:
            return f"the lab has no volumes of kind {', '.join(sorted(kinds))}"
    return ""


def is_pause(image: str) -> bool:
    """Whether an image is a pause image, by its name alone."""
    return image.rpartition("/")[2].partition(":")[0] == "pause"


def expand(text: str, environment: Mapping[str, str]) -> str:
    """``text`` with each known ``$(NAME)`` replaced and ``$$`` as ``$``, as kubelet does."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environment.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def _of_pause(words: list[str]) -> list[str] | NoProgram:
    if not words or words[0] == "/pause":
        return _PAUSE
    return NoProgram(f'exec: "{words[0]}": executable file not found in $PATH')


def _in_path(word: str) -> list[str]:
    path = f"{Path(sys.executable).parent}:{os.defpath}:/usr/sbin:/sbin"
    found = shutil.which(word, path=path)
    return [found] if found else []
