"""``kvchaos doctor`` where no cluster answers: one screen, exit code 0 or 1, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main

NOBODY = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: secret-token-of-mine}}]
contexts: [{name: refused, context: {cluster: c, user: u}}]
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, without a lab, with a kubeconfig of a cluster that is off."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kubeconfig").write_text(NOBODY)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("KVCHAOS_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.delenv("KUBERNETES_CONTEXT", raising=False)


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def missing(result: Result) -> list[str]:
    lines = result.output.splitlines()
    return [line.split(maxsplit=1)[1] for line in lines if line.startswith("  MISSING")]


def test_the_lab_need_not_be_up() -> None:
    """A run starts it."""
    said = doctor()

    assert said.output.startswith("context kvchaos-lab (the embedded lab), namespace kvchaos\n")
    assert "the embedded lab is not up: a run starts it, and stops it\n" in said.output
    assert said.exit_code == bool(missing(said))  # this kernel may not give it namespaces


def test_a_lab_that_died_need_not_be_up_either(tmp_path: Path) -> None:
    """It left its kubeconfig; a run starts another one."""
    (tmp_path / "lab").mkdir()
    left = NOBODY.replace("name: refused", "name: kvchaos-lab")
    (tmp_path / "lab" / "kubeconfig").write_text(left)

    assert "the embedded lab is not up: a run starts it, and stops it\n" in doctor().output


def test_a_context_that_is_not_there_is_told_with_those_that_are() -> None:
    """And which file was read."""
    said = doctor("--context", "prod")

    assert said.exit_code == 1
    assert missing(said) == ["cluster       no context prod: wanted one of kvchaos-lab, refused"]
    assert "the kubeconfig is " in said.output


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    """Asked once; the rest is not asked at all, and no secret is shown."""
    said = doctor("--context", "refused")

    assert said.exit_code == 1
    assert [line.split()[0] for line in missing(said)] == ["cluster"]
    assert "Connection refused" in said.output
    assert "secret-token" not in said.output


def test_an_environment_that_cannot_be_read_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though every experiment reads it."""
    monkeypatch.setenv("KVCHAOS_SEED", "x")

    told = [line for line in missing(doctor()) if line.startswith("experiments")]

    assert [line.split(maxsplit=1)[1] for line in told] == [
        "configuration key 'seed' (environment KVCHAOS_SEED): wanted int, saw 'x'"
    ]


def test_experiments_of_several_contexts_are_told(tmp_path: Path) -> None:
    """One doctor looks at one cluster."""
    name = tmp_path / "mine.json"
    shipped = CliRunner().invoke(main, ["experiments", "pod-kill"]).output
    name.write_text(shipped.replace('"default": "kvchaos-lab"', '"default": "refused"'))

    said = doctor("pod-kill", str(name))

    assert "they name several contexts: refused beside the first one's" in said.output
