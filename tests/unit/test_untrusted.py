"""What is told of JSON that cannot be read."""

from __future__ import annotations

import pytest

from kvchaos.untrusted import Unreadable, json_value, place_of


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"x", "JSON is malformed: invalid character (line 1, column 1)"),
        ('{\n "ß": x}'.encode(), "JSON is malformed: invalid character (line 2, column 7)"),
        (b'{\n "a": 1,\n}', "JSON is malformed: trailing comma in object (line 3, column 1)"),
        (b"{\n ", "Input data was truncated (line 2, column 2)"),
    ],
)
def test_the_first_error_is_told_by_line_and_column(raw: bytes, told: str) -> None:
    """An editor shows no bytes; what ends too early is wrong at its end."""
    with pytest.raises(Unreadable) as caught:
        json_value(raw)

    assert place_of(str(caught.value), raw) == told


def test_what_has_no_place_is_told_as_it_is() -> None:
    """Too large a file is wrong as a whole."""
    assert place_of("more than 4 MiB", b"") == "more than 4 MiB"
