"""What there is of faults to reap: by their label, by ledgers, and by rules that outlived them.

The rule: only what kvchaos made. That is an object with the label of a run, or rules in a pod
whose source names a run: by its id in the name, or because a ledger has it. Everything else is
looked at and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kvchaos.cluster.kinds import PODNETWORKCHAOS, Kind, Object
from kvchaos.errors import ClusterError, Forbidden, NotFound, TemplateInvalid
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL, MeshApi
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.lines import Line
from kvchaos.mesh.records import created_wall, sources
from kvchaos.mesh.residue import (
    RUN_ID,
    Residue,
    find,
    names_run,
    object_left,
    rules_left,
    unapplied,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which faults are meant: those of ``run``, those made until ``until`` (Unix seconds), or all.

    What has no date is not meant by ``until``.
    """

    run: str = ""
    until: float | None = None

    def takes(self, run: str, made: float | None) -> bool:
        """Whether a fault of ``run`` that was made then is meant."""
        if self.run:
            return run == self.run
        return self.until is None or (made is not None and made <= self.until)


@dataclass(frozen=True, slots=True)
class Found:
    """A fault to end. ``uid`` is empty when only a ledger or rules tell of it."""

    fault: Fault
    uid: str = ""


@dataclass(slots=True)
class Seen:
    """One look at the cluster: the faults to end, and what they are there with.

    ``unknown``: what could not be looked at. ``notes``: what was seen and is too young, or not
    kvchaos'.
    """

    faults: dict[tuple[str, str], Found] = field(default_factory=dict)
    left: list[Residue] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is left, and that is known."""
        return not self.left and not self.unknown


class Search:
    """Looks for the faults of a ``scope``, once or again, in ``namespaces`` or in all.

    Where all namespaces may not be listed, those of the ledgers' ``lines``, of whatever age, and
    those that are ``known`` are. Lines of runs that are over count only for the run that is named.
    ``heard``: whether any look found something.
    """

    def __init__(
        self,
        cluster: MeshApi,
        scope: Scope,
        *,
        lines: Sequence[Line] = (),
        namespaces: Iterable[str] = (),
        known: Iterable[str] = (),
    ) -> None:
        self._cluster, self._scope = cluster, scope
        self.heard = False
        self._named = sorted(set(namespaces))
        self._known = sorted({*known, *(each for line in lines for each in _places(line.fault))})
        meant = [
            line
            for line in lines
            if scope.takes(line.fault.run, line.wall) and (scope.run or not line.past.over)
        ]
        self._lines = [
            line for line in meant if not self._named or line.fault.namespace in self._named
        ]
        self._runs = {_key(line.fault): line.fault.run for line in lines}
        self._passed_over = len(meant) - len(self._lines)
        self._seen = Seen()

    def __call__(self) -> Seen:
        """What is there now; raises nothing."""
        seen = self._seen = Seen()
        if self._passed_over:
            seen.notes.append(f"{self._passed_over} faults of the ledgers are in other namespaces")
        known = set()
        for kind in FAULT_KINDS.values():
            for body in self._list(kind, labels=RUN_LABEL):
                known.add((kind.kind, _source(body)))
                self._object(kind, body)
        for line in self._lines:
            if _key(line.fault) not in known:
                seen.faults.setdefault(_key(line.fault), Found(line.fault))
        for rules in self._list(PODNETWORKCHAOS):
            self._rules(rules, {source for kind, source in known if kind == "NetworkChaos"})
        self.heard = self.heard or bool(seen.faults or seen.left)
        return seen

    def _object(self, kind: Kind, body: Object) -> None:
        fault = _fault({**body, "apiVersion": kind.api_version, "kind": kind.kind})
        if self._scope.takes(fault.run, created_wall(body)):
            found = Found(fault, uid=str(body["metadata"].get("uid") or ""))
            self._seen.faults[_key(fault)] = found
            self._seen.left.append(object_left(kind, body))
        elif not self._scope.run:
            who = f"{fault.label} in {fault.namespace} of run {fault.run}"
            self._note(f"{who} is there, but younger: left alone")

    def _rules(self, rules: Object, known: set[str]) -> None:
        """The rules in one pod; those of a fault whose object is known are that fault's."""
        left: list[Residue] = []
        for source in sorted(sources(rules)):
            key = "NetworkChaos", source
            if key not in self._seen.faults and source not in known:
                self._orphan(source, rules, left)
            elif found := self._seen.faults.get(key):
                self._seen.faults[key] = _reaching(found, str(rules["metadata"]["namespace"]))
                left.append(rules_left(rules, source))
        self._seen.left += left or unapplied(rules)

    def _orphan(self, source: str, rules: Object, left: list[Residue]) -> None:
        """Rules that outlived their fault, or that its object disowns for want of the label."""
        namespace, _, name = source.partition("/")
        run = self._run_of(source, name)
        fault = Fault("NetworkChaos", name, namespace, run=run, action="")
        if run and not self._scope.takes(run, _began(run)):
            return
        try:
            there = find(self._cluster, fault) is not None
        except ClusterError as error:
            self._seen.unknown.append(f"{fault.label} in {namespace}: {error}")
            return
        if not run:
            if not there:
                self._note(f"rules of {source}, gone and of no run of kvchaos: left alone")
            return
        left.append(rules_left(rules, source))
        if there:
            self._note(f"{fault.label} in {namespace} has not the label of kvchaos: left alone")
        else:
            place = str(rules["metadata"]["namespace"])
            self._seen.faults[_key(fault)] = _reaching(Found(fault), place)

    def _run_of(self, source: str, name: str) -> str:
        """The run that a source names; empty when it names none."""
        if run := self._runs.get(("NetworkChaos", source)):
            return run
        if self._scope.run and names_run(name, self._scope.run):
            return self._scope.run
        found = RUN_ID.search(name)
        return found[0] if found else ""

    def _list(self, kind: Kind, *, labels: str = "") -> Iterator[Object]:
        """Every object of a kind that may be seen; what may not is noted as unknown."""
        if self._named:
            yield from self._list_in(kind, self._named, labels)
            return
        try:
            yield from self._cluster.list(kind, labels=labels)
        except NotFound:
            self._note(f"this cluster has no {kind.resource}")
        except Forbidden as error:
            if self._known:
                self._note(f"not all namespaces may be listed; looked in {', '.join(self._known)}")
            else:
                self._seen.unknown.append(f"{error}; name namespaces with --namespace")
            yield from self._list_in(kind, self._known, labels)
        except ClusterError as error:
            self._seen.unknown.append(str(error))

    def _list_in(self, kind: Kind, places: list[str], labels: str) -> Iterator[Object]:
        for place in places:
            try:
                yield from self._cluster.list(kind, namespace=place, labels=labels)
            except NotFound:
                self._note(f"this cluster has no {kind.resource}")
            except ClusterError as error:
                self._seen.unknown.append(str(error))

    def _note(self, text: str) -> None:
        if text not in self._seen.notes:
            self._seen.notes.append(text)


def _reaching(found: Found, place: str) -> Found:
    """``found``, known to have rules in the namespace ``place``."""
    fault = found.fault
    places = {*fault.namespaces, place} - {fault.namespace}
    return replace(found, fault=replace(fault, namespaces=tuple(sorted(places))))


def _key(fault: Fault) -> tuple[str, str]:
    return fault.kind, fault.source


def _source(body: Object) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _places(fault: Fault) -> tuple[str, ...]:
    return (fault.namespace, *fault.namespaces)


def _fault(body: Object) -> Fault:
    """The fault that a stored object is, whatever its duration says."""
    try:
        return Fault.of(body)
    except TemplateInvalid:
        return Fault.of({**body, "spec": {**body["spec"], "duration": None}})


def _began(run: str) -> float | None:
    """When a run began, as its id says; None for an id of another form."""
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
