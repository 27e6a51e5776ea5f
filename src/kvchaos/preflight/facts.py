"""What was seen of a cluster before a run: data only, gathered by ``look``.

Where reading was refused, the refusal itself stands in the place of what was to be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import ClusterError
from kvchaos.mesh.hold import Hold
from kvchaos.mesh.targets import describe
from kvchaos.preflight.needs import Need
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings

FIELDS = {".": "spec.selector", ".Target": "spec.target.selector"}
DAEMON = "app.kubernetes.io/component=chaos-daemon"
"""The label of chaos-daemon's pods, as Chaos Mesh's Helm chart sets it."""
DEVICES = {".": "device", ".Target": "targetDevice"}


@dataclass(frozen=True, slots=True)
class Selection:
    """One selector of a fault, in its ``role``, and all pods that it names but for their phase.

    Not ``readable``: the pods could not be listed, so it is not known which.
    """

    planned: Planned
    role: str
    selector: Object
    named: tuple[Object, ...] = ()
    readable: bool = True

    @property
    def hit(self) -> list[Object]:
        """The pods among which Chaos Mesh chooses."""
        phases = self.selector.get("podPhaseSelectors")
        return [pod for pod in self.named if not phases or pods.phase(pod) in phases]

    @property
    def passed_over(self) -> list[Object]:
        """Those that only their phase leaves out."""
        taken = {pods.uid(pod) for pod in self.hit}
        return [pod for pod in self.named if pods.uid(pod) not in taken]

    @property
    def most(self) -> int:
        """How many pods are hit at most."""
        number, mode = len(self.hit), self._part["mode"]
        if mode == "all":
            return number
        if mode == "one":
            return min(number, 1)
        value = int(self._part["value"])
        return min(number, value if mode == "fixed" else math.ceil(number * value / 100))

    @property
    def amount(self) -> str:
        """How many that is, in words: ``one of 3``, ``all 2``, ``at most 2 of 3``."""
        number = len(self.hit)
        if self._part["mode"] == "all":
            return f"all {number}"
        if self._part["mode"] == "random-max-percent":
            return f"at most {self.most} of {number}"
        return f"{'one' if self._part['mode'] == 'one' else self.most} of {number}"

    @property
    def field(self) -> str:
        """Where the selector stands in the fault."""
        return FIELDS[self.role]

    @property
    def device(self) -> str:
        """The network device that the fault names for these pods, empty for none."""
        return str(self.planned.body["spec"].get(DEVICES[self.role]) or "")

    @property
    def containers(self) -> list[str]:
        """The containers that are killed; empty when it is about whole pods."""
        spec = self.planned.body["spec"]
        return list(spec["containerNames"]) if spec["action"] == "container-kill" else []

    @property
    def needs_daemon(self) -> bool:
        """Whether chaos-daemon does it; pods are killed, and made to fail, through the API."""
        fault = self.planned.fault
        return fault.kind == "NetworkChaos" or fault.action == "container-kill"

    @property
    def text(self) -> str:
        """What it asks for, in words."""
        return describe(self.selector, namespace=self.planned.fault.namespace)

    @property
    def _part(self) -> Object:
        spec: Object = self.planned.body["spec"]
        return spec if self.role == "." else {"mode": "all", **spec["target"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that refusals are decided by. ``now`` is in Unix seconds.

    ``engines``: uids of the engine pods, by namespace. ``daemons``: the nodes with a ready
    chaos-daemon. ``annotations``: of the namespaces touched. ``faults`` and ``rules``: the fault
    objects and PodNetworkChaos objects there. ``rehearsed``: what the server said against a fault.
    ``block_sizes``: tokens of a block, by engine pod, as far as engines say so.
    """

    settings: Settings
    plan: tuple[Planned, ...] = ()
    selections: tuple[Selection, ...] = ()
    engines: Mapping[str, frozenset[str]] = field(default_factory=dict)
    absent: frozenset[Kind] = frozenset()
    denied: tuple[Need, ...] = ()
    daemons: frozenset[str] | ClusterError = frozenset()
    annotations: Mapping[str, Mapping[str, str] | ClusterError] = field(default_factory=dict)
    faults: tuple[Object, ...] = ()
    rules: tuple[Object, ...] = ()
    holds: tuple[Hold, ...] = ()
    rehearsed: tuple[tuple[Planned, ClusterError], ...] = ()
    block_sizes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    now: float = 0.0
