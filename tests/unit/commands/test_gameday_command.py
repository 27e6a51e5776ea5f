"""``kvchaos gameday``: what it takes, what it refuses, and what it would do."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from click.testing import CliRunner, Result

from kvchaos.assets import asset
from kvchaos.cli import main
from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.commands import gameday as command
from kvchaos.commands.gameday_terminal import Terminal
from kvchaos.gameday.day import Attempt, Step, keep, planned, read_day
from kvchaos.gameday.gates import Answer
from kvchaos.gameday.plan import Plan, Play
from kvchaos.gameday.player import RunPlayer
from kvchaos.gameday.process import Ended, Signals
from kvchaos.verdict.result import Status
from tests.scripted import ScriptedCluster

Json = dict[str, Any]
TOP = Path(__file__).resolve().parents[3]
HEAD = "name: weekly\npurpose: to know\nowner: us\napproval: none\n"
SHIPPED = f"{HEAD}experiments: [network-partition, {{file: pod-kill, repeat: 2}}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, as the working folder, with no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("KUBERNETES_CONTEXT", "KVCHAOS_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def gameday(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["gameday", *arguments])


def written(text: str, path: Path = Path("plan.yaml")) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_dry_run_says_what_would_be_played_and_begins_nothing(folder: Path) -> None:
    """In its order, with the faults and the place of each."""
    said = gameday(written(f"{SHIPPED}context: staging\nnamespace: inference\n"), "--dry-run")

    file = asset("experiments").absolute()
    assert (said.exit_code, said.output.splitlines()) == (
        0,
        [
            "game day weekly of us: to know",
            f"  1  network-partition  1 fault, inference in staging  {file}/network-partition.json",
            f"  2  pod-kill  1 fault, inference in staging  {file}/pod-kill.json",
            f"  3  pod-kill (2)  1 fault, inference in staging  {file}/pod-kill.json",
            "nothing was begun",
        ],
    )
    assert [each.name for each in folder.iterdir()] == ["plan.yaml"]


def test_who_begins_it_says_where_whatever_the_plan_says() -> None:
    """--context wins, as in a cluster, where the plan's means nothing."""
    said = gameday(written(f"{SHIPPED}context: staging\n"), "--context", "mine", "--dry-run")

    assert said.output.count("kvchaos in mine") == 3


def test_every_experiment_that_is_wrong_is_told_before_the_first_is_played() -> None:
    """Its number, its name, and all that is wrong with it."""
    Path("broken.json").write_text("{")
    plan = (
        f"{HEAD}experiments: [broken.json, {{file: pod-kill, var: {{nonsense: 1}}}}, "
        "{file: router-restart, environment: {KVCHAOS_SEED: seven}}]\n"
    )

    said = gameday(written(plan))

    assert said.exit_code == 4
    assert [line.split(": ")[0] for line in said.output.splitlines()[1:]] == [
        "  - experiments[1] (broken)",
        "  - experiments[2] (pod-kill)",
        "  - experiments[3] (router-restart)",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHIPPED.replace("approval: none", "approval: first"), "nobody can be asked for leave"),
        (f"{SHIPPED}notify: [{{url_env: NO_HOOK}}]\n", "not set: NO_HOOK"),
        (f"{HEAD}experiments: [nothing]\n", "no experiment at nothing"),
    ],
    ids=["approval", "notify", "experiment"],
)
def test_what_cannot_work_is_refused_before_anything_begins(
    folder: Path, text: str, why: str
) -> None:
    """Nobody to ask, no address, no experiment."""
    said = gameday(written(text))

    assert (said.exit_code, why in said.output) == (4, True), said.output
    assert [each.name for each in folder.iterdir()] == ["plan.yaml"]


def a_day(text: str) -> str:
    """The folder of a day of that plan that has not begun."""
    plan = Plan("weekly", "to know", "us", (Play("network-partition", Path("x")),), text=text)
    Path("day").mkdir()
    keep(planned(plan, source=Path("plan.yaml").absolute(), at=1.0, seed=1), Path("day"))
    return "day"


def test_a_day_goes_on_by_the_plan_that_it_began_with() -> None:
    """One that has changed since is refused; none is needed."""
    text = f"{HEAD}experiments: [network-partition]\n"
    day = a_day(text)

    changed = gameday(written(f"{text}pause: 5s\n"), "--resume", day)
    without = gameday("--resume", day, "--dry-run")

    assert (changed.exit_code, "has changed since the game day began" in changed.output) == (
        4,
        True,
    )
    assert (without.exit_code, "1  network-partition" in without.output) == (0, True)


@pytest.mark.parametrize("arguments", [("--resume", "nowhere"), ("--dry-run",), ("nix.yaml",)])
def test_what_is_not_there_is_told(arguments: tuple[str, ...]) -> None:
    """A folder, a plan, either."""
    assert gameday(*arguments).exit_code == 4


def test_the_state_counts_as_it_is_once_nobody_else_plays_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What another process played meanwhile is not played again."""
    day = a_day(f"{HEAD}experiments: [network-partition]\n")
    played: list[str] = []

    @contextmanager
    def after_another(folder: Path) -> Iterator[None]:
        state = read_day(folder)
        state.steps[0].attempts.append(Attempt(1.0, ended=2.0, exit_code=0, status=Status.PASS))
        keep(state, folder)
        yield

    def play(_: RunPlayer, name: str, *__: object, **___: object) -> Ended:
        played.append(name)
        return Ended(0)

    monkeypatch.setattr(command, "locked", after_another)
    monkeypatch.setattr(RunPlayer, "prepare", lambda *_: None)
    monkeypatch.setattr(RunPlayer, "held", lambda *_: "")
    monkeypatch.setattr(RunPlayer, "play", play)

    said = gameday("--resume", day)

    assert (said.exit_code, played) == (4, []), said.output
    assert "all of it was played" in said.output


QUESTION = "1: play a, 1 fault, kvchaos in kvchaos-lab? (y)es, (s)kip, (q)uit "


class Typing:
    """A person at a terminal, who is asked for leave."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(RunPlayer, "where", lambda *_: "1 fault, kvchaos in kvchaos-lab")
        self.terminal, self.inner = pty.openpty()
        self.stdin = os.fdopen(self.inner)
        patch.setattr(sys, "stdin", self.stdin)

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def asked(self, *, closed: Callable[[], bool] = lambda: False) -> Answer | None:
        player = RunPlayer([], {}, signals=Signals(), clock=SystemClock())
        return Terminal(player, asks=True).leave(Step(1, "a", 1), closed=closed)

    def close(self) -> None:
        self.stdin.close()
        os.close(self.terminal)


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typing]:
    typing = Typing(monkeypatch)
    yield typing
    typing.close()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", Answer.PLAY), ("S\n", Answer.SKIP), (" q \n", Answer.QUIT), ("\x04", Answer.QUIT)],
    ids=["yes", "skip", "quit", "Ctrl-D"],
)
def test_what_is_typed_at_the_prompt_is_the_answer(
    typing: Typing, capsys: pytest.CaptureFixture[str], typed: str, answer: Answer
) -> None:
    """Ctrl-D: the day ends as one that was declined, with its reports."""
    typing.type(typed)

    assert typing.asked() is answer
    assert capsys.readouterr().out == QUESTION + ("\n" if typed == "\x04" else "")


def test_what_is_no_answer_is_asked_for_again(
    typing: Typing, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line after the other."""
    typing.type("maybe\ny\n")

    assert typing.asked() is Answer.PLAY
    assert capsys.readouterr().out == f"{QUESTION}'maybe' is none of y, s, q\n{QUESTION}"


def test_a_question_that_is_taken_back_waits_for_nobody(
    typing: Typing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What closed meanwhile is looked at while nobody types."""
    monkeypatch.setattr("kvchaos.commands.gameday_terminal.SLICE", 0.01)
    closed = iter([False, False, True])

    assert typing.asked(closed=lambda: next(closed)) is None
    assert capsys.readouterr().out == f"{QUESTION}\n"


def installed(*arguments: str) -> list[dict[str, Any]]:
    said = gameday("install", *arguments, "--image", "x", "--print")
    assert said.exit_code == 0, said.output
    return list(yaml.safe_load_all(said.output))


def test_what_the_plan_needs_goes_with_it() -> None:
    """Experiments and templates of one's own by their path, shipped ones not."""
    own = asset("experiments", "network-partition.json").read_text()
    written(
        own.replace('"network-partition"', '"templates/cut.yaml.j2"'), Path("experiments/a.json")
    )
    cut = asset("templates", "network-partition.yaml.j2").read_text()
    written(cut, Path("templates/cut.yaml.j2"))
    plan = f"{HEAD}experiments: [../experiments/a.json, pod-kill]\nschedule: '0 10 * * 2'\n"

    objects = installed(written(plan, Path("plans/plan.yaml")), "-n", "inference")

    spec = objects[-1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert [item["path"] for item in spec["volumes"][0]["configMap"]["items"]] == [
        *("experiments/a.json", "plans/plan.yaml", "templates/cut.yaml.j2")
    ]
    assert list(objects[3]["data"].values())[1:] == [plan, cut]


def test_a_plan_and_all_it_needs_may_lie_in_a_folder_below() -> None:
    """What `kvchaos init DIR` writes is installed from beside DIR; paths stay as they are."""
    own = asset("experiments", "network-partition.json").read_text()
    own = own.replace('"network-partition"', '"templates/cut.yaml.j2"')
    written(own, Path("DIR/experiments/a.json"))
    cut = asset("templates", "network-partition.yaml.j2").read_text()
    written(cut, Path("DIR/templates/cut.yaml.j2"))
    plan = f"{HEAD}experiments: [experiments/a.json]\nschedule: '0 10 * * 2'\n"

    objects = installed(written(plan, Path("DIR/plan.yaml")))

    spec = objects[-1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert [item["path"] for item in spec["volumes"][0]["configMap"]["items"]] == [
        *("DIR/experiments/a.json", "DIR/plan.yaml", "DIR/templates/cut.yaml.j2")
    ]


@pytest.mark.parametrize(
    ("more", "arguments", "why"),
    [
        ("", (), "wanted five fields"),
        ("schedule: '0 10 * * 2'\nnamespace: other\n", (), "wanted other, as the plan says"),
        (
            "schedule: '0 10 * * 2'\nnotify: [{url_env: HOOK}]\n",
            (),
            "--from-literal=HOOK=...",
        ),
    ],
    ids=["schedule", "namespace", "secret"],
)
def test_what_would_fail_once_it_is_due_is_refused_at_once(
    more: str, arguments: tuple[str, ...], why: str
) -> None:
    """No schedule, no rights, no secret."""
    plan = written(SHIPPED + more)

    said = gameday("install", plan, "--image", "x", "--print", *arguments)

    assert (said.exit_code, why in said.output) == (4, True), said.output


OWN: Json = {
    "secrets": {"api": {"token": {"type": "env", "key": "TOKEN"}}},
    "configuration": {"api_key": {"type": "env", "key": "TOKEN", "default": ""}},
}


def with_secrets(values: Json, more: str = "") -> Result:
    """Install a plan whose experiment declares secrets, with these values in a file."""
    shipped = json.loads(asset("experiments", "network-partition.json").read_text())
    own = {**shipped, "secrets": OWN["secrets"]}
    own["configuration"] = {**shipped["configuration"], **OWN["configuration"]}
    written(json.dumps(own), Path("a.json"))
    written(json.dumps(values), Path("values.json"))
    plan = (
        f"{HEAD}schedule: '0 10 * * 2'\n{more}"
        "experiments: [{file: a.json, var_files: [values.json]}]\n"
    )
    return gameday("install", written(plan), "--image", "x", "--print")


SAFE = {"type": "env", "key": "TOKEN"}


@pytest.mark.parametrize(
    ("values", "more", "place"),
    [
        ({"secrets": {"api": {"token": "hush"}}}, "", "experiments[1] (a): secrets.api.token"),
        (
            {"secrets": {"api": {"token": {**SAFE, "default": "hush"}}}},
            "",
            "experiments[1] (a): secrets.api.token.default",
        ),
        ({"configuration": {"api_key": "hush"}}, "", "experiments[1] (a): configuration.api_key"),
        ({}, "environment: {HF_TOKEN: hush}\n", "environment.HF_TOKEN"),
    ],
    ids=["secret", "default", "configuration", "environment"],
)
def test_no_secret_goes_into_a_configmap(
    monkeypatch: pytest.MonkeyPatch, values: Json, more: str, place: str
) -> None:
    """It is told where it is, not what, and how it gets there otherwise."""
    monkeypatch.setenv("TOKEN", "other")

    said = with_secrets(values, more)

    assert (said.exit_code, "hush" in said.output) == (4, False), said.output
    assert f"\n  - {place}" in said.output
    assert "--secret" in said.output


def test_a_file_that_only_names_where_a_secret_is_goes_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its value comes from the environment, which --secret gives."""
    monkeypatch.setenv("TOKEN", "hush")

    said = with_secrets({"secrets": {"api": {"token": SAFE}}})

    assert (said.exit_code, "hush" in said.output) == (0, False), said.output


def test_a_plan_of_another_folder_cannot_go_along(folder: Path) -> None:
    """Its path in the pod is that from the working folder."""
    outside = written(f"{SHIPPED}schedule: '0 10 * * 2'\n", folder.parent / "plan.yaml")

    said = gameday("install", outside, "--image", "x", "--print")

    assert (said.exit_code, "which goes with it" in said.output) == (4, True), said.output


def test_the_plans_that_ship_can_be_played() -> None:
    """The example, and the one in deploy/gameday."""
    configmap = yaml.safe_load(asset("deploy", "gameday", "plan.yaml").read_text())
    shipped = written(configmap["data"]["plan.yaml"])

    for plan in (shipped, str(TOP / "examples" / "gameday.yaml")):
        said = gameday(plan, "--dry-run")
        assert said.exit_code == 0, said.output


class Connected(ScriptedCluster):
    """What ``Cluster.connect`` gives: it serves every kind, and merges patches of any."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def has_kind(self, kind: Kind) -> bool:
        return True

    def merge_patch(
        self, kind: Kind, name: str, patch: Object, *, namespace: str | None = None
    ) -> Object:
        return patch


def test_a_game_day_is_installed_looked_at_and_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says what it did, or what is there; how a Job ended is told by its pod's exit code."""
    cluster = Connected()
    monkeypatch.setattr(Cluster, "connect", lambda context: cluster)
    plan = written(f"{SHIPPED}schedule: '0 10 * * 2'\n")

    made = gameday("install", plan, "--image", "x")
    for kind, status in (
        ("Job", {"startTime": "2026-08-04T10:00:00Z"}),
        ("Pod", {"phase": "Failed", "containerStatuses": [ENDED_WITH_FAIL]}),
    ):
        labels = {"kvchaos.io/gameday": "weekly", "job-name": "day-1"}
        metadata = {"name": "day-1", "namespace": "kvchaos", "labels": labels}
        version = "batch/v1" if kind == "Job" else "v1"
        cluster.add({"apiVersion": version, "kind": kind, "metadata": metadata, "status": status})
    looked_at = gameday("status")
    cluster.objects.pop(("jobs", "kvchaos", "day-1"))
    gone = gameday("uninstall", "weekly")

    name = "kvchaos-gameday-weekly"
    assert made.output.splitlines()[-4:] == [
        f"CronJob {name}: made",
        "weekly is played at '0 10 * * 2', Etc/UTC time",
        "look at it: kvchaos gameday status weekly --context kvchaos-lab --namespace kvchaos",
        f"play it now: kubectl -n kvchaos create job --from=cronjob/{name} {name}-now",
    ]
    assert looked_at.output.splitlines() == [
        f"weekly: CronJob {name}, '0 10 * * 2' Etc/UTC, on",
        "  last begun never",
        f"  volume {name}: unknown, 1Gi",
        "  day-1: began 2026-08-04T10:00:00Z, fail",
    ]
    assert (
        gone.output.splitlines()[-1]
        == f"PersistentVolumeClaim {name}: kept, with the reports in it"
    )
    assert gameday("status", "weekly").output == "no game day weekly in kvchaos of kvchaos-lab\n"


ENDED_WITH_FAIL = {"name": "gameday", "state": {"terminated": {"exitCode": 1}}}
