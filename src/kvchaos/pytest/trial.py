"""The run of one test: started as an experiment's is, ended whatever the test did.

The rule: what a test left behind fails it, also when the test itself passed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from kvchaos.clock import SystemClock
from kvchaos.errors import FaultNotRecovered
from kvchaos.pytest.place import Lab
from kvchaos.run import current, finishing, lifecycle
from kvchaos.run.session import Run

Json = dict[str, Any]

CONTROL = {"name": "kvchaos", "provider": {"type": "python", "module": "kvchaos.control"}}


@contextmanager
def trial(lab: Lab, *, title: str, folder: Path, changed: Mapping[str, Any]) -> Iterator[Run]:
    """A run in ``lab`` whose history goes into ``folder``; ``changed`` is configuration.

    Raises ``FaultNotRecovered`` at its end when something of it is left, or may be.
    """
    configuration = {**lab.configuration, "runs": str(folder), **changed}
    run = lifecycle.start(_experiment(title), configuration, {}, clock=SystemClock())
    current.begin(run)
    run.phase = "method"
    try:
        yield run
    finally:
        with redirect_stdout(io.StringIO()):  # a test is judged by its asserts, not by the summary
            record = finishing.finish(run, "completed")
        current.end()
        sys.stdout.write(f"kvchaos: the history of this test is in {run.folder}\n")
    _refuse_residue(record)


def _experiment(title: str) -> Json:
    """What a test is to Chaos Toolkit: an experiment whose method is the test's own code."""
    return {
        "title": title,
        "description": "a test",
        "controls": [CONTROL],
        "runtime": {"rollbacks": {"strategy": "always"}},
        "method": [],
        "rollbacks": [],
    }


def _refuse_residue(record: Json) -> None:
    left = [*(record.get("residue") or []), *(record.get("unconfirmed") or [])]
    if left:
        raise FaultNotRecovered(
            "the test left something behind", saw="; ".join(left), look=str(record.get("reap"))
        )
