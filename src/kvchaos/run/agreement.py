"""Whether the index agrees now: the newest look of the sampler, waited for and put in words."""

from __future__ import annotations

from typing import Any

from kvchaos.errors import RouterUnreachable
from kvchaos.run.session import Run
from kvchaos.sampling.sampler import unanswered
from kvchaos.sampling.timeline import Sample

Json = dict[str, Any]


def difference(run: Run, *, settle: float) -> Json:
    """The newest difference, once it is none or ``settle`` seconds passed; see ``probes``."""
    since = run.at()
    samples = run.sampler.wait(last_agrees, since=since, timeout=settle)
    return {**newest_of(samples, since).counts, "waited": round(run.at() - since, 3)}


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


def newest_of(samples: list[Sample], since: float) -> Sample:
    """The last sample, or one that says that there is none since then."""
    return samples[-1] if samples else unanswered(since, since, "no sample was taken")


def last_agrees(samples: list[Sample]) -> bool:
    """Whether the last sample agrees."""
    return bool(samples) and samples[-1].agrees is True
