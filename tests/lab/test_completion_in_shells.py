"""``kvchaos completion``, in the shells themselves: what is typed, the tab key, what stands there.

Each shell completes in a terminal of its own, with nothing of the user's in it.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from kvchaos.clock import SystemClock
from tests.chaosrun import BIN

pytestmark = pytest.mark.lab

PATIENCE = 30.0
CONTEXTS = ("arn:aws:eks:eu-west-1:42:cluster/a", "kind-kvchaos")
KUBECONFIG = "apiVersion: v1\nkind: Config\ncontexts:\n" + "".join(
    f'- {{name: "{name}", context: {{cluster: c, user: u}}}}\n' for name in CONTEXTS
)
KEYS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|[\r\x07\x00]")  # for a terminal alone
SHOWN = re.compile(rb"<<(.*?)>>", re.DOTALL)
TAB, SHOW = b"\t", b"\x10"

BASH = r"""eval "$(kvchaos completion bash)"
bind 'set enable-bracketed-paste off'
bind 'set page-completions off'
bind 'set show-all-if-ambiguous on'
bind -x '"\C-p": printf "<<%s>>" "$READLINE_LINE"'
"""
ZSH = r"""eval "$(kvchaos completion zsh)"
setopt auto_list no_list_beep
LISTMAX=0
show() { print -rn -- "<<$BUFFER>>" }
zle -N show; bindkey '^P' show
"""
FISH = "kvchaos completion fish | source; complete -C $argv[1]"

Complete = Callable[[str], str]
"""What stands there after the tab key, or what is offered when that is not one thing."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where it is typed: experiments and files, some with names that are hard to type."""
    for name in ("experiments/mine.json", "other.json", "plan of may.yaml", "home/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "home/config").write_text(KUBECONFIG)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder / "home"),
        "KUBECONFIG": str(folder / "home/config"),
        "LANG": "C.UTF-8",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PS1": "",
        "TERM": "xterm",
    }


def in_terminal(argv: list[str], setup: str, typed: str, folder: Path) -> str:
    """The line, after it was typed with the tab key behind it; if it is as typed, what is shown."""
    (folder / "home/setup").write_text(setup)
    ours, its = pty.openpty()
    process = subprocess.Popen(
        argv,
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
    )
    os.close(its)
    try:
        os.write(ours, b"source home/setup; echo REA''DY\n")
        _until(ours, b"READY")
        os.write(ours, typed.encode() + TAB + SHOW)
        told = _until(ours, b">>")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    found = SHOWN.search(KEYS.sub(b"", told))
    line = found[1].decode() if found else ""
    return line if line != typed else KEYS.sub(b" ", told).decode()


def _until(terminal: int, mark: bytes) -> bytes:
    """What is shown until there is a ``mark``."""
    clock, told = SystemClock(), b""
    end = clock.now() + PATIENCE
    while mark not in KEYS.sub(b"", told) and clock.now() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            with suppress(OSError):
                told += os.read(terminal, 65_536)
    return told


def in_bash(typed: str, folder: Path) -> str:
    return in_terminal(["bash", "--norc", "-i"], BASH, typed, folder)


def in_zsh(typed: str, folder: Path) -> str:
    """One that has not loaded its completion, as that of a user without a ``.zshrc``."""
    return in_terminal(["zsh", "-f", "-i"], ZSH, typed, folder)


def in_fish(typed: str, folder: Path) -> str:
    """The line that fish makes of what it offers, when that is one word."""
    done = subprocess.run(
        ["fish", "--no-config", "-c", FISH, typed],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    offered = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    if len(offered) != 1:
        return done.stdout.strip()
    kept = re.sub(r"""(?:[^\s\\'"]|\\.|['"].*)*$""", "", typed)
    return f"{kept}{offered[0]}"


SHELLS = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}


@pytest.fixture(params=SHELLS)
def complete(request: pytest.FixtureRequest, folder: Path) -> Complete:
    """Completion in each shell that is here."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not here")
    return lambda typed: SHELLS[request.param](typed, folder).rstrip()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("kvchaos comple", "kvchaos completion"),
        ("kvchaos run mi", "kvchaos run mine"),
        ("kvchaos run oth", "kvchaos run other.json"),
        ("kvchaos run --view=li", "kvchaos run --view=live"),
        ("kvchaos report --html=oth", "kvchaos report --html=other.json"),
        ("kvchaos gameday oth", "kvchaos gameday other.json"),
        ("kvchaos render pod-f", "kvchaos render pod-failure"),
        ("kvchaos probes can", "kvchaos probes canary_visible"),
        ("kvchaos preflight --context=ki", "kvchaos preflight --context=kind-kvchaos"),
        ("kvchaos hold --context arn:aws:e", f"kvchaos hold --context {CONTEXTS[0]}"),
        ("kvchaos hold --context=arn:a", f"kvchaos hold --context={CONTEXTS[0]}"),
        ("kvchaos run --var a:int=3 pod", "kvchaos run --var a:int=3 pod-kill"),
    ],
)
def test_one_word_is_completed(complete: Complete, typed: str, line: str) -> None:
    """Verbs, experiments, files, options and their values; what is typed already stays."""
    assert complete(typed) == line


def test_a_name_with_blanks_is_completed(complete: Complete) -> None:
    """Quoted as the shell has it."""
    said = complete("kvchaos gameday 'plan o")

    assert said.replace("'", "") == "kvchaos gameday plan of may.yaml"


def test_all_that_may_follow_is_offered(complete: Complete) -> None:
    """Of several words none is taken."""
    assert set(complete("kvchaos run --view ").split()) >= {"auto", "live", "plain", "log"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_a_verb_does_is_told_in_full(shell: str, folder: Path) -> None:
    """Also what stands behind a comma."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")

    assert "End what runs left, and say what is left then." in SHELLS[shell]("kvchaos re", folder)


def test_the_script_of_bash_is_clean(folder: Path) -> None:
    """As shellcheck reads it."""
    program = shutil.which("shellcheck") or pytest.skip("shellcheck is not here")
    script = subprocess.run(
        ["kvchaos", "completion", "bash"],
        env=environment(folder),
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    ).stdout

    done = subprocess.run(
        [program, "--shell=bash", "-"],
        input=script,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )

    assert done.stdout.decode() == ""
