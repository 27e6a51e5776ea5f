"""A local copy of all objects of one kind, kept right by list and watch, that tells what changed.

Handlers get the object's key, not the event (level-based): they look at the copy and decide.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from kvchaos.errors import ClusterError, Gone
from kvchaos.lab.api import Api, Object, Resource

logger = logging.getLogger(__name__)

Key = tuple[str, str]  # (namespace, name)
_RETRY_SECONDS = 0.2


def key_of(body: Object) -> Key:
    """An object's namespace and name."""
    meta = body["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Informer:
    """The copy. ``run`` keeps it; ``synced`` is set once it is complete for the first time."""

    def __init__(self, api: Api, resource: Resource) -> None:
        self._api = api
        self._resource = resource
        self._objects: dict[Key, Object] = {}
        self._handlers: list[Callable[[Key], None]] = []
        self.synced = asyncio.Event()

    def on_change(self, handler: Callable[[Key], None]) -> None:
        """Call ``handler`` with the key of every object that came, changed or went."""
        self._handlers.append(handler)

    def get(self, key: Key) -> Object | None:
        """The object, not to be changed; None when there is none."""
        return self._objects.get(key)

    def items(self, namespace: str = "") -> list[Object]:
        """All objects (of one namespace, if given), by name; not to be changed."""
        return [self._objects[key] for key in self._keys(namespace)]

    async def run(self) -> None:
        """Keep the copy until cancelled, through every error of the API."""
        while True:
            try:
                await self._list_and_watch()
            except Gone:
                logger.info("%s: version too old, listing again", self._resource.plural)
            except ClusterError as error:
                logger.warning("%s: %s", self._resource.plural, error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _list_and_watch(self) -> None:
        listed = await self._api.list(self._resource)
        self._replace_all(listed["items"])
        self.synced.set()
        version = listed["metadata"]["resourceVersion"]
        while True:
            async for event in self._api.watch(self._resource, version):
                version = event["object"]["metadata"]["resourceVersion"]
                self._apply(event)

    def _replace_all(self, items: list[Object]) -> None:
        old, self._objects = self._objects, {key_of(item): item for item in items}
        changed = [
            key
            for key in old.keys() | self._objects.keys()
            if _version(old.get(key)) != _version(self._objects.get(key))
        ]
        self._tell(changed)

    def _apply(self, event: Object) -> None:
        if event["type"] == "BOOKMARK":
            return
        key = key_of(event["object"])
        if event["type"] == "DELETED":
            self._objects.pop(key, None)
        else:
            self._objects[key] = event["object"]
        self._tell([key])

    def _tell(self, keys: list[Key]) -> None:
        for key in keys:
            for handler in self._handlers:
                handler(key)

    def _keys(self, namespace: str) -> Iterator[Key]:
        return (key for key in sorted(self._objects) if not namespace or key[0] == namespace)


def _version(body: Object | None) -> str:
    return body["metadata"]["resourceVersion"] if body else ""
