"""``/metrics`` with vLLM's names and labels, read from the schedulers when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from kvchaos.sim.engine.scheduler import Scheduler

_Read = Callable[[Scheduler], float]

GAUGES: dict[str, tuple[str, _Read]] = {
    "vllm:num_requests_running": ("Requests in the running batch.", lambda s: len(s.running)),
    "vllm:num_requests_waiting": ("Requests waiting to be admitted.", lambda s: len(s.waiting)),
    "vllm:kv_cache_usage_perc": ("Part of the KV cache in use, 0 to 1.", lambda s: s.pool.usage()),
}
COUNTERS: dict[str, tuple[str, _Read]] = {
    "vllm:prefix_cache_queries": ("Tokens looked up in the cache.", lambda s: s.counts.queries),
    "vllm:prefix_cache_hits": ("Tokens found in the cache.", lambda s: s.counts.hits),
    "vllm:prompt_tokens": ("Prompt tokens processed.", lambda s: s.counts.prompt),
    "vllm:generation_tokens": ("Tokens generated.", lambda s: s.counts.generated),
}


class _EngineCollector(Collector):
    def __init__(self, schedulers: Sequence[Scheduler], *, model: str) -> None:
        self._schedulers = schedulers
        self._model = model

    def collect(self) -> Iterator[Metric]:
        for name, (text, read) in GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=("model_name", "engine"))
            yield self._fill(gauge, read)
        for name, (text, read) in COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=("model_name", "engine"))
            yield self._fill(counter, read)
        yield self._finished()
        yield self._cache()

    def _fill(self, family: GaugeMetricFamily | CounterMetricFamily, read: _Read) -> Metric:
        for rank, scheduler in enumerate(self._schedulers):
            family.add_metric((self._model, str(rank)), read(scheduler))
        return family

    def _finished(self) -> Metric:
        labels = ("model_name", "engine", "finished_reason")
        family = CounterMetricFamily("vllm:request_success", "Finished requests.", labels=labels)
        for rank, scheduler in enumerate(self._schedulers):
            labelled = (self._model, str(rank), "length")
            family.add_metric(labelled, scheduler.counts.finished_requests)
        return family

    def _cache(self) -> Metric:
        labels = ("block_size", "engine", "num_gpu_blocks")
        family = GaugeMetricFamily("vllm:cache_config_info", "The cache's size.", labels=labels)
        for rank, scheduler in enumerate(self._schedulers):
            shape = (str(scheduler.block_size), str(rank), str(scheduler.pool.size))
            family.add_metric(shape, 1)
        return family


def exposition(schedulers: Iterable[Scheduler], *, model: str) -> bytes:
    """The text format of Prometheus for one engine's ranks."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_EngineCollector(tuple(schedulers), model=model))
    return generate_latest(registry)
