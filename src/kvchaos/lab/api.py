"""The lab's own client of its API: plain HTTP over the unix socket, for the controllers.

It speaks to any Kubernetes API in the same words; only the transport is the lab's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from kvchaos.errors import AlreadyExists, ClusterError, ClusterUnreachable, Conflict, Gone, NotFound
from kvchaos.lab.directory import LabDirectory

Object = dict[str, Any]

_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
_WATCH_SECONDS = 300
_LINE_LIMIT = 8 << 20  # bytes of one watch event
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind lives in the API: ``prefix`` is ``/api/v1`` or ``/apis/GROUP/VERSION``."""

    prefix: str
    plural: str

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, or of one object of it."""
        scope = f"/namespaces/{namespace}" if namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{self.prefix}{scope}/{self.plural}{tail}"


PODS = Resource("/api/v1", "pods")
NODES = Resource("/api/v1", "nodes")
NAMESPACES = Resource("/api/v1", "namespaces")
EVENTS = Resource("/api/v1", "events")
CONFIGMAPS = Resource("/api/v1", "configmaps")
SECRETS = Resource("/api/v1", "secrets")
SERVICES = Resource("/api/v1", "services")
ENDPOINTS = Resource("/api/v1", "endpoints")
DEPLOYMENTS = Resource("/apis/apps/v1", "deployments")
REPLICASETS = Resource("/apis/apps/v1", "replicasets")
NETWORKCHAOS = Resource("/apis/chaos-mesh.org/v1alpha1", "networkchaos")
PODCHAOS = Resource("/apis/chaos-mesh.org/v1alpha1", "podchaos")
PODNETWORKCHAOS = Resource("/apis/chaos-mesh.org/v1alpha1", "podnetworkchaos")


class Api:
    """An open connection pool to the API."""

    def __init__(self, directory: LabDirectory) -> None:
        self._directory = directory
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url="http://lab",
            connector=aiohttp.UnixConnector(path=str(self._directory.api_socket), limit=0),
            headers={"Accept": "application/json"},
            timeout=_TIMEOUT,
            read_bufsize=_LINE_LIMIT,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, resource: Resource, name: str, *, namespace: str = "") -> Object:
        """The object as the API has it now."""
        return await self.request("GET", resource.path(namespace, name))

    async def list(self, resource: Resource, *, namespace: str = "") -> Object:
        """The whole list object: ``items``, and ``metadata.resourceVersion`` to watch from."""
        return await self.request("GET", resource.path(namespace))

    async def create(self, resource: Resource, body: Object, *, namespace: str = "") -> Object:
        """The object as it was stored."""
        return await self.request("POST", resource.path(namespace), body=body)

    async def replace(self, resource: Resource, body: Object, *, subresource: str = "") -> Object:
        """Write the whole object back; Conflict when it changed since it was read."""
        meta = body["metadata"]
        path = resource.path(meta.get("namespace", ""), meta["name"], subresource)
        return await self.request("PUT", path, body=body)

    async def patch(
        self, resource: Resource, name: str, patch: Object, *, namespace: str, subresource: str = ""
    ) -> Object:
        """Merge-patch (RFC 7386) one object."""
        path = resource.path(namespace, name, subresource)
        return await self.request("PATCH", path, body=patch, headers=_MERGE_PATCH)

    async def delete(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str,
        grace: int | None = None,
        uid: str = "",
    ) -> None:
        """Ask for deletion; it is fine when the object is already gone."""
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", resource.path(namespace, name), body=body)
        except NotFound:
            return

    async def watch(self, resource: Resource, version: str) -> AsyncIterator[Object]:
        """Watch events of all namespaces after ``version``, until the server ends the stream."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_SECONDS),
            "allowWatchBookmarks": "true",
        }
        try:
            async with self._open().get(
                resource.path(), params=query, timeout=_WATCH_TIMEOUT
            ) as answer:
                await _raise_for(answer)
                async for line in answer.content:
                    event: Object = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _error(event["object"], resource.path())
                    yield event
        except (aiohttp.ClientError, OSError) as error:
            raise ClusterUnreachable("the lab's API ended a watch", saw=repr(error)) from error

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """The API's answer to one request; its errors as those of ``kvchaos.errors``."""
        try:
            async with self._open().request(method, path, json=body, headers=headers) as answer:
                await _raise_for(answer)
                result: Object = await answer.json()
                return result
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ClusterUnreachable("the lab's API does not answer", saw=repr(error)) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise ClusterUnreachable("the lab's API client is not open", wanted="async with")
        return self._session


async def _raise_for(answer: aiohttp.ClientResponse) -> None:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return
    try:
        status = json.loads(await answer.text())
    except ValueError:
        status = {}
    raise _error({"code": answer.status, **status}, f"{answer.method} {answer.url.path}")


def _error(status: Object, where: str) -> ClusterError:
    """The error for a Kubernetes Status object."""
    code, reason = status.get("code"), status.get("reason", "")
    kinds: dict[Any, type[ClusterError]] = {404: NotFound, 409: Conflict, 410: Gone}
    kind = AlreadyExists if reason == "AlreadyExists" else kinds.get(code, ClusterError)
    return kind(where, saw=f"{code} {reason} {status.get('message', '')}".strip())
