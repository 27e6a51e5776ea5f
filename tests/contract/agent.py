"""The program that the pods of the contract suite run: it does and tells what a test asks.

Kept to the standard library of Python 3.11, since it is sent as ``python3 -c <this file>``. One
command a line on TCP 7000, one line back. 7001 answers HTTP 200 once ready, else 503; 7002 keeps
the tokens of datagrams.
"""

# ruff: noqa: T201
from __future__ import annotations

import http.server
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable

STATE = {"ready": os.environ.get("READY", "yes") == "yes", "clients": 0}
HEARD: set[str] = set()


def reach(address: str, port: str) -> str:
    try:
        with socket.create_connection((address, int(port)), timeout=1) as sock:
            sock.sendall(b"echo hello\n")
            return (sock.makefile().readline().strip() == "hello" and "yes") or "no"
    except OSError:
        return "no"


def send(address: str, token: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(token.encode(), (address, 7002))
        except OSError as error:  # what a rule that drops on the way out answers
            return f"not sent: {error}"
    return "sent"


def say(text: str) -> str:
    print(text, flush=True)
    return "said"


def ready(value: str) -> str:
    STATE["ready"] = value == "yes"
    return value


def leave(code: str) -> str:
    os._exit(int(code))


COMMANDS: dict[str, Callable[..., str]] = {
    "echo": lambda text="": text,
    "reach": reach,
    "send": send,
    "heard": lambda token: "yes" if token in HEARD else "no",
    "say": say,
    "ready": ready,
    "exit": leave,
    "clients": lambda: str(STATE["clients"]),
    "env": lambda name: os.environ.get(name, ""),
    "flood": lambda size: "x" * int(size),
}


class Commands(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        STATE["clients"] += 1
        try:
            for line in self.rfile:
                name, *arguments = line.decode().split()
                if name == "bye":
                    return
                answer = COMMANDS[name](*arguments)
                self.wfile.write(answer.encode() + b"\n")
        except OSError:
            pass
        finally:
            STATE["clients"] -= 1


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if STATE["ready"] else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def listen() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", 7002))
    while True:
        HEARD.add(sock.recv(1024).decode())


def stop(*_: object) -> None:
    print("asked to stop", flush=True)
    time.sleep(float(os.environ.get("LINGER", "0")))
    print("stopped", flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
print("agent started", flush=True)
threading.Thread(target=listen, daemon=True).start()
threading.Thread(target=Threads(("0.0.0.0", 7001), Ready).serve_forever, daemon=True).start()
Threads(("0.0.0.0", 7000), Commands).serve_forever()
