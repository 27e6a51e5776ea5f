"""Each check passes, fails and is unknown for a history of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kvchaos.verdict.checks import CHECKS
from kvchaos.verdict.events import Events
from kvchaos.verdict.fault_checks import effect_observed, fault_landed, nothing_left
from kvchaos.verdict.history_checks import run_reached_its_end
from kvchaos.verdict.index_checks import (
    observer_up_and_sampled,
    oracle_complete,
    recovered_within_budget,
)
from kvchaos.verdict.records import Malformed
from kvchaos.verdict.result import Result, failed, passed, unknown
from kvchaos.verdict.run_checks import (
    WRAPPED,
    actions_succeeded,
    steady_state_after,
    steady_state_before,
    steady_state_during,
)
from tests.builders import (
    ENGINES,
    KILL,
    NOBODY_WRONG,
    Json,
    activity,
    blind_sample,
    effect,
    event,
    injected,
    observer,
    recovered,
    recovery,
    run_that_recovered,
    sample,
    without,
)

FAULT = "NetworkChaos kvchaos/partition-7f3a9c"
OTHER = "PodChaos kvchaos/pod-kill-41be02"
GONE = "kvchaos.errors.RouterUnreachable: gone"
SECOND = f"{ENGINES[1]}/0"


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_passes_the_run_that_recovered(check: Callable[[Events], Result]) -> None:
    """A run in which everything was observed and right passes every check, by its own name."""
    result = check(run_that_recovered())

    assert (result.name, result.verdict) == (check.__name__.replace("_", " "), "pass")


# -- steady state -------------------------------------------------------------------------------


def hypothesis(when: str, *, met: bool | None, failed: list[str], **fields: Any) -> Json:
    return event(2.2, "hypothesis", when=when, met=met, failed=failed, **fields)


def asked(phase: str) -> Json:
    return activity(2.0, "index-agrees", "probe", phase)


def test_steady_state_passes_when_each_time_it_was_met() -> None:
    """Asked twice, it must hold twice."""
    history = [asked("before"), hypothesis("before", met=True, failed=[])] * 2

    result = steady_state_before(history)

    assert result == passed("steady state before", "every probe was within its tolerance")


def test_steady_state_fails_with_the_names_of_the_probes_outside_tolerance() -> None:
    """A probe that answered outside its tolerance is a fail, even beside one that raised."""
    history = [
        activity(2.0, "routing", "probe", "after", GONE),
        hypothesis("after", met=False, failed=["index-agrees", "routing"]),
    ]

    result = steady_state_after(history)

    assert result == failed("steady state after", "outside tolerance: index-agrees")


def test_steady_state_fails_when_unmet_though_no_probe_is_named() -> None:
    """Not met is a fail, whatever the record forgot to say."""
    result = steady_state_before([hypothesis("before", met=False, failed=[])])

    assert result == failed("steady state before", "outside tolerance: unnamed")


def test_steady_state_fails_when_a_probe_says_no_by_activity_failed() -> None:
    """chaosk8s probes raise ActivityFailed to say that a pod is not healthy: that is an answer."""
    error = f"{WRAPPED}{WRAPPED}deployment 'router' is not healthy"
    history = [
        activity(2.0, "router-healthy", "probe", "before", error),
        hypothesis("before", met=False, failed=["router-healthy"]),
    ]

    result = steady_state_before(history)

    assert result == failed("steady state before", "outside tolerance: router-healthy")


def test_steady_state_is_unknown_when_no_failed_probe_could_tell() -> None:
    """A probe that raised, or that answered unknown, did not say that the state was wrong."""
    history = [
        activity(2.0, "index-agrees", "probe", "after", f"{WRAPPED}{GONE}"),
        hypothesis("after", met=False, failed=["index-agrees", "routing"], unknown=["routing"]),
    ]

    result = steady_state_after(history)

    assert result == unknown(
        "steady state after",
        "could not be told: index-agrees, routing",
        f"index-agrees: {WRAPPED}{GONE}",
    )


@pytest.mark.parametrize(
    "history",
    [[hypothesis("before", met=True, failed=[])], [hypothesis("after", met=None, failed=[])]],
)
def test_steady_state_is_unknown_when_it_was_not_asked(history: list[Json]) -> None:
    """The check before the method says nothing of the state after it."""
    result = steady_state_after(history)

    assert result == unknown(
        "steady state after", "the hypothesis was not checked after the method"
    )


def test_steady_state_is_unknown_when_met_and_yet_a_probe_is_named() -> None:
    """One of the two is not true."""
    result = steady_state_after([hypothesis("after", met=True, failed=["a"], unknown=["b"])])

    assert result == unknown(
        "steady state after", "said to be met, but not by every probe", "a", "b"
    )


def test_steady_state_is_unknown_when_no_probe_was_asked() -> None:
    """A hypothesis without probes is always met."""
    history = [asked("before"), hypothesis("after", met=True, failed=[])]

    assert steady_state_after(history) == unknown(
        "steady state after", "said to be met, but no probe was asked"
    )


def test_probe_that_once_could_not_tell_and_once_said_no_has_said_no() -> None:
    """Each asking is judged by its own probes."""
    history = [
        activity(2.0, "index-agrees", "probe", "after", GONE),
        hypothesis("after", met=False, failed=["index-agrees"]),
        asked("after"),
        hypothesis("after", met=False, failed=["index-agrees"]),
    ]

    assert steady_state_after(history) == failed(
        "steady state after", "outside tolerance 1 of 2 times: index-agrees"
    )


def test_fail_outweighs_an_asking_of_which_nothing_is_known() -> None:
    """One time it was not met: that the other is not known makes it no better."""
    history = [
        asked("after"),
        hypothesis("after", met=False, failed=["index-agrees"]),
        hypothesis("after", met=None, failed=[]),
    ]

    assert steady_state_after(history).verdict == "fail"


@pytest.mark.parametrize(
    ("check", "when", "history"),
    [
        (steady_state_before, "before", [injected()]),
        (steady_state_after, "after", []),
    ],
)
def test_steady_state_is_unknown_when_asked_on_the_wrong_side_of_the_fault(
    check: Callable[[Events], Result], when: str, history: list[Json]
) -> None:
    """Before the fault means before it, and after it means when it is over."""
    met = [asked(when), hypothesis(when, met=True, failed=[])]

    result = check([*history, *met, injected(), recovered()])

    assert result == unknown(
        f"steady state {when}", f"the hypothesis was not checked {when} the fault"
    )


def test_steady_state_during_passes_when_it_was_not_asked_to_hold() -> None:
    """Only a continuous hypothesis is asked during the method."""
    assert steady_state_during([asked("method")]) == passed(
        "steady state during", "not asked to hold during the method"
    )


@pytest.mark.parametrize("phase", ["during", "method"])
def test_steady_state_during_passes_when_it_always_held(phase: str) -> None:
    """Its probes are recorded as the method's, as they run at the same time."""
    history = [asked(phase), hypothesis("during", met=True, failed=[])]

    assert steady_state_during(history) == passed(
        "steady state during", "every probe was within its tolerance"
    )


def test_deviation_during_the_method_fails_though_it_healed() -> None:
    """Chaos Toolkit looks at the last asking alone, and returns 0."""
    good = [asked("method"), hypothesis("during", met=True, failed=[])]
    bad = [asked("method"), hypothesis("during", met=False, failed=["index-agrees"])]
    after = [asked("after"), hypothesis("after", met=True, failed=[])]

    assert steady_state_during([*good, *bad, *good, *after]) == failed(
        "steady state during", "outside tolerance 1 of 3 times: index-agrees"
    )
    assert steady_state_after([*good, *bad, *good, *after]).verdict == "pass"


def test_steady_state_during_is_unknown_when_a_probe_could_not_tell() -> None:
    """A router that restarts cannot answer for a while: that is no no."""
    history = [
        activity(2.0, "index-agrees", "probe", "method", GONE),
        hypothesis("during", met=False, failed=["index-agrees"]),
    ]

    assert steady_state_during(history) == unknown(
        "steady state during", "could not be told: index-agrees", f"index-agrees: {GONE}"
    )


# -- actions ------------------------------------------------------------------------------------

DONE = activity(3.0, "warm-engines", "action", "method")


def test_actions_pass_when_method_and_rollbacks_succeeded() -> None:
    """Probes of the hypothesis are not its business."""
    history = [
        DONE,
        activity(9.0, "recover-fault", "action", "rollbacks"),
        activity(9.5, "index-agrees", "probe", "after", "RouterUnreachable: gone"),
    ]

    assert actions_succeeded(history) == passed("actions succeeded", "2 actions ran and succeeded")


@pytest.mark.parametrize("phase", ["method", "rollbacks"])
def test_actions_fail_on_one_that_failed(phase: str) -> None:
    """Chaos Toolkit goes on after a failed action and ends as completed; the verdict does not."""
    history = [DONE, activity(9.0, "recover-fault", "action", phase, "FaultNotRecovered: stuck")]

    assert actions_succeeded(history) == failed(
        "actions succeeded",
        "1 action of 2 failed",
        f"recover-fault ({phase}): FaultNotRecovered: stuck",
    )


def test_actions_are_unknown_when_none_was_recorded() -> None:
    """Nothing done is nothing proved."""
    assert actions_succeeded([activity(3.0, "index-agrees", "probe", "method")]) == unknown(
        "actions succeeded", "no action was recorded"
    )


def test_actions_are_unknown_when_a_probe_of_the_method_could_not_measure() -> None:
    """A measurement that the experiment asked for is missing."""
    history = [DONE, activity(9.0, "event-stream", "probe", "method", "EngineUnreachable: gone")]

    assert actions_succeeded(history) == unknown(
        "actions succeeded",
        "1 probe of the method gave no answer",
        "event-stream (method): EngineUnreachable: gone",
    )


# -- the fault ----------------------------------------------------------------------------------


def test_fault_landed_with_its_pods_counted_once() -> None:
    """Two faults on the same pods hit two pods; what Chaos Mesh said is the evidence."""
    history = [injected(), injected(fault=KILL, evidence=[{"source": "records", "text": "1 of 1"}])]

    assert fault_landed(history) == passed(
        "fault landed",
        "2 faults injected, 2 pods hit",
        "records: Selected and AllInjected are True",
        "records: 2 of 2 records are injected",
        "records: 1 of 1",
    )


def test_fault_landed_fails_when_it_could_not_be_injected() -> None:
    """One fault that did not land is not made good by another that did."""
    history = [injected(), event(9.0, "fault_failed", fault=KILL, error="not injected after 30 s")]

    assert fault_landed(history) == failed(
        "fault landed", "1 fault could not be injected", f"{OTHER}: not injected after 30 s"
    )


def test_fault_landed_fails_when_it_hit_nobody() -> None:
    """Old versions of Chaos Mesh report AllInjected with no pod selected."""
    assert fault_landed([injected(targets=[])]) == failed(
        "fault landed", "injected, but into no pod", FAULT
    )


def test_fault_landed_is_unknown_without_a_fault() -> None:
    """An experiment without a fault proves nothing about recovery."""
    assert fault_landed([DONE]) == unknown(
        "fault landed", "no fault was injected, so nothing was tested"
    )


def test_fault_landed_is_unknown_when_nobody_saw_it_injected() -> None:
    """Created is not injected."""
    assert fault_landed([injected(injected=None)]) == unknown(
        "fault landed", "created, but never seen injected", FAULT
    )


def test_fault_landed_is_unknown_when_its_evidence_denies_it() -> None:
    """AllInjected, and a record that is not: one of the two is not true."""
    denied = {"source": "records", "holds": False, "text": "1 of 2 records is injected"}

    assert fault_landed([injected(evidence=[denied])]) == unknown(
        "fault landed",
        "said to be injected, but the evidence denies it",
        "records: 1 of 2 records is injected",
    )


HOLDS = {"source": "observer", "holds": True, "text": "no event for 4 s"}
DENIES = {"source": "records", "holds": False, "text": "0 of 2 records are injected"}
SILENT = {"source": "pod", "holds": None, "text": "could not be read"}


def test_effect_passes_when_it_was_confirmed_once() -> None:
    """Looked at too early it was not there yet; what was seen later counts."""
    history = [
        injected(),
        effect(effect="inconclusive", evidence=[SILENT]),
        effect(evidence=[HOLDS, SILENT]),
        effect(effect="not effective", evidence=[DENIES]),
    ]

    assert effect_observed(history) == passed(
        "effect observed",
        f"{FAULT} was seen to be in effect",
        "observer: no event for 4 s",
        "pod: could not be read",
    )


@pytest.mark.parametrize("first_or_second", [0, 1])
def test_effect_is_taken_by_the_very_fault_it_followed(first_or_second: int) -> None:
    """Injected twice under one name, seen once: the other time nobody looked."""
    lives = [[injected()], [injected()]]
    lives[first_or_second].append(effect())

    assert effect_observed([*lives[0], *lives[1]]) == unknown(
        "effect observed", f"nobody looked whether {FAULT} was in effect"
    )
    assert effect_observed([injected(), effect()] * 2).verdict == "pass"
    assert effect_observed([effect(), injected()]).verdict == "unknown"


def test_effect_fails_when_one_fault_had_none() -> None:
    """Injected by its own records, yet nothing happened; a confirmed one beside it is no help."""
    without_effect = effect(fault=KILL, effect="not effective", evidence=[DENIES])

    result = effect_observed([injected(), injected(fault=KILL), effect(), without_effect])

    assert result == failed(
        "effect observed",
        f"{OTHER} was injected but had no effect",
        "records: 0 of 2 records are injected",
    )


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([], "no fault was injected, so nothing was tested"),
        ([injected()], f"nobody looked whether {FAULT} was in effect"),
        ([injected(), effect(fault=KILL)], f"nobody looked whether {FAULT} was in effect"),
        (
            [injected(), effect(effect="inconclusive", evidence=[])],
            f"whether {FAULT} was in effect is not known",
        ),
        ([injected(), effect(evidence=[])], f"whether {FAULT} was in effect is not known"),
    ],
)
def test_effect_is_unknown_when_nobody_saw_it(history: list[Json], why: str) -> None:
    """Not looked at, looked at in vain, or said without any evidence."""
    assert effect_observed(history) == unknown("effect observed", why)


def test_effect_is_unknown_when_the_evidence_contradicts_itself() -> None:
    """Three things must say that a fault is real; one that denies it is not outvoted."""
    assert effect_observed([injected(), effect(evidence=[HOLDS, DENIES])]) == unknown(
        "effect observed",
        f"the evidence on {FAULT} contradicts itself",
        "observer: no event for 4 s",
        "records: 0 of 2 records are injected",
    )


OWN_WORD = {"source": "records", "holds": True, "text": "2 of 2 records are injected"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"evidence": [OWN_WORD]}, f"only Chaos Mesh's own records say that {FAULT} was in effect"),
        (
            {"effect_at": None},
            f"{FAULT} was seen to be in effect, but nobody can say since when",
        ),
        ({"effect_at": 2.0}, f"the effect of {FAULT} was there 1.10 s before it was asked for"),
        ({"effect_at": 14.2}, f"the effect of {FAULT} was seen only 1.00 s after it was over"),
    ],
)
def test_effect_is_unknown_when_it_may_be_of_something_else(fields: Json, why: str) -> None:
    """An index that was wrong before the fault, or is after it, proves no cut."""
    result = effect_observed([injected(), effect(**fields), recovered()])

    assert (result.verdict, result.why) == ("unknown", why)


def test_effect_is_unknown_when_it_was_there_before_an_injection_without_a_request() -> None:
    """Old histories tell only when the fault was injected."""
    early = effect(effect_at=3.0)

    assert effect_observed([injected(requested=None), early]).verdict == "unknown"
    assert effect_observed([injected(requested=None, injected=None), early]).verdict == "pass"


def test_effect_of_a_kill_may_show_after_its_pod_is_back() -> None:
    """A kill has no end: its heal is when the pods are ready again."""
    history = [injected(duration=None), effect(effect_at=13.9), recovered()]

    assert effect_observed(history).verdict == "pass"


def test_fault_that_could_not_be_injected_was_not_effective() -> None:
    """Said in words, beside one that was."""
    refused = event(9.0, "fault_failed", fault=KILL, error="not injected after 30 s")

    assert effect_observed([injected(), effect(), refused]) == failed(
        "effect observed", f"{OTHER} was not effective: it could not be injected"
    )


def test_nothing_left_passes_by_the_last_look() -> None:
    """What was left in between and gone at the end is not left."""
    history = [event(14.0, "residue", left=["rules in pod a"]), event(17.0, "residue", left=[])]

    assert nothing_left(history) == passed(
        "nothing left", "no fault object and no rule of this run remains"
    )


def test_nothing_left_fails_with_each_thing_that_is() -> None:
    """The user must know what to remove."""
    left = [{"kind": "NetworkChaos", "name": "partition-7f3a9c", "why": "finalizer"}, "rules in a"]

    assert nothing_left([event(17.0, "residue", left=left)]) == failed(
        "nothing left",
        "2 things left behind",
        "kind NetworkChaos, name partition-7f3a9c, why finalizer",
        "rules in a",
    )


@pytest.mark.parametrize("left", [[], None])
def test_nothing_left_is_unknown_when_the_end_of_a_fault_is_unconfirmed(
    left: list[str] | None,
) -> None:
    """The API did not answer: nobody can say that the link is open."""
    open_end = f"{FAULT}: its duration ends it at 14:04:03 UTC"

    assert nothing_left([event(17.0, "residue", left=left, unconfirmed=[open_end])]) == unknown(
        "nothing left", "the end of 1 fault could not be confirmed", open_end
    )


def test_nothing_left_fails_by_an_earlier_look_when_the_last_saw_nothing() -> None:
    """What was there, and was not seen to go, is there."""
    history = [event(14.0, "residue", left=["rules in a"]), event(17.0, "residue", left=None)]

    assert nothing_left(history) == failed("nothing left", "1 thing left behind", "rules in a")


def test_nothing_left_tells_what_is_no_list_too() -> None:
    """A text where a list should be is no proof that nothing is left."""
    assert nothing_left([event(17.0, "residue", left="rules in a")]) == failed(
        "nothing left", "1 thing left behind", "rules in a"
    )


def test_old_history_with_a_fault_that_did_not_end_does_not_tell() -> None:
    """Before runs wrote whose end they could not confirm, only the history itself can say."""
    clean = event(17.0, "residue", left=[])

    assert nothing_left([injected(), recovered(), clean]).verdict == "pass"
    assert nothing_left([injected(), recovered(healed=None), clean]) == unknown(
        "nothing left", "nothing was found, but a fault was not seen to end", FAULT
    )


@pytest.mark.parametrize(
    "history",
    [
        [],
        [event(17.0, "residue", left=None)],
        [event(1.0, "residue", left=[], unconfirmed=[]), injected(), recovered()],
    ],
)
def test_nothing_left_is_unknown_when_nobody_could_look(history: list[Json]) -> None:
    """Not looked at is not clean."""
    assert nothing_left(history) == unknown(
        "nothing left", "nobody looked at the end whether the fault left anything"
    )


# -- recovery -----------------------------------------------------------------------------------

RECOVERED = "recovered within budget"


def test_recovered_passes_with_the_slowest_times_told() -> None:
    """Seconds count from the heal, not from when somebody began to look."""
    assert recovered_within_budget([injected(), recovered(), recovery()]) == passed(
        RECOVERED, "the index agreed 2.35 s after the heal; budget 30 s"
    )


@pytest.mark.parametrize(
    "moments",
    [
        {},
        {"healed": None, "agreed": 15.55},
        {"healed": 13.2, "agreed": None},
        {"healed": 13.2, "agreed": 9.0},
    ],
)
def test_recovered_is_unknown_when_it_is_not_told_when(moments: Json) -> None:
    """Agreed, but after how long nobody can say; before the heal is no answer either."""
    assert recovered_within_budget([injected(), recovered(), recovery(timeline=moments)]) == (
        unknown(RECOVERED, "said to have recovered, but not when after the heal")
    )


def test_recovered_fails_with_the_engines_and_their_blocks() -> None:
    """Missing, phantom and ghost are named; an engine that is right is not."""
    left = {
        "engines": {
            SECOND: {"missing": 84, "phantom": 0},
            "b/0": {"missing": 0, "phantom": 3},
            "c/0": {"missing": 0, "phantom": 0},
        },
        "ghosts": ["engine-gone"],
        "unknown": {},
    }
    wrong = recovery(agreed=False, waited=30.1, left=left)

    assert recovered_within_budget([injected(), wrong, recovery()]) == failed(
        RECOVERED,
        "the index did not agree within 30.1 s; budget 30 s",
        f"{SECOND}: 84 missing, 0 phantom",
        "b/0: 0 missing, 3 phantom",
        "engine-gone: ghost (not alive)",
    )


def test_recovered_fails_when_it_took_longer_than_its_budget() -> None:
    """The budget counts from the heal, not from when somebody began to look."""
    result = recovered_within_budget([injected(), recovered(), recovery(budget=2.0)])

    assert result == failed(RECOVERED, "agreed only 2.35 s after the heal; budget 2 s")


@pytest.mark.parametrize("told", [{"after_heal": {"agreed": 0.1}}, {"flushed": None}])
def test_recovered_fails_when_late_whatever_else_the_event_says(told: Json) -> None:
    """Moments count; a claim of success beside them does not."""
    late = recovery(at=60.0, agreed=True, timeline={"healed": 13.2, "agreed": 55.0}, **told)

    assert recovered_within_budget([injected(), recovered(), late]) == failed(
        RECOVERED, "agreed only 41.8 s after the heal; budget 30 s"
    )


NOT_ASKED = (
    "no engine was asked to publish after the heal, so a lost tail would not show:"
    " send each engine a request before measuring"
)


@pytest.mark.parametrize("flushed", [None, 13.1, 16.5])
def test_recovered_is_unknown_when_no_engine_was_asked_after_the_heal(
    flushed: float | None,
) -> None:
    """Never, before the heal at 13.2 s, or only after the measurement at 16.4 s."""
    history = [injected(), recovered(), recovery(flushed=flushed)]

    assert recovered_within_budget(history) == unknown(RECOVERED, NOT_ASKED)


def test_recovered_is_unknown_when_the_event_has_no_flush() -> None:
    """Missing is as good as never."""
    silent = {key: value for key, value in recovery().items() if key != "flushed"}

    result = recovered_within_budget([injected(), recovered(), silent])

    assert result == unknown(RECOVERED, NOT_ASKED)


def test_recovered_needs_a_flush_after_the_last_heal_of_all() -> None:
    """Two faults, and the other one healed later: what was sent before could be lost to it."""
    other = [injected(fault=KILL), recovered(fault=KILL, healed=14.0)]

    result = recovered_within_budget([injected(), recovered(), *other, recovery()])

    assert result == unknown(RECOVERED, NOT_ASKED)


def test_recovered_fails_though_no_engine_was_asked() -> None:
    """A disagreement that was seen needs no request to show it."""
    wrong = recovery(agreed=False, flushed=None)

    assert recovered_within_budget([injected(), recovered(), wrong]) == failed(
        RECOVERED, "the index did not agree within 2.60 s; budget 30 s"
    )


def test_recovered_is_unknown_when_only_the_first_of_two_like_named_faults_ended() -> None:
    """A name that is injected again is another fault: it needs an end of its own."""
    once = [injected(), recovered(), recovery()]

    assert recovered_within_budget([*once, injected(), recovery()]) == unknown(
        RECOVERED, "the fault was not seen to end before recovery was measured", FAULT
    )
    assert recovered_within_budget(once * 2).verdict == "pass"


@pytest.mark.parametrize("healed", [3.0, None])
def test_recovered_takes_no_end_that_lies_before_the_fault(healed: float | None) -> None:
    """A heal at 3.0 s is not that of a fault that landed at 3.52 s."""
    result = recovered_within_budget([injected(), recovered(healed=healed), recovery()])

    assert result.verdict == "unknown"


def test_recovered_counts_from_the_heal_that_was_seen_and_not_from_a_later_one() -> None:
    """A measurement that takes its own late start for the heal would gain time."""
    late = recovery(timeline={"healed": 15.0, "agreed": 15.55}, budget=1.0)

    assert recovered_within_budget([injected(), recovered(), late]) == failed(
        RECOVERED, "agreed only 2.35 s after the heal; budget 1 s"
    )


def test_recovered_is_unknown_when_it_is_the_recovery_of_an_earlier_fault() -> None:
    """Agreed at 15.55 s, after the first heal; the second fault was over at 15.9 s only."""
    second = [injected(fault=KILL), recovered(fault=KILL, healed=15.9)]

    result = recovered_within_budget([injected(), recovered(), *second, recovery(flushed=16.0)])

    assert result == unknown(RECOVERED, "said to have recovered, but not when after the heal")


def test_recovered_counts_from_the_last_heal_of_faults_that_overlapped() -> None:
    """The fault that was injected last need not be the one that ended last."""
    first = [injected(), recovered(healed=14.0)]
    second = [injected(fault=KILL), recovered(fault=KILL)]

    assert recovered_within_budget([*first, *second, recovery(flushed=14.2)]) == passed(
        RECOVERED, "the index agreed 1.55 s after the heal; budget 30 s"
    )


def test_recovered_is_unknown_when_only_one_of_two_faults_ended() -> None:
    """The other one may still be on."""
    history = [injected(fault=KILL), injected(), recovered(), recovery()]

    assert recovered_within_budget(history) == unknown(
        RECOVERED, "the fault was not seen to end before recovery was measured", OTHER
    )


def test_recovered_is_unknown_when_it_agrees_only_in_the_future() -> None:
    """Measured at 16.4 s, agreed at 17 s: nobody saw that."""
    history = [injected(), recovered(), recovery(timeline={"healed": 13.2, "agreed": 17.0})]

    assert recovered_within_budget(history).verdict == "unknown"


def test_recovered_is_unknown_when_a_sample_was_wrong_again() -> None:
    """Agreed from 15.55 s on, says the measurement; the sample at 16 s denies it."""
    history = [injected(), recovered(), sample(15.5, missing=4), sample(16.0, missing=4)]

    assert recovered_within_budget([*history, recovery()]) == unknown(
        RECOVERED, "said to have recovered, but a sample at 16.0 s was wrong again"
    )


@pytest.mark.parametrize(
    ("agrees_again", "verdict"), [(16.1, "pass"), (16.24, "pass"), (16.3, "unknown")]
)
def test_an_event_on_its_way_is_no_doubt(agrees_again: float, verdict: str) -> None:
    """A difference that was over within the time that the measurement gives to events."""
    history = [injected(), recovered(), sample(16.0, missing=4), sample(agrees_again)]

    assert recovered_within_budget([*history, recovery(apart=0.1)]).verdict == verdict


def test_recovered_is_unknown_when_no_agreeing_sample_was_asked_for() -> None:
    """One that needs no sample is always there."""
    asked_for_none = recovery(samples_needed=0)

    with pytest.raises(Malformed, match="samples_needed"):
        recovered_within_budget([injected(), recovered(), asked_for_none])


def test_recovered_is_unknown_without_a_fault() -> None:
    """An index that agrees has recovered from nothing."""
    assert recovered_within_budget([recovery()]) == unknown(
        RECOVERED, "no fault was injected, so nothing was tested"
    )


def test_recovered_is_unknown_when_measured_only_before_the_last_fault() -> None:
    """Recovery from the first fault says nothing about the second."""
    assert recovered_within_budget([injected(), recovery(), injected(fault=KILL)]) == unknown(
        RECOVERED, "recovery was not measured after the fault"
    )


def test_recovered_is_unknown_when_an_engine_could_not_be_judged() -> None:
    """Agreement on the others is not agreement, whatever the probe made of it."""
    left = {**NOBODY_WRONG, "unknown": {SECOND: "replay began at 1880"}}

    for agreed in (None, True):
        result = recovered_within_budget([injected(), recovery(agreed=agreed, left=left)])

        assert result == unknown(
            RECOVERED,
            "whether the index recovered could not be told",
            f"{SECOND}: replay began at 1880",
        )


def test_recovered_is_unknown_when_the_record_contradicts_itself() -> None:
    """Agreed, and yet a ghost: one of the two is not true."""
    left = {**NOBODY_WRONG, "ghosts": ["engine-gone"]}

    assert recovered_within_budget([injected(), recovery(left=left)]) == unknown(
        RECOVERED,
        "said to have recovered, but not everything agreed",
        "engine-gone: ghost (not alive)",
    )


@pytest.mark.parametrize(
    "ended", [[], [recovered(healed=None)], [recovered(healed=20.0)], [recovered(fault=KILL)]]
)
def test_recovered_is_unknown_when_the_fault_may_still_have_been_on(ended: list[Json]) -> None:
    """An index that agrees under the fault has not recovered from it."""
    assert recovered_within_budget([injected(), recovery(), *ended]) == unknown(
        RECOVERED, "the fault was not seen to end before recovery was measured", FAULT
    )


# -- the judge itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "why", "evidence"),
    [
        ([], "the observer left no account of what it saw", ()),
        ([observer(engines=0)], "the observer followed no engine", ()),
        (
            [observer(incomplete={SECOND: "replay began at 1880"})],
            "1 engine of 3 cannot be judged",
            (f"{SECOND}: replay began at 1880",),
        ),
        ([observer(malformed=1)], "1 message could not be decoded", ()),
        ([observer(batches=0)], "no batch of 3 engines was seen", ()),
        ([observer(), injected()], "the observer left no account of what it saw", ()),
    ],
)
def test_oracle_is_unknown_and_never_fails(
    history: list[Json], why: str, evidence: tuple[str, ...]
) -> None:
    """What the judge did not see is no fault of the router: the worst it can be is unknown."""
    assert oracle_complete(history) == unknown("oracle complete", why, *evidence)


def test_oracle_passes_with_what_it_followed() -> None:
    """One batch is one batch."""
    assert oracle_complete([observer(batches=1)]) == passed(
        "oracle complete", "every batch of 3 engines was seen (1 batch)"
    )


NOT_UP = "the observer was not up at the end of the run"
NOT_SAMPLED = "the index was not sampled to the end of the run"


def without_sampler_up() -> Json:
    return {key: value for key, value in observer().items() if key != "sampler_up"}


@pytest.mark.parametrize(
    ("history", "why", "evidence"),
    [
        ([], NOT_UP, ()),
        ([observer(up=False)], NOT_UP, ()),
        ([injected(), sample(4.0), observer(sampler_up=False)], NOT_SAMPLED, ()),
        ([injected(), sample(4.0), observer(sampler_up=None)], NOT_SAMPLED, ()),
        ([injected(), sample(4.0), without_sampler_up()], NOT_SAMPLED, ()),
        ([sample(1.0), injected(), observer()], "the index was never sampled after the fault", ()),
        ([observer(), injected(), sample(4.0)], NOT_UP, ()),
        (
            [injected(), sample(4.0), recovered(), blind_sample(14.0), observer()],
            "no sample after the end of the fault could tell",
            (),
        ),
        (
            [injected(), sample(4.0), sample(40.0), observer()],
            "the index was not looked at for 36.0 s from 4.00 s on",
            (),
        ),
        (
            [injected(), sample(34.0), observer()],
            "the index was not looked at for 30.5 s from 3.52 s on",
            (),
        ),
        (
            [injected(), sample(4.0), recovery(at=60.0), observer()],
            "the index was not looked at for 56.0 s from 4.00 s on",
            (),
        ),
        (
            [injected(), blind_sample(4.0), blind_sample(5.0, router="gone"), observer()],
            "none of 2 samples after the fault could tell",
            ("router: gone",),
        ),
    ],
)
def test_observer_is_unknown_and_never_fails(
    history: list[Json], why: str, evidence: tuple[str, ...]
) -> None:
    """A judge that slept can neither acquit nor condemn."""
    assert observer_up_and_sampled(history) == unknown("observer up and sampled", why, *evidence)


def test_observer_passes_and_counts_the_samples_that_could_not_tell() -> None:
    """A router that restarts cannot answer for a while; that is said, and no more."""
    history = [injected(), blind_sample(4.0), sample(5.0), observer()]

    assert observer_up_and_sampled(history) == passed(
        "observer up and sampled", "2 samples of the index, 1 without an answer"
    )


# -- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "result"),
    [
        (
            [event(17.5, "run_ended", journal="completed")],
            passed("run reached its end", "the experiment was played to its end"),
        ),
        (
            [event(17.5, "run_ended", journal="failed")],
            unknown(
                "run reached its end", "a probe of the hypothesis broke, so Chaos Toolkit gave up"
            ),
        ),
        (
            [event(17.5, "run_ended", journal="interrupted")],
            unknown("run reached its end", "the run was interrupted before its end"),
        ),
        (
            [event(0.7, "run_ended", journal="not started", why="no engine answers")],
            unknown("run reached its end", "the run did not start: no engine answers"),
        ),
        ([], unknown("run reached its end", "the history stops before the end of the run")),
    ],
)
def test_end_is_told_by_the_last_event(history: list[Json], result: Result) -> None:
    """A killed run has no end; an interrupted one has no verdict to give."""
    assert run_reached_its_end(history) == result


@pytest.mark.parametrize("name", ["traffic", "stream"])
def test_no_check_needs_what_only_informs(name: str) -> None:
    """Traffic and streams are told to people; the verdict does not rest on them."""
    results = [check(without(run_that_recovered(), name)).verdict for check in CHECKS]

    assert set(results) == {"pass"}
