"""What the control makes of runs that cannot start, and of journals that lie."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chaoslib.exceptions import InterruptExecution
from chaoslib.experiment import run_experiment

from kvchaos import actions, probes
from kvchaos.assets import asset
from kvchaos.control import (
    after_activity_control,
    after_experiment_control,
    after_hypothesis_control,
    after_method_control,
    before_activity_control,
    before_experiment_control,
    before_hypothesis_control,
    before_method_control,
    before_rollback_control,
    cleanup_control,
)
from kvchaos.ending.inbox import SIGNALS
from kvchaos.ending.stopping import Stopping
from kvchaos.errors import (
    ClusterError,
    ClusterUnreachable,
    ExperimentInvalid,
    KVChaosError,
    PreflightRefused,
)
from kvchaos.experiment import activities, load
from kvchaos.run import current, finishing, lifecycle
from kvchaos.view.outlet import Outlet
from tests.builders import run_that_preflight_refused
from tests.chaosrun import EXPERIMENTS
from tests.run_world import World

Json = dict[str, Any]
SKIPPED = current.NOTHING_TO_UNDO


@pytest.fixture(autouse=True)
def _no_run() -> Iterator[None]:
    current.end()
    yield
    current.end()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The world of a run that the control has started."""
    world = World.at(tmp_path)
    current.begin(world.run)
    yield world
    world.run.history.close()


def raising(monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException) -> None:
    """Make a step of the run's life raise."""
    module = finishing if step == "finish" else lifecycle

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(module, step, fail)


CUT = {"name": "cut", "type": "action"}
STOPPED = "not stopped"
FAILED = {"status": "failed", "exception": ["no target"]}


def experiment(name: str = "network-partition") -> Json:
    return load(asset("experiments", f"{name}.json"))


def test_a_run_that_cannot_start_is_unknown_and_has_nothing_to_undo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The journal says why; the rollbacks do not cover the reason with errors of their own."""
    found = experiment()
    found["configuration"]["namespace"] = "${nowhere}"
    monkeypatch.setenv("KUBERNETES_CONTEXT", "nobody-has-this")

    journal = run_experiment(found, settings={"runtime": found["runtime"]})

    assert journal["status"] == "interrupted"
    assert journal["kvchaos"]["verdict"] == "unknown"
    assert "${nowhere} is not in the configuration" in journal["kvchaos"]["why"]
    assert journal["run"] == []
    assert [rollback["output"] for rollback in journal["rollbacks"]] == [SKIPPED] * 3


def test_a_context_that_nobody_has_ends_the_run_before_anything_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cluster is named, never guessed."""
    (tmp_path / "config").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    found = experiment()
    monkeypatch.setenv("KUBERNETES_CONTEXT", "nobody-has-this")

    journal = run_experiment(found)

    assert "no context nobody-has-this" in journal["kvchaos"]["why"]
    assert journal["status"] == "interrupted"


@pytest.mark.parametrize(
    "ask",
    [getattr(module, name) for module in (actions, probes) for name in module.__all__],
    ids=lambda ask: ask.__name__,
)
def test_without_the_control_every_action_and_probe_ends_the_experiment(
    ask: Callable[..., Json], caplog: pytest.LogCaptureFixture
) -> None:
    """An experiment that does not declare it cannot pass by accident: chaos run exits 1."""
    arguments = ["network-partition"] if ask is actions.inject_fault else []

    with pytest.raises(SystemExit) as left, caplog.at_level("CRITICAL", "chaostoolkit"):
        ask(*arguments)

    assert left.value.code == 20
    assert "no run: wanted the control kvchaos.control" in caplog.text


def test_a_journal_that_says_completed_without_a_run_is_made_to_fail() -> None:
    """Chaos Toolkit's completed is not a pass."""
    journal: Json = {"status": "completed", "deviated": False}

    after_experiment_control({}, journal)

    assert journal["status"] == "failed"
    assert journal["kvchaos"]["verdict"] == "unknown"


def test_rollbacks_are_quiet_only_when_the_start_itself_failed() -> None:
    """The reason of the failed start is what is to be read."""
    current.end(because=ClusterError("no such cluster"))

    assert actions.stop_traffic() == SKIPPED
    assert actions.recover_fault() == SKIPPED
    assert probes.no_residue() == SKIPPED
    assert current.not_started()["why"] == "no such cluster"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_shipped_experiment_goes_through_the_same_steps(name: str) -> None:
    """Warm, fault, effect, heal, flush, recovery; and the rollbacks undo what there may be."""
    found = experiment(name)
    method = [each["provider"]["func"] for each in found["method"]]

    assert [step for step in method if not step.endswith("_traffic")] == [
        "warm_engines",
        "inject_fault",
        *(["warm_engines"] if name == "network-partition" else []),
        "fault_in_effect",
        "recover_fault",
        "flush_engines",
        "index_recovered",
    ]
    assert [each["provider"]["func"] for each in found["rollbacks"]] == [
        "stop_traffic",
        "recover_fault",
        "no_residue",
    ]
    assert {each["provider"]["module"].split(".")[0] for each in activities(found)} == {
        "chaosk8s",
        "kvchaos",
    }


# -- a run that goes on -------------------------------------------------------------------------


def test_a_run_that_started_is_the_one_that_actions_work_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the experiment ends."""
    current.end()
    monkeypatch.setattr(lifecycle, "start", lambda *_, **__: world.run)

    before_experiment_control({})
    running = current.current()
    after_experiment_control({}, {"status": "completed"})

    assert running is world.run
    assert not current.is_running()


@pytest.mark.parametrize("error", [ClusterUnreachable("no answer"), KeyError("metadata")])
def test_whatever_keeps_a_run_from_starting_ends_the_experiment(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Chaos Toolkit would go on without it; the rollbacks have nothing to undo then."""
    raising(monkeypatch, "start", error)

    with pytest.raises(InterruptExecution, match=str(error)):
        before_experiment_control({})

    assert current.did_not_start()
    assert str(error) in current.not_started()["why"]


def test_the_phase_is_where_the_experiment_is(world: World) -> None:
    """Activities and hypotheses are told with it."""
    phases = [world.run.phase]
    for enter in (before_method_control, after_method_control, before_rollback_control):
        enter({})
        phases.append(world.run.phase)

    assert phases == ["before", "method", "after", "rollbacks"]


def test_without_a_run_nothing_is_recorded() -> None:
    """Chaos Toolkit goes on calling when the start failed."""
    before_method_control({})
    after_activity_control(CUT, FAILED)
    after_hypothesis_control({}, {"steady_state_met": True, "probes": []})

    assert not current.is_running()


def test_what_chaos_toolkit_did_not_say_is_not_recorded(world: World) -> None:
    """It hands nothing over for an activity that it skipped."""
    after_activity_control(CUT, None)
    after_hypothesis_control({}, None)

    assert world.run.events() == []


def test_a_hypothesis_is_recorded(world: World) -> None:
    """Met or not."""
    after_hypothesis_control({}, {"steady_state_met": True, "probes": []})

    assert [(each["when"], each["met"]) for each in world.told("hypothesis")] == [("before", True)]


def test_a_failed_action_of_the_method_ends_the_experiment(world: World) -> None:
    """What comes after it would test something else."""
    world.run.phase = "method"

    with pytest.raises(InterruptExecution, match="action 'cut' failed"):
        after_activity_control(CUT, FAILED)

    assert [each["outcome"] for each in world.told("activity")] == ["failed"]


@pytest.mark.parametrize(
    ("phase", "kind", "status"),
    [
        ("method", "probe", "failed"),
        ("method", "action", "succeeded"),
        ("rollbacks", "action", "failed"),
    ],
)
def test_anything_else_lets_the_experiment_go_on(
    world: World, phase: str, kind: str, status: str
) -> None:
    """A probe's answer is judged at the end; every rollback is tried."""
    world.run.phase = phase

    after_activity_control({**CUT, "type": kind}, {"status": status})

    assert len(world.told("activity")) == 1


@pytest.mark.parametrize("state", [FAILED, {"status": "succeeded"}])
def test_an_activity_that_cannot_be_recorded_ends_the_experiment(
    world: World, monkeypatch: pytest.MonkeyPatch, state: Json
) -> None:
    """Whether it failed or not: what is not recorded was done in vain."""
    raising(monkeypatch, "record_activity", KVChaosError("disk full"))
    world.run.phase = "method"

    with pytest.raises(InterruptExecution, match="disk full"):
        after_activity_control(CUT, state)


# -- its end ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "came_to", "status", "deviated"),
    [
        ("pass", "pass", "completed", False),
        ("fail", "fail", "failed", True),
        ("unknown", "unknown", "failed", False),
        ("unknown", "aborted", "failed", False),
        ("pass", "aborted", "failed", False),
        ("pass", "residue", "failed", False),
        ("fail", "residue", "failed", True),
    ],
)
@pytest.mark.usefixtures("world")
def test_the_journal_says_completed_only_for_a_pass(
    monkeypatch: pytest.MonkeyPatch, verdict: str, came_to: str, status: str, deviated: bool
) -> None:
    """And deviated only for a fail."""
    record = {"verdict": verdict, "status": came_to}
    monkeypatch.setattr(finishing, "finish", lambda *_: record)
    journal: Json = {"status": "completed", "deviated": False}

    after_experiment_control({}, journal)

    assert journal == {"status": status, "deviated": deviated, "kvchaos": record}
    assert not current.is_running()


def test_what_chaos_toolkit_found_to_deviate_stays_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its status too, when it did not complete."""
    record = {"verdict": "unknown", "status": "unknown"}
    monkeypatch.setattr(finishing, "finish", lambda *_: record)
    journal: Json = {"status": "interrupted", "deviated": True}

    after_experiment_control({}, journal)

    assert (journal["status"], journal["deviated"]) == ("interrupted", True)


@pytest.mark.parametrize(
    "error", [ClusterUnreachable("no answer"), OSError("disk full"), KeyError("at"), RuntimeError()]
)
def test_a_run_that_cannot_be_judged_is_unknown_whatever_broke(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Chaos Toolkit would pass over the error and call the run completed."""
    raising(monkeypatch, "finish", error)
    journal: Json = {"status": "completed"}

    after_experiment_control({}, journal)

    assert (journal["status"], journal["deviated"]) == ("failed", False)
    assert journal["kvchaos"]["verdict"] == "unknown"
    assert journal["kvchaos"]["why"].startswith(type(error).__name__)
    assert not current.is_running()


def test_a_run_that_is_stopped_while_it_is_judged_is_not_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal says so before the end is tried."""
    raising(monkeypatch, "finish", KeyboardInterrupt())
    journal: Json = {"status": "completed"}

    with pytest.raises(KeyboardInterrupt):
        after_experiment_control({}, journal)

    assert (journal["status"], journal["kvchaos"]["verdict"]) == ("failed", "unknown")


def test_an_experiment_without_a_journal_is_ended_all_the_same(world: World) -> None:
    """There is nowhere to write it."""
    after_experiment_control({}, None)

    assert not current.is_running()


# -- a run that is stopped ------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_signals_taken() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    cleanup_control()
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_start_that_is_stopped_is_aborted_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was started is taken apart by then; there is nothing to roll back."""

    def stopped(*_: object, stopping: Stopping, **__: object) -> None:
        stopping.request("signal", "SIGTERM")
        raise SystemExit(20)

    monkeypatch.setattr(lifecycle, "start", stopped)
    journal: Json = {"status": "interrupted"}

    with pytest.raises(SystemExit), caplog.at_level("CRITICAL", "chaostoolkit"):
        before_experiment_control({})
    skipped = actions.recover_fault()
    after_experiment_control({}, journal)

    assert skipped == SKIPPED
    assert journal["kvchaos"] == {
        "verdict": "unknown",
        "status": "aborted",
        "exit_code": 3,
        "why": "the run was stopped while it was starting; nothing is left: saw SIGTERM",
        "checks": [],
    }
    assert "the run was stopped while it was starting" in caplog.text


def test_a_refused_start_has_the_exit_code_of_its_reason() -> None:
    """A mistake in the file is the user's to mend."""
    current.end(because=ExperimentInvalid("no namespace"))

    assert (current.not_started()["status"], current.not_started()["exit_code"]) == ("unknown", 4)


def test_why_a_run_did_not_start_is_said_last(caplog: pytest.LogCaptureFixture) -> None:
    """Chaos Toolkit plays its rollbacks in between, and what is read first is at the end."""
    current.end(because=ExperimentInvalid("no namespace"))

    with caplog.at_level("CRITICAL", "chaostoolkit"):
        after_experiment_control({}, {})

    assert caplog.messages[-1:] == ["The run did not start: no namespace"]


def test_why_a_run_did_not_start_is_said_where_the_run_was_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever shows it says it as all the rest, and takes leave then."""
    said_by_then: list[list[str]] = []
    current.listen(
        lambda _: None,
        onlooker=SimpleNamespace(
            opened=lambda _: None, closing=lambda: said_by_then.append(caplog.messages)
        ),
    )
    current.end(because=ExperimentInvalid("no namespace"))

    with caplog.at_level("CRITICAL", "chaostoolkit"):
        after_experiment_control({}, {})
    current.listen(lambda _: None)

    assert said_by_then == [["The run did not start: no namespace"]]


def test_what_the_preflight_found_is_said_last(capsys: pytest.CaptureFixture[str]) -> None:
    """As the summary of a run that did not start."""
    current.end(because=PreflightRefused(("held: by alice",)))
    current.refused(run_that_preflight_refused())

    after_experiment_control({}, {})

    assert capsys.readouterr().out.rstrip().endswith("Nothing was touched.")
    assert current.refused_history() == []


def test_a_stopped_run_begins_nothing_more_in_a_thread(world: World) -> None:
    """What is asked all the time is asked no more; its rollbacks are played."""
    world.run.stopping.request("hold", "held")
    world.run.phase = "method"

    def begun(hook: Callable[..., None]) -> BaseException | None:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(hook, CUT).exception()

    errors = [begun(before_activity_control), begun(before_hypothesis_control)]
    before_rollback_control({})

    assert [type(error) for error in errors] == [InterruptExecution, InterruptExecution]
    assert begun(before_activity_control) is None


def test_an_activity_has_its_time_and_no_more(world: World) -> None:
    """That of the settings and what it asks for itself; a skipped one is through, too."""
    ask = {"name": "ask", "type": "probe", "provider": {"arguments": {"within": "${within}"}}}
    late: list[Any] = world.run.stopping._inbox._asked  # type: ignore[assignment]

    before_activity_control(ask, {"within": 5}, {})
    world.clock.seconds += 66
    world.run.deadlines.look()
    before_activity_control(ask, {"within": 5}, {})
    after_activity_control(ask, None)
    world.clock.seconds += 66
    world.run.deadlines.look()

    assert [each.reason for each in late] == ["probe 'ask' did not answer within 65 s"]


def test_an_error_that_rises_through_chaos_toolkit_does_not_leave_the_run_open(
    world: World,
) -> None:
    """It plays no rollbacks then, and writes no journal: the last hook finishes the run."""

    def breaks() -> bool:
        try:
            return [0, 5] <= None  # type: ignore[operator]  # as a tolerance does
        finally:
            cleanup_control()

    with pytest.raises(TypeError):
        breaks()

    record = json.loads((world.run.folder / "record.json").read_text())
    assert not current.is_running()
    assert (record["status"], current.outcome()) == ("aborted", record)
    assert ["TypeError" in each["why"] for each in record["checks"] if each["name"] == STOPPED] == [
        True
    ]


def test_the_last_hook_has_nothing_to_do_after_a_run_that_ended(world: World) -> None:
    """It is called after each."""
    after_experiment_control({}, {"status": "completed"})
    outcome = current.outcome()

    cleanup_control()

    assert current.outcome() is outcome


# -- a control that is called more often than once ------------------------------------------------


def test_a_run_is_started_and_ended_once_however_often_the_control_is_called(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings and experiment may both declare it: the second call must not bury the first run."""
    record = {"verdict": "fail", "status": "residue"}
    monkeypatch.setattr(finishing, "finish", lambda *_: record)
    raising(monkeypatch, "start", AssertionError("a second run"))
    journal: Json = {"status": "completed", "deviated": False}

    before_experiment_control({})
    for _ in range(2):
        after_experiment_control({}, journal)

    assert journal == {"status": "failed", "deviated": True, "kvchaos": record}


def test_what_chaos_toolkit_tells_twice_is_recorded_once(world: World) -> None:
    """It calls each control of an experiment once for every control of the settings."""
    probe, asked = {"status": "succeeded"}, {"steady_state_met": True, "probes": []}

    for _ in range(2):
        after_activity_control({**CUT, "type": "probe"}, probe)
        after_hypothesis_control({}, asked)
    after_activity_control({**CUT, "type": "probe"}, dict(probe))

    assert [each["event"] for each in world.told("activity", "hypothesis")] == [
        "activity",
        "hypothesis",
        "activity",
    ]


def test_a_run_waits_for_no_reader_until_chaos_toolkit_is_done_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From its start on, whoever plays it; then the streams are as they were."""
    during: list[type] = []

    def refused(*_: object, **__: object) -> None:
        during.append(type(sys.stderr))
        raise KVChaosError("not now")

    monkeypatch.setattr(lifecycle, "start", refused)
    with (tmp_path / "said").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(InterruptExecution):
            before_experiment_control({})
        cleanup_control()
        after = sys.stderr

    assert during == [Outlet]
    assert after is stream
