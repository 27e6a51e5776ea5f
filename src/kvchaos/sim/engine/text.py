"""A tokenizer for a model that is none: one token per byte of UTF-8."""

from __future__ import annotations

from collections.abc import Iterable


def encode(text: str) -> list[int]:
    """The tokens of ``text``."""
    return list(text.encode())


def decode(tokens: Iterable[int]) -> str:
    """Something to read for ``tokens``: one small letter each."""
    return "".join(chr(ord("a") + token % 26) for token in tokens)
