"""The hold: a ConfigMap in the engines' namespace while no fault may be there.

The rule: its presence is the hold. What stands in it is only for people: a ConfigMap of that name
with odd data, or with none, holds all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kvchaos.cluster.kinds import CONFIGMAPS, Kind, Object
from kvchaos.errors import AlreadyExists, ClusterError, NotFound

NAME = "kvchaos-hold"
UNKNOWN = "unknown"
LONGEST = 300  # characters of one entry that are shown
TRIES = 3  # of placing, while others release and hold


class HoldApi(Protocol):
    """The part of the cluster client that a hold is made, seen and removed with."""

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object: ...

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object: ...

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None) -> object: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """Who holds a namespace, since when (RFC 3339) and why; ``unknown`` where it does not say."""

    namespace: str
    by: str = UNKNOWN
    since: str = UNKNOWN
    reason: str = ""

    @property
    def text(self) -> str:
        """``held by ana@host since 2026-08-01T10:00:00Z: reason``, one line."""
        why = f": {self.reason}" if self.reason else ""
        return f"held by {self.by} since {self.since}{why}"

    def look(self, context: str) -> str:
        """The command that ends it."""
        return f"kvchaos release --context {context} --namespace {self.namespace}"


def read(cluster: HoldApi, namespace: str) -> Hold | None:
    """The hold on ``namespace``, None when there is none; a ClusterError when that is not known."""
    try:
        body = cluster.get(CONFIGMAPS, NAME, namespace=namespace)
    except NotFound:
        return None
    return _hold(body, namespace)


def place(
    cluster: HoldApi, namespace: str, *, reason: str, by: str, since: str
) -> tuple[Hold, bool]:
    """The hold that is there now, and whether this call made it: the first one stays."""
    data = {"reason": reason, "by": by, "since": since}
    body: Object = {"metadata": {"name": NAME, "namespace": namespace}, "data": data}
    body |= {"apiVersion": CONFIGMAPS.api_version, "kind": CONFIGMAPS.kind}
    for _ in range(TRIES):
        try:
            return _hold(cluster.create(CONFIGMAPS, body), namespace), True
        except AlreadyExists:
            if there := read(cluster, namespace):
                return there, False
    raise ClusterError(f"{NAME} in {namespace}", saw="others make and remove it all the time")


def lift(cluster: HoldApi, namespace: str) -> Hold | None:
    """Remove the hold; the one that was there, None when there was none."""
    there = read(cluster, namespace)
    if there is None:
        return None
    try:
        cluster.delete(CONFIGMAPS, NAME, namespace=namespace)
    except NotFound:
        return None
    return there


def _hold(body: Object, namespace: str) -> Hold:
    data = body.get("data")
    said = data if isinstance(data, dict) else {}
    return Hold(
        namespace,
        by=_line(said.get("by")) or UNKNOWN,
        since=_line(said.get("since")) or UNKNOWN,
        reason=_line(said.get("reason")),
    )


def _line(value: object) -> str:
    """One printable line of a value that anybody may have written."""
    text = value if isinstance(value, str) else ""
    sound = "".join(each if each.isprintable() else " " for each in text[:LONGEST])
    return " ".join(sound.split())
