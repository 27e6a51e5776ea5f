"""A tool of a workflow's machine, by the name it is called by: writes the call down, and refuses
one that could not work in this folder. Installed with a first line that names the interpreter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NAME, WORDS = Path(sys.argv[0]).name, sys.argv[1:]


def main() -> int:
    """The exit code that the tool would give, as far as the folder and the words tell."""
    with Path(os.environ["STANDIN_CALLS"]).open("a") as calls:
        calls.write(" ".join([NAME, *WORDS]) + "\n")
    look = {"docker": docker, "kubectl": kubectl, "make": make, "python": python}.get(NAME)
    return look() if look else 0


def docker() -> int:
    """A build needs its Dockerfile and a wheel to copy."""
    here = Path("Dockerfile").is_file() and any(Path("dist").glob("kvchaos-*.whl"))
    return 0 if WORDS[0] != "build" or here else refuse("no Dockerfile or no wheel")


def kubectl() -> int:
    """What is applied has to be there."""
    if "-k" not in WORDS:
        return 0
    folder = Path(WORDS[WORDS.index("-k") + 1])
    return 0 if (folder / "kustomization.yaml").is_file() else refuse(f"no {folder}")


def make() -> int:
    """Real make says what it would do; files that others build on are made empty."""
    done = subprocess.run(["/usr/bin/make", "-n", *WORDS], check=False, stdout=subprocess.DEVNULL)
    for word in WORDS:
        if word.startswith("PYTEST=--junitxml="):
            result = Path(word.removeprefix("PYTEST=--junitxml="))
            result.parent.mkdir(parents=True, exist_ok=True)
            result.touch()
    if "wheel" in WORDS:
        Path("dist").mkdir(exist_ok=True)
        Path("dist/kvchaos-0-py3-none-any.whl").touch()
    return done.returncode


def python() -> int:
    """An environment is a folder with this stand-in in it; what is installed has to be there."""
    if WORDS[:2] == ["-m", "venv"]:
        made = Path(WORDS[2]) / "bin" / "python"
        made.parent.mkdir(parents=True)
        made.symlink_to(sys.argv[0])
        return 0
    if WORDS[:3] == ["-m", "pip", "install"]:
        missing = [word for word in WORDS if word.startswith("/") and not Path(word).exists()]
        return refuse(f"no {missing}") if missing else 0
    return subprocess.run([sys.executable, *WORDS], check=False).returncode


def refuse(why: str) -> int:
    """Say it as a tool would."""
    sys.stderr.write(f"{NAME}: {why}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
