"""The twenty pitfalls of chaos tools: each has a test that says its number."""

from __future__ import annotations

import re
from pathlib import Path

PITFALLS = {
    1: "the tool's own rollback is all that ends a fault",
    2: "SIGTERM is swallowed inside an activity",
    3: "exit code 0 for a failed gate, a failed injection, a deviation that healed",
    4: "fail-fast leaves the fault up",
    5: "an error in tolerance code skips the rollbacks",
    6: "a call without a timeout hangs the rollback",
    7: "conditions and records that say something else than they seem to",
    8: "a partition without a target cuts off everything",
    9: "pods in the host's network make a fault that cannot be deleted",
    10: "names beside other selectors are no intersection",
    11: "modes and selectors that take nobody, or pods that do not run",
    12: "a pod that is replaced in mid-fault is not cut",
    13: "one direction, and what TCP does after a heal",
    14: "a name that is taken is called a success",
    15: "a fault object that is gone while its rules stay",
    16: "the duration counts from the creation",
    17: "rollbacks after a failed gate, and of other runs' faults",
    18: "a quiet stream never shows its gap",
    19: "secrets and endless outputs in the journal",
    20: "a name that was not resolved, in a label selector",
}


def test_every_pitfall_has_a_test_that_says_its_number() -> None:
    """And no test says another one."""
    here = Path(__file__).parent
    named = {
        int(number)
        for path in here.glob("test_*.py")
        for number in re.findall(r"^def test_pitfall_(\d\d)_", path.read_text(), re.MULTILINE)
    }

    assert named == set(PITFALLS)
