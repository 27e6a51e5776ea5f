"""What the removal of guards tells: noticed, unnoticed, or that its table is out of date.

All of the table is tried by ``make guards``, which takes a minute or two.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
TABLE = """
import sys
from tests.guards import __main__ as runner
from tests.guards.removal import returns
runner.guards = lambda: [{guard}]
sys.exit(runner.main([]))
"""


def run(*command: str) -> tuple[int, str]:
    """Exit code and output of Python with these arguments."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def try_out(guard: str) -> tuple[int, str]:
    """The same for a table of this one guard."""
    return run("-c", TABLE.format(guard=guard))


def test_the_code_has_all_that_the_table_of_guards_names() -> None:
    """A guard that was renamed is followed, or it is tried no more."""
    code, said = run("-m", "tests.guards", "--names")

    assert code == 0, said


def test_a_guard_whose_removal_a_test_notices_is_one() -> None:
    """Each rule of the lint, for a sample."""
    code, said = run("-m", "tests.guards", "mesh.lint.RULES")

    assert code == 0, said
    assert "0 of them unnoticed" in said


def test_a_guard_that_can_be_removed_unnoticed_is_told() -> None:
    """These tests do not know of it."""
    guard = 'returns("kvchaos.mesh.lint:lint", "[]", tests="unit/mesh/test_duration.py")'

    code, said = try_out(guard)

    assert code == 1, said
    assert "UNNOTICED" in said


def test_a_guard_that_is_not_there_is_no_guard() -> None:
    """Nothing is concluded from tests that failed for another reason, or that passed."""
    guard = 'returns("kvchaos.mesh.lint:lynt", "[]", tests="unit/mesh/test_duration.py")'

    code, said = try_out(guard)

    assert code == 1, said
    assert "CANNOT TELL (70): no kvchaos.mesh.lint:lynt" in said
