"""A TCP relay on loopback that can be cut: between a client and an API server."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Relay:
    """Passes bytes on to the server of ``url`` until told to refuse; a context manager."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        default = 443 if parts.scheme == "https" else 80
        self._to = (parts.hostname or "127.0.0.1", parts.port or default)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._open.set()
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.refuse()
        for thread in self._threads:
            thread.join(timeout=5)

    def refuse(self) -> None:
        """Cut every connection, and new ones as soon as they are made."""
        self._open.clear()
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """Pass on new connections again."""
        self._open.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._socks.append(near)
                if not self._open.is_set():
                    near.close()
                    continue
                far = socket.create_connection(self._to, timeout=10)
                far.settimeout(None)
                self._socks.append(far)
                self._spawn(self._pass, near, far)
                self._spawn(self._pass, far, near)

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)
