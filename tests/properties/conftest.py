"""Properties are not traced for coverage: they try so many examples that this takes longer.

What has to be covered is covered by tests that say what is to come of one example.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Take the tracer away for as long as the test lasts; a debugger's stays.

    The ``no_cover`` of pytest-cov does not do it in a worker of pytest-xdist: there are two
    measurements there, one on top of the other, and it ends one of them.
    """
    tracer = sys.gettrace()
    if not type(tracer).__module__.startswith("coverage"):
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
