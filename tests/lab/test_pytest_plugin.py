"""The plugin as those use it who build routers: pytest in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kvchaos.clock import SystemClock
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.state import read_state
from tests.workflows.steps import TOP

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-q"]
WHERE = """
import json, os
from pathlib import Path

def test_where(lab, engines, router, fault):
    engines.warm(prefixes=1, visible_within=15)
    with fault("network-partition") as cut:
        engines.warm(prefixes=1)
        assert cut.in_effect()
    assert router.recovers(within=30)
    seen = {"lab": str(lab.directory), "engines": [engine.uid for engine in engines]}
    worker = os.environ["PYTEST_XDIST_WORKER"]
    Path(os.environ["SEEN"], worker).write_text(json.dumps(seen))
"""
DEAF = """
def test_recovers(engines, router, fault):
    with fault("network-partition") as cut:
        engines.warm(prefixes=1)
        assert cut.in_effect()
    assert router.recovers(within=1)
"""
HANGS = """
import os, sys

def test_hangs(lab):
    os.write(int(os.environ["TELL"]), f"{lab.directory}\\n".encode())
    sys.stdin.buffer.raw.read(1)
"""
CUT = """
import os, sys

def test_cut(engines, fault, kvchaos_run):
    with fault("network-partition"):
        os.write(int(os.environ["TELL"]), f"{kvchaos_run.folder}\\n".encode())
        sys.stdin.buffer.raw.read(1)
"""
HELD = """
from kvchaos.clock import SystemClock, poll
from kvchaos.mesh import hold

def test_held(lab, cluster, engines, fault, kvchaos_run):
    with fault("network-partition", held=0):
        hold.place(cluster, lab.namespace, reason="a release", by="a test", since="now")
        poll(lambda: kvchaos_run.recovered, bool, timeout=10, every=0.1, clock=SystemClock())
        hold.lift(cluster, lab.namespace)

def test_next(engines, router):
    assert router.agrees()
"""


def played(folder: Path, source: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A session over one file of tests, ended."""
    (folder / "test_it.py").write_text(source)
    return subprocess.run(
        [*PYTEST, *words, "test_it.py"],
        cwd=folder,
        env={**os.environ, "SEEN": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )


def test_four_labs_at_once_know_nothing_of_each_other(tmp_path: Path) -> None:
    """A worker each, a fault in each; four labs, twelve engines, and none left after it."""
    done = played(tmp_path, WHERE, "-n", "4", "--dist", "each")

    assert done.returncode == 0, done.stdout
    seen = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("gw*"))]
    assert len({each["lab"] for each in seen}) == 4
    assert len({uid for each in seen for uid in each["engines"]}) == 12
    assert [each["lab"] for each in seen if Path(each["lab"]).exists()] == []


def test_a_router_that_does_not_recover_is_told_what_it_lacks(tmp_path: Path) -> None:
    """The assert says which engine has how many blocks too few."""
    done = played(tmp_path, DEAF, "--kvchaos-router-recovery=none", "--kvchaos-engines=2")

    assert done.returncode == 1, done.stdout
    assert re.search(r"assert <no: kvchaos-engine-\S+: \d+ missing, 0 phantom>", done.stdout)


def test_the_example_suite_passes() -> None:
    """Single engine, several engines, pods that come and go, a shipped experiment."""
    done = subprocess.run(
        [*PYTEST, "-n", "2", "examples/router-tests"],
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=170,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"^9 passed", done.stdout, re.MULTILINE), done.stdout


def test_a_session_that_is_killed_leaves_no_lab(tmp_path: Path) -> None:
    """SIGKILL: nobody tidies up, and the lab ends by itself."""
    (tmp_path / "test_it.py").write_text(HANGS)
    told, tell = os.pipe()
    session = subprocess.Popen(
        [*PYTEST, "-s", "--kvchaos-engines=0", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "TELL": str(tell)},
        pass_fds=[tell],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    os.close(tell)
    with os.fdopen(told) as reader:
        directory = LabDirectory(Path(reader.readline().strip()))
    state = read_state(directory)

    session.send_signal(signal.SIGKILL)
    session.communicate(timeout=30)

    assert state is not None
    assert state.daemon.wait_gone(timeout=30.0, clock=SystemClock())


def test_a_signal_ends_the_fault_before_the_session(tmp_path: Path) -> None:
    """SIGTERM in mid-partition, and once more: the fault is recovered, the session told of it."""
    (tmp_path / "test_it.py").write_text(CUT)
    told, tell = os.pipe()
    session = subprocess.Popen(
        [*PYTEST, "-s", "--kvchaos-engines=2", "--basetemp=inner", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "TELL": str(tell), "SEEN": str(tmp_path)},
        pass_fds=[tell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(tell)
    with os.fdopen(told) as reader:
        folder = Path(reader.readline().strip())

    session.send_signal(signal.SIGTERM)
    session.send_signal(signal.SIGTERM)
    said, _ = session.communicate(timeout=60)

    events = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    ends = {each["event"]: each for each in events}
    assert session.returncode == pytest.ExitCode.INTERRUPTED, said
    assert "SIGTERM" in said
    assert (ends["fault_recovered"]["by"], ends["residue"]["left"]) == ("deletion", [])


def test_a_hold_ends_the_fault_and_fails_the_test_alone(tmp_path: Path) -> None:
    """The test goes on to its end, is told who ended its fault, and the next one runs."""
    done = played(tmp_path, HELD, "--kvchaos-engines=2")

    assert "the faults of this test were ended before it was over: saw hold: " in done.stdout
    assert re.search(r"^2 passed, 1 error", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--kvchaos-context=nowhere", "no context nowhere"),
        ("--kvchaos-manifests=nowhere", "nowhere"),
    ],
)
def test_an_option_that_is_not_usable_ends_the_session_in_a_line(
    tmp_path: Path, word: str, said: str
) -> None:
    """No traceback for each test: none of them could tell anything."""
    done = played(tmp_path, DEAF, word)

    assert (done.returncode, "Traceback" in done.stdout) == (pytest.ExitCode.USAGE_ERROR, False)
    assert said in done.stdout
