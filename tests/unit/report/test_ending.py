"""The last lines say what happened, what is left, and what to do, to somebody who is tired."""

from __future__ import annotations

import pytest

from kvchaos.report.summary import summary
from kvchaos.verdict.verdict import judge
from tests.builders import (
    KILL,
    Json,
    altered,
    event,
    injected,
    observer,
    run_that_did_not_start,
    run_that_left_residue,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_was_aborted,
    run_whose_api_went_away,
    run_whose_fault_ended_early,
    started,
    stop,
    without,
)

FAULT = "NetworkChaos kvchaos/partition-7f3a9c"


def told(history: list[Json], *, width: int = 100) -> str:
    return summary(history, judge(history), width=width)


def last_lines(history: list[Json], *, width: int = 80) -> list[str]:
    """What stands below the last empty line."""
    return told(history, width=width).rstrip("\n").split("\n\n")[-1].splitlines()


def test_aborted_run_says_by_what_when_and_what_became_of_its_faults() -> None:
    """Nothing else needs to be known at night."""
    assert last_lines(run_that_was_aborted()) == [
        " ABORTED   Stopped by a signal, 9.20 s into the run: SIGTERM.",
        "    - it was 2026-08-08 14:03:09 UTC",
        f"    - {FAULT} was over 0.40 s later",
        "    - nothing is left in the cluster",
    ]


def test_aborted_run_without_a_fault_says_so() -> None:
    """Stopped before anything was done; an error is told in the same words."""
    clean = event(2.0, "residue", left=[], unconfirmed=[])
    error = stop(1.5, by="error", reason="OSError: no space left.")

    assert last_lines([started(), {**error, "wall": ""}, clean]) == [
        " ABORTED   Stopped by an error, 1.50 s into the run: OSError: no space left.",
        "    - no fault had been injected",
        "    - nothing is left in the cluster",
    ]


def test_aborted_run_tells_each_fault_that_did_not_end_and_what_was_wrong() -> None:
    """A clean look without a seen end, a fault that never landed, and an action that failed."""
    refused = event(9.0, "fault_failed", fault=KILL, error="not injected")
    history = without(run_that_was_aborted(), "fault_recovered")
    unseen = altered(history, "residue", left=None)

    assert last_lines([*unseen[:20], refused, *unseen[20:]])[2:] == [
        f"    - {FAULT} was NOT seen to end",
        "    - PodChaos kvchaos/pod-kill-41be02 had not been injected",
        "    - nobody could look whether anything is left in the cluster",
        "    - something was seen to be wrong: fault landed, effect observed",
    ]


def test_aborted_run_whose_fault_was_over_says_so() -> None:
    """It was stopped later."""
    history = [*run_that_recovered(), stop(17.5)]

    assert f"    - {FAULT} was over by then" in last_lines(history)


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_stop_without_its_fields_is_aborted_all_the_same(verdict: str) -> None:
    """The badge is never lost to a broken event."""
    history = [*run_that_recovered(), event(17.5, "stop")]
    history = altered(
        history, "effect", effect={"pass": "confirmed", "fail": "not effective"}[verdict]
    )

    assert last_lines(history)[0].startswith(" ABORTED   The ")


def test_residue_says_what_is_left_and_ends_with_the_command() -> None:
    """Its duration was over, and it is still there."""
    assert last_lines(run_that_left_residue()) == [
        " RESIDUE   2 things of this run are left in the cluster.",
        "    - networkchaos/partition-7f3a9c in kvchaos: deletion held by",
        "      chaos-mesh/records: cannot find daemonIP on node worker-2",
        "    - podnetworkchaos/kvchaos-engine-7c6f9d8b5-9hvwt in kvchaos: rules of",
        "      kvchaos/partition-7f3a9c in the pod",
        f"    - {FAULT} should have ended by itself at",
        "      2026-08-08 14:03:13 UTC, and was not seen to",
        "  End it now:",
        "    kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab",
    ]


def test_unconfirmed_end_says_until_when_the_duration_lasts() -> None:
    """Who stopped the run is told beside what is urgent."""
    assert last_lines(run_whose_api_went_away()) == [
        " RESIDUE   Nobody could confirm the end of 1 fault. Stopped by a hold, 9.20 s",
        "           into the run: database migration, by alice.",
        "    - networkchaos/partition-7f3a9c in kvchaos, which its own duration ends 60 s",
        "      after it was created",
        f"    - {FAULT} ends by itself at 2026-08-08",
        "      14:04:03 UTC, if Chaos Mesh's daemon on its node is up",
        "  End it now:",
        "    kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab",
    ]


def test_command_can_be_copied_from_a_narrow_terminal() -> None:
    """A shell takes the backslashes for what they are."""
    assert last_lines(run_that_left_residue(), width=64)[-4:] == [
        "  End it now:",
        "    kvchaos reap \\",
        "    --run 20260808-140300-7f3a9c \\",
        "    --context kvchaos-lab",
    ]


def test_command_that_ends_all_is_one_line() -> None:
    """The run's name was lost."""
    history = without(run_that_left_residue(), "run_started")

    assert last_lines(history, width=64)[-1] == "    kvchaos reap --all"


def test_one_thing_is_left() -> None:
    """Grammar helps the tired."""
    history = altered(run_that_recovered(), "residue", left=["rules in a"])

    assert last_lines(history) == [
        " RESIDUE   1 thing of this run is left in the cluster.",
        "    - rules in a",
        "  End it now:",
        "    kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab",
    ]


def test_residue_of_both_kinds_is_told_in_one_sentence() -> None:
    """What is there, and what may be."""
    history = altered(run_that_recovered(), "residue", left=["a"], unconfirmed=["b"])

    assert last_lines(history)[:2] == [
        " RESIDUE   1 thing of this run is left in the cluster, and nobody could confirm",
        "           the end of 1 fault.",
    ]


def test_residue_whose_event_is_broken_still_has_its_command() -> None:
    """A number where a list should be is no reason to keep silent."""
    history = altered(run_that_recovered(), "residue", left=3)

    lines = last_lines(history)

    assert lines[:2] == [" RESIDUE   1 thing of this run is left in the cluster.", "    - 3"]
    assert lines[-1] == "    kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab"


def test_run_that_preflight_refused_shows_its_reasons_and_no_checks() -> None:
    """All checks would be unknown for the one reason that nothing happened."""
    _, preflight, last = told(run_that_preflight_refused(), width=90).split("\n\n")

    assert preflight.splitlines() == [
        "PREFLIGHT  refused before anything was touched",
        "  no  fault 'cut one engine off': no pod has model.aibrix.ai/kv-events-enabled=true",
        "      see: kubectl get pods -n kvchaos -l model.aibrix.ai/kv-events-enabled=true",
        "  no  a hold is on: database migration, by alice, since 2026-08-08T13:10:00Z",
        "      see: kubectl get configmap kvchaos-hold -n kvchaos -o yaml",
    ]
    assert last.splitlines() == [
        " UNKNOWN   The run did not start: preflight refused it for 2 reasons. Nothing was touched."
    ]


def test_finding_without_a_place_to_look_has_none() -> None:
    """Its text may be all there is."""
    found = event(0.4, "preflight", targets=[], findings=["no target"], notes=[])

    assert "  no  no target\n\n UNKNOWN " in told([started(), found])


def test_preflight_that_found_nothing_is_not_told() -> None:
    """It is what is expected."""
    fine = event(0.4, "preflight", targets=["a"], findings=[], notes=[])

    assert "PREFLIGHT" not in told([started(), fine])


def fault_lines(history: list[Json]) -> list[str]:
    """The fault's section above its effect."""
    return told(history, width=88).split("FAULT")[1].split("  in effect")[0].splitlines()[3:]


def test_fault_that_fell_short_says_how() -> None:
    """Measured and asked seconds, and the pod that was not cut off."""
    assert fault_lines(run_whose_fault_ended_early()) == [
        "  ENDED EARLY  after 4.20 s of the 10 s asked: its duration ended it",
        "  LIFTED  kvchaos-engine-7c6f9d8b5-9hvwt was replaced 3.10 s after the injection; the",
        "          new pod is not cut off",
    ]


def test_fault_that_was_ended_by_force_says_so() -> None:
    """By hands that nobody knows, early, and not by Chaos Mesh."""
    history = altered(run_that_recovered(), "fault_recovered", forced=True, by="deletion", held=4.2)

    assert fault_lines(history) == [
        "  ENDED EARLY  after 4.20 s of the 9.5 s asked",
        "  FORCED  Chaos Mesh did not end it: its finalizers and rules were removed by force",
    ]


def test_fault_that_never_landed_was_not_effective() -> None:
    """In words, below the error."""
    refused = event(9.0, "fault_failed", fault=KILL, error="not injected")

    assert "  in effect: not effective, as it never landed\n" in told([started(), refused])


def test_fault_whose_new_pod_came_before_it_was_seen_injected_is_told() -> None:
    """Counted from the run's start, as there is no injection to count from."""
    history = altered(run_whose_fault_ended_early(), "fault_injected", injected=None)

    assert "was replaced 6.62 s after the injection" in told(history)


def test_bar_shows_when_the_run_was_stopped() -> None:
    """Between injection and heal."""
    assert "stopped 5.68 s|" in told(run_that_was_aborted())


def test_stopped_run_without_an_observer_is_told() -> None:
    """Stopped while the lab was being started."""
    history = [started(), injected(), stop(), event(9.9, "residue", left=None), observer()]

    assert last_lines(history)[0] == " ABORTED   Stopped by a signal, 9.20 s into the run: SIGTERM."


def test_a_run_that_did_not_start_says_why_and_shows_no_checks() -> None:
    """None of them was looked at; the reason is all that there is to read."""
    text = told(run_that_did_not_start())

    assert last_lines(run_that_did_not_start()) == [
        " UNKNOWN   The run did not start: the engines' events cannot be followed: saw",
        "           pod-a/0: no answer",
    ]
    assert "CHECKS" not in text


def test_a_run_that_was_stopped_while_it_started_left_nothing() -> None:
    """Nobody has to look: no fault is sent before a run has started."""
    began, looked, ended = run_that_did_not_start()

    assert last_lines([began, looked, stop(1.5), {**ended, "why": "it was stopped"}])[-2:] == [
        "    - no fault had been injected",
        "    - nothing is left in the cluster",
    ]
