"""Where Chaos Toolkit has the experiment from: its hooks are given what is in it, not its file."""

from __future__ import annotations

from pathlib import Path

import click

from kvchaos.mesh.whereabouts import folder_of


def played_from() -> Path | None:
    """The folder of the file that the command ``chaos run SOURCE`` of this thread was given.

    None when the source is an address, or Chaos Toolkit is not called by its command.
    """
    context = click.get_current_context(silent=True)
    source = context.params.get("source") if context else None
    if context is None or context.command.name != "run" or not isinstance(source, str):
        return None
    path = Path(source)
    return folder_of(path) if path.is_file() else None
