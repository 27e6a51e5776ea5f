"""The command ``kvchaos``: what each verb does, and the one place where errors become exit codes.

Verbs are imported when they are called: an engine in a pod must not load what a run needs.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from kvchaos.errors import KVChaosError, NobodyReads, RunStopped, UsageError

STDOUT, STDERR = 1, 2

VERBS = {
    "actions": ("kvchaos.commands.lists:actions", "List what an experiment can do."),
    "compare": ("kvchaos.commands.compare:compare", "Say what got worse between sets of runs."),
    "completion": ("kvchaos.commands.completion:completion", "Print a shell's completion."),
    "doctor": ("kvchaos.commands.doctor:doctor", "Say what is missing for a run."),
    "experiments": ("kvchaos.commands.lists:experiments", "List the experiments by name."),
    "init": ("kvchaos.commands.init:init", "Write experiments for a cluster of your own."),
    "probes": ("kvchaos.commands.lists:probes", "List what an experiment can ask."),
    "templates": ("kvchaos.commands.lists:templates", "List the templates of faults."),
    "engine": ("kvchaos.sim.engine.main:main", "Run an engine double that publishes KV events."),
    "router": ("kvchaos.sim.router.main:main", "Run the reference router."),
    "lab": ("kvchaos.lab.commands:lab", "Start, stop and look at the embedded lab."),
    "bench": ("kvchaos.commands.bench:bench", "Measure kvchaos itself, and what got slower."),
    "gameday": ("kvchaos.commands.gameday:gameday", "Play several experiments by a plan."),
    "hold": ("kvchaos.commands.hold:hold", "Let no fault start in a namespace, end those there."),
    "release": ("kvchaos.commands.hold:release", "Let faults start again where they were held."),
    "preflight": (
        "kvchaos.commands.preflight:preflight",
        "Say which pods an experiment would hit, and what speaks against it.",
    ),
    "reap": ("kvchaos.commands.reap:reap", "End what runs left, and say what is left then."),
    "render": ("kvchaos.commands.files:render", "Print the fault that a template renders to."),
    "report": ("kvchaos.commands.report:report", "Write reports on runs in other forms."),
    "run": ("kvchaos.commands.run:run", "Play an experiment; the exit code says how it went."),
    "validate": ("kvchaos.commands.files:validate", "Say all that is wrong with an experiment."),
}

SECTIONS = {
    "First steps": ("doctor", "init", "lab", "completion"),
    "Play": ("run", "preflight", "validate", "gameday"),
    "Look at what came of it": ("report", "compare"),
    "On a cluster that others use": ("hold", "release", "reap"),
    "What there is": ("experiments", "templates", "probes", "actions", "render"),
    "Of kvchaos itself": ("bench", "engine", "router"),
}
"""How the verbs stand in the help, each once; a verb that is in none comes last."""

UNREAD = 128 + signal.SIGPIPE
"""As a shell tells of a program that nobody reads any more: of ``head``'s input, for one."""
OURS = "this is an error of kvchaos itself, and says nothing of your gateway: please report it"
VERB = "kvchaos.verb"  # where click's context keeps which one was called


class Verbs(click.Group):
    """A group whose verbs are imported one at a time, when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        ctx.meta[VERB] = cmd_name
        module, _, name = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs, none of them imported: a shell waits for this."""
        named = [
            CompletionItem(verb, help=VERBS[verb][1])
            for verb in self.list_commands(ctx)
            if verb.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        told = {verb for verbs in SECTIONS.values() for verb in verbs}
        rest = {"Others": tuple(verb for verb in sorted(VERBS) if verb not in told)}
        wide = max(map(len, VERBS))
        for title, verbs in (SECTIONS | rest).items():
            if listed := [(f"{verb:<{wide}}", VERBS[verb][1]) for verb in verbs if verb in VERBS]:
                with formatter.section(title):
                    formatter.write_dl(listed)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As ever; what is wrong before any verb has the exit code of a usage error, too."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.show()
            sys.exit(UsageError.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            sys.exit(UsageError.exit_code)
        except KVChaosError as error:
            click.echo(f"kvchaos: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:  # a path that cannot be read or written
            if _nobody_reads(error):
                sys.exit(UNREAD)
            click.echo(f"kvchaos: {_told(error)}", err=True)
            sys.exit(KVChaosError.exit_code)
        except (KeyboardInterrupt, click.Abort):  # a run that has begun handles signals itself
            began = " before the run began" if ctx.meta.get(VERB) == "run" else ""
            click.echo(f"kvchaos: interrupted{began}", err=True)
            sys.exit(RunStopped.exit_code)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception:  # noqa: BLE001 - Python's own exit code for it would be that of a fail
            click.echo(f"{traceback.format_exc()}kvchaos: {OURS}", err=True)
            sys.exit(KVChaosError.exit_code)


def _told(error: OSError) -> object:
    """Which file it is, where it is one."""
    if error.filename is None or isinstance(error, ConnectionError):
        return error
    wanted = "a file that can be read and written"
    return KVChaosError(str(error.filename), wanted=wanted, saw=str(error.strerror))


def _nobody_reads(error: OSError) -> bool:
    """Whether it is that the reader of what is printed went away, and no other peer did.

    What was not printed yet is lost then, lest it fails once more when the process ends.
    """
    if not isinstance(error, BrokenPipeError):
        return False
    gone = [stream for stream in (STDOUT, STDERR) if _is_unread(stream)]
    for stream in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream)
        os.close(nowhere)
    return bool(gone) or isinstance(error, NobodyReads)


def _is_unread(stream: int) -> bool:
    polled = select.poll()
    polled.register(stream, 0)
    return any(said & select.POLLERR for _, said in polled.poll(0))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kvchaos", prog_name="kvchaos")
def main() -> None:
    """Chaos experiments for KV-cache-aware LLM gateways: did the prefix index recover?

    `kvchaos run network-partition` plays a shipped experiment in the embedded lab, with no cluster;
    `kvchaos init DIR` makes a folder for a cluster of your own; `chaos run` plays its files, too.
    """
