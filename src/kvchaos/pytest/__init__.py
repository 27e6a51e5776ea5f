"""A pytest plugin for those who build routers: engines, an oracle and real faults in a test.

::

    def test_recovers(engines, router, fault):
        engines.warm()
        with fault("network-partition") as cut:
            engines.warm()
            assert cut.in_effect()
        assert router.recovers(within=30)

It comes with kvchaos; there is nothing to switch on. Each worker of pytest has an embedded lab of
its own (so ``-n 4`` is four labs that know nothing of each other), or all use the cluster that
``--kvchaos-context`` names. ``lab`` and ``cluster`` live as long as the worker; ``engines``,
``router`` and ``fault`` belong to one run each test: observed from its start, with a history, and
with every fault ended and looked after at its end. A test that leaves anything behind fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kvchaos.cluster.client import Cluster
    from kvchaos.pytest.engines import Engines
    from kvchaos.pytest.events import EventGenerator
    from kvchaos.pytest.faults import Faults
    from kvchaos.pytest.place import Lab
    from kvchaos.pytest.router import Router
    from kvchaos.run.session import Run

__all__ = ["cluster", "engines", "fault", "kv_events", "lab", "router"]

MARKER = "kvchaos(**configuration): configuration of the run of this test, such as max_percent=100"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options are those of ``kvchaos.pytest.options``."""
    from kvchaos.pytest.options import add  # noqa: PLC0415 - only sessions of pytest pay for it

    add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """The marker that changes the configuration of a test's run."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """What the tests of this worker run against: a lab of its own, or the named context.

    The lab is started here and stopped at the end, also when pytest is killed. Where there is none
    to be had, the session ends: no test of it could tell anything.
    """
    from kvchaos.errors import KVChaosError  # noqa: PLC0415
    from kvchaos.pytest.place import opened  # noqa: PLC0415

    place = opened(pytestconfig)
    try:
        here = place.__enter__()
    except KVChaosError as error:
        pytest.exit(f"kvchaos: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    try:
        yield here
    finally:
        place.__exit__(None, None, None)


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Iterator[Cluster]:
    """A client of the cluster under test: pods, logs, port-forward."""
    from kvchaos.cluster.client import Cluster as Client  # noqa: PLC0415

    with Client.connect(lab.context) as client:
        yield client


@pytest.fixture
def kvchaos_run(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Run]:
    """The run of this test: connected, every engine followed from its first event on."""
    from kvchaos.errors import KVChaosError  # noqa: PLC0415
    from kvchaos.pytest.trial import trial  # noqa: PLC0415

    changed = (
        {} if (marker := request.node.get_closest_marker("kvchaos")) is None else marker.kwargs
    )
    folder = request.getfixturevalue("tmp_path") / "kvchaos-runs"
    try:
        with trial(lab, title=request.node.nodeid, folder=folder, changed=changed) as run:
            yield run
    except KVChaosError as error:
        pytest.fail(f"kvchaos: {error}", pytrace=False)


@pytest.fixture
def engines(kvchaos_run: Run) -> Engines:
    """The engines as the observer follows them: give them prompts, flush them."""
    from kvchaos.pytest.engines import Engines as Followed  # noqa: PLC0415

    return Followed(kvchaos_run)


@pytest.fixture
def router(kvchaos_run: Run) -> Router:
    """The router under test: what its index says beside the oracle, where it sends a prompt."""
    from kvchaos.pytest.router import Router as Asked  # noqa: PLC0415

    return Asked(kvchaos_run)


@pytest.fixture
def fault(kvchaos_run: Run) -> Faults:
    """Injects a fault for the length of a ``with``; it is ended there, whatever happens."""
    from kvchaos.pytest.faults import Faults as Injecting  # noqa: PLC0415

    return Injecting(kvchaos_run)


@pytest.fixture
def kv_events(pytestconfig: pytest.Config) -> EventGenerator:
    """Seeded KV events as an engine would publish them; needs no lab."""
    from kvchaos.pytest.events import EventGenerator as Generator  # noqa: PLC0415

    return Generator(int(pytestconfig.getoption("kvchaos_seed")))
