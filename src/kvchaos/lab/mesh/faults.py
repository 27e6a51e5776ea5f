"""A PodChaos or NetworkChaos from creation to deletion: Chaos Mesh's pipeline, step by step.

finalizer → desired phase → conditions → records → finalizer off. Conditions are written before
the records of the same pass, so they lag one pass behind, as there. Status is written through the
main resource: these kinds have no status subresource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from kvchaos.clock import Clock
from kvchaos.errors import ClusterError
from kvchaos.lab.api import PODS, Api, Object, Resource
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.mesh import progress
from kvchaos.lab.mesh.impl import Effect, EffectFailed, Fault
from kvchaos.lab.mesh.progress import Operation, Phase
from kvchaos.lab.mesh.selection import NotSelected, select
from kvchaos.lab.node.recorder import Recorder

_FIRST_RETRY = 0.1  # seconds, doubling with every pass that fails
_LAST_RETRY = 30.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What every fault's reconciler works with."""

    api: Api
    clock: Clock
    recorder: Recorder
    rng: Random


class Faults:
    """The reconciler of one kind; ``effects`` has what each action does."""

    def __init__(
        self, tools: Tools, resource: Resource, copies: Informer, effects: Mapping[str, Effect]
    ) -> None:
        self._api = tools.api
        self._clock = tools.clock
        self._recorder = tools.recorder
        self._rng = tools.rng
        self._resource = resource
        self._copies = copies
        self._effects = effects
        self._failures: dict[Key, int] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next is due, if one is."""
        if self._copies.get(key) is None:
            self._failures.pop(key, None)
            return None
        body = await self._api.get(self._resource, key[1], namespace=key[0])
        body = await self._add_finalizer(body)
        body = await self._set_phase(body)
        body = await self._set_conditions(body)
        body, stuck = await self._work(body)
        if stuck:
            self._failures[key] = failures = self._failures.get(key, 0) + 1
            return float(min(_FIRST_RETRY * 2**failures, _LAST_RETRY))
        self._failures.pop(key, None)
        await self._drop_finalizer(body)
        left = progress.seconds_left(body, self._clock.wall())
        return left if left is not None and left > 0 else None

    async def _add_finalizer(self, body: Object) -> Object:
        meta = body["metadata"]
        finalizers = meta.get("finalizers") or []
        if meta.get("deletionTimestamp") or progress.FINALIZER in finalizers:
            return body
        self._recorder.normal(body, "FinalizerInited", "Finalizer has been inited")
        return await self._patch(
            body, {"metadata": {"finalizers": [*finalizers, progress.FINALIZER]}}
        )

    async def _set_phase(self, body: Object) -> Object:
        desired = progress.desired_phase(body, self._clock.wall())
        if _desired(body) == desired:
            return body
        if desired == "Run":
            self._recorder.normal(body, "Started", "Experiment has started")
        elif body["metadata"].get("deletionTimestamp"):
            self._recorder.normal(body, "Deleted", "Experiment has been deleted")
        else:
            self._recorder.normal(body, "TimeUp", "Time up according to the duration")
        return await self._patch(body, {"status": {"experiment": {"desiredPhase": desired}}})

    async def _set_conditions(self, body: Object) -> Object:
        conditions = progress.conditions(body, progress.records_of(body))
        if conditions == body.get("status", {}).get("conditions"):
            return body
        return await self._patch(body, {"status": {"conditions": conditions}})

    async def _work(self, body: Object) -> tuple[Object, bool]:
        """Move every record one step; the object after that, and whether something failed."""
        records = progress.records_of(body)
        if records is None:
            records = await self._select(body)
            if records is None:
                return body, False
        fault = Fault(body, list(records), dict(body.get("status", {}).get("instances") or {}))
        stuck = False
        for index in range(len(fault.records)):
            stuck |= await self._move(fault, index)
        if fault.records == progress.records_of(body):
            return body, stuck
        status: Object = {"experiment": {"containerRecords": fault.records}}
        if fault.instances:
            status["instances"] = fault.instances
        return await self._patch(body, {"status": status}), stuck

    async def _select(self, body: Object) -> list[Object] | None:
        """A record for every target; None, with an event, when there is none on some side."""
        spec, meta = body["spec"], body["metadata"]
        known = (await self._api.list(PODS))["items"]
        sides = {".": spec, ".Target": spec.get("target")}
        records: list[Object] = []
        for key, side in sides.items():
            if not side:
                continue
            try:
                pods = select(side, known, namespace=meta["namespace"], rng=self._rng)
            except NotSelected as error:
                self._recorder.warning(body, "Failed", f"Failed to select targets: {error}")
                return None
            records += [progress.new_record(each, key) for pod in pods for each in _ids(body, pod)]
        return records or None

    async def _move(self, fault: Fault, index: int) -> bool:
        """One step of one record; True when it failed and is to be tried again."""
        record = fault.records[index]
        operation = progress.next_operation(record, _desired(fault.body))
        if operation is None:
            return False
        effect = self._effects[fault.body["spec"]["action"]]
        act = effect.apply if operation is Operation.APPLY else effect.recover
        now = self._clock.wall()
        try:
            phase = await act(fault, record)
        except (EffectFailed, ClusterError) as error:
            phase = error.phase if isinstance(error, EffectFailed) else Phase(record["phase"])
            fault.records[index] = progress.failed(record, phase, operation, str(error), now)
            verb = operation.lower()
            self._recorder.warning(fault.body, "Failed", f"Failed to {verb} chaos: {error}")
            return True
        fault.records[index] = progress.moved(record, phase, operation, now)
        self._tell(fault.body, record["id"], phase, operation)
        return False

    def _tell(self, body: Object, identity: str, phase: Phase, operation: Operation) -> None:
        if operation is Operation.APPLY and phase is Phase.INJECTED:
            self._recorder.normal(body, "Applied", f"Successfully apply chaos for {identity}")
        elif operation is Operation.RECOVER and phase is Phase.NOT_INJECTED:
            self._recorder.normal(body, "Recovered", f"Successfully recover chaos for {identity}")

    async def _drop_finalizer(self, body: Object) -> None:
        meta = body["metadata"]
        if not meta.get("deletionTimestamp") or not meta.get("finalizers"):
            return
        if progress.may_go(body):
            self._recorder.normal(body, "FinalizerRemoved", "Finalizer has been removed")
            await self._patch(body, {"metadata": {"finalizers": []}})

    async def _patch(self, body: Object, patch: Object) -> Object:
        meta = body["metadata"]
        uid = {"metadata": {**patch.get("metadata", {}), "uid": meta["uid"]}}
        return await self._api.patch(
            self._resource, meta["name"], {**patch, **uid}, namespace=meta["namespace"]
        )


def _desired(body: Object) -> str:
    experiment = body.get("status", {}).get("experiment") or {}
    return str(experiment.get("desiredPhase", ""))


def _ids(fault: Object, pod: Object) -> list[str]:
    """The ids of a pod's records: the pod's, or those of its containers for container-kill."""
    meta = pod["metadata"]
    identity = f"{meta['namespace']}/{meta['name']}"
    if fault["spec"]["action"] != "container-kill":
        return [identity]
    names = [each["name"] for each in pod["spec"]["containers"]]
    wanted = fault["spec"].get("containerNames") or names[:1]
    return [f"{identity}/{name}" for name in names if name in wanted]
