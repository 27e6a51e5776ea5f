"""Secrets taken out of whatever is written or shown. Pure but for the values it was told of.

The rule guarded here: where a secret stands in a text, also percent-encoded, in base64 or escaped
for JSON, ``[redacted]`` stands in what is kept of it. What is too short or too common to be a
secret (fewer than 4 characters, numbers, words such as ``true``) is left alone, so that one
careless value does not blacken every line.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
TOO_DEEP = "[cut: nested too deeply]"
DEEPEST = 60  # levels of lists and objects
SHORTEST = 4  # characters of a secret
_SHORTEST_FORM = 6  # characters of a piece of base64 that is not found by chance
_SHORTEST_LINE = 16  # characters of a line that gives a secret of many lines away
_COMMON = frozenset({"true", "false", "null", "none"})
_SAYS_SECRET = re.compile(
    r"(^|_)(pass|password|passwd|passphrase|pin|secret|token|credential|authorization|bearer"
    r"|(api|access|private|client|secret|signing|encryption|auth)_?key)s?(_(value|data))?\d*$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
LOGGERS = ("chaostoolkit", "kvchaos", "")


class Redactor:
    """Takes the secret ``values`` out of texts and JSON; safe from any thread."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self.learn(values)

    def learn(self, values: Iterable[object]) -> None:
        """Take out these as well from now on; what cannot be a secret is passed over."""
        found = {form for value in values for form in _forms(_plain(value))}
        with self._lock:
            self._forms |= found

    def text(self, text: str) -> str:
        """``text`` with ``[redacted]`` for each secret."""
        if not any(form in text for form in self._forms):
            return text
        found = sorted(span for form in self._forms for span in _spans(text, form))
        parts, end = [], 0
        for start, stop in _merged(found):
            parts += [text[end:start], MARK]
            end = stop
        return "".join([*parts, text[end:]])

    def json(self, value: Any) -> Any:
        """``value`` as plain JSON without secrets; what is no JSON becomes text."""
        return self._json(value, DEEPEST)

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """As ``json``, where the names at the top are ours and stay as they are."""
        return {name: self.json(value) for name, value in fields.items()}

    def _json(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            if not depth:
                return TOO_DEEP
            if isinstance(value, Mapping):
                items = list(value.items())
                return {self.text(str(key)): self._json(each, depth - 1) for key, each in items}
            return [self._json(each, depth - 1) for each in list(value)]
        return self.text(_plain(value))


class RedactingFilter(logging.Filter):
    """Takes secrets out of a log record: its message, its arguments, its traceback."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor.text(_message(record)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text, record.exc_info = self._redactor.text(record.exc_text), None
        return True


def guard_logs(redactor: Redactor) -> Callable[[], None]:
    """Redact what the loggers of Chaos Toolkit and kvchaos say from here on; call to undo.

    A logger's filter sees only what is said to itself, so its handlers get it too.
    """
    guard = RedactingFilter(redactor)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    places = [*loggers, *(handler for logger in loggers for handler in logger.handlers)]
    for place in places:
        place.addFilter(guard)

    def undo() -> None:
        for place in places:
            place.removeFilter(guard)

    return undo


def leaves(value: Any) -> Iterator[object]:
    """Every value in a tree of lists and objects; what ``secrets`` resolved to, say."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def says_secret(name: str) -> bool:
    """Whether the name of a configuration key, such as ``api_key``, says that it is a secret."""
    words = _CAMEL.sub("_", name).replace("-", "_").replace(".", "_").lower()
    return _SAYS_SECRET.search(words) is not None


def named_secrets(configuration: Mapping[str, Any]) -> Iterator[object]:
    """The values of those keys, at any level, whose names say that they are secrets."""
    for name, value in configuration.items():
        if says_secret(str(name)):
            yield from leaves(value)
        elif isinstance(value, Mapping):
            yield from named_secrets(value)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - else logging prints the arguments on stderr as they are
        return f"{record.msg} {record.args}"


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_trivial(value: str) -> bool:
    if len(value) < SHORTEST or value.lower() in _COMMON:
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def _forms(value: str) -> Iterator[str]:
    """How a secret may be written; nothing for what is none."""
    value = value.strip()
    if _is_trivial(value):
        return
    yield value
    for encoded in (quote(value), quote(value, safe=""), quote_plus(value)):
        yield encoded
        yield re.sub("%..", lambda escape: escape[0].lower(), encoded)
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield repr(value)[1:-1]
    yield from _in_base64(value.encode("utf-8", "replace"))
    if "\n" in value:
        lines = (line.strip() for line in value.splitlines())
        yield from (
            line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")
        )


def _in_base64(raw: bytes) -> Iterator[str]:
    """What stays the same of its base64, whatever stands before and after it in the same text."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode()
        sure = whole[before + 1 if before else 0 : (before + len(raw)) * 8 // 6]
        if len(sure) >= _SHORTEST_FORM:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")


def _spans(text: str, form: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted spans, with those that overlap or touch made one."""
    open_start, open_end = -1, -1
    for start, end in spans:
        if start > open_end:
            if open_end > 0:
                yield open_start, open_end
            open_start, open_end = start, end
        open_end = max(open_end, end)
    yield open_start, open_end
