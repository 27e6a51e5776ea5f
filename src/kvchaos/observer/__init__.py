"""The observer: follows every engine's event stream on a path that no fault cuts."""

from __future__ import annotations

from kvchaos.observer.observer import Observer

__all__ = ["Observer"]
