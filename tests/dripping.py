"""A server whose answer never ends: a byte of it comes again and again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BETWEEN = 0.02  # seconds
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """Its ``host:port``; the one who asks first is sent ``head`` at once and then the bytes."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_drip, args=(server, head, over))
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join(5)


def _drip(server: socket.socket, head: bytes, over: threading.Event) -> None:
    link, _ = server.accept()
    with link:
        try:
            link.recv(65_536)
            link.sendall(head)
            while not over.wait(BETWEEN):
                link.sendall(b"x")
        except OSError:
            pass  # whoever asked has gone, as he should
