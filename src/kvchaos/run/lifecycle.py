"""A run's start, from its first check on, and what Chaos Toolkit tells of it while it goes on.

The rule: a run that cannot start, or is stopped while it starts, leaves nothing running, and says
why.
"""

from __future__ import annotations

import logging
import os
import secrets as random_names
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kvchaos.clock import Clock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.config import use_for_others
from kvchaos.cluster.labdir import lab_dir
from kvchaos.ending.stopping import GRACE, Stopping
from kvchaos.errors import ClusterUnreachable, EngineUnreachable, KVChaosError
from kvchaos.experiment import check
from kvchaos.preflight.examine import examine
from kvchaos.preflight.plan import plan
from kvchaos.run import company, conditions, current, holding, pulse, secrecy, unstarted
from kvchaos.run.answers import raised
from kvchaos.run.deciding import cannot_say
from kvchaos.run.finishing import Ending
from kvchaos.run.folder import keep_experiment
from kvchaos.run.labstart import lab_down, lab_up
from kvchaos.run.session import Run
from kvchaos.settings import Settings, settings_from

logger = logging.getLogger(__name__)

Json = dict[str, Any]


def start(
    experiment: Json,
    configuration: Json,
    secrets: Json,
    *,
    clock: Clock,
    stopping: Stopping | None = None,
) -> Run:
    """A run that is connected and observed; raises before anything was touched, or cleans up.

    In this order: check, settings, lab, folder and history, connect, preflight, hold, observer,
    stop conditions. Each step may refuse, and what was made before it is taken apart.
    """
    check(experiment, configuration, secrets, current.beside())
    settings = settings_from(configuration)
    stopping = stopping or Stopping(clock=clock)
    with ExitStack() as undo, uninterrupted_end(stopping):
        own_lab = ensure_cluster(settings)
        if own_lab:
            undo.callback(lab_down, owner=os.getpid())
        run = _new_run(settings, clock=clock, stopping=stopping)
        if own_lab:
            # should the start be given up from another thread
            run.started.callback(lab_down, owner=os.getpid())
        undo.callback(run.close)
        undo.enter_context(unstarted.kept(run, stopping))
        undo.callback(stopping.rest)
        current.opened(run)
        _record_start(run, experiment)
        keep_experiment(run, experiment)
        stopping.watch(Ending(run), grace=min(GRACE, settings.probe_deadline))
        run.connect(connected(settings))
        _preflight(run, experiment, configuration, secrets)
        _heed_hold(run)
        company.watch(run)
        _await_observer(run)
        _take_pulse(run)
        _watch_stop_conditions(run, experiment, configuration, secrets)
        run.deadlines.start()
        stopping.heed()
        stopping.shield()  # until somebody has the run, who is to end it
        run.started = undo.pop_all()
    return run


@contextmanager
def uninterrupted_end(stopping: Stopping) -> Iterator[None]:
    """What undoes a start that failed, or was stopped, is not interrupted."""
    try:
        yield
    except BaseException:
        stopping.shield()
        raise


def _new_run(settings: Settings, *, clock: Clock, stopping: Stopping) -> Run:
    run_id = new_run_id(clock)
    return Run(
        settings,
        run_id=run_id,
        folder=Path(settings.runs) / run_id,
        clock=clock,
        redactor=secrecy.redactor(),
        stopping=stopping,
    )


def _preflight(run: Run, experiment: Json, configuration: Json, secrets: Json) -> None:
    """Record what would be hit; raises ``PreflightRefused`` with all that speaks against it."""
    beside = current.beside()
    planned = plan(experiment, configuration, secrets, run.settings, beside, run_id=run.id)
    seen = examine(run.cluster, planned, run.settings, clock=run.clock)
    run.history.add("preflight", **seen.to_json())
    for note in seen.notes:
        logger.info("Preflight: %s", note)
    seen.refuse()


def _heed_hold(run: Run) -> None:
    """End the run when a hold comes; one that was there is preflight's to refuse."""
    holding.watch(run)


def _take_pulse(run: Run) -> None:
    """Record for the reports, on a thread beside, where it runs and what comes each second."""
    pulse.watch(run)


def _watch_stop_conditions(run: Run, experiment: Json, configuration: Json, secrets: Json) -> None:
    """Refuse a run that would be stopped at once; ask the conditions at intervals from now on."""
    current.begin(run)  # where our own probes, asked as conditions, look for it
    conditions.watch(run, experiment, configuration, secrets)


def ensure_cluster(settings: Settings) -> bool:
    """Start the lab when it is named and not up; whether there may be one that is ours then."""
    own = lab_dir() / "kubeconfig" if settings.is_lab else None
    use_for_others(settings.kubernetes_context, own)
    if not settings.is_lab:
        return False
    try:
        Cluster.connect(settings.kubernetes_context).version()
    except ClusterUnreachable:
        _start_lab()
        return True
    return False


def _start_lab() -> None:
    """It ends with this process, also by SIGKILL; one that comes up meanwhile is somebody's."""
    try:
        lab_up("--or-use", owner=os.getpid())
    except BaseException:
        with suppress(KVChaosError):
            lab_down(owner=os.getpid())  # it may have come half-way
        raise


def connected(settings: Settings) -> Cluster:
    """A client of the named cluster that answered."""
    cluster = Cluster.connect(settings.kubernetes_context)
    said = cluster.version()
    logger.info("Cluster %s: Kubernetes %s", settings.kubernetes_context, said)
    return cluster


def new_run_id(clock: Clock) -> str:
    """Unique and sortable by time: ``20261122-131500-3fa9c1``."""
    began = datetime.fromtimestamp(clock.wall(), UTC)
    return f"{began:%Y%m%d-%H%M%S}-{random_names.token_hex(3)}"


def record_activity(run: Run, activity: Json, state: Json) -> None:
    """Add what Chaos Toolkit says of one action or probe; a probe that would have raised failed."""
    error = raised(state.get("output")) or _last_line(state.get("exception"))
    succeeded = state.get("status") == "succeeded" and not raised(state.get("output"))
    run.history.add(
        "activity",
        name=activity.get("name"),
        type=activity.get("type"),
        phase=run.phase_here,
        outcome="succeeded" if succeeded else "failed",
        error=None if succeeded else error,
        took=state.get("duration"),
    )


def record_hypothesis(run: Run, state: Json) -> None:
    """Add whether the hypothesis held to the history; null when its asking was broken off."""
    failed = [
        probe
        for probe in state.get("probes", [])
        if probe.get("status") != "succeeded" or not probe.get("tolerance_met", True)
    ]
    run.history.add(
        "hypothesis",
        when={"before": "before", "method": "during"}.get(run.phase_here, "after"),
        met=state.get("steady_state_met"),
        failed=[probe["activity"]["name"] for probe in failed],
        unknown=[probe["activity"]["name"] for probe in failed if cannot_say(probe.get("output"))],
    )


def _record_start(run: Run, experiment: Json) -> None:
    run.history.add(
        "run_started",
        run=run.id,
        experiment=experiment.get("title", ""),
        context=run.settings.kubernetes_context,
        namespace=run.settings.namespace,
        router=run.settings.router_selector,
        adapter=run.settings.router_adapter,
        seed=run.settings.seed,
        version=version("kvchaos"),
    )


def _await_observer(run: Run) -> None:
    """Start observing; raises ``EngineUnreachable`` when an engine cannot be followed in time."""
    run.observer.start()
    unready = run.observer.wait_ready(run.settings.ready_timeout)
    if unready:
        together: dict[str, list[str]] = {}
        for name, why in sorted(unready.items()):
            together.setdefault(why, []).append(name)
        reasons = "; ".join(f"{', '.join(names)}: {why}" for why, names in together.items())
        raise EngineUnreachable(
            "the engines' events cannot be followed",
            wanted=f"every pod with {run.settings.engine_selector} to publish",
            saw=reasons,
            look=f"kubectl get pods -n {run.settings.namespace}",
        )
    run.sampler.start()


def _last_line(exception: object) -> str | None:
    lines = [str(line).strip() for line in exception or []] if isinstance(exception, list) else []
    return next((line for line in reversed(lines) if line), None)
