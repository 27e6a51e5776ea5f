"""``kvchaos completion SHELL``: the script by which a shell completes verbs, options and names.

The scripts are those of click, mended: fish and zsh lost the name of an option before ``=``, bash
what stands behind a colon, fish all of a description after its first comma.
"""

from __future__ import annotations

from pathlib import Path

import click

HOW = {
    "bash": "echo 'eval \"$(kvchaos completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(kvchaos completion zsh)\"' >> ~/.zshrc",
    "fish": "kvchaos completion fish > ~/.config/fish/completions/kvchaos.fish",
}
EPILOG = "\b\nTo have it in every new shell:\n" + "\n".join(f"  {line}" for line in HOW.values())
SCRIPTS = Path(__file__).with_name("shells")


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(sorted(HOW)))
def completion(shell: str) -> None:
    """Print the completion script for a SHELL."""
    click.echo((SCRIPTS / f"kvchaos.{shell}").read_text(encoding="utf-8"), nl=False)
