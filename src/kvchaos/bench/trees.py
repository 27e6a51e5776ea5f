"""The code that is measured: this installation, a copy of it, or a commit of the repository.

Of a commit everything is taken but ``kvchaos.bench``: both sides are measured by the same
benchmarks, those of this tree. Copies live in a temporary folder and go away with it.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from kvchaos.errors import UsageError

PACKAGE = Path(__file__).resolve().parents[1]
SECONDS = 60.0
"""How long git may take."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder that has the package ``kvchaos``; ``extra``: how much more work it is made to do."""

    name: str
    source: Path
    extra: float = 0.0


def this_tree(extra: float = 0.0) -> Tree:
    """What is installed, or checked out, here."""
    return Tree("this tree", PACKAGE.parent, extra)


def copied(folder: Path) -> Tree:
    """The same code as this tree's in another place."""
    top = here()
    if top is None:
        _copy(PACKAGE, folder / "kvchaos")
        return Tree("a copy of this tree", folder)
    _copy(PACKAGE, folder / "src" / "kvchaos")
    for name in ("deploy", "templates", "experiments"):
        _copy(top / name, folder / name)
    return Tree("a copy of this tree", folder / "src")


def at_commit(revision: str, folder: Path) -> Tree:
    """The repository's files at ``revision``, in ``folder``, with this tree's benchmarks.

    UsageError without a repository or without that commit, as in a shallow clone.
    """
    commit = resolve(revision)
    with zipfile.ZipFile(io.BytesIO(_git("archive", "--format=zip", commit))) as archive:
        archive.extractall(folder)
    bench = folder / "src" / "kvchaos" / "bench"
    shutil.rmtree(bench, ignore_errors=True)
    _copy(PACKAGE / "bench", bench)
    return Tree(commit[:12], folder / "src")


def resolve(revision: str) -> str:
    """The full name of the commit; UsageError if it is not to be had here."""
    return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()


def commit_here() -> str | None:
    """The commit that is checked out, with a + when the package differs; None outside of git."""
    try:
        commit = resolve("HEAD")
        changed = _git("status", "--porcelain", "--", "src")
    except UsageError:
        return None
    return commit[:12] + ("+" if changed.strip() else "")


def here() -> Path | None:
    """The checkout's top folder; None for an installation from a wheel."""
    top = PACKAGE.parent.parent
    return top if (top / "pyproject.toml").is_file() else None


def _git(*words: str) -> bytes:
    top = here()
    if top is None:
        raise UsageError("this kvchaos is no checkout of its repository", look=str(PACKAGE))
    command = ["git", "-C", str(top), *words]
    try:
        ran = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)  # noqa: S603  # our own words, no shell  # nosec B603
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", b"") or str(error).encode()
        raise UsageError(
            f"git {words[0]}",
            wanted=f"an answer for {words[-1]}",
            saw=told.decode(errors="replace").strip() or "nothing",
            look="git log; a shallow clone lacks old commits (git fetch --unshallow)",
        ) from error
    return ran.stdout


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
