"""HTTP answers that are already there, for whoever asks by ``kvchaos.sessions``; no socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from kvchaos import sessions


class Said(requests.Response):
    """A reply that is already there."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        super().__init__()
        self.status_code = status
        self._said = body

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        return iter([self._said])

    def close(self) -> None: ...


class Session(requests.Session):
    """Every request is answered by ``said``, and kept in ``asked``."""

    def __init__(self, said: Callable[[str], Said]) -> None:
        super().__init__()
        self._said = said
        self.asked: list[tuple[str, Any]] = []

    def request(self, method: Any, url: Any, *_: Any, **more: Any) -> requests.Response:
        path = urlsplit(url).path
        self.asked.append((f"{method} {path}", more.get("json")))
        return self._said(path)


@contextmanager
def answering(said: Callable[[str], Said]) -> Iterator[Session]:
    """This thread's requests are answered by ``said(path)``."""
    session = Session(said)
    before = sessions._own.session
    sessions._own.session = session
    try:
        yield session
    finally:
        sessions._own.session = before
