"""A run under a plan of failure, and the truth after it.

Afterwards nothing is left, or exactly what is left is told and a reap ends it; a pass is right
only when the run saw everything and the cut really stood.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from kvchaos.clock import SystemClock
from tests.lab.faults import struck
from tests.lab.faults.ended import Ended, ended
from tests.lab.faults.place import Place, short_partition
from tests.lab.faults.plans import Plan
from tests.lab.faults.proxy import CONTEXT, Proxy
from tests.lab.faults.witness import Witness

CLOCK = SystemClock()
FINISH = 300.0  # seconds that a run may take, whatever goes wrong
STOOD = 0.5  # seconds that a cut must have been seen by others, for a pass to be true


@dataclass(frozen=True, slots=True)
class Played:
    """How a run under a plan ended. ``left`` is the truth; ``unreported`` nobody was told of."""

    plan: Plan
    ended: Ended
    complete: bool
    took: float
    stood: float
    disturbed: int
    left: tuple[str, ...]
    unreported: tuple[str, ...]
    after_reap: tuple[str, ...]
    cut_off: tuple[str, ...]

    @property
    def wrongly_pass(self) -> bool:
        true = self.complete and not self.left and self.stood >= STOOD and not self.plan.never
        return self.ended.claims_pass and not true

    @property
    def told(self) -> str:
        """What there is to say, for people."""
        parts = [
            f"took {self.took:.0f} s",
            f"disturbed {self.disturbed} times",
            f"the cut stood {self.stood:.1f} s",
        ]
        if self.left:
            parts.append(f"left and told: {len(self.left) - len(self.unreported)}, then reaped")
        return ", ".join(parts)

    @property
    def wrong(self) -> str:
        """What is not as it must be; empty is fine."""
        parts = {
            "nobody was told of": self.unreported,
            "left after the reap": self.after_reap,
            "cut off": self.cut_off,
            "did not end": self.ended.stuck,
            "wrongly pass": self.wrongly_pass,
            "was never disturbed": not self.disturbed,
        }
        found = "; ".join(f"{key}: {value}" for key, value in parts.items() if value)
        return f"{found} (exit {self.ended.code}, {self.ended.statuses})" if found else ""


def played(plan: Plan, place: Place, folder: Path, *, seed: int) -> Played:
    """A run whose API server behaves by ``plan``; then the truth, and a reap if there is need."""
    experiment = short_partition(
        folder.parent / f"{folder.name}-played", inject_fault={"timeout": 8, **plan.fault}
    )
    lab = Path(place.environment["KVCHAOS_LAB_DIR"])
    witness = Witness(place.truth, act=lambda: plan.act and plan.act(place))
    begun = CLOCK.now()
    with Proxy(lab, plan.decide(seed), gone=plan.gone) as proxy, witness:
        through = {
            "KUBECONFIG": str(proxy.kubeconfig(folder.with_suffix(".kubeconfig"))),
            "KUBERNETES_CONTEXT": CONTEXT,
        }
        end = ended(place.start(folder, experiment, environment=through), within=FINISH)
    took = CLOCK.now() - begun
    struck.wake(place)
    left = tuple(place.truth.left())
    if left:
        place.reap("--run", end.run, "--runs", str(folder / "kvchaos-runs"))
    after_reap = tuple(place.truth.left())
    if after_reap:
        place.truth.clear()
    result = Played(
        plan=plan,
        ended=end,
        complete=end.was_complete(experiment),
        took=took,
        stood=witness.stood,
        disturbed=proxy.disturbed + witness.acted + bool(plan.fault),
        left=left,
        unreported=tuple(each for each in left if not end.names(_fault(each))),
        after_reap=after_reap,
        cut_off=() if after_reap else tuple(place.truth.flows()),
    )
    if not result.wrong:
        shutil.rmtree(folder)
    return result


def _fault(label: str) -> str:
    """The name of the fault in ``networkchaos/NAME`` and in ``rules of NAMESPACE/NAME``."""
    return label.rpartition("/")[2]
