"""Engines whose blocks are of another size than is said: nobody blames the router for that."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from tests.chaosrun import Outcome, chaos_run, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

SHIPPED = "--block-size=16"
PROGRAM = "command: [python3, -m, kvchaos, engine]"
UNTOLD = """
from kvchaos.sim.engine import main, metrics
metrics._EngineCollector._cache = lambda _: metrics.GaugeMetricFamily("other", "no cache")
main.main()
"""
"""An engine that does not say its block size at /metrics, as those that are no vLLM."""


class Place:
    """A lab whose engines have blocks of 64 tokens."""

    def __init__(self, root: Path, *, untold: bool) -> None:
        self.environment = os.environ | {
            "KVCHAOS_LAB_DIR": str(root / "lab"),
            "KUBERNETES_CONTEXT": "kvchaos-lab",
            "COLUMNS": "300",
        }
        self.deploy = root / "deploy"
        shutil.copytree(asset("deploy"), self.deploy)
        engine = self.deploy / "base" / "engine.yaml"
        text = engine.read_text(encoding="utf-8")
        assert SHIPPED in text
        assert PROGRAM in text
        text = text.replace(SHIPPED, "--block-size=64")
        if untold:
            text = text.replace(PROGRAM, f"command: {json.dumps(['python3', '-c', UNTOLD])}")
        engine.write_text(text, encoding="utf-8")

    def kvchaos(self, *words: str, **settings: str) -> tuple[int, str]:
        """Exit code, and all that was said."""
        done = kvchaos(self.environment | settings, *words)
        return done.returncode, done.stdout + done.stderr

    def run(self, folder: Path, size: int, **configuration: Any) -> Outcome:
        """A shipped experiment for blocks of this size, with other configuration."""
        text = asset("experiments", "engine-restart.json").read_text(encoding="utf-8")
        experiment = json.loads(text)
        experiment["configuration"] |= configuration
        path = folder / "experiment.json"
        path.write_text(json.dumps(experiment), encoding="utf-8")
        return chaos_run(path, folder, self.environment | {"KVCHAOS_BLOCK_SIZE": str(size)})


@pytest.fixture
def place(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """Its engines have published nothing yet; they are vLLM, unless the test says ``untold``."""
    untold = getattr(request, "param", "") == "untold"
    place = Place(tmp_path_factory.mktemp("sized"), untold=untold)
    overlay = str(place.deploy / "overlays" / "lab")
    code, said = place.kvchaos("lab", "up", "--manifests", overlay)
    assert code == 0, said
    yield place
    code, said = place.kvchaos("lab", "down")
    assert code == 0, said


def test_another_size_is_refused_before_anything_is_asked(place: Place, tmp_path: Path) -> None:
    """By preflight, doctor and run, from what the engines say of themselves; the right one runs."""
    path = str(asset("experiments", "engine-restart.json"))

    refused = place.kvchaos("preflight", path)
    examined = place.kvchaos("doctor", path)
    run = place.run(tmp_path, 16)

    wanted = "wanted blocks of 16 tokens (block_size), saw blocks of 64 tokens in kvchaos-engine-"
    assert refused[0] == 2, refused[1]
    assert f"other_block_size: the engines' blocks are of another size: {wanted}" in refused[1]
    assert "MISSING  block size" in examined[1]
    assert wanted in examined[1]
    assert (run.verdict, "other_block_size" in run.journal["kvchaos"]["why"]) == ("unknown", True)

    right = place.run(tmp_path, 64)
    assert right.verdict == "pass", right.said


def test_what_metrics_leave_open_the_events_tell(place: Place, tmp_path: Path) -> None:
    """A multiple may be right; the first event says that it is not, and nothing is injected.

    A second run sees that event before it begins.
    """
    reason = "its blocks have 64 tokens, and block_size is 128: see KVCHAOS_BLOCK_SIZE"

    first = place.run(tmp_path, 128)
    second = place.run(tmp_path, 128, ready_timeout=1)

    assert first.verdict == "unknown", first.said
    assert "block_size is 128, and the engines say 64" in first.said
    checks = {each["name"]: each for each in first.journal["kvchaos"]["checks"]}
    assert checks["steady state before"]["verdict"] == "unknown", checks["steady state before"]
    assert reason in " ".join(checks["oracle complete"]["evidence"])
    assert "fail" not in {each["verdict"] for each in checks.values()}
    assert (second.verdict, reason in second.journal["kvchaos"]["why"]) == ("unknown", True)


@pytest.mark.parametrize("place", ["untold"], indirect=True)
def test_engines_that_do_not_tell_and_publish_nothing_leave_it_open(
    place: Place, tmp_path: Path
) -> None:
    """A canary of 16 tokens is no block to them: whoever learns nothing of it is not to blame."""
    run = place.run(tmp_path, 16)

    checks = {each["name"]: each for each in run.journal["kvchaos"]["checks"]}
    assert (run.verdict, checks["steady state before"]["verdict"]) == ("unknown", "unknown")
    assert "fail" not in {each["verdict"] for each in checks.values()}
    assert "other_block_size" not in run.said
    assert "cannot be judged: it published nothing for prompts of blocks of 16 tokens" in run.said
    canary = next(
        each["output"]
        for each in run.journal["steady_states"]["before"]["probes"]
        if "canary" in each["activity"]["name"]
    )
    assert canary["visible"] is None
    assert len(canary["unknown"]) == 3
    assert all(
        "--block-size beside KVCHAOS_BLOCK_SIZE" in why for why in canary["unknown"].values()
    )
