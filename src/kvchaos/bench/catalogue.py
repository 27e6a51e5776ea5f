"""All benchmarks there are, and those that patterns name.

A suite that cannot be imported hides no other: it is named with its error. That happens when the
suites of this tree measure an older one, which lacks what they call.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib import import_module

from kvchaos.bench import suites
from kvchaos.bench.suite import Benchmark, registered
from kvchaos.errors import UsageError


def catalogue() -> tuple[dict[str, Benchmark], dict[str, str]]:
    """The benchmarks by name, and why a suite could not be imported, by its name."""
    broken = _imported(module.name for module in pkgutil.iter_modules(suites.__path__))
    return registered(), broken


def found(name: str) -> tuple[Benchmark | None, dict[str, str]]:
    """The benchmark of that name, and which suites could not be imported.

    The suite that is called like the name's first part is tried first: to import them all costs
    each measuring process a second.
    """
    suite = name.partition(".")[0]
    modules = [module.name for module in pkgutil.iter_modules(suites.__path__)]
    broken = _imported(each for each in modules if each == suite)
    if name not in registered():
        broken |= _imported(modules)
    return registered().get(name), broken


def chosen(benchmarks: Iterable[Benchmark], patterns: Iterable[str]) -> list[Benchmark]:
    """Those whose name, or the part before a dot, matches any pattern; all without one.

    UsageError for a pattern that names none.
    """
    known = list(benchmarks)
    matched = {
        pattern: [each for each in known if _matches(each.name, pattern)] for pattern in patterns
    }
    for pattern, matching in matched.items():
        if not matching:
            names = ", ".join(each.name for each in known)
            raise UsageError(f"no benchmark {pattern}", wanted=f"one or more of {names}")
    wanted = {each.name for matching in matched.values() for each in matching}
    return [each for each in known if each.name in wanted] if matched else known


def _imported(modules: Iterable[str]) -> dict[str, str]:
    """Why each that could not be imported could not."""
    broken = {}
    for module in modules:
        try:
            import_module(f"{suites.__name__}.{module}")
        except (ImportError, AttributeError, TypeError) as error:
            broken[module] = f"{type(error).__name__}: {error}"
    return broken


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
