"""``kvchaos hold`` and ``kvchaos release``: what they change, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main
from kvchaos.commands import hold as commands
from kvchaos.errors import ClusterUnreachable
from kvchaos.mesh.hold import Hold, read
from tests.scripted import ScriptedCluster

PLACE = {"KUBERNETES_CONTEXT": "there", "KVCHAOS_NAMESPACE": "engines"}


@dataclass
class Connecting(ScriptedCluster):
    """A scripted cluster in place of the client's class; remembers what it was connected to."""

    contexts: list[str] = field(default_factory=list)
    open: int = 0

    def connect(self, context: str) -> Self:
        self.contexts.append(context)
        return self

    def __enter__(self) -> Self:
        self.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.open -= 1


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Connecting:
    cluster = Connecting()
    monkeypatch.setattr(commands, "Cluster", cluster)
    monkeypatch.setattr(commands, "_who", lambda: "ana@laptop")
    return cluster


def run(*arguments: str, environment: Mapping[str, str] = PLACE) -> Result:
    empty = dict.fromkeys(PLACE, None)
    return CliRunner().invoke(main, arguments, env={**empty, **environment})


def test_holding_and_releasing_say_who_since_when_and_why(cluster: Connecting) -> None:
    """The second holder is told of the first; releasing tells what it was; both exit with 0."""
    said = [
        run("hold", "--reason", "release day"),
        run("hold", "--reason", "another"),
        run("release"),
        run("release"),
    ]

    since = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    look = "  kvchaos release --context there --namespace engines\n"
    held = f"held by ana@laptop since {since}: release day"
    wanted = [
        f"engines in there is {held}\n{look}",
        f"engines in there is already {held}\n{look}",
        f"engines in there is released; it was {held}\n",
        "engines in there was not held\n",
    ]
    assert [each.exit_code for each in said] == [0, 0, 0, 0]
    for each, text in zip(said, wanted, strict=True):
        assert re.fullmatch(text, each.output), each.output
    assert (cluster.contexts, cluster.open) == (["there"] * 4, 0)


@pytest.mark.parametrize(
    ("arguments", "environment", "context", "namespace"),
    [
        ((), {}, "kvchaos-lab", "kvchaos"),
        ((), PLACE, "there", "engines"),
        (("--context", "c", "--namespace", "n"), PLACE, "c", "n"),
    ],
)
def test_the_place_is_named_as_experiments_name_it(
    cluster: Connecting,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    context: str,
    namespace: str,
) -> None:
    """Told, else by the environment that the shipped experiments read, else the lab's."""
    assert run("hold", *arguments, environment=environment).exit_code == 0

    assert cluster.contexts == [context]
    assert isinstance(read(cluster, namespace), Hold)


@pytest.mark.parametrize(("verb", "call"), [("hold", "create"), ("release", "get")])
def test_a_cluster_that_does_not_answer_is_an_error(
    cluster: Connecting, verb: str, call: str
) -> None:
    """Nobody may believe in a hold that is not there."""
    cluster.fails[call] = [ClusterUnreachable("no answer")]

    said = run(verb)

    assert (said.exit_code, said.output) == (2, "kvchaos: no answer\n")
    assert cluster.open == 0


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod may run as a user that its image does not know."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 1234)
    monkeypatch.setattr("socket.gethostname", lambda: "pod-1")

    assert commands._who() == "uid-1234@pod-1"
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    assert commands._who() == "ana@pod-1"


def test_the_verbs_are_known(cluster: Connecting) -> None:
    """Both stand in the help of the command."""
    words: list[Any] = run("--help").output.split()

    assert {"hold", "release"} <= set(words)
