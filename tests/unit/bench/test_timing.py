"""The stop watch, and the extra work by which the alarm is proven."""

from __future__ import annotations

import pytest

from kvchaos.bench.calibration import calibrated
from kvchaos.bench.timing import EXTRA, Bench, extra_work


@pytest.mark.parametrize(
    ("extra", "calls", "done"),
    [(0.0, 5, [5, 5, 5]), (0.2, 5, [6, 6, 6]), (0.2, 2, [2, 2, 3]), (1.0, 1, [2, 2, 2])],
)
def test_extra_work_is_done_and_not_counted(extra: float, calls: int, done: list[int]) -> None:
    """What is no whole call is owed to the next sample, so that the mean is right."""
    ran = 0
    seen = []

    def work() -> None:
        nonlocal ran
        ran += 1

    bench = Bench(7, extra=extra)
    for _ in done:
        ran = 0
        bench.timed(work, calls=calls)
        seen.append(ran)

    assert seen == done


def test_a_work_that_burns_has_cpu_time_and_one_that_waits_has_none() -> None:
    """That is why figures rest on it."""
    bench = Bench(7)

    burnt = bench.timed(calibrated)
    waited = bench.timed(lambda: bench.clock.sleep(0.02))

    assert burnt.cpu > waited.cpu
    assert waited.wall >= 0.02


def test_the_environment_asks_for_extra_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing by itself."""
    monkeypatch.delenv(EXTRA, raising=False)
    assert extra_work() == 0.0
    monkeypatch.setenv(EXTRA, "0.2")
    assert extra_work() == 0.2


def test_the_same_seed_gives_the_same_data() -> None:
    """Both sides of a comparison measure the same."""
    assert Bench(3).rng.random() == Bench(3).rng.random()
