"""Whether any guard can be removed unnoticed: ``python -m tests.guards [WORD ...]``.

First the tests that guard the guards have to pass as things are. Then, for each guard of the table
(or those with a WORD in their name), a process of its own removes it and runs its tests, of which
one has to fail. Exit code 1 if all passed for some guard, or if that could not be told.

``python -m tests.guards --names`` only tells whether the code still has all that the table names.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.guards.removal import Guard, Stale
from tests.guards.table import guards

OPTIONS = ("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-p", "no:randomly")
AT_ONCE = int(os.environ.get("KVCHAOS_GUARDS_AT_ONCE", str(os.cpu_count() or 1)))
NOTICED, STALE = 1, 70
"""Exit codes: pytest's for tests that failed; ours for an entry that names what is not there."""


class Child:
    """A process that runs tests, after it did ``before``; forked, so that it begins at once."""

    def __init__(self, tests: tuple[str, ...], before: Callable[[], None] = lambda: None) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in ``wait``
        self._began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(tests, before)

    def _run(self, tests: tuple[str, ...], before: Callable[[], None]) -> None:
        code = STALE
        try:
            os.dup2(self._output.fileno(), 1)
            os.dup2(self._output.fileno(), 2)
            before()
            code = int(pytest.main([*OPTIONS, *tests]))
        except Stale as error:
            sys.stderr.write(f"{error}\n")
        except BaseException as error:  # noqa: BLE001 - a child must never go on as its parent
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            with contextlib.suppress(ValueError, OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def ended(self, status: int) -> tuple[int, float, str]:
        """Its exit code, the seconds it took, and what it said last."""
        self._output.seek(0)
        said = self._output.read()
        self._output.close()
        return os.waitstatus_to_exitcode(status), time.monotonic() - self._began, said


def run_all(jobs: dict[str, Callable[[], Child]]) -> dict[str, tuple[int, float, str]]:
    """Each job's end, some of them at once."""
    waiting = list(jobs.items())
    running: dict[int, tuple[str, Child]] = {}
    ends: dict[str, tuple[int, float, str]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            name, start = waiting.pop(0)
            child = start()
            running[child.pid] = (name, child)
        pid, status = os.wait()
        name, child = running.pop(pid)
        ends[name] = child.ended(status)
    return ends


def collect(files: list[str]) -> None:
    """Import the tests once, for all the processes that are forked from here."""
    with tempfile.TemporaryFile("w+") as unread, contextlib.redirect_stdout(unread):
        pytest.main([*OPTIONS, "--collect-only", *files])


def load(table: list[Guard]) -> None:
    """Import what the table names, once for all processes; what is not there, its guard tells."""
    for module in {guard.where.partition(":")[0] for guard in table}:
        with contextlib.suppress(ImportError, OSError):
            inspect.getsource(import_module(module))


def first_failure(said: str) -> str:
    """The test that noticed."""
    failed = [line for line in said.splitlines() if line.startswith(("FAILED ", "ERROR tests"))]
    return failed[0].split(" - ")[0].rpartition("::")[2] if failed else ""


def stale(table: list[Guard]) -> int:
    """How many entries name what is not there, each told."""
    found = 0
    load(table)
    for guard in table:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = STALE
            try:
                guard.remove(guard.where)
                guard.find_tests()
                code = 0
            except Stale as error:
                say(f"{guard.what}: {error}")
            finally:
                os._exit(code)
        found += os.waitpid(pid, 0)[1] != 0
    say(f"{len(table)} guards, {found} of them stale")
    return found


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    if words == ["--names"]:
        return 1 if stale(guards()) else 0
    began = time.monotonic()
    table = [each for each in guards() if not words or any(word in each.what for word in words)]
    files = sorted({file for guard in table for file in guard.tests})
    collect(files)
    sound = run_all({file: lambda file=file: Child((file,)) for file in files})  # type: ignore[misc]
    ill = {file: said for file, (code, _, said) in sound.items() if code}
    for file, said in ill.items():
        say(f"{file} does not pass as things are:\n{said}")
    ends = run_all({each.what: _removed(each) for each in table if not set(each.tests) & set(ill)})
    unnoticed = [name for name, (code, _, _) in ends.items() if code != NOTICED]
    for name, (code, took, said) in sorted(ends.items()):
        noticed = {NOTICED: first_failure(said), 0: "UNNOTICED"}
        say(f"{took:5.1f} s  {name:<70} {noticed.get(code, f'CANNOT TELL ({code}): {said}')}")
    took = time.monotonic() - began
    say(f"\n{len(ends)} guards removed, {len(unnoticed)} of them unnoticed, in {took:.0f} s")
    return 1 if unnoticed or ill or not ends else 0


def _removed(guard: Guard) -> Callable[[], Child]:
    return lambda: Child(guard.tests, lambda: guard.remove(guard.where))


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main(sys.argv[1:]))
