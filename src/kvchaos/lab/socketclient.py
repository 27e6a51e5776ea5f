"""One blocking HTTP request at a time to the lab's API socket: all that ``lab up`` needs."""

from __future__ import annotations

import http.client
import json
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kvchaos.errors import AlreadyExists, ClusterError, ClusterUnreachable, NotFound

Object = dict[str, Any]

_TIMEOUT = 10.0
_ERRORS: dict[str, type[ClusterError]] = {"NotFound": NotFound, "AlreadyExists": AlreadyExists}


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(str(self._path))


class SocketClient:
    """Requests to the API whose unix socket is at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def request(
        self, method: str, path: str, *, body: Object | None = None, content_type: str = ""
    ) -> Object:
        """The decoded answer; Kubernetes' own errors as those of ``kvchaos.errors``."""
        connection = _UnixConnection(self._path)
        headers = {"Content-Type": content_type or "application/json"}
        try:
            connection.request(
                method, path, body=json.dumps(body) if body is not None else None, headers=headers
            )
            answer = connection.getresponse()
            status, content = answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ClusterUnreachable(
                "the lab's API does not answer", saw=str(error), look="kvchaos lab status"
            ) from error
        finally:
            connection.close()
        if status >= HTTPStatus.BAD_REQUEST:
            kind = _ERRORS.get(content.get("reason", ""), ClusterError)
            raise kind(f"{method} {path}", saw=f"{status} {content.get('message', '')}")
        result: Object = content
        return result
