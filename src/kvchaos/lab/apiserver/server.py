"""The API server on its sockets: TLS with a token on loopback, plain on a unix socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from kvchaos.lab.apiserver.backend import NodeBackend
from kvchaos.lab.apiserver.core import Core
from kvchaos.lab.apiserver.identity import Identity


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is listening; ``ca_pem`` is empty without TLS."""

    url: str
    ca_pem: str
    token: str
    _close: Callable[[], Awaitable[None]]

    async def close(self) -> None:
        """Ends every open watch, log and port-forward, then the listeners."""
        await self._close()


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
    raise NotImplementedError
