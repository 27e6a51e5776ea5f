"""What has a ``close`` is a context manager."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Closed at the end of its ``with`` block."""

    @abstractmethod
    def close(self) -> None:
        """Give up what is held; safe to repeat."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
