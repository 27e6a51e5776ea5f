"""A run's outcome as one JSON object: what the control writes into the journal. Pure.

The one rule guarded here: it is gathered from history and judgement alone, and adds no opinion.
``{"verdict", "status", "exit_code", "headline", "run", "checks", "faults", "recovery", "worst",
"left", "traffic", "streams", "observer", "preflight", "stop", "residue", "unconfirmed", "reap"}``;
times are seconds since the run began, but for ``wall`` and ``ends``.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from kvchaos.report.headline import headline
from kvchaos.verdict.events import (
    Event,
    Events,
    Json,
    injections,
    last,
    of,
    since_first,
    since_last,
)
from kvchaos.verdict.result import Status
from kvchaos.verdict.status import left_behind
from kvchaos.verdict.verdict import Judgement

STAMPS = ("at", "wall", "event")
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading an event that is not of its documented form raises."""

LONGEST_WAY = 5.0  # seconds: what is wrong for longer is no event on its way
NOT_KNOWN: Json = {"engines": {}, "ghosts": [], "unknown": {"index": "it was never looked at"}}


def as_json(events: Events, judgement: Judgement) -> Json:
    """The run, its verdict, each check's answer, and the figures they rest on.

    Never an error: what malformed events do not tell is None or empty.
    """
    record = {
        "verdict": str(judgement.verdict),
        "status": str(judgement.status),
        "exit_code": judgement.exit_code,
        "headline": "",
        "run": _told(lambda: _run(events), {}),
        "checks": [{**asdict(each), "evidence": list(each.evidence)} for each in judgement.results],
        "faults": _told(lambda: faults(events), []),
        "recovery": _told(lambda: _fields(last(events, "recovery")), None),
        "worst": _told(lambda: worst_sample(events), None),
        "left": _told(lambda: left_wrong(events), NOT_KNOWN),
        "traffic": _told(lambda: [_fields(event) for event in of(events, "traffic")], []),
        "streams": _told(lambda: _counted(of(events, "stream")), {}),
        "observer": _told(lambda: _fields(last(events, "observer")), None),
        "preflight": _told(lambda: _fields(last(events, "preflight")), None),
        "stop": _told(lambda: _stop(events), None),
        **_told(lambda: _residue(events), {"residue": None, "unconfirmed": None}),
        "reap": _reap(events) if judgement.status is Status.RESIDUE else None,
    }
    said = _told(lambda: headline(judgement, record), "")
    return {**record, "headline": said or headline(judgement, {"left": NOT_KNOWN})}


def faults(events: Events) -> list[Json]:
    """Each fault of the run with what became of it, in the order of their injection."""
    tried = [event for event in events if event["event"] in ("fault_injected", "fault_failed")]
    told = (told for _, told in injections(events))
    return [_fault(each, next(told) if each["event"] == "fault_injected" else ()) for each in tried]


def left_wrong(events: Events) -> Json:
    """What was wrong or unknown at the end: of the last recovery, or since it of the last sample.

    What came up only at the very end, after the hypothesis was met, was an event on its way.
    ``{"engines": {"pod/rank": {"missing", "phantom"}}, "ghosts": [pod], "unknown": {who: why}}``.
    """
    recovery, sample = last(events, "recovery"), last(events, "sample")
    told = recovery["left"] if recovery and recovery["agreed"] is not True else sample
    if told is None:
        return NOT_KNOWN
    if recovery is None and of(events, "stop") and of(events, "fault_recovered"):
        return {**NOT_KNOWN, "unknown": {"index": "the run was stopped before it could tell"}}
    if _on_its_way(events):
        return {"engines": {}, "ghosts": [], "unknown": {}}
    wrong = {
        engine: {"missing": count["missing"], "phantom": count["phantom"]}
        for engine, count in told["engines"].items()
        if count["missing"] or count["phantom"]
    }
    return {"engines": wrong, "ghosts": list(told["ghosts"]), "unknown": dict(told["unknown"])}


def _on_its_way(events: Events) -> bool:
    """Whether what the last samples have wrong came too late to be told from a late event."""
    recovery, asked = last(events, "recovery"), last(events, "hypothesis") or {}
    if not recovery or recovery["agreed"] is not True:
        return False
    if asked.get("when") != "after" or asked["met"] is not True:
        return False
    samples = of(since_last(events, "recovery"), "sample")
    wrong = list(takewhile(lambda each: each["agrees"] is False, reversed(samples)))
    return bool(wrong) and wrong[-1]["at"] > events[-1]["at"] - LONGEST_WAY


def worst_sample(events: Events) -> Json | None:
    """The largest difference that was sampled since the first fault, and when; None: no sample."""
    samples = of(since_first(events, "fault_injected"), "sample")
    if not samples or not of(events, "fault_injected"):
        return None
    worst = max(samples, key=lambda each: each["missing"] + each["phantom"] + len(each["ghosts"]))
    return {key: worst[key] for key in ("at", "missing", "phantom", "ghosts")}


def _told(gather: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return gather()
    except MALFORMED:
        return otherwise


def _counted(streams: list[Event]) -> dict[str, int]:
    return dict(Counter(event["what"] for event in streams))


def _fault(tried: Event, told: Events) -> Json:
    effects, ends = of(told, "effect"), of(told, "fault_recovered")
    lifted = [_fields(each) or {} for each in of(told, "targets_replaced")]
    confirmed = of(effects, "effect", effect="confirmed")
    effect = ([*effects, *confirmed] or [{}])[-1]
    end = (ends or [{}])[-1]
    return {
        **tried["fault"],
        "duration": tried.get("duration"),
        "targets": list(tried.get("targets", ())),
        "injected": tried.get("injected"),
        "error": tried.get("error"),
        "effect": "not effective" if "error" in tried else effect.get("effect"),
        "effect_at": effect.get("effect_at"),
        "evidence": list(effect.get("evidence") or tried.get("evidence", ())),
        "healed": end.get("healed"),
        "by": end.get("by"),
        "held": end.get("held"),
        "asked": end.get("asked"),
        "forced": bool(end.get("forced")),
        "replaced": [{key: each[key] for key in ("pods", "replaced_at")} for each in lifted],
        "ends": _told(lambda: _ends(tried), None),
    }


def _ends(tried: Event) -> str | None:
    """The wall time at which the fault's duration ends it: it counts from the creation."""
    if tried.get("duration") is None or tried.get("created") is None:
        return None
    left = timedelta(seconds=tried["created"] + tried["duration"] - tried["at"])
    return (datetime.fromisoformat(tried["wall"]) + left).isoformat(timespec="seconds")


def _stop(events: Events) -> Json | None:
    """What ended the run early: the first of those that tried to."""
    stops = of(events, "stop")
    return {key: stops[0][key] for key in ("by", "reason", "at", "wall")} if stops else None


def _residue(events: Events) -> Json:
    """What the newest look that could see found, or None: not known."""
    look = left_behind(events) or last(events, "residue") or {}
    return {"residue": look.get("left"), "unconfirmed": look.get("unconfirmed")}


def _reap(events: Events) -> str:
    """The command that ends what is left, for a shell."""
    run = last(events, "run_started") or {}
    which = ["--run", str(run["run"])] if run.get("run") else ["--all"]
    where = ["--context", str(run["context"])] if run.get("context") else []
    return shlex.join(["kvchaos", "reap", *which, *where])


def _run(events: Events) -> Json:
    end = last(events, "run_ended")
    return {
        **(_fields(last(events, "run_started")) or {}),
        "seconds": events[-1]["at"] if events else 0.0,
        "ended": events[-1]["wall"] if events else None,
        "journal": end["journal"] if end else None,
    }


def _fields(event: Mapping[str, Any] | None) -> Json | None:
    if event is None:
        return None
    return {key: value for key, value in event.items() if key not in STAMPS}
