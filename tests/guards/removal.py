"""Guards, and how each is removed from the running process: the rule that it keeps is kept no more.

A guard is a function, some lines of one, or an entry of a table. Code is changed where it is, so
whoever holds the function, by whatever name or in whatever table, has the changed one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any


class Stale(Exception):
    """What a guard names is not in the code any more: its entry has to follow the code."""


@dataclass(frozen=True, slots=True)
class Guard:
    """``where`` is ``module:name``; ``tests`` are files of which one has to fail without it."""

    what: str
    where: str
    tests: tuple[str, ...]
    remove: Callable[[str], None]

    def find_tests(self) -> None:
        """Stale if one of its tests is not there."""
        if missing := [file for file in self.tests if not Path(file).exists()]:
            raise Stale(f"no {', '.join(missing)}")


def returns(where: str, answer: str, *, tests: str, what: str = "") -> Guard:
    """A function that decides nothing any more, but always answers this (a Python expression)."""
    return Guard(
        what or f"{_name(where)} always answers {answer}",
        where,
        _files(tests),
        lambda place: _recode(place, f"def answer(*_, **__):\n    return {answer}"),
    )


def without(
    where: str,
    lines: str,
    *,
    instead: str = "pass",
    tests: str,
    what: str = "",
    also: tuple[str, str] | None = None,
) -> Guard:
    """A function in which ``instead`` stands for these ``lines``; ``also``: one more such pair."""

    def remove(place: str) -> None:
        source = textwrap.dedent(inspect.getsource(_function(place)))
        for old, new in [(lines, instead), *([also] if also else [])]:
            if source.count(old) != 1:
                raise Stale(f"{place} has not once {old!r}, but {source.count(old)} times")
            source = source.replace(old, new)
        _recode(place, source)

    return Guard(what or f"{_name(where)} without {lines!r}", where, _files(tests), remove)


def entry(where: str, name: str, *, tests: str) -> Guard:
    """A table, a tuple of functions or an object, without one of its entries."""

    def remove(place: str) -> None:
        table = _found(place)
        if isinstance(table, dict):
            if name not in table:
                raise Stale(f"{place} has no {name}")
            del table[name]
            return
        less = tuple(each for each in table if each.__name__ != name)
        if len(less) != len(table) - 1:
            raise Stale(f"{place} has no {name}")
        _replace(table, less)

    return Guard(f"{_name(where)} without {name}", where, _files(tests), remove)


def _files(tests: str) -> tuple[str, ...]:
    return tuple(f"tests/{each}" for each in tests.split())


def _name(where: str) -> str:
    return where.removeprefix("kvchaos.").replace(":", ".")


def _found(place: str) -> Any:
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        try:
            found = inspect.getattr_static(found, part)
        except AttributeError as error:
            raise Stale(f"no {place}") from error
    return found


def _function(place: str) -> FunctionType:
    """The function itself, below whatever decorates it."""
    found = _found(place)
    found = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
    found = inspect.unwrap(found)
    if not isinstance(found, FunctionType):
        raise Stale(f"{place} is no function")
    return found


def _recode(place: str, source: str) -> None:
    """Give the function the code of the first function in ``source``."""
    function = _function(place)
    tree = ast.parse(source)
    made = tree.body[0]
    if not isinstance(made, ast.FunctionDef):
        raise Stale(f"{place}: {type(made).__name__}")
    made.decorator_list = []
    names: dict[str, Any] = {}
    exec(compile(tree, f"<{place}, removed>", "exec"), function.__globals__, names)
    function.__code__ = names[made.name].__code__


def _replace(old: object, new: object) -> None:
    """Wherever a module of ours, or a function's default, has ``old``."""
    ours = [each for name, each in sys.modules.items() if name.startswith(("kvchaos", "tests"))]
    for module in ours:
        for name, value in list(vars(module).items()):
            if value is old:
                setattr(module, name, new)
            for function in _functions(value):
                defaults = function.__defaults__ or ()
                function.__defaults__ = tuple(new if each is old else each for each in defaults)


def _functions(value: object) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
