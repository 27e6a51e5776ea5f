"""The image, built by its own recipe, and its programs as the manifests have them run.

Needs root, buildah, and in ``KVCHAOS_E2E_BASE`` an image that stands for ``python:3.11-slim``: a
Debian with Python 3.11 and pip. ``KVCHAOS_E2E_BUILD`` has further words for ``buildah bud``: where
packages come from a place of one's own, ``--volume /etc/pip.conf:/etc/pip.conf:ro``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BASE = os.environ.get("KVCHAOS_E2E_BASE", "")
FURTHER = shlex.split(os.environ.get("KVCHAOS_E2E_BUILD", ""))
NAME = "localhost/kvchaos-e2e"
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
PARTS = ("Dockerfile", ".dockerignore", "constraints.txt")
INSIDE = """
mount --make-rprivate /
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t proc proc "$0/proc"
exec chroot "$0" setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs \
  --bounding-set=-all env -i PATH=/usr/local/bin:/usr/bin:/bin "$@"
"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not BASE, reason="KVCHAOS_E2E_BASE names no image to build on"),
    pytest.mark.skipif(not shutil.which("buildah"), reason="no buildah on PATH"),
    pytest.mark.timeout(600),
]


def buildah(*words: str) -> str:
    done = subprocess.run(
        ["buildah", *words], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file system of a container of the image."""
    context = tmp_path_factory.mktemp("context")
    for name in PARTS:
        shutil.copy(TOP / name, context)
    for name in ("experiments", "templates"):
        shutil.copytree(TOP / name, context / name)
    wheel = [sys.executable, "-m", "build", "--wheel", "--outdir", str(context / "dist"), "."]
    subprocess.run(wheel, cwd=TOP, check=True, capture_output=True, timeout=200)
    buildah("bud", "--from", BASE, *FURTHER, "--tag", NAME, str(context))
    container = buildah("from", NAME)
    try:
        yield Path(buildah("mount", container))
    finally:
        buildah("rm", container)
        buildah("rmi", NAME)


def said(root: Path, *command: str) -> str:
    """What a command says in a pod of it: no root, no capability, nothing that can be written."""
    done = subprocess.run(
        [*APART, "sh", "-c", INSIDE, str(root), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{done.stdout}{done.stderr}".strip()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("id", "uid=65532(kvchaos) gid=65532(kvchaos) groups=65532(kvchaos)"),
        ("touch /tmp/x", "touch: cannot touch '/tmp/x': Read-only file system"),
        ("kvchaos --version", "kvchaos, version "),
        ("chaos --version", "chaos, version "),
        ("kvchaos engine --help", "Usage: kvchaos engine "),
        ("python3 -m kvchaos router --help", "Usage: python -m kvchaos router "),
        ("kvchaos templates", "network-partition "),
        ("kvchaos validate /opt/kvchaos/experiments/pod-kill.json", "pod-kill.json: valid"),
    ],
)
def test_the_image_runs_as_its_own_user_with_nothing_to_write(
    root: Path, command: str, answer: str
) -> None:
    """As the manifests ask: also where Python would write what it compiled."""
    assert answer in said(root, *command.split())
