"""Events about pods and faults, as ``kubectl describe`` shows them: one per message, counted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine
from typing import Any

from kvchaos.clock import Clock
from kvchaos.errors import ClusterError
from kvchaos.lab.api import EVENTS, Api, Object
from kvchaos.lab.node.status import timestamp

logger = logging.getLogger(__name__)

_REPORTER = "kvchaos-lab"


class Recorder:
    """Writes events in the background; one that cannot be written is only logged."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def normal(self, body: Object, reason: str, message: str) -> None:
        """Something that was meant to happen."""
        self._record(body, "Normal", reason, message)

    def warning(self, body: Object, reason: str, message: str) -> None:
        """Something that went wrong."""
        self._record(body, "Warning", reason, message)

    def _record(self, body: Object, kind: str, reason: str, message: str) -> None:
        meta = body["metadata"]
        text = f"{meta['uid']} {kind} {reason} {message}"
        name = f"{meta['name']}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        now = timestamp(self._clock.wall())
        self._counts[name] = count = self._counts.get(name, 0) + 1
        namespace = meta.get("namespace") or "default"
        if count > 1:
            patch = {"count": count, "lastTimestamp": now}
            self._later(self._api.patch(EVENTS, name, patch, namespace=namespace))
            return
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": _reference(body),
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": _REPORTER},
            "reportingComponent": _REPORTER,
        }
        self._later(self._api.create(EVENTS, event, namespace=namespace))

    def _later(self, request: Coroutine[Any, Any, Object]) -> None:
        task = asyncio.get_running_loop().create_task(_logged(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _reference(body: Object) -> Object:
    meta = body["metadata"]
    return {
        "apiVersion": body.get("apiVersion", "v1"),
        "kind": body.get("kind", "Pod"),
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "uid": meta["uid"],
        "resourceVersion": meta.get("resourceVersion", ""),
    }


async def _logged(request: Coroutine[Any, Any, Object]) -> None:
    try:
        await request
    except ClusterError as error:
        logger.info("event not written: %s", error)
