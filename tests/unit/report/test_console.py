"""A console whose reader went away."""

from __future__ import annotations

import os

import pytest

from kvchaos.errors import NobodyReads
from kvchaos.report.console import Sheet


def test_nobody_reading_is_an_error_and_no_end_of_the_process() -> None:
    """And what is written later, or left in the stream, goes nowhere and fails no more."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        sheet = Sheet(file=stream)

        with pytest.raises(NobodyReads, match="nobody reads"):
            sheet.print("x")
        sheet.print("y")
        stream.write("z")
        stream.flush()
