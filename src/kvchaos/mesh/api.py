"""What a fault needs of a cluster: five verbs on objects, and the names that kvchaos puts on them.

``kvchaos.cluster.client.Cluster`` is one implementation; tests have a scripted one.
"""

from __future__ import annotations

from typing import Protocol

from kvchaos.cluster.kinds import NETWORKCHAOS, PODCHAOS, Kind, Object

RUN_LABEL = "kvchaos.io/run"
"""The label of every fault: the id of the run that made it."""

FAULT_KINDS: dict[str, Kind] = {kind.kind: kind for kind in (NETWORKCHAOS, PODCHAOS)}
"""The kinds a template may render to, by their ``kind``."""


class MeshApi(Protocol):
    """The part of the cluster client that faults are made and ended with.

    Every call is bounded in time; errors are ``kvchaos.errors.ClusterError`` and its kinds.
    """

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object: ...

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]: ...

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object: ...

    def merge_patch(
        self, kind: Kind, name: str, patch: Object, *, namespace: str | None = None
    ) -> Object: ...

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> object: ...
