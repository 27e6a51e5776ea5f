"""Whatever ends a lab ends all of it: processes, network, files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab.small_lab import Lab, deployment, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

NOBODY = 65534


def networks(pids: list[int]) -> list[Path]:
    """The network namespaces that these processes are in."""
    return sorted({Path(f"/proc/{pid}/ns/net").readlink() for pid in pids})


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab that may be up at the end, and is not after it."""
    lab = Lab(tmp_path)
    yield lab
    lab.down()
    assert until(lambda: not lab.processes())


def test_down_leaves_nothing(lab: Lab) -> None:
    """No process, no file; and but for its API server it was never in the host's network."""
    lab.up(deployment("web", replicas=2, marker=lab.marker))
    running, lab_daemon = lab.processes(), lab.state().daemon.pid
    (here,) = networks([os.getpid()])
    elsewhere = [pid for pid in running if networks([pid]) != [here]]
    spaces = networks(elsewhere)

    lab.down()

    assert len(running) == 5  # daemon, node twice, two pods
    assert set(running) - set(elsewhere) == {lab_daemon}
    assert len(spaces) == 3  # the node's, and one for each pod
    assert (lab.processes(), lab.directory.root.exists()) == ([], False)


@pytest.mark.parametrize("who", ["daemon", "init"])
def test_killed_lab_takes_everything_with_it(lab: Lab, who: str) -> None:
    """SIGKILL to the daemon or to the node: the kernel ends the rest; the next up clears it."""
    pods = deployment("web", replicas=2, marker=lab.marker)
    lab.up(pods)
    victim = {"daemon": lab.state().daemon, "init": lab.state().init}[who]
    assert victim is not None

    victim.send(signal.SIGKILL)

    assert until(lambda: not lab.processes())
    assert lab.status()["up"] is False
    lab.up(pods)
    assert lab.status()["up"] is True


def test_pod_that_ignores_signals_does_not_outlive_the_lab(lab: Lab) -> None:
    """Nor do the children that it put into sessions of their own."""
    stubborn = f"trap '' TERM INT HUP; setsid sleep 3600 & echo {lab.marker}; sleep 3600"
    command = ["/bin/bash", "-c", f"{stubborn}; : {lab.marker}"]
    lab.up(deployment("web", replicas=1, marker=lab.marker, command=command, readinessProbe=None))
    daemon = lab.state().daemon
    init = lab.state().init
    assert init is not None
    inside = namesakes(init.pid)

    daemon.send(signal.SIGKILL)

    assert len(inside) >= 3
    assert until(lambda: not [pid for pid in inside if Path(f"/proc/{pid}").exists()])


def namesakes(init: int) -> list[int]:
    """Every process that descends from ``init``."""
    found, queue = [], [init]
    while queue:
        pid = queue.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            queue += map(int, (task / "children").read_text().split())
    return found


def test_two_labs_do_not_know_of_each_other(lab: Lab, tmp_path: Path) -> None:
    """Same addresses, same ports, no collision: each has networks of its own."""
    other = Lab(tmp_path / "other")
    other.root.mkdir()
    lab.up(deployment("web", replicas=1, marker=lab.marker))
    try:
        other.up(deployment("web", replicas=1, marker=other.marker))
        addresses = [each.pods("web")[0]["status"]["podIP"] for each in (lab, other)]
    finally:
        other.down()

    assert addresses[0] == addresses[1]
    assert lab.status()["up"] is True


def test_second_up_applies_to_the_lab_that_is_up(lab: Lab) -> None:
    """The same daemon, the changed manifests."""
    lab.up(deployment("web", replicas=1, marker=lab.marker))
    first = lab.state().daemon

    lab.up(deployment("web", replicas=2, marker=lab.marker))

    assert (lab.state().daemon, len(lab.pods("web"))) == (first, 2)


def test_labs_started_at_the_same_time_in_one_place_are_one(lab: Lab) -> None:
    """Whoever comes second waits for the daemon of the first."""
    web = deployment("web", replicas=1, marker=lab.marker)
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: lab.try_up(web), range(2)))

    if "the kernel refuses" in done[0].stderr + done[1].stderr:
        pytest.skip(done[0].stderr.strip())
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    assert len(lab.processes()) == 4  # one daemon, node twice, one pod


def test_pod_that_the_lab_would_run_wrongly_is_not_run(lab: Lab) -> None:
    """What cannot be honoured is said, not ignored."""
    odd = deployment("web", replicas=1, marker=lab.marker)
    odd["spec"]["template"]["spec"]["initContainers"] = [{"name": "first", "image": "x"}]

    done = lab.try_up(odd, timeout=2)

    if "the kernel refuses" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode != 0
    assert "CreateContainerConfigError" in done.stderr


def test_pod_that_does_not_come_up_is_named_with_its_last_words(lab: Lab) -> None:
    """Bounded, and saying what to look at."""
    command = ["/bin/sh", "-c", "echo out of luck; exit 3"]
    bad = deployment("web", replicas=1, marker=lab.marker, command=command)

    done = lab.try_up(bad, timeout=3)

    if "the kernel refuses" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode != 0
    assert "not ready after 3 s: web 0/1" in done.stderr
    assert "CrashLoopBackOff [out of luck]" in done.stderr


def test_logs_are_there_for_pods_that_are_gone(lab: Lab) -> None:
    """What a killed pod said is often what one wants to know."""
    lab.up(deployment("web", replicas=1, marker=lab.marker))
    name = lab.pods("web")[0]["metadata"]["name"]
    lab.request("DELETE", f"/api/v1/namespaces/kvchaos/pods/{name}?gracePeriodSeconds=0")
    until(lambda: name not in [each["metadata"]["name"] for each in lab.pods("web")])

    done = lab.run("logs", name)

    assert done.stdout == "answering\n"


def test_kernel_that_refuses_is_named_with_its_setting(lab: Lab) -> None:
    """No traceback, nothing left; the sysctl in the way stands in the message."""
    script = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    command += [sys.executable, "-m", "kvchaos.lab", "up"]
    if shutil.which("unshare") is None or not may_unshare():
        pytest.skip("this kernel refuses user namespaces altogether, or there is no unshare")
    environment = {**os.environ, "KVCHAOS_LAB_DIR": str(lab.directory.root)}

    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("LabError: the kernel refuses the lab")
    assert "user.max_net_namespaces=0" in done.stderr
    assert not lab.directory.root.exists()


def may_unshare() -> bool:
    done = subprocess.run(["unshare", "--user", "--map-root-user", "true"], check=False)
    return done.returncode == 0


@pytest.fixture
def place_of_nobody() -> Iterator[Path]:
    """A directory that the account nobody may use; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="kvchaos-nobody-") as name:
        os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs this is an ordinary user already")
def test_ordinary_user_gets_the_same_lab(place_of_nobody: Path) -> None:
    """By a user namespace; as root it is tried with the account nobody."""
    lab = Lab(place_of_nobody, user=NOBODY)
    found = python_for_others()
    if found is None:
        pytest.skip(f"the account nobody can run neither {sys.executable} nor /usr/bin/python3")
    lab.python, packages = found
    lab.environment = {"PYTHONPATH": packages, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        lab.up(deployment("web", replicas=2, marker=lab.marker))
        ready = [pod["ready"] for pod in lab.status()["pods"]]
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in lab.processes()}
    finally:
        lab.down()

    assert (ready, owners) == (["1/1", "1/1"], {NOBODY})
    assert lab.processes() == []


def python_for_others() -> tuple[str, str] | None:
    """A Python that nobody can run with our packages, and the path to find them by."""
    packages = os.pathsep.join(path for path in sys.path if path)
    for python in (sys.executable, "/usr/bin/python3"):
        code = "import kvchaos.lab.commands, aiohttp, pyroute2"
        environment = {"PYTHONPATH": packages, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [python, "-c", code], env=environment, user=NOBODY, cwd="/", check=False
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python, packages
    return None
