"""``python -m kvchaos.lab``: the same as ``kvchaos lab``."""

from __future__ import annotations

import sys

import click

from kvchaos.errors import KVChaosError
from kvchaos.lab.commands import lab


def main() -> int:
    """The exit code: 0, or that of the error, which is printed."""
    try:
        lab()
    except KVChaosError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
