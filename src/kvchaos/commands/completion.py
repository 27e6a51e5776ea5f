"""``kvchaos completion SHELL``: the script by which a shell completes verbs, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from kvchaos.errors import UsageError

VARIABLE = "_KVCHAOS_COMPLETE"
HOW = {
    "bash": "echo 'eval \"$(kvchaos completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(kvchaos completion zsh)\"' >> ~/.zshrc",
    "fish": "kvchaos completion fish > ~/.config/fish/completions/kvchaos.fish",
}
EPILOG = "\b\nTo have it in every new shell:\n" + "\n".join(f"  {line}" for line in HOW.values())


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(sorted(HOW)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a SHELL."""
    made = get_completion_class(shell)
    if made is None:
        raise UsageError(f"no completion for {shell}", wanted=f"one of {', '.join(sorted(HOW))}")
    script = made(context.find_root().command, {}, "kvchaos", VARIABLE)
    click.echo(script.source_template % script.source_vars())
