"""What ``kvchaos init`` writes: files that the other verbs, and other tools, can use."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kvchaos.assets import asset
from kvchaos.cli import VERBS, main
from kvchaos.commands.loading import loaded
from kvchaos.errors import UsageError
from kvchaos.index.routers.adapters import WANTED
from kvchaos.preflight.plan import plan
from kvchaos.settings import Settings
from kvchaos.starter.answers import VARIABLES, Answers, check
from kvchaos.starter.starter import WORKFLOW, starter
from kvchaos.starter.writing import write

MINE = Answers(
    context="prod & co",
    namespace="inference",
    engines="app=vllm,tier=gpu",
    router="app=gateway",
    model="meta-llama/Llama-3.1-8B",
    engine_container="vllm",
    router_container="gateway",
    engine_port=8001,
    event_port=5600,
    replay_port=5700,
    router_adapter="kvchaos.index.routers.reference:reference",
    router_port=9090,
    ranks=4,
    block_size=32,
    mesh_namespace="chaos",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that was begun with ``MINE``, and is the working directory."""
    write(tmp_path, starter(MINE, version="1.2.3"))
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def sourced(folder: Path) -> dict[str, str]:
    """What a shell has in its environment after ``. ./cluster.env``."""
    done = subprocess.run(
        ["sh", "-c", ". ./cluster.env && env -0"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    pairs = [each.partition("=") for each in done.stdout.split("\0") if each]
    return {name: value for name, _, value in pairs if name.startswith(("KVCHAOS_", "KUBE"))}


def settings(name: str) -> Settings:
    return loaded(Path("experiments", name)).settings


EXPERIMENTS = sorted(path.name for path in asset("experiments").glob("*.json"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_mean_the_lab_until_the_cluster_is_named(folder: Path, name: str) -> None:
    """So that nothing real is hit by a command that was typed too early."""
    assert settings(name) == Settings()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_mean_what_was_answered_after_cluster_env(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer arrives, also one that a shell would take apart, and the faults have them."""
    for variable, value in sourced(folder).items():
        monkeypatch.setenv(variable, value)
    found = loaded(Path("experiments", name))

    [fault] = plan(*found, run_id="test")

    assert found.settings == Settings(
        kubernetes_context="prod & co",
        namespace="inference",
        engine_selector="app=vllm,tier=gpu",
        router_selector="app=gateway",
        router_adapter="kvchaos.index.routers.reference:reference",
        model="meta-llama/Llama-3.1-8B",
        engine_port=8001,
        event_port=5600,
        replay_port=5700,
        router_port=9090,
        ranks=4,
        block_size=32,
        mesh_namespace="chaos",
    )
    assert fault.touched == ["inference"]
    assert set(fault.body["spec"].get("containerNames", [])) <= {"vllm", "gateway"}


def test_cluster_env_sets_nothing_that_no_experiment_reads(folder: Path) -> None:
    """A variable that means nothing would be believed."""
    experiments = [json.loads(path.read_text()) for path in (folder / "experiments").iterdir()]
    read = {each["key"] for found in experiments for each in found["configuration"].values()}

    assert set(sourced(folder)) - read == set()


def test_experiments_name_the_folders_own_templates(folder: Path) -> None:
    """A change there counts."""
    named = {
        activity["provider"]["arguments"]["template"]
        for path in (folder / "experiments").iterdir()
        for activity in json.loads(path.read_text())["method"]
        if activity["provider"]["func"] == "inject_fault"
    }

    assert {Path(each).parent for each in named} == {Path("templates")}
    assert all((folder / each).is_file() for each in named)


def test_rights_are_those_of_the_answered_namespaces(folder: Path) -> None:
    """The shipped ones, and nothing else in them is changed."""
    own = [each for path in (folder / "deploy").rglob("*.yaml") for each in documents(path)]
    text = "\n".join(path.read_text() for path in (folder / "deploy").rglob("*.yaml"))
    [daemons] = [each for each in own if each["metadata"].get("namespace") and rules(each)]
    shipped = yaml.safe_load_all(asset("deploy", "runner", "rbac.yaml").read_text())

    assert daemons["metadata"]["namespace"] == "chaos"
    assert "namespace: kvchaos\n" not in text
    assert [rules(each) for each in documents(folder / "deploy" / "runner" / "rbac.yaml")] == [
        rules(each) for each in shipped
    ]


def documents(path: Path) -> list[dict[str, Any]]:
    found = list(yaml.safe_load_all(path.read_text()))
    return [{"metadata": {}, **each} for each in found]


def rules(body: dict[str, Any]) -> object:
    return body.get("rules")


def test_the_workflow_stands_where_its_folder_is() -> None:
    """Below the top of a repository its steps go there first; without one there is none."""
    below = yaml.safe_load(starter(MINE, version="1.2.3", below="tests/chaos")[WORKFLOW])
    top = yaml.safe_load(starter(MINE, version="1.2.3")[WORKFLOW])

    assert below["defaults"]["run"]["working-directory"] == "tests/chaos"
    assert below["jobs"]["lab"]["steps"][-1]["with"]["path"].split() == [
        "tests/chaos/kvchaos-runs",
        "tests/chaos/junit.xml",
    ]
    assert top["defaults"]["run"]["working-directory"] == "."
    assert top["env"]["KVCHAOS_PACKAGE"] == "kvchaos==1.2.3"
    assert WORKFLOW not in starter(Answers(workflow=False), version="1.2.3")


def test_the_game_day_can_be_played(folder: Path) -> None:
    """Its plan keeps to the schema, and its experiments are all of the folder's."""
    said = CliRunner().invoke(main, ["gameday", "gameday.yaml", "--dry-run"])

    assert said.exit_code == 0, said.output
    assert all(f"experiments/{name}" in said.output for name in EXPERIMENTS)


def test_the_readme_names_only_verbs_and_files_that_are_there(folder: Path) -> None:
    """In its blocks and in its text."""
    text = (folder / "README.md").read_text()
    verbs = set(re.findall(r"(?:\$ |`)kvchaos (\w+)", text))
    files = re.findall(r"(?:experiments|deploy)/[\w./-]+|[\w./]+\.(?:env|yaml|yml)", text)

    assert verbs
    assert verbs <= set(VERBS)
    assert [each for each in files if not (folder / each).exists()] == []


def test_every_answer_that_cannot_be_is_told_at_once() -> None:
    """By its option, before anything is written."""
    bad = Answers(
        namespace="A b",
        engines="a in (b)",
        router_adapter="our router",
        engine_port=0,
        model="a\nb",
        ranks=3,
    )

    with pytest.raises(UsageError) as caught:
        check(bad)

    assert str(caught.value).splitlines()[1:] == [
        "  - --namespace: wanted small letters, digits and -, at most 63, saw 'A b'",
        "  - --engines: wanted label=value, separated by commas, saw 'a in (b)'",
        f"  - --router-adapter: wanted {WANTED}, saw 'our router'",
        "  - --model: wanted a text without control characters, saw 'a\\nb'",
        "  - --engine-port: wanted a port, 1 to 65535, saw 0",
        "  - --event-port, --replay-port: wanted --ranks (3) apart, saw 5557 and 5558",
    ]


def test_what_is_there_is_left_alone_and_told_all_at_once(tmp_path: Path) -> None:
    """Files, links that lead nowhere, and files in the place of a folder."""
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").symlink_to("nowhere")
    (tmp_path / "c").write_text("a file")

    with pytest.raises(UsageError) as caught:
        write(tmp_path, {"a": "", "b": "", "c/d": "", "e": ""})

    assert str(caught.value).splitlines()[1:] == [f"  - {tmp_path}/{name}" for name in "abc"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
    assert (tmp_path / "a").read_text() == "mine"


def test_writing_that_fails_half_way_takes_back_what_it_wrote(tmp_path: Path) -> None:
    """The next try is not refused for it."""
    with pytest.raises(OSError, match="File name too long"):
        write(tmp_path, {"a": "1", "b" * 300: "2"})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["2024", "on", "1e3", "0x1f", "null"])
def test_a_namespace_that_reads_as_a_number_stays_a_name(name: str) -> None:
    """In quotes, whatever a YAML reader takes for a number or a boolean."""
    texts = starter(Answers(namespace=name, mesh_namespace=f"{name}1"), version="1.2.3")
    text = "\n".join(text for path, text in texts.items() if path.startswith("deploy/"))

    said = re.findall(r"^\s*namespace: (.*)$", text, re.MULTILINE)

    assert set(said) == {f'"{name}"', f'"{name}1"'}
