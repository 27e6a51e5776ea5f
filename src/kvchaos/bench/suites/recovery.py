"""How far the measured moment of a recovery is from when the router's index really became right.

In a lab of its own: the link between one engine and the router is cut and healed, over and over,
by the very code of a run; the engine publishes meanwhile. The truth is told by the router itself
(``kvchaos.bench.witness``), by the machine's monotonic clock: when it had applied the last batch
that was published under the cut. Counted from the heal at the earliest, as a recovery is. A sample
is twenty recoveries, and its p99 therefore the worst of them. Beside it stands for how much of it
the thread that looks was ready to run and had no core: a busy machine's part, or some of it, for
the router and what is on the way to it wait for cores, too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from kvchaos.assets import asset
from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.bench.witness import told
from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.errors import KVChaosError
from kvchaos.index.observed import Observed
from kvchaos.run import faults, healing, recovery, requests
from kvchaos.run.labstart import lab_in
from kvchaos.run.session import Run
from kvchaos.settings import Settings

SCHEDULED = Path("/proc/thread-self/schedstat")
HELD = 1.0
LIMIT = 60.0
TAIL = 2000
RECOVERIES = 20
FIGURES = {
    "error_p50": Figure("ms"),
    "error_p99": Figure("ms", target=20.0),
    "worst_waited": Figure("ms"),
    "after_heal_p50": Figure("ms"),
}
CUT = {
    "source": {"app.kubernetes.io/name": "kvchaos-engine"},
    "target": {"app.kubernetes.io/name": "kvchaos-router"},
    "mode": "one",
    "direction": "both",
    "duration": "60s",
    "namespace": "kvchaos",
}
WITNESS = {
    "apiVersion": "kustomize.config.k8s.io/v1beta1",
    "kind": "Kustomization",
    "patches": [
        {
            "target": {"kind": "Deployment", "name": "kvchaos-router"},
            "patch": json.dumps(
                [
                    {
                        "op": "replace",
                        "path": "/spec/template/spec/containers/0/command",
                        "value": ["python3", "-m", "kvchaos.bench.witness"],
                    }
                ]
            ),
        }
    ],
}


@benchmark("recovery", figures=FIGURES, samples=5, slow=True, lab=True, timeout=240)
def errors(bench: Bench) -> Iterator[dict[str, float]]:
    """Cut an engine's link, heal it, and compare the moment that is told with the true one."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="kvchaos-bench-")))
        opened.enter_context(lab(folder))
        run = opened.enter_context(running(folder, bench.seed))
        looks = Looks(run)
        while True:
            found = sorted(recovered(run, looks) for _ in range(RECOVERIES))
            wrong, waited, after = zip(*found, strict=True)
            yield {
                "error_p50": median(wrong),
                "error_p99": wrong[-1],
                "worst_waited": waited[-1],
                "after_heal_p50": median(after),
            }


class Looks:
    """When the router's index was asked for, and for how long that thread had waited by then."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._snapshot = run.router.snapshot
        self._seen: list[tuple[float, float]] = []
        setattr(run.router, "snapshot", self._timed)  # noqa: B010  # mypy's word for it

    def _timed(self) -> Observed:
        self._tell()
        try:
            return self._snapshot()
        finally:
            self._tell()

    def _tell(self) -> None:
        self._seen.append((self._run.at(), delayed()))

    def waited(self, since: float, until: float) -> float:
        """Seconds without a core, from the last look before ``since`` on; forgets the rest."""
        before = [delay for at, delay in self._seen if at <= since]
        within = [delay for at, delay in self._seen if at <= until]
        self._seen.clear()
        return within[-1] - before[-1] if before else 0.0


def delayed() -> float:
    """Seconds that this thread was ready to run and did not, so far; 0 where nobody counts it."""
    try:
        _, waited, _ = SCHEDULED.read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return int(waited) / 1e9


@contextmanager
def lab(folder: Path) -> Iterator[None]:
    """A lab whose router has a witness, ended with the block."""
    manifests = folder / "manifests"
    manifests.mkdir()
    overlay = {**WITNESS, "resources": [str(asset("deploy", "overlays", "lab"))]}
    (manifests / "kustomization.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    with lab_in(folder / "lab", "--manifests", str(manifests)):
        yield


@contextmanager
def running(folder: Path, seed: int) -> Iterator[Run]:
    """A run in the lab, whose index agrees."""
    settings = Settings(seed=seed)
    run = Run(settings, run_id="bench", folder=folder / "bench", clock=SystemClock())
    try:
        run.connect(Cluster.connect(settings.kubernetes_context))
        run.observer.start()
        if left := run.observer.wait_ready(LIMIT):
            raise KVChaosError("the lab's engines are not followed", saw=str(left))
        run.sampler.start()
        requests.warm(run, prefixes=2, blocks=4, visible_within=LIMIT)
        yield run
    finally:
        run.close()


def recovered(run: Run, looks: Looks) -> tuple[float, float, float]:
    """One cut and its recovery: ms by which it was told too late or too early, for how many of
    them whoever looks waited for a core, and ms it took.
    """
    faults.inject(run, "network-partition", dict(CUT), timeout=LIMIT)
    fault = run.last_fault()
    (cut,) = [each for each in run.observer.engines() if fault and each.pod in fault.engines()]
    requests.ask_engine(run, cut, 2)
    healing.recover(run, held=HELD, timeout=LIMIT)
    run.flushed = run.at()  # nothing more is published: there is one moment at which it gets right
    answer = recovery.recovered(run, budget=LIMIT, needed=3)
    agreed, healed = answer["timeline"]["agreed"], answer["timeline"]["healed"]
    if not answer["recovered"]:
        raise KVChaosError("the index did not recover", saw=str(answer["left"]))
    applied = _applied(run, cut.label)
    right = max(healed, applied[run.observer.head(cut)])
    waited = looks.waited(right, agreed)
    return abs(agreed - right) * 1e3, waited * 1e3, (agreed - healed) * 1e3


def _applied(run: Run, engine: str) -> dict[Any, float]:
    """When the router had applied each batch of this engine first, in run seconds."""
    log = run.cluster.logs(run.router.pod(), namespace=run.settings.namespace, tail=TAIL)
    found: dict[Any, float] = {}
    for line in told(log):
        if line["witness"] == engine:
            found.setdefault(line["seq"], run.at_of(line["at"]))
    return found
