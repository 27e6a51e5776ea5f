"""Faults for the length of a ``with``: looked at beforehand, injected, ended whatever happens.

The rule: a test's fault passes the same preflight as an experiment's, so that a test cannot hit
what a run may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kvchaos.mesh.render import template_variables
from kvchaos.mesh.whereabouts import find_template
from kvchaos.preflight.examine import examine
from kvchaos.preflight.plan import plan
from kvchaos.pytest.answer import Answer
from kvchaos.run import faults, healing, requests
from kvchaos.run.session import Run

Json = dict[str, Any]

BOUND = "120s"  # after which Chaos Mesh ends a fault by itself
HELD = 6.0  # seconds: TCP makes up for a shorter cut by itself, and no event is lost


@dataclass(frozen=True, slots=True)
class Standing:
    """A fault that was injected: what it is (``kvchaos.actions.inject_fault``), whom it hit."""

    run: Run
    injected: Json

    @property
    def targets(self) -> list[str]:
        """The pods that it hit, engines and routers."""
        return sorted({str(each["pod"]) for each in self.injected["targets"]})

    @property
    def engines(self) -> list[str]:
        """Those of them that were engines."""
        active = self.run.last_fault()
        return sorted(active.engines()) if active else []

    def in_effect(self, within: float = 20.0) -> Answer:
        """Whether its records, the pods and what the observer saw say so, within so many s."""
        seen = faults.in_effect(self.run, within=within)
        told = "; ".join(each["text"] for each in seen["evidence"])
        holds = {"confirmed": True, "not effective": False}.get(seen["effect"])
        return Answer(holds, told, seen)


@dataclass(frozen=True, slots=True)
class Faults:
    """Called with a template and its values."""

    run: Run

    @contextmanager
    def __call__(
        self,
        template: str = "network-partition",
        *,
        held: float = HELD,
        timeout: float = 30.0,
        **values: Any,
    ) -> Iterator[Standing]:
        """The fault that ``template`` renders to stands within; it is gone after.

        One engine is hit, cut off from the router or killed, unless ``values`` (the template's
        variables) say otherwise. At the end it is held until it stood ``held`` seconds, then
        recovered; then each engine gets one request, so that a lost tail of events shows. Raises
        ``PreflightRefused`` before anything is touched, ``FaultNotInjected`` after ``timeout``
        seconds, ``FaultNotRecovered`` when it does not end.
        """
        wanted = self._values(template) | values
        self._preflight(template, wanted)
        standing = Standing(self.run, faults.inject(self.run, template, wanted, timeout=timeout))
        try:
            yield standing
        except BaseException:
            healing.recover(self.run, held=0.0, timeout=60.0)
            raise
        healing.recover(self.run, held=held, timeout=60.0)
        requests.flush(self.run, within=20.0)

    def _values(self, template: str) -> Json:
        """Those of a shipped template that a test seldom wants otherwise."""
        settings = self.run.settings
        usual = {
            "namespace": settings.namespace,
            "labels": settings.engine_selector,
            "source": settings.engine_selector,
            "target": settings.router_selector,
            "mode": "one",
            "direction": "both",
            "duration": BOUND,
            "containers": ["engine"],
        }
        known = template_variables(find_template(template))
        return {key: value for key, value in usual.items() if key in known}

    def _preflight(self, template: str, values: Json) -> None:
        arguments = {"template": template, "values": values}
        provider = {"module": "kvchaos.actions", "func": "inject_fault", "arguments": arguments}
        method = [{"type": "action", "name": template, "provider": {"type": "python", **provider}}]
        planned = plan({"method": method}, {}, {}, self.run.settings, run_id=self.run.id)
        examine(self.run.cluster, planned, self.run.settings, clock=self.run.clock).refuse()
