"""The lab's directory: every file of a running lab, each with one name here.

A lab is nothing but processes and this directory: what a killed lab left is these files, which
the next ``lab up`` clears and ``lab down`` removes.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kvchaos.errors import LabError

SOCKET_PATH_LIMIT = 107  # bytes of sun_path in unix(7), without its final zero


@dataclass(frozen=True, slots=True)
class LabDirectory:
    """The paths under ``root``."""

    root: Path

    @property
    def marker(self) -> Path:
        """What says that this is a lab's directory: without it nothing here is ever removed."""
        return self.root / ".kvchaos-lab"

    @property
    def state(self) -> Path:
        """Who runs the lab, and how far it is (``state.py``)."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the daemon while it lives: two labs never share a directory."""
        return self.root / "lock"

    @property
    def api_socket(self) -> Path:
        """The API in plain HTTP, for the lab's own processes."""
        return self.root / "api.sock"

    @property
    def node_socket(self) -> Path:
        """Where the node opens connections into pods for the API server."""
        return self.root / "node.sock"

    @property
    def kubeconfig(self) -> Path:
        """For users: the API server on loopback."""
        return self.root / "kubeconfig"

    @property
    def certificate(self) -> Path:
        """By which users know the API server; their kubeconfig names it."""
        return self.root / "ca.pem"

    @property
    def pod_kubeconfig(self) -> Path:
        """For pods: the API server by the address of the node's bridge."""
        return self.root / "pod-kubeconfig"

    @property
    def daemon_log(self) -> Path:
        return self.root / "daemon.log"

    @property
    def node_log(self) -> Path:
        return self.root / "node.log"

    @property
    def logs(self) -> Path:
        """Logs of containers, one file per life of a container."""
        return self.root / "logs"

    def create(self) -> None:
        """Make the directory, for its owner only, and mark it as a lab's.

        Raises:
            LabError: it cannot be made, its path is too long for a unix socket, or it is there,
                not empty and no lab's.
        """
        size = len(bytes(self.api_socket))
        if size > SOCKET_PATH_LIMIT:
            raise LabError(
                f"the lab's directory has too long a path: {self.root}",
                wanted=f"at most {SOCKET_PATH_LIMIT} bytes with /api.sock",
                saw=f"{size}",
                look="KVCHAOS_LAB_DIR",
            )
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.marker.exists():
                self._claim()
            self.root.chmod(0o700)  # one that was there may have been open to others
        except OSError as error:
            raise LabError(
                f"the lab's directory cannot be made: {self.root}",
                saw=str(error),
                look="KVCHAOS_LAB_DIR",
            ) from error

    def clear(self, *, keep_logs: bool = False) -> None:
        """Remove every file of the lab, but its logs if so told; foreign files stay.

        A directory that is not marked as a lab's is left as it is.
        """
        if not self.marker.exists():
            return
        for path in self._files():
            path.unlink(missing_ok=True)
        logs = (self.daemon_log, self.node_log)
        for path in logs:
            if path.is_file() and not (keep_logs and path.stat().st_size):
                path.unlink()
        if not keep_logs:
            shutil.rmtree(self.logs, ignore_errors=True)

    def remove(self, *, keep_logs: bool = False) -> None:
        """Clear, and remove the directory too unless something is left in it, or it may not be."""
        if not self.marker.exists():
            return
        self.clear(keep_logs=keep_logs)
        if all(path == self.marker for path in self.root.iterdir()):
            self.marker.unlink()
        with suppress(OSError):
            self.root.rmdir()

    def _claim(self) -> None:
        if any(self.root.iterdir()):
            raise LabError(
                f"{self.root} is not a lab's directory",
                wanted="one that is new, empty, or a lab's already",
                saw="other files in it",
                look="KVCHAOS_LAB_DIR",
            )
        self.marker.touch()

    def _files(self) -> tuple[Path, ...]:
        return (
            self.state,
            self.state.with_suffix(".new"),
            self.api_socket,
            self.node_socket,
            self.certificate,
            self.kubeconfig,
            self.pod_kubeconfig,
            self.lock,
        )
