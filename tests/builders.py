"""Sample histories for tests, as runs write them: ``run_that_recovered()`` and its ill siblings.

Each is a list of events; ``without`` and ``altered`` make the differences that tests are about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

ROUTER = "kvchaos-router-5d9c7b6f4-x2x8q"
ENGINES = (
    "kvchaos-engine-7c6f9d8b5-4kq7z",
    "kvchaos-engine-7c6f9d8b5-9hvwt",
    "kvchaos-engine-7c6f9d8b5-mn2lp",
)
PARTITION = {
    "kind": "NetworkChaos",
    "namespace": "kvchaos",
    "name": "partition-7f3a9c",
    "action": "partition",
    "direction": "both",
}
KILL = {
    "kind": "PodChaos",
    "namespace": "kvchaos",
    "name": "pod-kill-41be02",
    "action": "pod-kill",
    "direction": "to",
}
WRAPPED = "chaoslib.exceptions.ActivityFailed: "

NOBODY_WRONG: Json = {"engines": {}, "ghosts": [], "unknown": {}}


def event(at: float, name: str, /, **fields: Any) -> Json:
    """One event as the history keeps it, ``at`` seconds into a run of 14:03 on a summer day."""
    wall = f"2026-08-08T14:03:{int(at) % 60:02d}.{round(at % 1 * 1000):03d}Z"
    return {"at": at, "wall": wall, "event": name, **fields}


def activity(at: float, name: str, kind: str, phase: str, error: str | None = None) -> Json:
    """An activity that ended; failed when there is an error."""
    return event(
        at,
        "activity",
        name=name,
        type=kind,
        phase=phase,
        outcome="failed" if error else "succeeded",
        error=error,
        took=0.2,
    )


def started(experiment: str = "network-partition") -> Json:
    """The first event of a run in the lab."""
    return event(
        0.0,
        "run_started",
        run="20260808-140300-7f3a9c",
        experiment=f"The router's index survives: {experiment}",
        file=f"experiments/{experiment}.json",
        context="kvchaos-lab",
        namespace="kvchaos",
        router="reference (replay)",
        seed=7,
        version="0.1.0",
    )


def sample(at: float, missing: int = 0, phantom: int = 0, **fields: Any) -> Json:
    """What the index was seen to be at that moment; the second engine is the one that is wrong."""
    engine = f"{ENGINES[1]}/0"
    wrong = {engine: {"missing": missing, "phantom": phantom}} if missing or phantom else {}
    told = {"agrees": not wrong, "ghosts": [], "engines": wrong, "unknown": {}, **fields}
    return event(at, "sample", missing=missing, phantom=phantom, **told)


def blind_sample(at: float, **unknown: str) -> Json:
    """A sample that could not tell."""
    return sample(at, agrees=None, unknown=unknown or {"router": "no answer in 2 s"})


def injected(**fields: Any) -> Json:
    """A partition between router and second engine, ten seconds long."""
    told: Json = {
        "fault": PARTITION,
        "targets": [
            {"pod": ROUTER, "uid": "0b7e", "role": "."},
            {"pod": ENGINES[1], "uid": "91ac", "role": ".Target"},
        ],
        "requested": 3.1,
        "created": 3.16,
        "injected": 3.52,
        "duration": 10.0,
        "evidence": [
            {"source": "records", "holds": True, "text": "Selected and AllInjected are True"},
            {"source": "records", "holds": True, "text": "2 of 2 records are injected"},
        ],
    }
    return event(3.53, "fault_injected", **{**told, **fields})


def effect(**fields: Any) -> Json:
    """The partition's effect, confirmed by all three sources."""
    told: Json = {
        "fault": PARTITION,
        "effect": "confirmed",
        "effect_at": 4.71,
        "evidence": [
            {"source": "records", "holds": True, "text": "2 of 2 records are injected"},
            {"source": "podnetworkchaos", "holds": True, "text": "rules of this fault in 2 pods"},
            {
                "source": "observer",
                "holds": True,
                "text": f"{ENGINES[1]}/0: 16 blocks published, 0 reached the index",
            },
        ],
    }
    return event(4.72, "effect", **{**told, **fields})


def recovered(**fields: Any) -> Json:
    """The partition's end."""
    told: Json = {
        "fault": PARTITION,
        "healed": 13.2,
        "by": "duration",
        "forced": False,
        "held": 9.68,
        "asked": 9.5,
        "residue": [],
    }
    return event(13.3, "fault_recovered", **{**told, **fields})


def recovery(**fields: Any) -> Json:
    """The index agreed 2.35 s after the heal."""
    told: Json = {
        "agreed": True,
        "budget": 30.0,
        "waited": 2.6,
        "samples_needed": 5,
        "resolution": 0.2,
        "flushed": 13.42,
        "timeline": {
            "injected": 3.52,
            "effect": 4.71,
            "healed": 13.2,
            "first_event": 13.94,
            "gap_found": 14.7,
            "replayed": 15.1,
            "agreed": 15.55,
        },
        "after_heal": {
            "injected": -9.68,
            "effect": -8.49,
            "healed": 0.0,
            "first_event": 0.74,
            "gap_found": 1.5,
            "replayed": 1.9,
            "agreed": 2.35,
        },
        "left": NOBODY_WRONG,
    }
    return event(16.4, "recovery", **{**told, **fields})


def traffic(**fields: Any) -> Json:
    """What the seeded requests through the router met; latencies in seconds."""
    told: Json = {
        "sent": 240,
        "ok": 238,
        "failed": 2,
        "hit_tokens": 10_368,
        "prompt_tokens": 15_360,
        "p50": 0.012,
        "p95": 0.031,
        "p99": 0.094,
        "by_pod": dict(zip(ENGINES, (97, 61, 80), strict=True)),
    }
    return event(17.1, "traffic", **{**told, **fields})


def observer(**fields: Any) -> Json:
    """What the observer followed."""
    told: Json = {
        "up": True,
        "sampler_up": True,
        "engines": 3,
        "batches": 412,
        "blocks": 3296,
        "malformed": 0,
        "unknown_events": 0,
        "unmatched_removals": 0,
        "incomplete": {},
    }
    return event(17.4, "observer", **{**told, **fields})


def run_that_recovered() -> list[Json]:
    """A partition of ten seconds; the router replays and agrees 2.35 s after the heal. Pass."""
    wrong = [sample(round(4.7 + 0.5 * n, 2), missing=4 + 4 * n) for n in range(21)]
    return [
        started(),
        sample(1.6),
        activity(2.1, "index-agrees", "probe", "before"),
        event(2.2, "hypothesis", when="before", met=True, failed=[]),
        sample(2.6),
        activity(3.0, "warm-engines", "action", "method"),
        injected(),
        activity(3.55, "cut-router-from-engine", "action", "method"),
        sample(4.2),
        *wrong[:1],
        effect(),
        *wrong[1:18],
        recovered(),
        *wrong[18:],
        sample(15.55),
        sample(16.0),
        recovery(),
        activity(16.5, "index-recovers", "probe", "method"),
        activity(16.7, "index-agrees", "probe", "after"),
        event(16.8, "hypothesis", when="after", met=True, failed=[]),
        sample(17.0),
        traffic(),
        activity(17.2, "recover-fault", "action", "rollbacks"),
        event(17.25, "company", faults=[], looks=34, unanswered=0),
        event(17.3, "residue", left=[], unconfirmed=[]),
        event(17.35, "bystanders", changed=[]),
        observer(),
        event(17.5, "run_ended", journal="completed"),
    ]


def run_that_stayed_wrong() -> list[Json]:
    """The same cut, and a router that does not replay. Fail: 84 blocks missing, one ghost."""
    left = {
        "engines": {f"{ENGINES[1]}/0": {"missing": 84, "phantom": 0}},
        "ghosts": [],
        "unknown": {},
    }
    late = [sample(15.6 + n, missing=84) for n in range(28)]
    healed = {"healed": 13.2, "injected": 3.52, "effect": 4.71}
    nothing = {"first_event": 13.94, "gap_found": None, "replayed": None, "agreed": None}
    after = {"first_event": 0.74, "gap_found": None, "replayed": None, "agreed": None}
    history = altered(
        run_that_recovered(),
        "recovery",
        at=43.6,
        agreed=False,
        waited=30.1,
        timeline={**healed, **nothing},
        after_heal={"injected": -9.68, "effect": -8.49, "healed": 0.0, **after},
        left=left,
    )
    history = altered(history, "run_started", router="reference (none)")
    history = altered(history, "traffic", hit_tokens=7_120)
    history[-13:-13] = late
    history = [
        each
        for each in history
        if each["event"] != "sample" or not each["agrees"] or each["at"] < 5
    ]
    failed = event(44.0, "hypothesis", when="after", met=False, failed=["index-agrees"])
    return in_order(
        failed if each["event"] == "hypothesis" and each["when"] == "after" else each
        for each in history
    )


def run_whose_fault_never_landed() -> list[Json]:
    """A delay on a kernel that cannot do it: the action fails, nothing was tested. Fail."""
    error = (
        "not injected after 30 s: wanted AllInjected=True, saw AllInjected=False, Selected=True, "
        f"'unable to set tcs for pod kvchaos/{ENGINES[1]}'; see: kubectl describe networkchaos"
    )
    failed = event(33.2, "fault_failed", fault=PARTITION, error=error)
    gone = ("fault_injected", "effect", "fault_recovered", "recovery", "traffic")
    history = [each for each in run_that_recovered() if each["event"] not in gone]
    history = [each for each in history if each["event"] != "sample" or each["agrees"]]
    raised = f"{WRAPPED}kvchaos.errors.FaultNotInjected: {error}"
    action = activity(
        33.3,
        "cut-router-from-engine",
        "action",
        "method",
        raised,
    )
    history.insert(6, failed)
    return in_order(action if each.get("name") == action["name"] else each for each in history)


def run_with_router_unreachable() -> list[Json]:
    """The router stops answering during the run. Unknown: nobody can say what its index holds."""
    why = {"router": f"RouterUnreachable: GET /index of {ROUTER}: no answer in 2 s"}
    blind = [blind_sample(5.0 + n, **why) for n in range(40)]
    history = altered(
        run_that_recovered(),
        "recovery",
        at=44.0,
        agreed=None,
        waited=30.0,
        timeline=dict.fromkeys(recovery()["timeline"]) | {"injected": 3.52, "healed": 13.2},
        after_heal=dict.fromkeys(recovery()["timeline"]) | {"injected": -9.68, "healed": 0.0},
        left={"engines": {}, "ghosts": [], "unknown": why},
    )
    seen = [each for each in history if each["event"] != "sample" or each["at"] < 4]
    error = f"{WRAPPED}kvchaos.errors.RouterUnreachable: GET /index of {ROUTER}: no answer in 2 s"
    probe = activity(44.5, "index-agrees", "probe", "after", error)
    unmet = event(44.6, "hypothesis", when="after", met=False, failed=["index-agrees"])
    told = [probe if _is(each, "index-agrees", "after") else each for each in seen]
    later = in_order(
        unmet if each["event"] == "hypothesis" and each["when"] == "after" else each
        for each in told
    )
    return sorted([*blind, *later], key=lambda each: float(each["at"]))


def run_with_observer_incomplete() -> list[Json]:
    """All agrees, but one engine's stream was not seen from its beginning. Unknown."""
    engine = f"{ENGINES[2]}/0"
    reason = "replay from 0 began at 1880: the engine's buffer is shorter than its history"
    return altered(run_that_recovered(), "observer", incomplete={engine: reason})


def run_with_a_pod_killed() -> list[Json]:
    """An engine is killed; its ghost stays in the index until 2.35 s after the new one. Pass."""
    target = {"pod": ENGINES[1], "uid": "91ac", "role": ".", "container": ""}
    gone = {"agrees": False, "ghosts": [ENGINES[1]], "engines": {}, "missing": 0}
    effects = [
        {"source": "records", "holds": True, "text": "1 of 1 records is injected"},
        {"source": "pod", "holds": True, "text": f"{ENGINES[1]} (uid 91ac) is gone"},
        {"source": "observer", "holds": True, "text": f"the stream of {ENGINES[1]}/0 ended"},
    ]
    history = altered(run_that_recovered(), "fault_injected", targets=[target], duration=None)
    history = altered(history, "fault_recovered", by="one-shot", held=None, asked=None)
    history = altered(history, "effect", evidence=effects)
    history = altered(history, "run_started", experiment="The router's index survives: pod-kill")
    history = [{**each, **gone} if each.get("agrees") is False else each for each in history]
    return [{**each, "fault": KILL} if "fault" in each else each for each in history]


def in_order(events: Iterable[Json]) -> list[Json]:
    """The events, none before the one that it follows."""
    ordered: list[Json] = []
    for each in events:
        at = max(each["at"], ordered[-1]["at"] if ordered else 0.0)
        ordered.append({**each, **({} if at == each["at"] else event(at, each["event"]))})
    return ordered


def without(events: list[Json], name: str) -> list[Json]:
    """The history as if nobody had written events of that name."""
    return [each for each in events if each["event"] != name]


def altered(events: list[Json], name: str, /, **fields: Any) -> list[Json]:
    """The history with these fields in every event of that name."""
    return [{**each, **fields} if each["event"] == name else each for each in events]


def _is(each: Json, name: str, phase: str) -> bool:
    return each.get("name") == name and each.get("phase") == phase


def stop(at: float = 9.2, by: str = "signal", reason: str = "SIGTERM") -> Json:
    """What ended the run early."""
    return event(at, "stop", by=by, reason=reason)


def run_that_was_aborted() -> list[Json]:
    """Somebody sent SIGTERM in mid-partition; the fault was ended 0.4 s later. Aborted."""
    ended = recovered(healed=9.6, by="deletion", held=6.08, asked=None)
    return [
        *(each for each in run_that_recovered() if each["at"] < 9.2),
        stop(),
        {**ended, **event(9.61, "fault_recovered")},
        event(9.9, "company", faults=[], looks=19, unanswered=0),
        event(10.0, "residue", left=[], unconfirmed=[]),
        event(10.05, "bystanders", changed=[]),
        {**observer(), **event(10.1, "observer")},
        event(10.2, "run_ended", journal="interrupted"),
    ]


def run_that_left_residue() -> list[Json]:
    """Chaos Mesh's daemon went away: the object hangs on its finalizer, the rules stay. Residue."""
    held = "deletion held by chaos-mesh/records: cannot find daemonIP on node worker-2"
    left = [
        f"networkchaos/{PARTITION['name']} in kvchaos: {held}",
        f"podnetworkchaos/{ENGINES[1]} in kvchaos: rules of kvchaos/{PARTITION['name']} in the pod",
    ]
    stuck = f"{WRAPPED}kvchaos.errors.FaultNotRecovered: networkchaos/{PARTITION['name']}: {held}"
    history = altered(run_that_recovered(), "residue", left=left)
    history = without(without(history, "fault_recovered"), "recovery")
    failed = activity(17.2, "recover-fault", "action", "rollbacks", stuck)
    return [failed if _is(each, "recover-fault", "rollbacks") else each for each in history]


def run_whose_api_went_away() -> list[Json]:
    """Stopped by a hold while the API was away: nobody knows whether the cut ended. Residue."""
    label = f"networkchaos/{PARTITION['name']} in kvchaos"
    open_end = f"{label}, which its own duration ends 60 s after it was created"
    return [
        *altered(run_that_was_aborted()[:-6], "fault_injected", duration=60.0)[:-1],
        stop(by="hold", reason="database migration, by alice"),
        event(39.9, "residue", left=None, unconfirmed=[open_end]),
        {**observer(), **event(40.0, "observer")},
        event(40.1, "run_ended", journal="interrupted"),
    ]


def run_that_preflight_refused() -> list[Json]:
    """Two things were wrong with the cluster: nothing was touched. Unknown."""
    findings = [
        {
            "refusal": "no target",
            "text": "fault 'cut one engine off': no pod has model.aibrix.ai/kv-events-enabled=true",
            "look": "kubectl get pods -n kvchaos -l model.aibrix.ai/kv-events-enabled=true",
        },
        {
            "refusal": "hold",
            "text": "a hold is on: database migration, by alice, since 2026-08-08T13:10:00Z",
            "look": "kubectl get configmap kvchaos-hold -n kvchaos -o yaml",
        },
    ]
    found = event(0.4, "preflight", targets=[], findings=findings, notes=[])
    return [started(), found]


def run_that_did_not_start() -> list[Json]:
    """Something else than the preflight kept it from starting: no fault was sent. Unknown."""
    why = "the engines' events cannot be followed: saw pod-a/0: no answer"
    looked = event(0.4, "preflight", targets=[], findings=[], notes=[])
    return [started(), looked, event(9.0, "run_ended", journal="not started", why=why)]


def run_whose_fault_ended_early() -> list[Json]:
    """Asked to stand 10 s, the cut was over after 4.2 s, and a target was a new pod. Unknown."""
    replaced = event(6.62, "targets_replaced", fault=PARTITION, pods=[ENGINES[1]], replaced_at=6.62)
    history = altered(
        run_that_recovered(), "fault_recovered", healed=7.72, held=4.2, asked=10.0, by="duration"
    )
    moments = {**recovery()["timeline"], "healed": 7.72}
    history = altered(history, "recovery", timeline=moments)
    return sorted([*history, replaced], key=lambda each: float(each["at"]))


def run_with_a_deviation_that_healed() -> list[Json]:
    """A continuous hypothesis was not met in mid-run, and was at its end. Fail."""
    probe = activity(8.0, "every engine is ready", "probe", "method")
    asked = [
        {**probe, **event(6.0, "activity")},
        event(6.0, "hypothesis", when="during", met=True, failed=[]),
        probe,
        event(8.0, "hypothesis", when="during", met=False, failed=["every engine is ready"]),
    ]
    return sorted([*run_that_recovered(), *asked], key=lambda each: float(each["at"]))
