"""How the index came to agree after a fault: read from what the sampler sees."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from kvchaos.index.compare import Difference
from kvchaos.run import traffic
from kvchaos.run.agreement import last_agrees, newest_of
from kvchaos.run.session import Run
from kvchaos.sampling.timeline import Marks, Sample, Timeline, agreed_at, timeline

Json = dict[str, Any]

logger = logging.getLogger(__name__)

LONGEST_WAY = (
    5.0  # seconds: what is wrong for longer is no event on its way, however seldom one looks
)


def recovered(run: Run, *, budget: float, needed: int) -> Json:
    """Wait for agreement after the last fault's heal; returns and records how it went.

    It ends with a look that agrees: under traffic the last one of a row may be followed at once
    by one that catches an event on its way. A router that is merely behind the engines all the
    time never agrees under traffic, so that the traffic is stopped for it; ``quiet`` says when.
    """
    marks = marks_of(run)
    asked, apart = run.at(), min(run.settings.sample_every, LONGEST_WAY)
    since = asked if marks.healed is None else marks.healed

    def is_over(samples: list[Sample]) -> bool:
        agreed = agreed_at(samples, marks, needed=needed, apart=apart)
        return last_agrees(samples) and agreed is not None

    timeout = max(0.0, since + budget - asked) if marks.judged is not None else 0.0
    seen, quiet = _watched(run, is_over, since=since, timeout=timeout)
    run.sampler.look_at_ease()
    newest = newest_of(seen, since)
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
        "quiet": quiet,
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


def _watched(
    run: Run, is_over: Callable[[list[Sample]], bool], *, since: float, timeout: float
) -> tuple[list[Sample], float | None]:
    """The samples once ``is_over``, or after ``timeout`` s, and when the traffic was stopped."""
    deadline, quiet = run.clock.now() + timeout, None
    while True:
        left, held = deadline - run.clock.now(), run.sampler.difference()
        step = left if run.load is None else min(left, LONGEST_WAY)
        seen = run.sampler.wait(is_over, since=since, timeout=step)
        if step == left or is_over(seen) or not run.sampler.is_up:
            return seen, quiet
        if _is_behind(held, run.sampler.difference()):
            quiet = round(run.at(), 3)
            logger.warning("The router is behind the engines all the time: traffic is stopped.")
            traffic.stop(run)


def _is_behind(earlier: Difference, later: Difference) -> bool:
    """Whether all that is wrong is on its way: something else each time, ``LONGEST_WAY`` apart."""
    return earlier.agrees is False and later.agrees is False and not later.meets(earlier)


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
