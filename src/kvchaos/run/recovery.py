"""Whether the index agrees, and how it came to: read from what the sampler sees."""

from __future__ import annotations

from typing import Any

from kvchaos.errors import RouterUnreachable
from kvchaos.run.session import Run
from kvchaos.sampling.sampler import unanswered
from kvchaos.sampling.timeline import Marks, Sample, Timeline, agreed_at, timeline

Json = dict[str, Any]

LONGEST_WAY = (
    5.0  # seconds: what is wrong for longer is no event on its way, however seldom one looks
)


def difference(run: Run, *, settle: float) -> Json:
    """The newest difference, once it is none or ``settle`` seconds passed; see ``probes``."""
    since = run.at()
    samples = run.sampler.wait(_last_agrees, since=since, timeout=settle)
    return {**_newest(samples, since).counts, "waited": round(run.at() - since, 3)}


def wait_for_agreement(run: Run, *, timeout: float) -> float:
    """Seconds until the index agreed; raises ``RouterUnreachable`` when it did not."""
    seen = difference(run, settle=timeout)
    if not seen["agrees"]:
        raise RouterUnreachable(
            "the index does not agree with the engines' events",
            wanted=f"agreement within {timeout:g} s",
            saw=describe(seen),
        )
    return float(seen["waited"])


def recovered(run: Run, *, budget: float, needed: int) -> Json:
    """Wait for agreement after the last fault's heal; returns and records how it went.

    It ends with a look that agrees: under traffic the last one of a row may be followed at once
    by one that catches an event on its way.
    """
    marks = marks_of(run)
    asked, apart = run.at(), min(run.settings.sample_every, LONGEST_WAY)
    since = asked if marks.healed is None else marks.healed
    seen = run.sampler.wait(
        lambda samples: (
            _last_agrees(samples)
            and agreed_at(samples, marks, needed=needed, apart=apart) is not None
        ),
        since=since,
        timeout=max(0.0, since + budget - asked) if marks.judged is not None else 0.0,
    )
    run.sampler.look_at_ease()
    newest = _newest(seen, since)
    looked = [each for each in run.sampler.samples() if each.at <= newest.at]
    moments = timeline(looked, marks, needed=needed, apart=apart)
    run.seen.tell(newest)
    answer = {
        "agreed": _verdict(moments, newest, judged=marks.judged, budget=budget),
        "budget": budget,
        "samples_needed": needed,
        "apart": apart,
        "flushed": marks.judged,
        "resolution": round(moments.resolution, 3),
        "timeline": dict(moments.moments),
        "after_heal": moments.after_heal(),
        "left": {key: newest.counts[key] for key in ("engines", "ghosts", "unknown")},
        "waited": round(run.at() - since, 3),
    }
    run.history.add("recovery", **answer)
    return {"recovered": answer["agreed"], **answer}


def marks_of(run: Run) -> Marks:
    """What is known of the last fault: when it was, whom it hit, when all had published again."""
    fault = run.last_fault()
    if fault is None:
        return Marks()
    flushed = run.flushed
    after = fault.healed is not None and flushed is not None and flushed >= fault.healed
    return Marks(
        injected=fault.at,
        effect=fault.effect,
        healed=fault.healed,
        judged=flushed if after else None,
        pods=fault.engines() or None,
    )


def describe(seen: Json) -> str:
    """A difference in a few words: who misses or has how many blocks too many."""
    parts = [
        f"{engine}: {counts['missing']} missing, {counts['phantom']} phantom"
        for engine, counts in seen["engines"].items()
        if counts["missing"] or counts["phantom"]
    ]
    parts += [f"{pod}: a ghost" for pod in seen["ghosts"]]
    parts += [f"{name}: unknown ({why})" for name, why in seen["unknown"].items()]
    return "; ".join(parts) or "agreement"


def _verdict(
    moments: Timeline, newest: Sample, *, judged: float | None, budget: float
) -> bool | None:
    """Whether the index recovered in time; None without a heal, a flush or an answer."""
    agreed, healed = moments.moments["agreed"], moments.moments["healed"]
    if healed is None or judged is None:
        return None
    if agreed is not None:
        return agreed - healed <= budget
    return None if newest.agrees is None else False


def _newest(samples: list[Sample], since: float) -> Sample:
    return samples[-1] if samples else unanswered(since, since, "no sample was taken")


def _last_agrees(samples: list[Sample]) -> bool:
    return bool(samples) and samples[-1].agrees is True
