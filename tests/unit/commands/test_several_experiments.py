"""Several experiments in one call: order, what ends it, the exit code, the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from kvchaos.assets import asset
from kvchaos.cli import main
from kvchaos.commands import playing
from kvchaos.commands import run as command
from kvchaos.commands.several import Played, lines, worst
from kvchaos.report.layout import plain
from kvchaos.run import current
from kvchaos.run.ownlab import OwnLab
from kvchaos.settings import Settings

Json = dict[str, Any]
STATUS = {0: "pass", 1: "fail", 2: "unknown", 3: "aborted", 4: "unknown", 5: "residue"}


class Lab(OwnLab):
    """Notes what becomes of it."""

    said: ClassVar[list[str]] = []

    def need(self, settings: Settings) -> None:
        self.said.append(f"needed for {settings.kubernetes_context}")
        if len(self.said) == Lab.interrupted:
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self.said.append("left")

    interrupted = 0


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "configure_logger", lambda **_: None)
    monkeypatch.setattr(command, "OwnLab", Lab)
    text = asset("experiments", "network-partition.json").read_text()
    for name in "abc":
        Path(f"{name}.json").write_text(json.dumps(json.loads(text) | {"title": name}))
    yield
    for kept in (current._listeners, current._onlookers, current._outcomes, current._failed):
        kept.clear()


def outcome(code: int) -> Json:
    recovery = {"agreed": True, "after_heal": {"agreed": 0.25}}
    return {
        "verdict": "pass" if code == 0 else "fail",
        "status": STATUS[code],
        "exit_code": code,
        "recovery": recovery if code == 0 else None,
    }


def plays(monkeypatch: pytest.MonkeyPatch, *codes: int) -> list[str]:
    """Have the experiments end with these codes, in turn; the titles of those that were played."""
    titles: list[str] = []

    def play(experiment: Json, strategy: str, journal: Json) -> None:
        titles.append(experiment["title"])
        code = codes[len(titles) - 1]
        if code == 3:
            raise KeyboardInterrupt
        journal["kvchaos"] = outcome(code)

    monkeypatch.setattr(playing, "play", play)
    return titles


def ran(*words: str) -> Result:
    return CliRunner().invoke(main, ["run", *(words or ("a.json", "b.json", "c.json"))])


@pytest.mark.parametrize(
    ("codes", "played", "code"),
    [
        ((0, 0, 0), "abc", 0),
        ((1, 2, 0), "abc", 1),
        ((2, 0, 2), "abc", 2),
        ((1, 3), "ab", 3),
        ((4, 5), "ab", 5),
        ((4, 1, 0), "abc", 4),
    ],
)
def test_a_failure_lets_the_next_one_begin_an_abort_does_not(
    monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...], played: str, code: int
) -> None:
    """Residue, aborted, not usable, fail, unknown, pass: the worst is the exit code."""
    titles = plays(monkeypatch, *codes)

    assert (ran().exit_code, "".join(titles)) == (code, played)


def test_on_request_the_first_without_a_pass_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a pipeline that is not to waste time."""
    titles = plays(monkeypatch, 0, 2)

    said = ran("--stop-on-failure", "a.json", "b.json", "c.json")

    assert (said.exit_code, titles) == (2, ["a", "b"])
    assert said.stdout.splitlines()[-4:] == [
        "EXPERIMENTS",
        "  pass           0.25 s  a.json",
        "  unknown             -  b.json",
        "  not played          -  c.json",
    ]


def test_all_are_checked_before_the_first_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """And all that is wrong with any of them is said at once."""
    titles = plays(monkeypatch, 0, 0, 0)
    Path("bad.json").write_text("{")

    said = ran("a.json", "bad.json", "nowhere.json", "bad.json")

    assert (said.exit_code, titles) == (4, [])
    assert said.output.count("bad.json is not JSON") == 1
    assert "nowhere.json: no experiment at nowhere.json" in said.output


def test_a_journal_path_is_for_one_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several, each has its own in its run's folder, and none beside."""
    titles = plays(monkeypatch, 0, 0)

    refused = ran("--journal-path", "j.json", "a.json", "b.json")
    code = ran("a.json", "b.json").exit_code

    assert (refused.exit_code, "one experiment" in refused.output) == (4, True)
    assert (code, titles, Path("journal.json").exists()) == (0, ["a", "b"], False)


def test_without_an_outcome_the_worst_is_unknown() -> None:
    """Nothing that was played is a pass."""
    assert worst([Played("a")]) == 2


def test_the_table_says_where_to_look() -> None:
    """The run's folder, or why there is none."""
    refused = {"status": "unknown", "exit_code": 2, "why": "no answer\nat all"}

    played = [
        Played("a", outcome(0), Path("runs/1")),
        Played("bb", refused, Path("runs/2")),
        Played("c", refused),
    ]

    assert plain(lines(played)).splitlines() == [
        "  pass           0.25 s  a   runs/1",
        "  unknown             -  bb  runs/2  no answer",
        "  unknown             -  c   no answer",
    ]
    assert lines(played, width=46) == lines(played)


def test_a_table_that_is_too_wide_for_the_terminal_is_told_in_more_lines() -> None:
    """Names, folders and reasons stay whole where they can, and nothing is cut off."""
    folder = Path("kvchaos-runs/20261122-221654-fd5d5e")
    refused = {"status": "unknown", "exit_code": 2, "why": "no answer from the cluster in 10 s"}
    played = [
        Played("experiments/network-partition.json", outcome(0), folder),
        Played("pod-kill", refused),
    ]

    assert plain(lines(played, width=80)).splitlines() == [
        "  pass           0.25 s  experiments/network-partition.json",
        f"    {folder}",
        "  unknown             -  pod-kill",
        "    no answer from the cluster in 10 s",
    ]
    narrow = plain(lines(played, width=40)).splitlines()
    assert narrow[:3] == [
        "  pass           0.25 s",
        "    experiments/network-partition.json",
        f"    {folder}",
    ]
    assert max(map(len, narrow)) <= 40


NEEDED = "needed for kvchaos-lab"


def test_several_have_one_lab_and_one_alone_sees_to_it_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that it is started and stopped once."""
    monkeypatch.setattr(Lab, "said", [])
    plays(monkeypatch, 0, 0, 0)

    ran("a.json")
    alone = list(Lab.said)
    ran("a.json", "b.json")

    assert (alone, Lab.said[1:]) == (["left"], [NEEDED, NEEDED, "left"])


def test_ctrl_c_while_the_lab_is_seen_to_begins_nothing_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the table, with exit code 3; the lab is left."""
    monkeypatch.setattr(Lab, "said", [])
    monkeypatch.setattr(Lab, "interrupted", 2)
    titles = plays(monkeypatch, 0, 0, 0)

    said = ran()

    assert (said.exit_code, titles, Lab.said) == (3, ["a"], [NEEDED, NEEDED, "left"])
    assert [line.split()[0] for line in said.stdout.splitlines()[-3:]] == ["pass", "aborted", "not"]
