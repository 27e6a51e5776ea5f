"""The index of NVIDIA Dynamo's standalone indexer, ``python -m dynamo.indexer``, over its HTTP.

``GET /workers`` tells at which address each worker publishes, ``GET /dump`` which blocks each
worker and rank holds, by the engines' own hashes, ``POST /query`` how many tokens of a prompt it
holds. docs/guides/dynamo.md tells what that says and what it does not.

The rule guarded here: a worker is the pod that has its address now, or nobody's. A model that was
never there is no answer; one that was there, and is not any more, is an index that was lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kvchaos.errors import RouterUnreachable
from kvchaos.index.names import BlockKey, Blocks
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.asking import asked
from kvchaos.index.routers.dynamo_answers import (
    Held,
    Index,
    Key,
    Matches,
    Rank,
    Tier,
    Worker,
)
from kvchaos.index.routers.protocol import RouterPlace
from kvchaos.kvevents.wire import MASK64
from kvchaos.untrusted import MIB

T = TypeVar("T")
LARGEST = 256 * MIB
"""Bytes of one answer; a block takes about 90 of them in ``/dump``."""
GUIDE = "docs/guides/dynamo.md"
SIGNED = range(-(2**63), 2**64)
TIERS: dict[Tier, tuple[str, ...]] = {
    "device": ("GPU",),
    "host_pinned": ("CPU", "CPU_PINNED", "CPU_TIER1"),
    "disk": ("STORAGE", "DISK"),
}
"""The media whose blocks the indexer keeps, by where it keeps them; the first one is the name."""
MEDIA = {medium: media[0] for media in TIERS.values() for medium in media}


class DynamoIndexer:
    """Speaks with the indexer at ``place.address()``, of the model of ``place`` alone."""

    def __init__(self, place: RouterPlace, *, timeout: float = 5.0) -> None:
        self._place = place
        self._timeout = timeout
        self._was_there = False

    def snapshot(self) -> Observed:
        workers = self._workers()
        dump = self._ask("GET /dump", dict[str, Index])
        if not _told_of(dump) <= {each.key for each in workers}:
            workers += self._workers()  # one of them was registered in between
        ours = self._of_model(workers)
        names = _names(ours, self._place.engines())
        held = _by_rank(self._indexes(dump, workers))
        ranks = {Rank(each.key, rank) for each in ours for rank in each.endpoints}
        return Observed(
            {
                pod_rank: EngineView(_blocks(held.get(one, {})), connected=names.connected(one))
                for pod_rank, one in names.by_pod(ranks | held.keys()).items()
            },
            place=kept_at,
        )

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        ours = self._of_model(self._workers())
        names = _names(ours, self._place.engines())
        question = {"token_ids": list(tokens), "model_name": self._place.model}
        found: dict[str, int] = {}
        for group in sorted({each.routing_group for each in ours}):
            answer = self._ask("POST /query", Matches, {**question, "routing_group": group})
            for worker, ranks in answer.scores.items():
                key = Key(f"{self._place.model}:{group}", worker)
                for rank, matched in ranks.items():
                    pod = names.pod(Rank(key, rank))
                    found[pod] = max(matched, found.get(pod, 0))
        return found

    def _workers(self) -> list[Worker]:
        return self._ask("GET /workers", list[Worker])

    def _of_model(self, workers: list[Worker]) -> list[Worker]:
        """Those of the model that is asked for; none only if there were some before."""
        ours = [each for each in workers if each.model_name == self._place.model]
        self._was_there = self._was_there or bool(ours)
        if not self._was_there:
            others = sorted({each.model_name for each in workers})
            raise RouterUnreachable(
                f"the indexer has no worker of the model {self._place.model!r}",
                wanted="engines that were registered with POST /register",
                saw=f"workers of {', '.join(others)}" if others else "no worker at all",
                look=GUIDE,
            )
        return ours

    def _indexes(
        self, dump: Mapping[str, Index], workers: Iterable[Worker]
    ) -> dict[str, list[Held]]:
        """What the indexes of the model hold; also one that no worker is of any more."""
        model = self._place.model
        others = {each.key.index_name for each in workers if each.model_name != model}
        return {
            name: index.events
            for name, index in dump.items()
            if name.startswith(f"{model}:") and name not in others
        }

    def _ask(self, question: str, shape: type[T], body: Any = None) -> T:
        return asked(
            self._place.address, question, shape, body=body, limit=LARGEST, timeout=self._timeout
        )


@dataclass(frozen=True, slots=True)
class _Names:
    """Which pod a worker is: the one at its address, or ``worker 7 at 10.0.0.9``, a ghost."""

    workers: Mapping[Key, Worker]
    engines: Mapping[str, str]

    def by_pod(self, ranks: Iterable[Rank]) -> dict[tuple[str, int], Rank]:
        """The worker's rank by pod and rank."""
        found: dict[tuple[str, int], Rank] = {}
        for each in sorted(ranks):
            place = self.pod(each), each.rank
            if place in found:
                raise RouterUnreachable(
                    f"which worker of the indexer is {place[0]}/{place[1]} is not said",
                    wanted="one worker for each engine and rank",
                    saw=f"workers {found[place].key.worker} and {each.key.worker}",
                    look="GET /workers of the indexer; POST /unregister ends one",
                )
            found[place] = each
        return found

    def pod(self, one: Rank) -> str:
        worker = one.key.worker
        known = self.workers.get(one.key)
        if known is None:
            return f"worker {worker}"
        address = _address(worker, _endpoint(known, one.rank))
        return self.engines.get(address, f"worker {worker} at {address}")

    def connected(self, one: Rank) -> bool | None:
        """False when it does not listen; that it does is no proof that anything arrives."""
        known = self.workers.get(one.key)
        listener = known.listeners.get(one.rank) if known else None
        return False if listener and listener.status != "active" else None


def _names(workers: Iterable[Worker], engines: Mapping[str, str]) -> _Names:
    pods = {_plain(ip): pod for ip, pod in engines.items()}
    return _Names({each.key: each for each in workers}, pods)


def kept_at(key: BlockKey) -> BlockKey | None:
    """Where the indexer keeps blocks of this place.

    It tells no groups apart, and which ones beyond the first it keeps depends on their kind.
    """
    medium = MEDIA.get(key.medium)
    return BlockKey(medium, None) if medium and key.group in (None, 0) else None


def _told_of(dump: Mapping[str, Index]) -> set[Key]:
    return {Key(name, each.worker_id) for name, index in dump.items() for each in index.events}


def _by_rank(indexes: Mapping[str, list[Held]]) -> dict[Rank, dict[BlockKey, set[int]]]:
    """The hashes of each worker's ranks, by place."""
    found: defaultdict[Rank, defaultdict[BlockKey, set[int]]]
    found = defaultdict(lambda: defaultdict(set))
    for name, events in indexes.items():
        for held in events:
            rank = Rank(Key(name, held.worker_id), held.event.dp_rank)
            place = BlockKey(TIERS[held.storage_tier][0], None)
            blocks = held.event.data.stored.blocks
            found[rank][place].update(each.block_hash for each in blocks)
    return dict(found)


def _blocks(held: Mapping[BlockKey, set[int]]) -> Blocks:
    return {place: _unsigned(hashes) for place, hashes in held.items() if hashes}


def _unsigned(hashes: set[int]) -> frozenset[int]:
    """The same as numbers of 64 bits without a sign."""
    least = min(hashes)
    if least not in SIGNED or max(hashes) not in SIGNED:
        raise RouterUnreachable(
            "GET /dump of the router", wanted="64-bit hashes", saw="longer ones"
        )
    return frozenset(each & MASK64 for each in hashes) if least < 0 else frozenset(hashes)


def _endpoint(worker: Worker, rank: int) -> str:
    """Where this rank publishes; one that is not registered, if all the others share a host."""
    if rank in worker.endpoints:
        return worker.endpoints[rank]
    hosts = {each.rpartition(":")[0] for each in worker.endpoints.values()}
    return hosts.pop() if len(hosts) == 1 else ""


def _address(worker: int, endpoint: str) -> str:
    try:
        return str(ip_address(urlsplit(endpoint).hostname or ""))
    except ValueError as error:
        raise RouterUnreachable(
            f"which pod worker {worker} of the indexer is cannot be told",
            wanted="an endpoint with the pod's IP address",
            saw=repr(endpoint[:200]),
            look=GUIDE,
        ) from error


def _plain(ip: str) -> str:
    try:
        return str(ip_address(ip))
    except ValueError:
        return ip
