"""That nothing is lost says something only at the rate that is told."""

from __future__ import annotations

import pytest

from kvchaos.bench.catalogue import catalogue
from kvchaos.bench.suites.engines import at_rate
from kvchaos.errors import KVChaosError


def found(rate: float) -> dict[str, float]:
    return {"rate": rate, "lost": 0, "gaps": 0, "share": 0.5, "ready": 1.0}


def test_engines_that_publish_too_slowly_give_no_figure() -> None:
    """To lose nothing of what was never sent is no merit."""
    with pytest.raises(KVChaosError) as caught:
        at_rate(found(4700), 1000)

    assert str(caught.value) == (
        "the benchmark's engines are too slow for this machine: "
        "wanted at least 95% of 5000 batches/s, saw 4700 batches/s"
    )


def test_the_rate_is_told_beside_what_was_lost() -> None:
    """With a target of its own, the same below which there is no figure."""
    benchmarks, _ = catalogue()

    targets = {each: benchmarks[f"engines.{each}"].figures["rate"].target for each in (100, 1000)}

    assert at_rate(found(4760), 1000) == found(4760)
    assert targets == {100: 475, 1000: 4750}
