"""What a run tells of its activities and hypotheses, and how its parts are taken apart."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kvchaos.run import lifecycle
from kvchaos.run.session import Run
from kvchaos.settings import Settings
from tests.run_world import Made
from tests.scripted import FakeClock

Json = dict[str, Any]
SUCCEEDED = {"status": "succeeded"}


# -- what Chaos Toolkit says --------------------------------------------------------------------


def test_a_failed_activity_is_told_with_the_last_line_of_its_exception(made: Made) -> None:
    """Chaos Toolkit hands the traceback over, line by line."""
    world = made()
    world.run.phase = "method"
    trace = ["Traceback ...\n", "kvchaos.errors.FaultRefused: no target\n", "  \n"]
    cut = {"name": "cut", "type": "action"}

    lifecycle.record_activity(world.run, cut, {"status": "succeeded", "duration": 0.5})
    lifecycle.record_activity(world.run, cut, {"status": "failed", "exception": trace})
    lifecycle.record_activity(world.run, cut, {"status": "failed"})

    assert [(each["outcome"], each["error"], each["took"]) for each in world.told("activity")] == [
        ("succeeded", None, 0.5),
        ("failed", "kvchaos.errors.FaultRefused: no target", None),
        ("failed", None, None),
    ]
    assert {(each["phase"], each["type"]) for each in world.told("activity")} == {
        ("method", "action")
    }


def test_a_probe_that_would_have_raised_failed(made: Made) -> None:
    """Its answer is plain JSON, with the error where the reason of what is unknown stands."""
    world = made()
    answer = {"agrees": None, "unknown": {"error": "ClusterUnreachable: no answer"}}

    lifecycle.record_activity(
        world.run, {"name": "ask", "type": "probe"}, {"status": "succeeded", "output": answer}
    )

    assert [(each["outcome"], each["error"]) for each in world.told("activity")] == [
        ("failed", "ClusterUnreachable: no answer")
    ]


@pytest.mark.parametrize(
    ("phase", "when"), [("before", "before"), ("method", "during"), ("rollbacks", "after")]
)
def test_a_hypothesis_is_told_with_what_failed_and_what_could_not_say(
    made: Made, phase: str, when: str
) -> None:
    """A probe whose deciding answer is null does not know; one that raised has only failed."""
    world = made()
    world.run.phase = phase

    def probe(name: str, **fields: Any) -> Json:
        return {"activity": {"name": name}, "status": "succeeded", **fields}

    probes = [
        probe("fine", output={"agrees": True}, tolerance_met=True),
        probe("without tolerance"),
        probe("says no", output={"agrees": False}, tolerance_met=False),
        probe("knows not", output={"agrees": None}, tolerance_met=False),
        probe("raised", status="failed"),
    ]
    lifecycle.record_hypothesis(world.run, {"steady_state_met": False, "probes": probes})

    assert world.told("hypothesis") == [
        {
            "event": "hypothesis",
            "when": when,
            "met": False,
            "failed": ["says no", "knows not", "raised"],
            "unknown": ["knows not"],
        }
    ]


def test_a_hypothesis_whose_asking_was_broken_off_is_not_known(made: Made) -> None:
    """By a signal, or an error in a tolerance: nobody said no."""
    world = made()

    lifecycle.record_hypothesis(world.run, {"steady_state_met": None, "probes": []})

    assert [each["met"] for each in world.told("hypothesis")] == [None]


@pytest.mark.parametrize(
    ("phase", "told", "when"),
    [
        ("before", "method", "during"),
        ("method", "method", "during"),
        ("after", "method", "during"),
        ("rollbacks", "rollbacks", "after"),
    ],
)
def test_what_goes_on_beside_the_method_is_told_as_of_the_method(
    made: Made, phase: str, told: str, when: str
) -> None:
    """A hypothesis asked continuously begins before the method does, and ends when it is over."""
    world = made()
    world.run.phase = phase

    def beside() -> None:
        lifecycle.record_activity(world.run, {"name": "p", "type": "probe"}, SUCCEEDED)
        lifecycle.record_hypothesis(world.run, {"steady_state_met": True, "probes": []})

    with ThreadPoolExecutor(1) as pool:
        pool.submit(beside).result()

    assert [each["phase"] for each in world.told("activity")] == [told]
    assert [each["when"] for each in world.told("hypothesis")] == [when]


# -- a run's parts ------------------------------------------------------------------------------


def test_a_run_takes_its_parts_apart_the_last_first(tmp_path: Path) -> None:
    """Each is tried, whatever another raises."""
    run = Run(Settings(), run_id="r1", folder=tmp_path, clock=FakeClock())
    closed: list[str] = []

    def part(name: str, error: Exception | None = None) -> Callable[[], None]:
        def close() -> None:
            closed.append(name)
            if error:
                raise error

        return close

    run.at_the_end.callback(part("first"))
    run.at_the_end.callback(part("second", OSError("stuck")))
    run.at_the_end.callback(part("third"))
    with pytest.raises(OSError, match="stuck"):
        run.close()

    assert closed == ["third", "second", "first"]
    assert run.history._file.closed


def test_a_runs_seconds_are_counted_from_its_beginning(made: Made) -> None:
    """Also those of a moment that its clock told."""
    world = made()
    world.clock.sleep(5)

    assert (world.run.at(), world.run.at_of(103.0)) == (5.0, 3.0)


def test_a_run_knows_which_pods_it_follows(made: Made) -> None:
    """By uid: a pod that was made anew is another."""
    assert made().run.followed() == {"a-uid"}
