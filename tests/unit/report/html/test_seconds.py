"""The load, second by second."""

from __future__ import annotations

from typing import Any

from kvchaos.report.html.seconds import Second, gathered, seconds
from tests.builders import event


def load(start: float, **fields: Any) -> dict[str, Any]:
    """A second of load."""
    told = {"sent": 10, "ok": 9, "failed": 1, "hit_tokens": 64, "prompt_tokens": 128}
    return event(start + 1, "traffic_second", **{"from": start, "to": start + 1, **told, **fields})


def test_a_second_of_load_is_taken_as_it_is_or_not_at_all() -> None:
    """One without a beginning or with its end before it is none."""
    told = seconds([load(1.0, p50=0.02), load(5.0, to=4.0), load(6.0, **{"from": None})])

    assert told == [Second(1.0, 2.0, ok=9, failed=1, hit=64, prompt=128, p50=0.02, p95=None)]


def test_seconds_are_gathered_with_the_worst_latency() -> None:
    """Counts are sums, latencies the largest."""
    told = seconds([load(at, p50=at / 100, p95=None) for at in range(4)])

    assert gathered(told, 2) == [
        Second(0.0, 2.0, ok=18, failed=2, hit=128, prompt=256, p50=0.01, p95=None),
        Second(2.0, 4.0, ok=18, failed=2, hit=128, prompt=256, p50=0.03, p95=None),
    ]
