"""The worlds of runs over fakes, as the tests of runs have them."""

from __future__ import annotations

from tests.unit.run.conftest import made

__all__ = ["made"]
