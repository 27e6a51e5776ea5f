"""The reference router's ``/metrics``: ``kvchaos_router_*``, read from the feeds when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

View = tuple[dict[str, Any], int]
_Read = Callable[[dict[str, Any]], float]


def _blocks(view: dict[str, Any]) -> int:
    return sum(len(place["hashes"]) for place in view["blocks"])


GAUGES: dict[str, tuple[str, _Read]] = {
    "connected": ("Whether the event link is up.", lambda view: view["connected"]),
    "blocks": ("Blocks in the index.", _blocks),
    "lost_batches": ("Batches missing under the index.", lambda view: view["lost"]),
    "last_seq": (
        "Last applied batch, -1: none.",
        lambda view: -1 if (s := view["seq"]) is None else s,
    ),
}
COUNTERS: dict[str, tuple[str, _Read]] = {
    "gaps": ("Jumps of the sequence.", lambda view: view["gaps"]),
    "replays": ("Replays applied.", lambda view: view["replays"]),
    "restarts": ("New epochs of the engine.", lambda view: view["restarts"]),
}


class _RouterCollector(Collector):
    def __init__(self, views: Sequence[View], answers: Mapping[tuple[str, int], int]) -> None:
        self._views = views
        self._answers = answers

    def collect(self) -> Iterator[Metric]:
        for name, (text, read) in GAUGES.items():
            yield self._fill(GaugeMetricFamily(_full(name), text, labels=("pod", "rank")), read)
        for name, (text, read) in COUNTERS.items():
            yield self._fill(CounterMetricFamily(_full(name), text, labels=("pod", "rank")), read)
        yield self._malformed()
        yield self._requests()

    def _fill(self, family: GaugeMetricFamily | CounterMetricFamily, read: _Read) -> Metric:
        for view, _ in self._views:
            family.add_metric((view["pod"], str(view["rank"])), read(view))
        return family

    def _malformed(self) -> Metric:
        text = "Messages that could not be read."
        family = CounterMetricFamily(_full("malformed"), text, labels=("pod", "rank"))
        for view, malformed in self._views:
            family.add_metric((view["pod"], str(view["rank"])), malformed)
        return family

    def _requests(self) -> Metric:
        labels = ("pod", "code")
        family = CounterMetricFamily(_full("requests"), "Requests passed on.", labels=labels)
        for (pod, code), count in self._answers.items():
            family.add_metric((pod, str(code)), count)
        return family


def _full(name: str) -> str:
    return f"kvchaos_router_{name}"


def exposition(views: Sequence[View], answers: Mapping[tuple[str, int], int]) -> bytes:
    """The text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_RouterCollector(views, answers))
    return generate_latest(registry)
