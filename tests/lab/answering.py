"""A pod for the lab's own tests: answers ``hello`` on TCP 7000, and dials for others on 7001.

Sent as ``python3 -c <this file>``. A line ``ADDRESS`` on 7001 is answered ``yes`` when 7000 there
said hello within half a second, else ``no``.
"""

from __future__ import annotations

import socket
import socketserver
import threading


class Hello(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"hello\n")


class Dial(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        address = self.rfile.readline().decode().strip()
        try:
            with socket.create_connection((address, 7000), timeout=0.5) as there:
                said = there.recv(16)
        except OSError:
            said = b""
        self.wfile.write(b"yes\n" if said == b"hello\n" else b"no\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


print("answering", flush=True)  # noqa: T201 - its log is read by tests
threading.Thread(target=Server(("0.0.0.0", 7001), Dial).serve_forever, daemon=True).start()
Server(("0.0.0.0", 7000), Hello).serve_forever()
