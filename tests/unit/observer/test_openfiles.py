"""Open files: as many as are wanted, as far as the system lets."""

from __future__ import annotations

import resource

import pytest

from kvchaos.observer.openfiles import allow

Limits = tuple[int, int]


@pytest.mark.parametrize(
    ("there", "wanted", "then", "told"),
    [
        ((1024, 4096), 2000, [(2000, 4096)], 2000),
        ((1024, 4096), 9000, [(4096, 4096)], 4096),
        ((1024, resource.RLIM_INFINITY), 9000, [(9000, resource.RLIM_INFINITY)], 9000),
        ((1024, 4096), 1024, [], 1024),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 9000, [], resource.RLIM_INFINITY),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_the_hard_one(
    monkeypatch: pytest.MonkeyPatch, there: Limits, wanted: int, then: list[Limits], told: int
) -> None:
    """And never lowered."""
    made: list[Limits] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: there)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: made.append(limits))

    assert allow(wanted) == told
    assert made == then


def test_a_system_that_refuses_leaves_it_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine for which there is no socket is unknown then, with the reason."""

    def refuse(_: int, limits: Limits) -> None:
        raise ValueError(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert allow(2000) == 1024
