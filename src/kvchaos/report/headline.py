"""The outcome of a run in one sentence, for somebody who knows nothing of its checks. Pure."""

from __future__ import annotations

from kvchaos.verdict.events import Json, many
from kvchaos.verdict.result import Result, Verdict
from kvchaos.verdict.verdict import Judgement

CAUSES = (
    "fault landed",
    "effect observed",
    "steady state before",
    "recovered within budget",
    "oracle complete",
    "observer up and sampled",
)
"""What explains most comes first: a fault that never landed explains all that follows."""

SENTENCE = {
    ("fault landed", Verdict.FAIL): "The fault did not happen, so nothing was tested",
    ("fault landed", Verdict.UNKNOWN): "No fault was seen to happen, so nothing was tested",
    ("effect observed", Verdict.FAIL): "The fault had no effect, so nothing was tested",
    ("effect observed", Verdict.UNKNOWN): "It is not known whether the fault had any effect",
    ("steady state before", Verdict.FAIL): "The system was not well before the fault",
    ("steady state before", Verdict.UNKNOWN): "It is not known if the system was well before",
    ("recovered within budget", Verdict.FAIL): "The router's index did not become right in time",
    ("recovered within budget", Verdict.UNKNOWN): "It is not known if the index became right again",
    ("oracle complete", Verdict.UNKNOWN): "It is not known what all engines published",
    ("observer up and sampled", Verdict.UNKNOWN): "The index could not be watched",
}


def headline(judgement: Judgement, *, recovery: Json | None, left: Json) -> str:
    """What came out of the run, and the reason that explains most of it."""
    if judgement.verdict is Verdict.PASS:
        return f"The router's index became right again{_how_fast(recovery)}."
    results = judgement.of(judgement.verdict)
    if not results:
        return "Nothing was checked, so nothing is known."
    first = min(results, key=_rank)
    sentence = SENTENCE.get((first.name, first.verdict), f"Not well: {first.name}")
    wrong = first.name == "recovered within budget" and first.verdict is Verdict.FAIL
    return f"{sentence}: {(wrong and _wrong(left)) or first.why}."


def _rank(result: Result) -> int:
    return CAUSES.index(result.name) if result.name in CAUSES else len(CAUSES)


def _how_fast(recovery: Json | None) -> str:
    since = recovery["after_heal"]["agreed"] if recovery else None
    return "" if since is None else f" {since:.2f} s after the fault ended"


def _wrong(left: Json) -> str:
    counts = left["engines"].values()
    parts = [
        f"{many(total, 'block')} {kind}"
        for kind in ("missing", "phantom")
        if (total := sum(count[kind] for count in counts))
    ]
    if parts:
        parts[-1] += f" on {many(len(counts), 'engine')}"
    if left["ghosts"]:
        parts.append(many(len(left["ghosts"]), "ghost pod"))
    return ", ".join(parts)
