"""``kvchaos init``: by options anywhere, by questions on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main
from tests.chaosrun import BIN

KUBECONFIG = """
apiVersion: v1
kind: Config
contexts: [{name: prod, context: {cluster: c, user: u}}]
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and a kubeconfig that knows ``prod``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def values(folder: str = "mine") -> dict[str, str]:
    lines = Path(folder, "cluster.env").read_text().splitlines()
    pairs = [line.removeprefix("export ").partition("=") for line in lines if "export" in line]
    return {name: value for name, _, value in pairs}


def test_without_a_terminal_nothing_is_asked() -> None:
    """What no option says is as in the lab; how to go on is told."""
    said = init("mine")

    assert said.exit_code == 0
    assert said.output.splitlines()[-3:] == [
        "try it in the embedded lab:",
        "  cd mine",
        "  kvchaos run experiments/network-partition.json",
    ]
    assert values()["KUBERNETES_CONTEXT"] == "kvchaos-lab"


def test_options_answer() -> None:
    """Each by its name; a context that no kubeconfig has is told, and written."""
    said = init("mine", "--context", "other", "--namespace", "inference", "--no-workflow")

    assert "note: your kubeconfig has no context other\n" in said.output
    assert said.output.endswith(
        "kvchaos doctor\n  kvchaos run experiments/network-partition.json\n"
    )
    assert values() | {"KUBERNETES_CONTEXT": "other", "KVCHAOS_NAMESPACE": "inference"} == values()
    assert not Path("mine", ".github").exists()


def test_a_second_time_is_refused_and_changes_nothing() -> None:
    """Every file is named."""
    init("mine", "--namespace", "first")
    files = {str(path) for path in Path("mine").rglob("*") if path.is_file()}

    said = init("mine", "--namespace", "second")

    assert said.exit_code == 4
    assert {line.removeprefix("  - ") for line in said.output.splitlines()[1:]} == files
    assert values()["KVCHAOS_NAMESPACE"] == "first"


def test_answers_that_cannot_be_write_nothing() -> None:
    """A usage error, with all of them."""
    said = init("mine", "--router", "a in (b)", "--block-size", "0")

    assert said.exit_code == 4
    assert len(said.output.splitlines()) == 3
    assert not Path("mine").exists()


def test_a_folder_that_cannot_be_written_is_a_usage_error() -> None:
    """With what the system said."""
    said = init("/proc/mine")

    assert said.exit_code == 4
    assert "wanted a folder that can be written, saw [Errno 2] No such file" in said.output


def test_a_folder_that_cannot_be_looked_into_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody knows what is in it; that it is in no repository is no mistake."""

    def closed(path: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", closed)

    said = init("closed/mine")

    assert said.exit_code == 4
    assert "closed/mine: wanted a folder that can be written, saw [Errno 13]" in said.output


def test_a_folder_in_a_repository_tells_where_the_workflow_has_to_go() -> None:
    """GitHub reads it at the top only; its steps know the way back."""
    Path(".git").mkdir()

    said = init("tests/chaos")

    assert f"move .github to {Path.cwd()}\n" in said.output
    workflow = Path("tests/chaos/.github/workflows/kvchaos.yml").read_text()
    assert 'working-directory: "tests/chaos"\n' in workflow


def typed(answers: str, *arguments: str) -> str:
    """What a terminal shows when these lines are typed."""
    ours, theirs = pty.openpty()
    os.write(ours, answers.encode())
    process = subprocess.Popen(
        [BIN / "kvchaos", "init", *arguments], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(20)
    return shown.decode()


def test_on_a_terminal_it_asks_for_what_no_option_says() -> None:
    """Contexts are shown; an answer that cannot be is asked for again; Enter takes the default."""
    lines = ["prod", "Not A Name", "inference", "", "", "vllm", "", "n"]

    shown = typed("\n".join([*lines, ""]), "mine", "--engines", "app=vllm")

    assert "Contexts here: prod, kvchaos-lab (needs no cluster)" in shown
    assert "Error: wanted small letters, digits and -, at most 63, saw 'Not A Name'" in shown
    assert "Label of the engines" not in shown
    wanted = {
        "KUBERNETES_CONTEXT": "prod",
        "KVCHAOS_NAMESPACE": "inference",
        "KVCHAOS_ENGINE_SELECTOR": "app=vllm",
        "KVCHAOS_ROUTER_SELECTOR": "app.kubernetes.io/name=kvchaos-router",
        "KVCHAOS_MODEL": "kvchaos-demo",
        "KVCHAOS_ENGINE_CONTAINER": "vllm",
        "KVCHAOS_ROUTER_CONTAINER": "router",
    }
    assert {name: values()[name] for name in wanted} == wanted
    assert not Path("mine", ".github").exists()


def test_on_a_terminal_yes_asks_nothing_and_the_lab_is_asked_nothing_else() -> None:
    """Its namespace and labels are its own."""
    assert "Context" not in typed("", "mine", "--yes")

    shown = typed("\n\n", "yours")

    assert "Namespace" not in shown
    assert values("yours") == values("mine")
