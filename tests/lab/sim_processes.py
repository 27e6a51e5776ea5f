"""Engine doubles as real processes on loopback, behind a link that a test can cut."""

from __future__ import annotations

import json
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from kvchaos.clock import SystemClock, poll
from kvchaos.kvevents.wire import BlockRemoved, BlockStored, decode, hashes
from kvchaos.sim.router.engines import Engine, RankPorts
from tests.replaying import replayed

CLOCK = SystemClock()
HOST = "127.0.0.1"
STARTED = 20.0  # seconds; a busy machine takes its time


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that nobody has now."""
    while True:
        first = free_port()
        try:
            with ExitStack() as stack:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind((HOST, port))
        except OSError:
            continue
        return first


class EngineProcess:
    """``kvchaos engine`` on ports of its own, which a restart keeps."""

    def __init__(self, log: Path, *flags: str, ranks: int = 1, **events: object) -> None:
        self.port, self.events, self.replay = free_port(), free_ports(ranks), free_ports(ranks)
        self._log = log
        self._flags = (*flags, "--ranks", str(ranks))
        self._config = {
            "enable_kv_cache_events": True,
            "endpoint": f"tcp://*:{self.events}",  # vLLM binds at no other address, but connects
            "replay_endpoint": f"tcp://{HOST}:{self.replay}",
            **events,
        }
        self._process = self._start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def restart(self) -> None:
        """Another life on the same ports, as when a container restarts in its pod."""
        self._kill()
        self._process = self._start()

    def complete(self, prompt: str | Sequence[int], *, rank: int | None = None) -> dict[str, Any]:
        """The answer to a request for one token."""
        headers = {} if rank is None else {"X-data-parallel-rank": str(rank)}
        body = {"prompt": prompt, "max_tokens": 1}
        answer = requests.post(f"{self.url}/v1/completions", json=body, headers=headers, timeout=10)
        answer.raise_for_status()
        value: dict[str, Any] = answer.json()
        return value

    def reset(self) -> dict[str, Any]:
        """The answer to ``/reset_prefix_cache``."""
        value: dict[str, Any] = requests.post(f"{self.url}/reset_prefix_cache", timeout=10).json()
        return value

    def held(self) -> set[int]:
        """The hashes it holds, by all that it published in this life."""
        return held(f"tcp://{HOST}:{self.replay}")

    def terminate(self) -> int:
        """Its exit code after SIGTERM."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()

    def _start(self) -> subprocess.Popen[bytes]:
        program = [
            sys.executable,
            "-m",
            "kvchaos",
            "engine",
            "--host",
            HOST,
            "--port",
            str(self.port),
        ]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*program, "--kv-events-config", json.dumps(self._config), *self._flags],
                stderr=log,
            )
        healthy, _ = poll(self._is_healthy, bool, timeout=STARTED, every=0.05, clock=CLOCK)
        assert healthy, self._log.read_text()
        return process

    def _is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=1).ok
        return False

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


def held(endpoint: str) -> set[int]:
    """What the events that a replay from 0 brings add up to."""
    found = replayed(endpoint, 0)
    assert [message.seq for message in found] == list(range(len(found)))
    copies: Counter[int] = Counter()
    for message in found:
        for event in decode(message.payload).events:
            if isinstance(event, BlockStored):
                copies.update(hashes(event))
            elif isinstance(event, BlockRemoved):
                copies.subtract(hashes(event))
            else:
                copies.clear()
    return set(+copies)


class _Pipe(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection((HOST, self.server.target), 5) as far:
            self.server.open.update((self.request, far))
            if self.server.is_cut:
                return
            back = threading.Thread(target=_pump, args=(far, self.request), daemon=True)
            back.start()
            _pump(self.request, far)
            back.join(5)
            self.server.open -= {self.request, far}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = True
    allow_reuse_address = True

    def __init__(self, target: int) -> None:
        self.target = target
        self.is_cut = False
        self.open: set[socket.socket] = set()
        super().__init__((HOST, 0), _Pipe)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Link:
    """TCP connections to ``target`` pass through here, until they are cut."""

    def __init__(self, target: int) -> None:
        self._server = _Server(target)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def cut(self) -> None:
        """Tear what is open, refuse what comes."""
        self._server.is_cut = True
        for end in list(self._server.open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Let new connections pass."""
        self._server.is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def as_found(
    engine: EngineProcess, *, pod: str = "a", ports: Sequence[RankPorts] = (), restarts: int = 0
) -> Engine:
    """What discovery would tell of ``engine``, published at ``ports`` if not at its own."""
    return Engine(
        pod=pod,
        uid=f"uid-{pod}",
        address=HOST,
        port=engine.port,
        ready=True,
        restarts=restarts,
        ranks=tuple(ports) or (RankPorts(engine.events, engine.replay),),
    )
