"""A game day as one JSON object: each experiment's runs together, each step, what it cost. Pure.

``{"gameday", "purpose", "owner", "status", "exit_code", "began", "ended", "took", "context",
"namespace", "version", "seed", "stopped", "played", "planned", "cost", "experiments", "steps",
"since", "log"}``; times are RFC 3339 in UTC, lengths seconds, and None is what is not known.

The rule guarded here: nothing is told that no run's record bears out.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from kvchaos.gameday.day import Attempt, Day, Facts, Step
from kvchaos.gameday.ending import BAD
from kvchaos.report.distribution import distribution
from kvchaos.report.together import as_object
from kvchaos.verdict.result import ORDER
from kvchaos.verdict.status import EXIT_CODE

Json = dict[str, Any]
SKIPPED = "skipped"
NOT_PLAYED = "not played"


def summary(day: Day) -> Json:
    """The whole day; ``since`` is for ``since.compared`` to fill."""
    return {
        "gameday": day.plan,
        "purpose": day.purpose,
        "owner": day.owner,
        "status": str(day.status),
        "exit_code": EXIT_CODE[day.status],
        "began": rfc3339(day.began),
        "ended": None if day.ended is None else rfc3339(day.ended),
        "took": round(day.took, 3),
        "context": day.context,
        "namespace": day.namespace,
        "version": day.version,
        "seed": day.seed,
        "stopped": {"by": day.stopped.by, "why": day.stopped.why} if day.stopped else None,
        "planned": len(day.steps),
        "played": sum(step.status is not None for step in day.steps),
        "cost": _cost(day.attempts),
        "experiments": [_experiment(name, day) for name in _names(day)],
        "steps": [_step(step) for step in day.steps],
        "since": None,
        "log": [
            {"at": rfc3339(each.at), "event": each.event, "text": each.text} for each in day.log
        ],
    }


def rfc3339(at: float) -> str:
    """A Unix time as text, in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _names(day: Day) -> list[str]:
    """The experiments in their order, each once."""
    return list(dict.fromkeys(step.play for step in day.steps))


def _experiment(name: str, day: Day) -> Json:
    steps = [step for step in day.steps if step.play == name]
    attempts = [step.last for step in steps if step.last and step.last.status]
    facts = [each.facts for each in attempts]
    ratios = [each.hit_ratio for each in facts if each.hit_ratio is not None]
    missing = [each.missing for each in facts if each.missing is not None]
    shares = [_share([each]) for each in facts]
    statuses = [each.status for each in attempts if each.status]
    return {
        "name": name,
        "planned": len(steps),
        "played": len(attempts),
        "status": str(max(statuses, key=ORDER.index)) if statuses else None,
        "statuses": {str(each): number for each, number in sorted(Counter(statuses).items())},
        "recovery": as_object(
            distribution(each.recovery for each in facts if each.recovery is not None)
        ),
        "missing": max(missing, default=None),
        "hit_ratio": round(fmean(ratios), 4) if ratios else None,
        "failed_share": _share(facts),
        "values": {
            "missing": sorted(missing),
            "hit_ratio": sorted(round(each, 4) for each in ratios),
            "failed_share": sorted(each for each in shares if each is not None),
        },
    }


def _share(facts: list[Facts]) -> float | None:
    """Of the requests of the runs' own traffic, how many failed; None: there were none."""
    sent = sum(each.requests for each in facts)
    return round(sum(each.failed_requests for each in facts) / sent, 4) if sent else None


def _step(step: Step) -> Json:
    last = step.last or Attempt(0.0)
    played = step.status is not None
    return {
        "number": step.number,
        "experiment": step.play,
        "title": step.title,
        "status": str(step.status) if played else SKIPPED if step.skipped else NOT_PLAYED,
        "run": last.run or None,
        "began": rfc3339(last.began) if step.attempts else None,
        "took": None if last.ended is None else round(last.ended - last.began, 3),
        "exit_code": last.exit_code,
        "headline": last.facts.headline,
        "why": last.why,
        "recovery": last.facts.recovery,
        "missing": last.facts.missing,
        "attempts": [
            {"run": each.run or None, "status": each.status and str(each.status), "why": each.why}
            for each in step.attempts
        ],
    }


def _cost(attempts: list[Attempt]) -> Json:
    facts = [each.facts for each in attempts]
    bad = [each for each in attempts if each.status in BAD]
    return {
        "runs": len(attempts),
        "not_passed": len(bad),
        "faults": sum(each.faults for each in facts),
        "fault_time": round(sum(each.fault_time for each in facts), 3),
        "requests": sum(each.requests for each in facts),
        "failed_requests": sum(each.failed_requests for each in facts),
    }
