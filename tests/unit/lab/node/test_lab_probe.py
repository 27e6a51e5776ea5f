"""Probes: when single answers become a verdict, and what port is meant."""

from __future__ import annotations

import asyncio
from typing import Any

from kvchaos.lab.node.probe import Threshold, port_number, watch


def test_verdict_changes_after_enough_equal_answers_in_a_row() -> None:
    """One good answer in between starts the count of failures over."""
    threshold = Threshold(verdict=True, successes=2, failures=3)

    answers = [False, False, True, False, False, False, True, False, True, True]

    assert [threshold.seen(answer) for answer in answers] == [
        True, True, True, True, True, False, False, False, False, True,
    ]  # fmt: skip


def test_ports_go_by_number_or_by_the_containers_name_for_them() -> None:
    """A name that the container does not give is no port."""
    container = {"ports": [{"name": "http", "containerPort": 8000}]}

    found = [port_number(port, container) for port in (8080, "8081", "http", "other")]

    assert found == [8080, 8081, 8000, 0]


def test_failures_while_waiting_eagerly_count_once_a_period() -> None:
    """A program that needs its time to come up is not given up ten times faster."""
    answers = iter(["no"] * 5 + [""])
    reports: list[tuple[bool, str]] = []

    async def check() -> str:
        return next(answers)

    async def run() -> None:
        done = asyncio.Event()

        def report(verdict: bool, why: str) -> None:
            reports.append((verdict, why))
            if not why:
                done.set()

        spec: dict[str, Any] = {"periodSeconds": 60, "failureThreshold": 2}
        task = asyncio.ensure_future(watch(spec, check, report, initial=True, eager=True))
        await done.wait()
        task.cancel()

    asyncio.run(run())

    assert reports == [(True, "no"), (True, "")]
