"""In which order a run starts: whatever may refuse it comes before what it would have to undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kvchaos.ending.stopping import Stopping
from kvchaos.errors import KVChaosError
from kvchaos.run import lifecycle
from tests.run_world import World

STEPS = (
    "check",
    "settings_from",
    "ensure_cluster",
    "_new_run",
    "_record_start",
    "connected",
    "_preflight",
    "_heed_hold",
    "_await_observer",
    "_take_pulse",
    "_watch_stop_conditions",
)
WATCH = "stopping.watch"
ORDER = [*STEPS[:5], WATCH, *STEPS[5:]]


class Starting:
    """A start whose steps only say that they were taken; ``refusing`` is one that raises."""

    def __init__(self, folder: Path, patch: Callable[..., None]) -> None:
        self.run = World.at(folder).run
        self.refusing = ""
        self.taken: list[str] = []
        cast("Any", self.run).connect = lambda _: None
        answers = {
            "_new_run": self.run,
            "ensure_cluster": True,
            "settings_from": self.run.settings,
        }
        for step in STEPS:
            patch(lifecycle, step, self.step(step, answers.get(step)))
        patch(lifecycle, "lab_down", lambda owner: self.taken.append("lab down"))
        self.stopping = SimpleNamespace(
            watch=self.step(WATCH, None),
            rest=lambda: self.taken.append("rest"),
            heed=lambda: None,
            shield=lambda: None,
            record_late=lambda _: None,
        )

    def step(self, name: str, answer: object) -> Callable[..., object]:
        def taken(*_: object, **__: object) -> object:
            self.taken.append(name)
            if name == self.refusing:
                raise KVChaosError(f"{name} refuses")
            return answer

        return taken

    def start(self) -> None:
        stopping = cast("Stopping", self.stopping)
        lifecycle.start({}, {}, {}, clock=self.run.clock, stopping=stopping)


@pytest.fixture
def starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starting:
    return Starting(tmp_path, monkeypatch.setattr)


def test_a_start_takes_every_step_in_its_order(starting: Starting) -> None:
    """And nothing is undone then; who has the run ends it."""
    starting.start()
    taken = list(starting.taken)
    starting.run.started.close()

    assert taken == ORDER
    assert starting.taken[len(ORDER) :] == ["rest", "lab down"]


@pytest.mark.parametrize("step", ORDER)
def test_a_step_that_refuses_is_the_last_one_and_what_was_made_is_undone(
    starting: Starting, step: str
) -> None:
    """The lab is taken down that was started, the thread ends that waits for a stop."""
    starting.refusing = step
    with pytest.raises(KVChaosError, match=f"{step} refuses"):
        starting.start()

    at = ORDER.index(step) + 1
    undone = [*(["rest"] if at > 4 else []), *(["lab down"] if at > 3 else [])]
    assert starting.taken == [*ORDER[:at], *undone]
    starting.run.close()
