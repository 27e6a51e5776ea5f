"""Whether the index agrees, and how it came to: read from what the sampler sees."""

from __future__ import annotations

from typing import Any

from kvchaos.errors import RouterUnreachable
from kvchaos.run.sampler import sample_fields
from kvchaos.run.session import Run
from kvchaos.run.timeline import Sample, Timeline, agreed_at, timeline

Json = dict[str, Any]


def difference(run: Run, *, settle: float) -> Json:
    """The newest difference, once it is none or ``settle`` seconds passed; see ``probes``."""
    since = run.at()
    samples = run.sampler.wait(_last_agrees, since=since, timeout=settle)
    newest = samples[-1] if samples else Sample(at=since, reason="no sample was taken")
    return sample_fields(newest) | {"waited": round(run.at() - since, 3)}


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
    """Wait for agreement after the last fault's heal; returns and records how it went."""
    fault = run.last_fault()
    asked = run.at()
    healed = fault.healed if fault and fault.healed is not None else None
    since = asked if healed is None else healed
    judged = run.flushed if run.flushed is not None and run.flushed >= since else asked

    def has_agreed(samples: list[Sample]) -> bool:
        return agreed_at(samples, healed=since, judged=judged, needed=needed) is not None

    run.sampler.wait(has_agreed, since=since, timeout=max(0.0, since + budget - asked))
    samples = run.sampler.samples()
    moments = timeline(
        samples,
        injected=fault.at if fault else None,
        effect=fault.effect if fault else None,
        healed=healed,
        judged=judged,
        needed=needed,
    )
    answer = _answer(moments, samples[-1] if samples else None, budget=budget, needed=needed)
    answer["waited"] = round(run.at() - since, 3)
    run.history.add("recovery", **answer)
    return {"recovered": answer["agreed"], **answer}


def _answer(moments: Timeline, newest: Sample | None, *, budget: float, needed: int) -> Json:
    left = sample_fields(newest or Sample(at=0.0, reason="no sample was taken"))
    return {
        "agreed": _verdict(moments, left["agrees"]),
        "budget": budget,
        "samples_needed": needed,
        "resolution": round(moments.resolution, 3),
        "timeline": {name: _rounded(at) for name, at in moments.moments.items()},
        "after_heal": moments.after_heal(),
        "left": {key: left[key] for key in ("engines", "ghosts", "unknown")},
    }


def _verdict(moments: Timeline, agrees_now: bool | None) -> bool | None:
    """Whether the index recovered; None without a heal to recover from, or without an answer."""
    if moments.moments["agreed"] is not None:
        return True
    return None if moments.moments["healed"] is None or agrees_now is None else False


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


def _last_agrees(samples: list[Sample]) -> bool:
    return bool(samples) and samples[-1].agrees is True


def _rounded(at: float | None) -> float | None:
    return None if at is None else round(at, 3)
