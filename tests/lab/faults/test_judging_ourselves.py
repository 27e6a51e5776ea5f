"""The judges of ``make chaos-ourselves``: each finding that it counts is one that it can make."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab.faults.ended import Ended
from tests.lab.faults.kills import PROGRAMS, WAYS, Killed, planned
from tests.lab.faults.place import short_partition
from tests.lab.faults.plans import PLANS, Plan
from tests.lab.faults.playing import Played
from tests.lab.faults.table import counted, table

Json = dict[str, Any]
NOTHING = Ended(code=1, said="", journal={}, record={}, history=[], run="r1")
PASSING = replace(NOTHING, code=0)


def killed(end: Ended, **fields: Any) -> Killed:
    """A kill after which all is as it should be, but for ``fields``."""
    fine: Json = {
        "kill": planned(seed=1, runs=1)[0],
        "standing": False,
        "complete": False,
        "lived": None,
        "took": 1.0,
        "before_reap": (),
        "left": (),
        "cut_off": (),
        "reap": "",
    }
    return Killed(ended=end, **{**fine, **fields})


def played(end: Ended, **fields: Any) -> Played:
    """A failing API after which all is as it should be, but for ``fields``."""
    fine: Json = {
        "plan": Plan("any"),
        "complete": False,
        "took": 8.0,
        "stood": 2.0,
        "disturbed": 1,
        "left": (),
        "unreported": (),
        "after_reap": (),
        "cut_off": (),
    }
    return Played(ended=end, **{**fine, **fields})


def whole_history(experiment: Path) -> list[Json]:
    """What a run of ``experiment`` writes when everything goes well."""
    content = json.loads(experiment.read_text())
    probes = content["steady-state-hypothesis"]["probes"]
    phases = {"before": probes, "method": content["method"], "after": probes}
    phases["rollbacks"] = content["rollbacks"]
    activities = [
        {"event": "activity", "phase": phase, "name": each["name"], "outcome": "succeeded"}
        for phase, all_of in phases.items()
        for each in all_of
    ]
    others = [{"event": name} for name in ("fault_injected", "fault_recovered", "recovery")]
    residue = {"event": "residue", "left": []}
    return [*activities, *others, residue, {"event": "run_ended", "journal": "completed"}]


def test_the_same_seed_kills_in_the_same_way() -> None:
    """A finding can be played again."""
    assert planned(seed=7, runs=50) == planned(seed=7, runs=50)
    assert planned(seed=7, runs=50) != planned(seed=8, runs=50)


def test_every_way_is_as_frequent_as_the_others_and_spread_over_the_run() -> None:
    """No signal, and no quarter of a run's life, is left out by chance."""
    kills = planned(seed=7, runs=192)

    assert Counter(kill.way for kill in kills) == dict.fromkeys(WAYS, 32)
    assert Counter((kill.program, kill.from_history) for kill in kills) == {
        (program, since): 48 for program in PROGRAMS for since in (True, False)
    }
    quarters = Counter((kill.way, int(kill.share * 4)) for kill in kills)
    assert quarters == {(way, quarter): 8 for way in WAYS for quarter in range(4)}


@pytest.mark.parametrize(
    "end",
    [
        PASSING,
        replace(NOTHING, journal={"kvchaos": {"verdict": "pass"}}),
        replace(NOTHING, journal={"kvchaos": {"status": "pass", "verdict": "pass"}}),
        replace(NOTHING, record={"status": "pass"}),
    ],
)
def test_a_pass_of_a_run_that_did_not_see_its_end_is_wrong(end: Ended) -> None:
    """By exit code, journal or record: whoever reads one of them would believe it."""
    assert killed(end).wrongly_pass
    assert played(end).wrongly_pass
    assert not killed(end, complete=True).wrongly_pass
    assert not played(end, complete=True).wrongly_pass


def test_a_pass_needs_a_cut_that_others_saw() -> None:
    """A run whose fault never stood has seen nothing, however green its history is."""
    assert played(PASSING, complete=True, stood=0.0).wrongly_pass
    assert played(PASSING, complete=True, left=("networkchaos/x",)).wrongly_pass
    assert played(PASSING, complete=True, plan=Plan("any", never=True)).wrongly_pass


def test_an_exit_code_that_is_not_the_statuss_is_a_lie() -> None:
    """``kvchaos run`` has one for each; ``chaos run`` knows but two."""
    aborted = replace(NOTHING, journal={"kvchaos": {"status": "aborted"}}, program="kvchaos")

    assert killed(replace(aborted, code=3)).is_fine
    assert not killed(replace(aborted, code=2)).is_fine
    assert killed(replace(aborted, program="chaos")).is_fine
    assert killed(replace(aborted, code=-9)).is_fine


@pytest.mark.parametrize(
    "fields", [{"left": ("networkchaos/x",)}, {"cut_off": ("engine-1",)}, {"reap": "exit 5"}]
)
def test_what_is_left_after_a_kill_is_not_fine(fields: Json) -> None:
    """Objects and rules by the API, engines that the router does not hear, a reap that failed."""
    assert killed(NOTHING).is_fine
    assert not killed(NOTHING, **fields).is_fine
    assert not killed(replace(NOTHING, stuck=True)).is_fine


@pytest.mark.parametrize(
    "fields",
    [
        {"unreported": ("networkchaos/x",)},
        {"after_reap": ("networkchaos/x",)},
        {"cut_off": ("engine-1",)},
        {"disturbed": 0},
    ],
)
def test_what_a_failing_api_left_untold_is_wrong(fields: Json) -> None:
    """Left and told is fine, as long as a reap ends it; a plan that did nothing shows nothing."""
    assert not played(NOTHING, left=("networkchaos/x",)).wrong
    assert played(NOTHING, **fields).wrong


def test_a_history_is_complete_only_with_all_of_it(tmp_path: Path) -> None:
    """Any event that is missing, and any sign of a stop, makes the run an incomplete one."""
    experiment = short_partition(tmp_path)
    whole = whole_history(experiment)

    assert replace(NOTHING, history=whole).was_complete(experiment)
    for missing in range(len(whole)):
        history = whole[:missing] + whole[missing + 1 :]
        assert not replace(NOTHING, history=history).was_complete(experiment), whole[missing]
    for bad in ({"event": "stop"}, {"event": "residue", "left": ["x"]}):
        assert not replace(NOTHING, history=[*whole, bad]).was_complete(experiment)


def test_only_a_fault_that_is_named_was_told() -> None:
    """``1 fault left`` tells nobody which."""
    told = replace(NOTHING, history=[{"event": "residue", "left": ["networkchaos/cut-r1 in k"]}])

    assert told.names("cut-r1")
    assert not told.names("cut-r2")


def test_plans_are_told_apart_by_name() -> None:
    """The names are what the table, and the option that picks one, go by."""
    assert len({plan.name for plan in PLANS}) == len(PLANS)


def test_a_table_is_as_wide_as_its_words() -> None:
    """Numbers to the right, words to the left."""
    text = table(("way", "runs"), [("SIGINT", 3), ("all", 20)])

    assert text == "way     runs\n------------\nSIGINT     3\nall       20"
    assert counted(["b", "a", "a"]) == "2 x a, 1 x b"
