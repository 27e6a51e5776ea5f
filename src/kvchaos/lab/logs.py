"""Where containers' logs are: ``logs/NAMESPACE_POD_UID/CONTAINER/LIFE.log``, lives counted from 0.

They stay until ``lab down``, also those of pods that are gone. ``LIFE.end`` beside a log says
that nothing will be added to it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory


def container_logs(
    directory: LabDirectory, namespace: str, pod: str, uid: str, container: str
) -> list[Path]:
    """The logs of one container, oldest life first."""
    folder = directory.logs / f"{namespace}_{pod}_{uid}" / container
    return sorted(folder.glob("*.log"), key=lambda path: int(path.stem))


def pod_folders(directory: LabDirectory, pod: str, *, namespace: str = "") -> list[Path]:
    """The folders of all pods that ever had this name, the one last written to last."""
    folders = [path for path in directory.logs.glob(f"*_{pod}_*") if path.name.split("_")[1] == pod]
    if namespace:
        folders = [path for path in folders if path.name.split("_")[0] == namespace]
    return sorted(folders, key=lambda path: path.stat().st_mtime)


def selected(content: bytes, *, tail: int | None, limit: int | None) -> bytes:
    """The last ``tail`` lines, of these the first ``limit`` bytes."""
    if tail is not None:
        content = b"".join(content.splitlines(keepends=True)[-tail:]) if tail else b""
    return content if limit is None else content[:limit]


def stamped(content: bytes, path: Path) -> bytes:
    """Every line with a time before it: when the log was last written, as no better is known."""
    wall = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    stamp = wall.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode()
    return b"".join(stamp + line for line in content.splitlines(keepends=True))


def find_log(
    directory: LabDirectory, pod: str, *, container: str = "", previous: bool = False
) -> Path:
    """The log of the newest pod with this name, of its only container unless one is named.

    Raises:
        LabError: no such log, with the names there are.
    """
    folders = pod_folders(directory, pod)
    if not folders:
        known = sorted({path.name.split("_")[1] for path in directory.logs.glob("*_*_*")})
        raise LabError(f"no log of a pod {pod}", wanted=f"one of {', '.join(known) or 'none'}")
    names = sorted(path.name for path in folders[-1].iterdir())
    if not container and len(names) > 1:
        raise LabError(f"pod {pod} has several containers", wanted=f"-c {' | '.join(names)}")
    name = container or names[0]
    lives = sorted((folders[-1] / name).glob("*.log"), key=lambda path: int(path.stem))
    index = -2 if previous else -1
    if len(lives) < -index:
        raise LabError(f"no {'previous ' if previous else ''}log of container {name} in {pod}")
    return lives[index]
