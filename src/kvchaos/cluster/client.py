"""The one client of the Kubernetes API: a context by name, calls on plain JSON objects.

Every call is bounded by the client's timeout, retries included; errors are those of
``kvchaos.errors``. Writes are strict (an unknown field is an error) and signed ``kvchaos``.
One ``Cluster`` may be used from many threads.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from kvchaos.clock import Clock, SystemClock
from kvchaos.cluster.call import Call
from kvchaos.cluster.config import Access, load
from kvchaos.cluster.kinds import PODS, SELFSUBJECTACCESSREVIEWS, Kind, Object
from kvchaos.cluster.pages import Pages, decode
from kvchaos.cluster.portforward import Bridge
from kvchaos.cluster.settle import create_once, delete_once
from kvchaos.cluster.transport import Transport
from kvchaos.cluster.watch import Watch, WatchEvent
from kvchaos.errors import NotFound

TIMEOUT = 10.0  # seconds for one call, all attempts included
WRITE = {"fieldManager": "kvchaos", "fieldValidation": "Strict"}
MERGE = "application/merge-patch+json"


class Cluster:
    """A Kubernetes cluster, named by a context."""

    def __init__(
        self, access: Access, *, timeout: float = TIMEOUT, clock: Clock, once: bool = False
    ) -> None:
        self.access = access
        self.timeout = timeout
        self._transport = Transport(access, timeout=timeout, clock=clock, once=once)
        self._bridge: Bridge | None = None
        self._lock = threading.Lock()

    @classmethod
    def connect(
        cls,
        context: str,
        *,
        kubeconfig: Path | None = None,
        timeout: float = TIMEOUT,
        clock: Clock | None = None,
    ) -> Cluster:
        """A client for the cluster that ``context`` names; see ``config.load``. Sends nothing.

        ``timeout`` is for each later call, in seconds. Raises ContextNotFound, or
        ClusterUnreachable when the lab is named and not up.
        """
        return cls(
            load(context, kubeconfig=kubeconfig), timeout=timeout, clock=clock or SystemClock()
        )

    def once(self, *, timeout: float) -> Cluster:
        """The same cluster for who asks again by himself: one attempt, ``timeout`` s, no warning.

        It shares the connections of this one and needs no closing, unless it opens a port.
        """
        return Cluster(self.access, timeout=timeout, clock=self._transport.clock, once=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections and every port-forward made by ``open_port``."""
        with self._lock:
            bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()
        self.access.pool.clear()

    def secrets(self) -> list[str]:
        """What of the way to it must never be shown."""
        return self.access.secrets()

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object:
        """The object; raises NotFound."""
        return self._object(Call(verb="get", kind=kind, name=name, namespace=namespace))

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """All objects that match both selectors, in one namespace or in all of them."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        return Pages(self._transport, namespace).list_page(kind, query)[0]

    def create(
        self, kind: Kind, body: Object, *, namespace: str | None = None, dry_run: bool = False
    ) -> Object:
        """The object as the server stored it; raises AlreadyExists, Invalid, Forbidden.

        The namespace is the body's own unless told. An answer lost on the way is looked for
        before anything is sent again.
        """
        sent = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        call = Call(
            verb="create",
            kind=kind,
            namespace=namespace or body.get("metadata", {}).get("namespace"),
            query={**WRITE, "dryRun": "All" if dry_run else ""},
            body=sent,
        )
        return create_once(call, self._object, repeatable=dry_run)

    def merge_patch(
        self,
        kind: Kind,
        name: str,
        patch: Object,
        *,
        namespace: str | None = None,
        subresource: str = "",
    ) -> Object:
        """The object after a JSON merge patch (None removes a key, lists are replaced whole)."""
        return self._object(
            Call(
                verb="patch",
                kind=kind,
                name=name,
                namespace=namespace,
                subresource=subresource,
                query=WRITE,
                body=patch,
                content_type=MERGE,
            )
        )

    def delete(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str | None = None,
        grace: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Ask for the object's deletion; finalizers and grace may keep it a while.

        ``grace`` in seconds. Raises NotFound, and Conflict when ``uid`` is not the object's.
        """
        options: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        delete_once(
            Call(verb="delete", kind=kind, name=name, namespace=namespace, body=options),
            self._transport.send,
        )

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        stop: threading.Event,
    ) -> Iterator[WatchEvent]:
        """Every change, beginning with an ADDED for each object there is, until ``stop`` is set.

        Survives lost connections and expired versions. Raises what the first list raises, and
        later only refusals (Forbidden, NotFound, Invalid).
        """
        query = {"labelSelector": labels, "fieldSelector": fields}
        watch = Watch(Pages(self._transport, namespace), kind, query=query, stop=stop)
        return watch.events(namespace=namespace)

    def version(self) -> str:
        """The server's version, such as ``v1.34.4``."""
        return str(self._object(Call(verb="get", path="/version"))["gitVersion"])

    def can(
        self, verb: str, kind: Kind, *, namespace: str | None, subresource: str = "", name: str = ""
    ) -> bool:
        """Whether this client may do ``verb``: to any object unless one is named, and in all
        namespaces when None is given.
        """
        asked = {
            "verb": verb,
            "group": kind.group,
            "resource": kind.plural,
            "subresource": subresource,
            "namespace": namespace or "",
            "name": name,
        }
        reviews = SELFSUBJECTACCESSREVIEWS
        body = {
            "apiVersion": reviews.api_version,
            "kind": reviews.kind,
            "spec": {"resourceAttributes": asked},
        }
        call = Call(verb="create", kind=reviews, query=WRITE, body=body)
        review = create_once(call, self._object, repeatable=True)
        return bool(review.get("status", {}).get("allowed"))

    def logs(
        self,
        pod: str,
        *,
        namespace: str,
        container: str = "",
        tail: int | None = None,
        limit: int | None = None,
        previous: bool = False,
    ) -> str:
        """What a container wrote; the one before its last restart when ``previous``.

        Its last ``tail`` lines, and of these the first ``limit`` bytes.
        """
        query = {
            "container": container,
            "tailLines": "" if tail is None else str(tail),
            "limitBytes": "" if limit is None else str(limit),
            "previous": "true" if previous else "",
        }
        call = Call(
            verb="get", kind=PODS, name=pod, namespace=namespace, subresource="log", query=query
        )
        return self._transport.send(call).decode("utf-8", "replace")

    def has_kind(self, kind: Kind) -> bool:
        """Whether the server serves ``kind``."""
        try:
            known = self._object(Call(verb="get", path=kind.root))
        except NotFound:
            return False
        return any(each["name"] == kind.plural for each in known.get("resources", []))

    def open_port(self, pod: str, port: int, *, namespace: str) -> socket.socket:
        """A connected stream to ``port`` inside the pod, through the API server.

        Raises the API's refusal; a port that nobody listens on shows as a stream closed at once.
        """
        with self._lock:
            if self._bridge is None:
                self._bridge = Bridge(self)
            bridge = self._bridge
        return bridge.connect(pod, port, namespace=namespace)

    def _object(self, call: Call) -> Object:
        return decode(call, self._transport.send(call))
