"""The API server on its sockets: TLS with a token on loopback, plain on a unix socket."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kvchaos.lab.apiserver.backend import NodeBackend
from kvchaos.lab.apiserver.core import Core
from kvchaos.lab.apiserver.http import create_app, listen
from kvchaos.lab.apiserver.identity import Identity


class Runner(Protocol):
    """Something that serves until it is cleaned up."""

    async def cleanup(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is listening; ``ca_pem`` is empty without TLS."""

    url: str
    ca_pem: str
    token: str
    _runners: tuple[Runner, ...]
    _unix_path: Path | None

    async def close(self) -> None:
        """Ends every open watch, log and port-forward, then the listeners."""
        for runner in self._runners:
            await runner.cleanup()
        if self._unix_path is not None:
            self._unix_path.unlink(missing_ok=True)


async def serve(
    core: Core,
    *,
    backend: NodeBackend,
    tls: Identity | None,
    token: str,
    unix_path: Path | None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Server:
    """Listen on ``host:port`` (0: any free port) and, without TLS or token, on ``unix_path``.

    The unix socket is for the lab's own controllers; its file has mode 0600.
    """
    listener = socket.create_server((host, port))
    app = create_app(core, backend=backend, token=token)
    runners: list[Runner] = [await listen(app, listener, tls=tls.server_context() if tls else None)]
    if unix_path is not None:
        open_app = create_app(core, backend=backend, token=None)
        runners.append(await listen(open_app, _private_socket(unix_path), tls=None))
    scheme = "https" if tls else "http"
    return Server(
        url=f"{scheme}://{host}:{listener.getsockname()[1]}",
        ca_pem=tls.ca_pem if tls else "",
        token=token,
        _runners=tuple(runners),
        _unix_path=unix_path,
    )


def _private_socket(path: Path) -> socket.socket:
    """A bound unix socket that only this user can open, in place of an old one."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # at birth, so that it is never open to others
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener
