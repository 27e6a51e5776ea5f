"""Where the files that ship beside the code are: ``deploy/``, ``templates/``, ``experiments/``.

In a checkout they stand at its top; a wheel carries them inside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def asset(*parts: str) -> Path:
    """The path of a shipped file or folder, such as ``asset("deploy", "base")``."""
    packed = _PACKAGE / "_assets"
    top = packed if packed.is_dir() else _PACKAGE.parent.parent
    return top.joinpath(*parts)
