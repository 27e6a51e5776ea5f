"""The outcome of a run in one sentence, for somebody who knows nothing of its checks. Pure."""

from __future__ import annotations

from kvchaos.report.ending import left_over, refused, stopped
from kvchaos.verdict.events import Json, many
from kvchaos.verdict.result import Result, Status, Verdict
from kvchaos.verdict.times import span
from kvchaos.verdict.verdict import Judgement

UNTESTED = "so nothing was tested"

SENTENCE = {
    ("history", Verdict.UNKNOWN): "Nothing is known",
    ("history in order", Verdict.UNKNOWN): "The run's history cannot be relied on",
    ("not stopped", Verdict.UNKNOWN): "The run was ended early",
    ("run reached its end", Verdict.UNKNOWN): "The run did not come to its end",
    ("steady state before", Verdict.FAIL): "The system was not well before the fault",
    ("steady state before", Verdict.UNKNOWN): "It is not known if the system was well before",
    ("fault landed", Verdict.FAIL): f"The fault did not happen, {UNTESTED}",
    ("fault landed", Verdict.UNKNOWN): f"No fault was seen to happen, {UNTESTED}",
    ("effect observed", Verdict.FAIL): f"The fault had no effect, {UNTESTED}",
    ("effect observed", Verdict.UNKNOWN): "It is not known whether the fault had any effect",
    ("steady state during", Verdict.FAIL): "The system was not well during the method",
    ("fault lasted", Verdict.UNKNOWN): "The fault was not seen to last as it should",
    ("nothing else restarted", Verdict.UNKNOWN): "Something else than the fault happened, too",
    ("no other fault", Verdict.UNKNOWN): "Another run had a fault there, too, or may have had",
    ("steady state during", Verdict.UNKNOWN): "It is not known if the system was well meanwhile",
    ("recovered within budget", Verdict.FAIL): "The router's index did not become right in time",
    ("recovered within budget", Verdict.UNKNOWN): "It is not known if the index became right again",
    ("nothing left", Verdict.FAIL): "The fault left something behind",
    ("steady state after", Verdict.FAIL): "The system was not well after the fault",
    ("steady state after", Verdict.UNKNOWN): "It is not known if the system was well afterwards",
    ("actions succeeded", Verdict.FAIL): "An action failed",
    ("actions succeeded", Verdict.UNKNOWN): "Something that should be done or measured was not",
    ("oracle complete", Verdict.UNKNOWN): "It is not known what all engines published",
    ("observer up and sampled", Verdict.UNKNOWN): "The index could not be watched",
    ("nothing left", Verdict.UNKNOWN): "It is not known whether the fault left something behind",
    ("run reached its end", Verdict.FAIL): "The run failed",
}
"""What explains most stands first: a fault that never landed explains all that follows."""

BEHIND = ", once traffic was stopped: with it, the router is always behind"
BY_EVIDENCE = ("fault landed", "recovered within budget", "oracle complete")
"""Checks whose evidence says more than their reason."""


def headline(judgement: Judgement, record: Json) -> str:
    """What came out of the run, and the reason that explains most of it.

    ``record`` is what ``report.json`` gathered; what it lacks is not told.
    """
    if judgement.status is Status.RESIDUE:
        return f"{left_over(record)} {stopped(record)}".rstrip()
    return stopped(record) or refused(record) or _verdict(judgement, record)


def _verdict(judgement: Judgement, record: Json) -> str:
    if judgement.verdict is Verdict.PASS:
        return f"The router's index became right again{_how_fast(record.get('recovery'))}."
    results = judgement.of(judgement.verdict)
    if not results:
        return "Nothing was checked, so nothing is known."
    first = min(results, key=_rank)
    sentence = SENTENCE.get((first.name, first.verdict), first.name.capitalize())
    return sentence + _detail(first, record["left"]).rstrip(".") + "."


def _rank(result: Result) -> int:
    known = list(SENTENCE)
    key = (result.name, result.verdict)
    return known.index(key) if key in known else len(known)


def _detail(result: Result, left: Json) -> str:
    if UNTESTED in result.why:
        return ""
    if result.name == "recovered within budget" and result.verdict is Verdict.FAIL:
        return f": {_wrong(left) or result.why}"
    if result.name in BY_EVIDENCE and result.evidence:
        return f": {result.evidence[0]}"
    return f": {result.why}"


def _how_fast(recovery: Json | None) -> str:
    since = recovery["after_heal"]["agreed"] if recovery else None
    if recovery is None or since is None:
        return ""
    after = f" {span(since)} after the fault healed"
    return after if recovery.get("quiet") is None else f"{after}{BEHIND}"


def _wrong(left: Json) -> str:
    counts = left["engines"].values()
    missing = sum(count["missing"] for count in counts)
    phantom = sum(count["phantom"] for count in counts)
    parts = [f"{many(missing, 'block')} missing"] if missing else []
    parts += [f"{many(phantom, 'phantom block')}"] if phantom else []
    if parts:
        engines = list(left["engines"])
        parts[-1] += f" on {engines[0] if len(engines) == 1 else f'{len(engines)} engines'}"
    if left["ghosts"]:
        parts.append(many(len(left["ghosts"]), "ghost pod"))
    return ", ".join(parts)
