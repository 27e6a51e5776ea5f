"""What CI makes of what is known of the pinned packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

AUDIT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
SOUND = {"name": "a", "version": "1", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "not found"}
BAD = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SOUND], 0, "1 packages looked up, 0 vulnerabilities known; 0 not looked up"),
        ([SOUND, UNKNOWN], 0, "1 not looked up"),
        ([UNKNOWN], 0, "audit skipped: none of 1 packages can be looked up here: not found"),
        ([SOUND, BAD, UNKNOWN], 1, "audit: c 2: PYSEC-1, fixed in 3"),
    ],
)
def test_a_known_vulnerability_fails_and_silence_is_told(
    audit: ModuleType,
    capsys: pytest.CaptureFixture[str],
    found: list[dict[str, Any]],
    code: int,
    said: str,
) -> None:
    """A database that knows nothing is not taken for one that knows of nothing bad."""
    assert audit.report(found) == code
    assert said in capsys.readouterr().out
