"""A router's adapter that cannot be one is told by every verb before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kvchaos.cli import main


@pytest.fixture(autouse=True)
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that breaks, where Python looks; a lab that nobody has begun."""
    (tmp_path / "broken.py").write_text("raise ValueError('no key')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KVCHAOS_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.delenv("KUBERNETES_CONTEXT", raising=False)


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        ("broken:Ours", "broken raised ValueError: no key (broken.py, line 1)"),
        ("dynamite", "wanted one of "),
    ],
)
@pytest.mark.parametrize(
    ("verb", "code"), [("validate", 4), ("preflight", 4), ("run", 4), ("doctor", 1)]
)
def test_no_verb_begins_with_what_is_no_adapter(
    verb: str, code: int, adapter: str, said: str
) -> None:
    """One line and the exit code of a usage error; the doctor's own. No lab is begun for it."""
    done = CliRunner(env={"KVCHAOS_ROUTER_ADAPTER": adapter}).invoke(
        main, [verb, "network-partition"]
    )

    assert done.exit_code == code, done.output
    assert f"router_adapter {adapter!r}: " in done.output
    assert said in done.output
    assert "Traceback" not in done.output
    assert {each.name for each in Path.cwd().iterdir()} - {"__pycache__"} == {"broken.py"}
