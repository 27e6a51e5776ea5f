"""What a run leaves in its folder: readable, without secrets, and never at the run's expense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import ClusterUnreachable, Forbidden, NotFound
from kvchaos.run import faults, folder, podlogs
from kvchaos.run.podlogs import pod_logs
from tests.run_world import CUT, VALUES, Made, World, active, cuttable, engine_pod, router_pod
from tests.scripted import ScriptedCluster

LOST = "(its last line is too long)"
TOKEN = "hunter-2-hunter-2"


class Talking(ScriptedCluster):
    """Pods that wrote ``wrote``, or their error, by pod and by ``previous``."""

    wrote: dict[tuple[str, bool], str | Exception]

    def logs(self, pod_name: str, **asked: Any) -> str:
        said = self.wrote.get((pod_name, asked["previous"]), "up\n")
        if isinstance(said, Exception):
            raise said
        return said


def world_of(
    made: Made, *pods: Object, wrote: dict[tuple[str, bool], str | Exception] | None = None
) -> World:
    cluster = Talking.of(*(pods or (engine_pod(), router_pod())))
    cluster.wrote = wrote or {}
    world = made(cluster)
    world.run.redactor.learn([TOKEN])
    return world


def wrote(world: World, text: str) -> None:
    """The router's container, by now."""
    cast("Talking", world.cluster).wrote = {("b", False): text}


def test_the_experiment_is_kept_without_its_secrets(made: Made) -> None:
    """Declared secrets are not told, and others are taken out wherever they stand."""
    world = world_of(made)

    folder.keep_experiment(
        world.run, {"title": f"by {TOKEN}", "secrets": {"k": {"pin": "0815-4711"}}}
    )

    text = (world.run.folder / "experiment.json").read_text()
    assert "by [redacted]" in text
    assert "0815" not in text


def test_each_fault_is_kept_as_it_was_sent(made: Made) -> None:
    """By the name that the cluster knows it by."""
    world = made(cuttable())
    faults.inject(world.run, "network-partition", VALUES, timeout=5)

    kept = world.run.folder / "objects" / f"{CUT}.yaml"

    assert f"name: {CUT}\n" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "file"),
    [("../../etc/x", "_/../etc/x"), ("..", "_"), (".hidden", "_hidden"), (None, "unnamed")],
)
def test_a_name_leads_nowhere_else(made: Made, name: str | None, file: str) -> None:
    """Whatever a template rendered: slashes and leading dots are taken out."""
    world = world_of(made)

    folder.keep_object(world.run, {"metadata": {"name": name}})

    expected = file.replace("/../", "_.._").replace("/", "_")
    assert [path.name for path in (world.run.folder / "objects").iterdir()] == [f"{expected}.yaml"]


def test_logs_are_those_of_the_pods_involved_redacted(made: Made) -> None:
    """The ones that were hit first; of a container that restarted, its life before as well."""
    again = engine_pod(restarts=1)
    wrote: dict[tuple[str, bool], str | Exception] = {
        ("a", True): f"token {TOKEN}\n",
        ("b", False): NotFound("no such pod"),
    }
    world = world_of(made, again, router_pod(), engine_pod("c"), wrote=wrote)
    active(world.run)

    folder.keep_logs(world.run)

    kept = {path.name: path.read_text() for path in (world.run.folder / "logs").iterdir()}
    assert kept == {
        "a.log": "==> main, before its last restart <==\ntoken [redacted]\n==> main <==\nup\n",
        "b.log": "==> main <==\n(not read: no such pod)\n",
        "c.log": "==> main <==\nup\n",
    }
    assert next(iter(pod_logs(world.run))) == "a"


def test_a_pod_that_is_gone_is_told_of(made: Made) -> None:
    """Killed pods take their logs with them."""
    world = world_of(made, router_pod())
    active(world.run)

    assert pod_logs(world.run)["a"] == "==> a is gone, and its log with it <==\n"


def test_logs_are_cut_to_their_end(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written last is what is looked for; in bytes, and in whole lines."""
    monkeypatch.setattr(podlogs, "BYTES", 12)
    texts = [
        "more\nthan\nlong ago\nnow \u00e9 now",
        "now \u00e9 now",
        "all of it\n",
        "a line without an end",
    ]
    found = []
    world = world_of(made, router_pod())
    for text in texts:
        wrote(world, text)
        found.append(pod_logs(world.run)["b"].partition("\n")[2])

    assert found == ["now \u00e9 now\n", "now \u00e9 now\n", "all of it\n", f"{LOST}\n"]


def test_no_part_of_a_secret_stays_where_a_log_is_cut(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither at its beginning, which we cut, nor at its end, which the cluster does."""
    text, found = f"x token={TOKEN}\nlast\n", []
    world = world_of(made, router_pod())
    for size in range(len(text)):
        monkeypatch.setattr(podlogs, "BYTES", size)
        monkeypatch.setattr(podlogs, "FETCHED", 10**6)
        wrote(world, text)
        found.append(pod_logs(world.run)["b"])
        monkeypatch.setattr(podlogs, "BYTES", 10**6)
        monkeypatch.setattr(podlogs, "FETCHED", size)
        wrote(world, text[:size])
        found.append(pod_logs(world.run)["b"])

    parts = {TOKEN[at : at + 4] for at in range(len(TOKEN) - 3)}
    assert [text for text in found if any(part in text for part in parts)] == []


def test_a_secret_of_several_lines_is_taken_out_before_its_log_is_cut(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short line of it says nothing of being one once the others are gone."""
    secret = "the-first-line-of-it\nab12\nthe-last-line-of-it"
    world = world_of(made, router_pod(), wrote={("b", False): f"x\n{secret}\nlast\n"})
    world.run.redactor.learn([secret])
    found = []
    for size in range(40):
        monkeypatch.setattr(podlogs, "BYTES", size)
        found.append(pod_logs(world.run)["b"])

    assert [text for text in found if "ab12" in text] == []


def test_the_last_lines_are_kept_of_a_log_of_which_the_cluster_gives_the_first(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cuts what is long at its end; fewer lines are asked for then."""
    lines = [f"line {number:03}" for number in range(400)]
    asked: list[int] = []

    def logs(_: str, *, tail: int, limit: int, **__: Any) -> str:
        asked.append(tail)
        return "".join(f"{line}\n" for line in lines[-tail:])[:limit]

    monkeypatch.setattr(podlogs, "FETCHED", 1000)
    world = world_of(made, router_pod())
    monkeypatch.setattr(world.cluster, "logs", logs)

    kept = pod_logs(world.run)["b"].splitlines()

    assert asked == [400, 40]
    assert kept == ["==> main <==", *lines[-40:]]


def test_the_logs_have_one_bound_over_all_of_them(made: Made) -> None:
    """However many pods there are, and however slowly each is answered."""
    world = world_of(made, engine_pod(), router_pod(), engine_pod("c"))

    def slowly(_: str, **__: Any) -> str:
        world.clock.sleep(podlogs.IN_ALL)
        return "up\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(podlogs, "AT_ONCE", 1)
        patch.setattr(world.cluster, "logs", slowly)
        told = [text.splitlines()[1] for text in pod_logs(world.run).values()]

    assert told == ["up", *["(not read: no time was left)"] * 2]


def test_the_pods_are_asked_for_as_briefly_as_their_logs(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One attempt, by a client of its own: the run's own tries again for long."""
    world = world_of(made, router_pod())
    brief = Talking.of(engine_pod())
    brief.wrote = {}
    bounds: list[float] = []

    def once(*, timeout: float) -> Talking:
        bounds.append(timeout)
        return brief

    monkeypatch.setattr(world.cluster, "once", once)

    assert (list(pod_logs(world.run)), bounds) == (["a"], [podlogs.BOUND])


def test_nobody_is_asked_again_once_nobody_answers(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a run does not wait for each log in vain."""
    monkeypatch.setattr(podlogs, "AT_ONCE", 1)
    away = ClusterUnreachable("no answer")
    world = world_of(made, wrote={("b", False): away, ("a", False): "never read"})

    told = list(pod_logs(world.run).values())

    assert told == [
        "==> main <==\n(not read: no answer)\n",
        "==> main <==\n(not read: no answer)\n",
    ]


def unlisted(kind: Kind, **_: object) -> list[Object]:
    raise Forbidden("not allowed: list pods")


def odd(kind: Kind, **_: object) -> list[Object]:
    raise RuntimeError("nobody foresaw this")


@pytest.mark.parametrize("listing", [unlisted, odd])
def test_without_any_pods_there_are_no_logs(
    made: Made, monkeypatch: pytest.MonkeyPatch, listing: Any
) -> None:
    """And no error."""
    world = world_of(made)
    monkeypatch.setattr(world.cluster, "list", listing)

    folder.keep_logs(world.run)

    assert not (world.run.folder / "logs").exists()


def test_a_folder_that_takes_nothing_harms_nothing(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs files, not the run."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    world = world_of(made)
    monkeypatch.setattr(folder, "write_text", full)
    monkeypatch.setattr(folder, "write_json", full)

    folder.keep_experiment(world.run, {})
    folder.keep_object(world.run, {"metadata": {"name": "x"}})
    folder.keep_logs(world.run)
    folder.keep_journal(world.run.folder, {}, default=str)

    assert [path for path in world.run.folder.rglob("*.*") if path.suffix != ".jsonl"] == []


def test_a_run_that_was_refused_has_a_record_and_a_report(made: Made) -> None:
    """For whoever finds the folder, and was not there."""
    world = world_of(made)
    world.run.history.add("preflight", targets=[], findings=["no target"], notes=[])

    folder.keep_refusal(world.run)

    record = json.loads((world.run.folder / "record.json").read_text())
    assert (record["status"], record["exit_code"]) == ("unknown", 2)
    assert "no target" in (world.run.folder / "report.html").read_text()


def test_a_report_that_breaks_is_passed_over(tmp_path: Path) -> None:
    """The verdict is known by then."""
    assert folder.keep_report(tmp_path / "no such folder") is None
