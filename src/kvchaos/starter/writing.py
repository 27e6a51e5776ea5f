"""Files written into a folder where none of them is: all of them, or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kvchaos.errors import UsageError


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` below ``folder``, which is made if it is not there.

    ``UsageError`` names every path that is taken, and nothing is changed then. When writing fails
    half way, what was written is taken back.
    """
    if taken := in_the_way(folder, files):
        raise UsageError(
            "nothing was written, for these are there already; "
            "move them away, or name another folder:\n  - " + "\n  - ".join(taken)
        )
    written: list[Path] = []
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                written.append(target)
                file.write(text)
    except BaseException:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def in_the_way(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What stands where a file, or a folder for one, is to be; sorted."""
    found = {str(target) for path in files if os.path.lexists(target := folder / path)}
    parents = {parent for path in files for parent in (folder / path).parents}
    found |= {str(each) for each in parents if os.path.lexists(each) and not each.is_dir()}
    return sorted(found)
