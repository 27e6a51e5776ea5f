"""A run's faults over a scripted cluster: what is open, what is ended, what is told of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.kinds import NETWORKCHAOS, Kind
from kvchaos.errors import (
    ClusterError,
    FaultNotRecovered,
    FaultRefused,
    Forbidden,
    TemplateInvalid,
)
from kvchaos.mesh.fault import Fault, Target
from kvchaos.run import current, faults, healing
from kvchaos.run.session import Before, Bystander
from kvchaos.sampling.timeline import Sample
from tests.run_world import (
    CUT,
    KILL,
    VALUES,
    Made,
    World,
    active,
    cuttable,
    engine_pod,
    router_pod,
    silent_router,
)
from tests.scripted import (
    ENDED,
    INJECTED,
    ScriptedCluster,
    pod_fault,
    record,
    status,
)

SECOND = f"{CUT}-2"
KILLED = "pod-kill-r1"
STRUCK = status(record("kvchaos/a"))
BRIEF = {
    "kind": "NetworkChaos",
    "namespace": "kvchaos",
    "name": CUT,
    "action": "partition",
    "direction": "both",
}


class Stubborn(ScriptedCluster):
    """Refuses to delete the fault ``CUT``."""

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> None:
        if name == CUT:
            raise Forbidden(f"may not delete {name}")
        super().delete(kind, name, namespace=namespace, uid=uid)


def cut(world: World) -> Any:
    return faults.inject(world.run, "network-partition", VALUES, timeout=5)


def kill(world: World) -> Any:
    return faults.inject(world.run, "pod-kill", KILL, timeout=5)


def look(at: float, *, started: float = 7.0, **fresh: int) -> Sample:
    counted = {f"{pod}/0": count for pod, count in fresh.items()}
    return Sample(began=at, at=at, agrees=not fresh, fresh=counted, router_started=started)


def killable(**settings: Any) -> ScriptedCluster:
    return ScriptedCluster.of(engine_pod(), router_pod(), script=[STRUCK], **settings)


# -- inject -------------------------------------------------------------------------------------


def test_an_injected_fault_is_in_the_history_with_what_it_hit(made: Made) -> None:
    """What was there before is known before: missing blocks, ready pods, the router's start."""
    world = made(cuttable())
    world.sampler.plan = [look(0.0)]

    answer = cut(world)

    hit = world.run.last_fault()
    assert hit is not None
    assert hit.before == Before(
        pods={"a-uid": Bystander("a", 0, ("a-p0",)), "b-uid": Bystander("b", 0, ("b-p0",))},
        ready=2,
        engines=frozenset({"a"}),
        router_started=7.0,
    )
    assert hit.engines() == {"a"}
    assert world.sampler.known == 1
    assert world.told("fault_injected", "fault_failed") == [
        {
            "event": "fault_injected",
            "fault": BRIEF,
            "targets": [
                {"pod": "a", "uid": "a-uid", "role": "."},
                {"pod": "b", "uid": "b-uid", "role": ".Target"},
            ],
            "requested": 0.0,
            "created": 0.0,
            "injected": 0.0,
            "duration": 10.0,
            "evidence": answer["evidence"],
        }
    ]
    assert [each["holds"] for each in answer["evidence"]] == [True] * 3


def test_the_same_template_twice_gives_two_names_and_two_recoveries(made: Made) -> None:
    """A name is evidence: the second fault's recovery must not be taken for the first's."""
    world = made(cuttable(CUT, SECOND))

    cut(world)
    cut(world)
    answer = healing.recover(world.run, held=0, timeout=5)

    recovered: list[dict[str, Any]] = [
        {
            "fault": {**BRIEF, "name": name},
            "healed": 0.0,
            "by": "deletion",
            "forced": False,
            "held": 0.0,
            "asked": None,
            "residue": [],
        }
        for name in (CUT, SECOND)
    ]
    assert answer == {"recovered": recovered}
    assert world.told("fault_recovered") == [
        {"event": "fault_recovered", **each} for each in recovered
    ]
    assert [each.healed for each in world.run.faults] == [0.0, 0.0]


def test_a_fault_that_has_ended_is_looked_at_at_once(made: Made) -> None:
    """A look that began before counts for nothing: the next one must not wait."""
    world = made(cuttable())
    cut(world)

    healing.recover(world.run, held=0, timeout=5)

    assert world.sampler.closely == [True, True]


def test_a_second_fault_can_be_injected_after_the_first_was_recovered(made: Made) -> None:
    """Each is ended once: what was recovered is no longer open."""
    world = made(cuttable(CUT, SECOND))

    cut(world)
    first = healing.recover(world.run, held=0, timeout=5)
    cut(world)
    second = healing.recover(world.run, held=0, timeout=5)

    names = [[each["fault"]["name"] for each in done["recovered"]] for done in (first, second)]
    assert names == [[CUT], [SECOND]]
    assert healing.recover(world.run, held=0, timeout=5) == {"recovered": []}


def test_a_refused_fault_is_in_the_history_and_leaves_nothing_open(made: Made) -> None:
    """Nothing was sent, so nothing is to be ended."""
    world = made(ScriptedCluster.of(engine_pod()))

    with pytest.raises(FaultRefused) as refused:
        cut(world)

    brief = {"kind": "NetworkChaos", "namespace": "kvchaos", "name": CUT}
    assert world.told("fault_failed") == [
        {"event": "fault_failed", "fault": brief, "error": str(refused.value)}
    ]
    assert (healing.open_faults(world.run), world.run.faults) == ([], [])


def test_an_injection_that_raises_after_the_create_leaves_its_fault_open(made: Made) -> None:
    """The ledger tells what there may be, not what was returned: recover ends it all the same."""
    cluster = cuttable()
    world = made(cluster)
    cluster.changes[1] = lambda: cluster.fails.update(get=[Forbidden("may not get pods")])

    with pytest.raises(Forbidden):
        cut(world)

    there = world.has_fault("networkchaos", CUT)
    opened = [fault.name for fault in healing.open_faults(world.run)]
    answer = healing.recover(world.run, held=3, timeout=5)

    assert (there, opened, world.run.faults) == (True, [CUT], [])
    assert [each["fault"]["name"] for each in answer["recovered"]] == [CUT]
    assert not world.has_fault("networkchaos", CUT)
    assert healing.open_faults(world.run) == []
    assert len(world.told("fault_failed")) == len(world.told("fault_recovered")) == 1


@pytest.mark.parametrize("text", ["[{0}]", "kind: {0}", "metadata: {0}", "metadata: {{name: {0}}}"])
def test_a_template_that_is_no_fault_is_refused_with_an_error_of_its_own(
    made: Made, tmp_path: Path, text: str
) -> None:
    """Also what has no name to make a second one of, or nothing to be told of it."""
    template = tmp_path / "own.yaml.j2"
    template.write_text(text.format("{{ run | tojson }}"))
    world = made(cuttable(CUT, SECOND))
    cut(world)

    with pytest.raises(TemplateInvalid):
        faults.inject(world.run, str(template), {}, timeout=5)

    assert [fault.name for fault in healing.open_faults(world.run)] == [CUT]


def test_a_template_is_looked_for_from_the_folder_of_the_experiment(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the experiment was checked, whatever the working directory is."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "own.yaml.j2").write_text("[{{ run | tojson }}]")
    world = made(cuttable(CUT, SECOND))
    current.lies_in(tmp_path / "experiments")
    try:
        with pytest.raises(TemplateInvalid, match=r"own.yaml.j2: not one object"):
            faults.inject(world.run, "templates/own.yaml.j2", {}, timeout=5)
    finally:
        current.lies_in(None)


# -- in effect ----------------------------------------------------------------------------------


def test_without_a_fault_its_effect_is_inconclusive(made: Made) -> None:
    """There is nothing to look for."""
    answer = faults.in_effect(made().run, within=1)

    seen = {"source": "observer", "holds": None, "text": "no fault"}
    assert answer == {"effect": "inconclusive", "at": None, "evidence": [seen]}


def test_a_cut_is_confirmed_once_blocks_stay_missing(made: Made) -> None:
    """Records, rules and the observer say so; the effect began with the first such sample."""
    world = made(cuttable())
    cut(world)
    world.sampler.plan = [look(n / 4, a=3) for n in range(4, 12)]

    answer = faults.in_effect(world.run, within=5)

    assert (answer["effect"], answer["at"]) == ("confirmed", 1.0)
    assert [each["source"] for each in answer["evidence"]] == [
        "records",
        "podnetworkchaos",
        "podnetworkchaos",
        "observer",
    ]
    fault = world.run.last_fault()
    assert fault is not None
    assert fault.effect == 1.0
    (told,) = world.told("effect")
    assert (told["fault"], told["effect"], told["effect_at"]) == (BRIEF, "confirmed", 1.0)
    assert told["evidence"] == answer["evidence"]


def test_a_cut_that_costs_no_blocks_is_not_effective(made: Made) -> None:
    """The records' word is not enough."""
    world = made(cuttable())
    world.sampler.plan = [look(n / 4) for n in range(40)]
    cut(world)

    assert faults.in_effect(world.run, within=2)["effect"] == "not effective"


def test_a_cut_that_was_over_when_it_was_looked_at_is_inconclusive(made: Made) -> None:
    """Its short duration may have ended it before anything was published: nobody knows."""
    world = made(cuttable())
    world.sampler.plan = [look(n / 4) for n in range(40)]
    cut(world)
    world.cluster.script = [ENDED]

    assert faults.in_effect(world.run, within=2)["effect"] == "inconclusive"


def test_a_cut_that_a_new_pod_has_lifted_is_inconclusive(made: Made) -> None:
    """Who it hit is gone; that is told beside it."""
    world = made(cuttable())
    world.sampler.plan = [look(n / 4) for n in range(40)]
    cut(world)
    world.cluster.add(engine_pod("a", uid="new"))

    assert faults.in_effect(world.run, within=2)["effect"] == "inconclusive"
    assert [each["pods"] for each in world.told("targets_replaced")] == [["a"]]


def test_what_the_observer_cannot_see_leaves_the_effect_inconclusive(made: Made) -> None:
    """No sample was taken: nobody knows."""
    world = made(cuttable())
    cut(world)

    assert faults.in_effect(world.run, within=2)["effect"] == "inconclusive"


def test_a_cut_that_hits_no_engine_is_looked_for_on_all_of_them(made: Made) -> None:
    """A router cut off from something else loses the events of any engine."""
    world = made()
    fault = active(world.run, targets=[Target("b", "b-uid", "kvchaos")])

    seen = faults._look(world.run, fault)([look(1, a=2), look(2, a=2)])

    assert (seen.holds, seen.at) == (True, 1)


def test_a_killed_router_is_known_by_its_new_start(made: Made) -> None:
    """No engine was hit, so no stream ends."""
    world = made()
    body = pod_fault("pod-kill")
    fault = active(world.run, body=body, targets=[Target("b", "b-uid", "kvchaos")])

    seen = faults._look(world.run, fault)([look(1), look(2, started=9.0)])

    assert (seen.holds, seen.at) == (True, 2)


def test_a_killed_engine_is_known_by_its_stream(made: Made) -> None:
    """It goes with its pod."""
    world = made()
    world.observer.heads = {}
    fault = active(world.run, body=pod_fault("pod-kill"))

    seen = faults._look(world.run, fault)([])

    assert (seen.holds, seen.text) == (True, "the stream of a went with its pod")


# -- recover ------------------------------------------------------------------------------------


def test_a_held_fault_is_ended_only_when_its_time_is_over(made: Made) -> None:
    """Counted from when it was injected, not from when recover was asked."""
    world = made(cuttable())
    cut(world)
    world.clock.sleep(1)

    (done,) = healing.recover(world.run, held=4, timeout=5)["recovered"]

    assert (done["by"], done["healed"]) == ("deletion", pytest.approx(4))


def test_a_fault_held_longer_than_it_lasts_is_healed_by_our_clock(made: Made) -> None:
    """The cluster's stamp is of another clock, here second 10; ours saw the end."""
    world = made(cuttable())
    cut(world)
    world.clock.sleep(20)
    world.cluster.script = [INJECTED, INJECTED, ENDED]

    (done,) = healing.recover(world.run, held=30, timeout=5)["recovered"]

    fault = world.run.last_fault()
    assert fault is not None
    assert (done["by"], done["healed"]) == ("duration", pytest.approx(20.2))
    assert fault.healed == done["healed"]
    assert not world.has_fault("networkchaos", CUT)


def test_one_fault_that_cannot_be_ended_keeps_no_other_from_it(made: Made) -> None:
    """The error is raised when all were tried; the fault stays open for the next try."""
    cluster = cuttable(CUT, SECOND)
    world = made(Stubborn(objects=cluster.objects, script=cluster.script))
    cut(world)
    cut(world)

    with pytest.raises(FaultNotRecovered, match=CUT):
        healing.recover(world.run, held=0, timeout=1)

    assert [fault.name for fault in healing.open_faults(world.run)] == [CUT]
    assert [each["fault"]["name"] for each in world.told("fault_recovered")] == [SECOND]
    assert [each.healed is None for each in world.run.faults] == [True, False]


def test_a_held_fault_outlasts_an_api_that_is_away(made: Made) -> None:
    """What cannot be seen ends nothing; what happened meanwhile shows afterwards."""
    world = made(cuttable())
    cut(world)
    world.cluster.fails["get"] = [ClusterError("no answer") for _ in range(3)]

    (done,) = healing.recover(world.run, held=4, timeout=5)["recovered"]

    assert (done["by"], done["held"], done["asked"]) == ("deletion", pytest.approx(4), 4)


def test_a_fault_that_somebody_deletes_while_it_is_held_tells_how_short_it_was(made: Made) -> None:
    """Measured by our clock when it was seen to be gone, beside what was asked."""
    world = made(cuttable())
    cut(world)
    delete = partial(world.cluster.delete, NETWORKCHAOS, CUT, namespace="kvchaos")
    world.clock.due = [(102.0, delete)]

    (done,) = healing.recover(world.run, held=4, timeout=5)["recovered"]

    assert (done["by"], done["held"], done["asked"]) == ("already gone", pytest.approx(2), 4)


def test_a_fault_that_was_over_before_it_was_looked_at_is_healed_by_its_records(made: Made) -> None:
    """Second 10 by the cluster's stamp, though we came at second 20."""
    world = made(cuttable())
    cut(world)
    world.clock.sleep(20)
    world.cluster.script = [ENDED]

    (done,) = healing.recover(world.run, held=30, timeout=5)["recovered"]

    assert (done["by"], done["held"], done["asked"]) == ("duration", pytest.approx(10), 30)


def test_pods_that_are_replaced_under_a_cut_are_told_once_with_their_moment(made: Made) -> None:
    """A new pod has a new address: it is not cut, whatever the records say."""
    world = made(cuttable())
    cut(world)
    world.clock.due = [(103.0, lambda: world.cluster.add(engine_pod("a", uid="new")))]

    healing.recover(world.run, held=6, timeout=5)

    assert world.told("targets_replaced") == [
        {
            "event": "targets_replaced",
            "fault": BRIEF,
            "pods": ["a"],
            "replaced_at": pytest.approx(3, abs=0.21),
        }
    ]


def test_a_killed_pod_is_no_replaced_target(made: Made) -> None:
    """That it is another pod by now is what the fault is for."""
    world = made(killable())
    kill(world)
    world.clock.due = [(101.0, lambda: world.cluster.add(engine_pod("a", uid="new")))]

    healing.recover(world.run, held=0, timeout=10)

    assert world.told("targets_replaced") == []


def test_a_killed_pod_is_healed_when_its_replacement_is_ready(made: Made) -> None:
    """Not when the fault's object went: the engine was away until then."""
    world = made(killable())
    kill(world)
    world.clock.due = [
        (101.0, lambda: world.cluster.objects.pop(("pods", "kvchaos", "a"))),
        (102.0, lambda: world.cluster.add(engine_pod("a", uid="new", is_ready=False))),
        (103.0, lambda: world.cluster.add(engine_pod("a", uid="new"))),
    ]

    (done,) = healing.recover(world.run, held=0, timeout=10)["recovered"]

    fault = world.run.last_fault()
    assert fault is not None
    assert (done["by"], done["healed"]) == ("one-shot", pytest.approx(3))
    assert fault.healed == done["healed"]


def test_pods_that_do_not_come_back_leave_the_fault_unhealed(made: Made) -> None:
    """The error says what is missing; the fault stays open."""
    world = made(killable())
    kill(world)
    del world.cluster.objects["pods", "kvchaos", "a"]

    with pytest.raises(FaultNotRecovered, match="wanted 2 ready pods within 1 s, saw 1 ready"):
        healing.recover(world.run, held=0, timeout=1)

    fault = world.run.last_fault()
    assert fault is not None
    assert (fault.healed, world.told("fault_recovered")) == (None, [])
    assert [each.name for each in healing.open_faults(world.run)] == [KILLED]


A_WAS = Target("a", "a-uid", "kvchaos", restarts=1)


@pytest.mark.parametrize(
    ("action", "pods", "missing"),
    [
        ("pod-kill", [engine_pod()], "kvchaos/a is still there"),
        ("pod-kill", [engine_pod(uid="new", is_ready=False)], "1 ready"),
        ("pod-kill", [], "1 ready"),
        ("pod-kill", [engine_pod(uid="new")], ""),
        ("pod-failure", [engine_pod(restarts=1)], "kvchaos/a has not restarted yet"),
        ("pod-failure", [engine_pod(restarts=2, is_ready=False)], "kvchaos/a is not ready"),
        ("pod-failure", [engine_pod(restarts=2)], ""),
        ("pod-failure", [engine_pod(uid="new")], ""),
        ("pod-failure", [engine_pod(uid="new", is_ready=False)], "1 ready"),
    ],
)
def test_pods_are_back_only_when_they_are_new_and_ready(
    made: Made, action: str, pods: list[Any], missing: str
) -> None:
    """A pod goes on looking ready for a while after it was hit."""
    world = made(ScriptedCluster.of(router_pod(), *pods))
    fault = active(world.run, body=pod_fault(action, duration="5s"), targets=[A_WAS])

    assert healing._not_back(world.run, fault) == missing


# -- residue ------------------------------------------------------------------------------------


def test_residue_is_looked_for_wherever_the_faults_reached(made: Made) -> None:
    """The run's own namespace, and those that its faults named."""
    world = made(cuttable(), namespace="elsewhere")
    world.run.ledger.record({"fault": {**Fault.of(pod_fault("x")).to_json(), "namespaces": ["c"]}})

    found = healing.residue_of(world.run)

    asked = {call.split()[2] for call in world.cluster.verbs("list")}
    assert asked == {"c", "elsewhere", "kvchaos"}
    why = f"rules of kvchaos/{CUT} in the pod"
    left = [f"podnetworkchaos/{pod} in kvchaos: {why}" for pod in ("a", "b")]
    assert found == {"clean": False, "left": left}


def test_a_run_without_faults_left_nothing(made: Made) -> None:
    """Clean, and it was looked for."""
    world = made()
    world.router.down = silent_router()

    assert healing.residue_of(world.run) == {"clean": True, "left": []}
    assert world.cluster.verbs("list")
