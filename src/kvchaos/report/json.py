"""A run's outcome as one JSON object: what the control writes into the journal. Pure.

The one rule guarded here: it is gathered from history and judgement alone, and adds no opinion.
``{"verdict", "status", "exit_code", "headline", "run", "checks", "faults", "recovery", "worst",
"left", "traffic", "streams", "observer", "residue"}``; times are seconds since the run began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from kvchaos.report.headline import headline
from kvchaos.verdict.events import Event, Events, Json, injections, last, of, since_first
from kvchaos.verdict.verdict import Judgement

STAMPS = ("at", "wall", "event")
MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""What reading an event that is not of its documented form raises."""

NOT_KNOWN: Json = {"engines": {}, "ghosts": [], "unknown": {"index": "it was never looked at"}}


def as_json(events: Events, judgement: Judgement) -> Json:
    """The run, its verdict, each check's answer, and the figures they rest on.

    Never an error: what malformed events do not tell is None or empty.
    """
    recovery = _told(lambda: _fields(last(events, "recovery")), None)
    left = _told(lambda: left_wrong(events), NOT_KNOWN)
    said = _told(lambda: headline(judgement, recovery=recovery, left=left), "")
    return {
        "verdict": str(judgement.verdict),
        "status": str(judgement.status),
        "exit_code": judgement.exit_code,
        "headline": said or headline(judgement, recovery=None, left=NOT_KNOWN),
        "run": _told(lambda: _run(events), {}),
        "checks": [{**asdict(each), "evidence": list(each.evidence)} for each in judgement.results],
        "faults": _told(lambda: faults(events), []),
        "recovery": recovery,
        "worst": _told(lambda: worst_sample(events), None),
        "left": left,
        "traffic": _told(lambda: [_fields(event) for event in of(events, "traffic")], []),
        "streams": _told(lambda: _counted(of(events, "stream")), {}),
        "observer": _told(lambda: _fields(last(events, "observer")), None),
        "residue": _told(lambda: (last(events, "residue") or {}).get("left"), None),
    }


def faults(events: Events) -> list[Json]:
    """Each fault of the run with what became of it, in the order of their injection."""
    tried = [event for event in events if event["event"] in ("fault_injected", "fault_failed")]
    told = (told for _, told in injections(events))
    return [_fault(each, next(told) if each["event"] == "fault_injected" else ()) for each in tried]


def left_wrong(events: Events) -> Json:
    """What was wrong or unknown at the end: of the last recovery, or since it of the last sample.

    ``{"engines": {"pod/rank": {"missing", "phantom"}}, "ghosts": [pod], "unknown": {who: why}}``.
    """
    recovery, sample = last(events, "recovery"), last(events, "sample")
    told = recovery["left"] if recovery and recovery["agreed"] is not True else sample
    if told is None:
        return NOT_KNOWN
    wrong = {
        engine: {"missing": count["missing"], "phantom": count["phantom"]}
        for engine, count in told["engines"].items()
        if count["missing"] or count["phantom"]
    }
    return {"engines": wrong, "ghosts": list(told["ghosts"]), "unknown": dict(told["unknown"])}


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
    confirmed = of(effects, "effect", effect="confirmed")
    effect = ([*effects, *confirmed] or [{}])[-1]
    end = (ends or [{}])[-1]
    return {
        **tried["fault"],
        "duration": tried.get("duration"),
        "targets": list(tried.get("targets", ())),
        "injected": tried.get("injected"),
        "error": tried.get("error"),
        "effect": effect.get("effect"),
        "effect_at": effect.get("effect_at"),
        "evidence": list(effect.get("evidence") or tried.get("evidence", ())),
        "healed": end.get("healed"),
        "by": end.get("by"),
    }


def _run(events: Events) -> Json:
    end = last(events, "run_ended")
    return {
        **(_fields(last(events, "run_started")) or {}),
        "seconds": events[-1]["at"] if events else 0.0,
        "journal": end["journal"] if end else None,
    }


def _fields(event: Mapping[str, Any] | None) -> Json | None:
    if event is None:
        return None
    return {key: value for key, value in event.items() if key not in STAMPS}
