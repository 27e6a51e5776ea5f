"""Experiments of a game day as processes: ``kvchaos run``, and ``kvchaos reap`` for what one left.

The rule guarded here: a run gets what the plan says, on top of the environment that the game day
was started in, and its verdict is its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvchaos.clock import Clock
from kvchaos.cluster.client import Cluster
from kvchaos.errors import KVChaosError
from kvchaos.gameday.plan import Plan, Play
from kvchaos.gameday.process import Ended, Signals, played
from kvchaos.mesh import hold
from kvchaos.run.labstart import LAB_DIR
from kvchaos.run.ownlab import OwnLab, lab_is_down
from kvchaos.settings import Settings

US = (sys.executable, "-m", "kvchaos")
REAP_TIMEOUT = 300.0
HOLD_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Ready:
    """An experiment that was looked at: its settings, faults, and templates that do not ship.

    ``secrets`` are the places in it, and in what is given to it, where one stands as it is.
    """

    play: Play
    settings: Settings
    faults: int
    templates: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """How many faults, and in which namespace of which cluster."""
        plural = "s" if self.faults != 1 else ""
        place = f"{self.settings.namespace} in {self.settings.kubernetes_context}"
        return f"{self.faults} fault{plural}, {place}"


def environment_of(
    plan: Plan, play: Play | None, outer: Mapping[str, str], *, context: str = ""
) -> dict[str, str]:
    """The environment of a run: the outer one, the plan's, the experiment's own, the later wins.

    ``context`` is what the person who began the game day said, and wins over the plan. Addresses
    and tokens of webhooks are not for runs.
    """
    secret = {name for each in plan.notify for name in (each.url_env, each.token_env)}
    ours = {key: value for key, value in outer.items() if key not in secret}
    named = {"KUBERNETES_CONTEXT": plan.context, "KVCHAOS_NAMESPACE": plan.namespace}
    given = {key: value for key, value in named.items() if value}
    own = play.environment if play else {}
    told = {"KUBERNETES_CONTEXT": context} if context else {}
    return {**ours, **given, **plan.environment, **own, **told}


class RunPlayer:
    """Plays what is ready, and looks for holds."""

    def __init__(
        self,
        ready: Sequence[Ready],
        environments: Mapping[str, Mapping[str, str]],
        *,
        signals: Signals,
        clock: Clock,
        lab: OwnLab | None = None,
        program: Sequence[str] = US,
    ) -> None:
        self._ready = {each.play.name: each for each in ready}
        self._environments = environments
        self._signals = signals
        self._clock = clock
        self._lab = lab
        self._program = program

    def faults(self, play: str) -> int:
        return self._ready[play].faults

    def where(self, play: str) -> str:
        """``1 fault, inference in staging``."""
        return self._ready[play].where

    def prepare(self, play: str) -> None:
        """Have the embedded lab up if that is where it is played, in the folder that is ours."""
        same = self._environments[play].get(LAB_DIR) == os.environ.get(LAB_DIR)
        if self._lab is not None and same:
            self._lab.need(self._ready[play].settings)

    def play(
        self, play: str, runs: Path, *, began: Callable[[int], None], look: Callable[[], str]
    ) -> Ended:
        said = self._ready[play].play
        journal = runs.parent / "journal.json"
        command = [*self._program, "run", str(said.file), "--runs", str(runs)]
        command += ["--journal-path", str(journal), *arguments(said)]
        return played(
            command,
            self._environments[play],
            signals=self._signals,
            clock=self._clock,
            began=began,
            look=look,
            holds=self._lab.holds if self._lab else (),
        )

    def reap(self, play: str, run: str, runs: Path) -> bool:
        settings = self._ready[play].settings
        if lab_is_down(settings):
            return True  # its pods and their rules went with it
        command = [*self._program, "reap", "--run", run, "--runs", str(runs)]
        command += ["--context", settings.kubernetes_context]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and verb  # nosec B603
                command,
                env=dict(self._environments[play]),
                stdin=subprocess.DEVNULL,
                timeout=REAP_TIMEOUT,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def held(self, play: str) -> str:
        """Who holds the experiment's namespace; where that cannot be told, why: also a hold."""
        settings = self._ready[play].settings
        if lab_is_down(settings):
            return ""
        where = f"{settings.namespace} in {settings.kubernetes_context}"
        try:
            with Cluster.connect(settings.kubernetes_context, timeout=HOLD_TIMEOUT) as cluster:
                found = hold.read(cluster, settings.namespace)
        except KVChaosError as error:
            return f"whether {where} is held cannot be told: {error}"
        return f"{where} is {found.text}" if found else ""


def arguments(play: Play) -> list[str]:
    """Its values and files as options of ``kvchaos run``."""
    files = [part for path in play.var_files for part in ("--var-file", str(path))]
    return [*files, *(part for pair in pairs(play) for part in ("--var", pair))]


def pairs(play: Play) -> tuple[str, ...]:
    """Its values as ``--var`` takes them."""
    return tuple(_pair(key, value) for key, value in play.var.items())


def _pair(key: str, value: Any) -> str:
    """``KEY:TYPE=VALUE`` as Chaos Toolkit reads it; a text has no type, and true is one."""
    if isinstance(value, bool):
        return f"{key}={str(value).lower()}"
    if isinstance(value, int | float):
        return f"{key}:{type(value).__name__}={value}"
    return f"{key}={value}"
