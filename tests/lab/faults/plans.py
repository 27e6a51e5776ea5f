"""What goes wrong around a run, by plan and by seed: its API server, Chaos Mesh, the lab's pods."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from signal import SIGKILL, SIGSTOP
from typing import Any

from tests.lab.faults import struck
from tests.lab.faults.deeds import PASSED, Asked, Deed
from tests.lab.faults.struck import Act

Json = dict[str, Any]

NEVER = (1e9, 1e9)
EVERY_TIME = 10**9

CONFLICT = Deed(passed=False, status=409, reason="Conflict")
TAKEN = Deed(passed=False, status=409, reason="AlreadyExists")
BUSY = Deed(passed=False, status=429, reason="TooManyRequests", headers={"Retry-After": "1"})
BROKEN = Deed(passed=False, status=500, reason="InternalError")
DOWN = Deed(passed=False, status=503, reason="ServiceUnavailable")
DENIED = Deed(passed=False, status=403, reason="Forbidden")
SILENT = Deed(passed=False, held=True)
CUT = Deed(passed=False, cut=True)
DONE_BUT_500 = Deed(status=500, reason="InternalError")
DONE_BUT_504 = Deed(status=504, reason="Timeout")
DONE_BUT_CUT = Deed(cut=True)
DONE_BUT_SILENT = Deed(held=True)
GARBLED = Deed(body=lambda body: body[: len(body) // 2])
NOT_DONE = Deed(passed=False, status=200, reason="")


def shown(change: Callable[[Json], object]) -> Deed:
    """A fault is shown otherwise than it is."""

    def rewritten(body: bytes) -> bytes:
        content = json.loads(body)
        if content.get("kind") == "NetworkChaos" and content.get("status"):
            change(content["status"])
        return json.dumps(content).encode()

    return Deed(body=rewritten)


def _lacks(status: Json, records: slice) -> None:
    """These of the records, and so the whole, are not injected."""
    for record in status.get("experiment", {}).get("containerRecords", [])[records]:
        record.update(phase="Not Injected", injectedCount=0)
    for condition in status.get("conditions", []):
        if condition["type"] == "AllInjected":
            condition["status"] = "False"


NOTHING_INJECTED = shown(lambda status: _lacks(status, slice(None)))
HALF_INJECTED = shown(lambda status: _lacks(status, slice(-1, None)))
DELAY: Json = {
    "template": "network-delay",
    "values": {
        "namespace": "kvchaos",
        "source": "${engine_selector}",
        "target": "${router_selector}",
        "mode": "one",
        "direction": "both",
        "duration": "30s",
        "latency": "100ms",
        "jitter": "0ms",
        "correlation": "0",
    },
}

Decide = Callable[[Asked], Deed]
Rule = tuple[Callable[[Asked], bool], Deed, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to fail. ``rules``: who, what, how often; ``share``: random deeds, how likely each.

    ``gone``: seconds after the fault's creation when the server goes away and when it is back;
    ``act``: what is done to the lab once the cut has stood for a moment; ``fault``: arguments of
    ``inject_fault`` in place of the partition's. ``never`` a pass: what it takes away is something
    that a pass needs.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    share: Mapping[str, tuple[Deed, float]] = field(default_factory=dict)
    gone: tuple[float, float] = NEVER
    act: Act | None = None
    fault: Json = field(default_factory=dict)
    never: bool = False
    quick: bool = False

    def decide(self, seed: int) -> Decide:
        """The plan in action: counts what it did, draws from the seed."""
        rng = random.Random(seed)
        counts = [times for _, _, times in self.rules]

        def decided(asked: Asked) -> Deed:
            for number, (who, deed, _) in enumerate(self.rules):
                if counts[number] and who(asked):
                    counts[number] -= 1
                    return deed
            for deed, likely in self.share.values():
                if not asked.is_stream and rng.random() < likely:
                    return deed
            return PASSED

        return decided


def _create(asked: Asked) -> bool:
    return asked.is_create


def _rehearsal(asked: Asked) -> bool:
    return asked.is_rehearsal


def _delete(asked: Asked) -> bool:
    return asked.is_delete


def _watch(asked: Asked) -> bool:
    return asked.is_watch


def _forward(asked: Asked) -> bool:
    return asked.is_forward


def _forward_later(asked: Asked) -> bool:
    return asked.is_forward and asked.since is not None


def _rules(asked: Asked) -> bool:
    return asked.method == "GET" and asked.path.endswith("/podnetworkchaos") and not asked.is_watch


def _read_of_fault(asked: Asked) -> bool:
    return asked.method == "GET" and "/networkchaos/" in asked.path


PLANS = (
    Plan("gone in mid-fault, for good", gone=(0.8, 1e9), never=True),
    Plan("409 Conflict to the create", ((_create, CONFLICT, EVERY_TIME),), never=True, quick=True),
    Plan("409 AlreadyExists to the create", ((_create, TAKEN, EVERY_TIME),), never=True),
    Plan("429 to the create, twice", ((_create, BUSY, 2),)),
    Plan("429 to every fifth request", share={"busy": (BUSY, 0.2)}),
    Plan("500 to every tenth request", share={"broken": (BROKEN, 0.1)}),
    Plan("503 to every tenth request", share={"down": (DOWN, 0.1)}),
    Plan("500 to the create", ((_create, BROKEN, EVERY_TIME),), never=True),
    Plan("403 to the create", ((_create, DENIED, EVERY_TIME),), never=True),
    Plan("rehearsal held", ((_rehearsal, SILENT, EVERY_TIME),), never=True),
    Plan("create held, not done", ((_create, SILENT, 1),)),
    Plan("create done, answered 500", ((_create, DONE_BUT_500, 1),), quick=True),
    Plan("create done, answered 504", ((_create, DONE_BUT_504, 1),)),
    Plan("create done, answer lost", ((_create, DONE_BUT_CUT, 1),), quick=True),
    Plan("create done, answer held", ((_create, DONE_BUT_SILENT, 1),)),
    Plan("create done, answer garbled", ((_create, GARBLED, 1),)),
    Plan("fault's reads answered 500", ((_read_of_fault, BROKEN, EVERY_TIME),), never=True),
    Plan("fault's reads garbled", ((_read_of_fault, GARBLED, EVERY_TIME),), never=True),
    Plan("delete answered 500, once", ((_delete, BROKEN, 1),)),
    Plan("delete done, answer lost", ((_delete, DONE_BUT_CUT, 1),)),
    Plan("delete answered 500, always", ((_delete, BROKEN, EVERY_TIME),), never=True),
    Plan("delete answered 409, always", ((_delete, CONFLICT, EVERY_TIME),), never=True),
    Plan("delete forbidden", ((_delete, DENIED, EVERY_TIME),), never=True),
    Plan("delete said to be done, not done", ((_delete, NOT_DONE, EVERY_TIME),), never=True),
    Plan("delete held, always", ((_delete, SILENT, EVERY_TIME),), never=True),
    Plan("rules in pods not told", ((_rules, BROKEN, EVERY_TIME),), never=True),
    Plan("rules in pods garbled", ((_rules, GARBLED, EVERY_TIME),), never=True),
    Plan("every watch ends after 0.3 s", ((_watch, Deed(lasts=0.3), EVERY_TIME),)),
    Plan("every watch refused", ((_watch, BROKEN, EVERY_TIME),)),
    Plan("every port-forward cut after 1 s", ((_forward, Deed(lasts=1.0), EVERY_TIME),)),
    Plan("no port-forward from the fault on", ((_forward_later, CUT, EVERY_TIME),)),
    Plan("gone for 3 s in mid-fault", gone=(0.5, 3.5), quick=True),
    Plan("gone for 12 s in mid-fault", gone=(0.8, 12.8)),
    Plan("gone right after the create", gone=(0.0, 4.0)),
    Plan("broken JSON to every tenth", share={"garbled": (GARBLED, 0.1)}),
    Plan(
        "a bit of everything",
        share={
            "busy": (BUSY, 0.03),
            "broken": (BROKEN, 0.03),
            "down": (DOWN, 0.03),
            "cut": (CUT, 0.03),
            "lost": (DONE_BUT_CUT, 0.03),
            "garbled": (GARBLED, 0.01),
            "silent": (SILENT, 0.005),
        },
    ),
    Plan("mesh injects nothing", ((_read_of_fault, NOTHING_INJECTED, EVERY_TIME),), never=True),
    Plan("mesh injects half", ((_read_of_fault, HALF_INJECTED, EVERY_TIME),), never=True),
    Plan("mesh fails at a delay, and holds it", fault=DELAY, never=True),
    Plan("router killed in mid-fault", act=struck.router(SIGKILL), never=True),
    Plan("router halted in mid-fault", act=struck.router(SIGSTOP), never=True),
    Plan("engine killed in mid-fault", act=struck.engine(SIGKILL), never=True),
    Plan("engine halted in mid-fault", act=struck.engine(SIGSTOP), never=True),
    Plan("engine replaced in mid-fault", act=struck.replace_engine, never=True),
)
