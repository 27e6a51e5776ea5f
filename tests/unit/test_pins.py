"""The pinned packages, as a newcomer's Python takes them."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
LINES = [line.split("==") for line in CONSTRAINTS.read_text(encoding="utf-8").split()]
PINS = {str(canonicalize_name(name)): version for name, version in LINES}
INSTALLED = {str(canonicalize_name(each.name)): each for each in distributions()}


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_every_pin_takes_the_first_release_of_each_python(python: str) -> None:
    """A distribution's Python is seldom the newest; pip would refuse all of it for one package."""
    wanted = {name: INSTALLED[name].metadata["Requires-Python"] or "" for name in known()}

    assert [name for name, told in wanted.items() if not SpecifierSet(told).contains(python)] == []


def test_what_is_installed_is_what_is_pinned() -> None:
    """Else the test above, and all others, would tell of other packages."""
    assert {name: INSTALLED[name].version for name in known()} == {
        name: PINS[name] for name in known()
    }


def known() -> list[str]:
    """The pins that are installed: `make audit` has some of its own, installed by it alone."""
    found = [name for name in PINS if name in INSTALLED]
    assert len(found) > 100
    return found
