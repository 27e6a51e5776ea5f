"""Which engines there are, and what is done when their pods come, restart and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import EngineUnreachable
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.subscriber import Link
from kvchaos.observer.roster import Roster
from kvchaos.observer.settings import Bounds, Ports
from tests.streams import ENGINE, GPU, ScriptedLink, engine_pod, message, stored

POD = engine_pod()
RESTARTED = engine_pod(restarts=1, started="2026-01-01T00:01:00Z")


@dataclass
class Stage:
    """A roster whose links are played; ``no_address`` makes the next dials fail."""

    ranks: int = 1
    no_address: bool = False
    failure_text: str = ""
    links: dict[str, list[ScriptedLink]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    oracle: Oracle = field(default_factory=Oracle)
    roster: Roster = field(init=False)

    def __post_init__(self) -> None:
        self.roster = Roster(
            oracle=self.oracle,
            ports=Ports(event=5557, replay=5657, ranks=self.ranks),
            dial=self,
            bounds=Bounds(redial=1.0),
            tell=self.told.append,
            link=self.open,
        )

    def address(self, pod: Object, port: int) -> str:
        if self.no_address:
            raise EngineUnreachable("pod engine-a has no address yet")
        return f"{pod['status']['podIP']}:{port}"

    def failure(self, pod: Object, port: int) -> str:
        return self.failure_text

    def open(self, events: str, replay: str, *, bounds: Bounds) -> ScriptedLink:
        self.links.setdefault(f"{events} {replay}", []).append(ScriptedLink())
        return self.links[f"{events} {replay}"][-1]

    def see(self, *pods: Object, now: float = 0.0) -> None:
        """These are all the pods that there are."""
        self.roster.take(list(pods))
        self.dial(now)

    def change(self, kind: str, pod: Object, now: float = 0.0) -> None:
        self.roster.take(WatchEvent(kind, pod))
        self.dial(now)

    def dial(self, now: float) -> None:
        self.roster.adopt(self.roster.dial(now), now)

    def trouble(self) -> str:
        return self.roster.trouble(self.roster.followers[ENGINE])

    def play(self, *, hash_: int = 1, ts: float = 1.5) -> None:
        """The newest link of engine-a comes on and brings one block."""
        link = self.links["tcp://127.0.0.1:5557 tcp://127.0.0.1:5657"][-1]
        follower = self.roster.followers[ENGINE]
        link.changes.append(Link.CONNECTED)
        follower.turn(0.0)
        link.answers += [message(0, stored(hash_), ts=ts), End.END]
        follower.turn(0.0)
        follower.turn(1.0)
        link.answers += [message(0, stored(hash_), ts=ts), End.END]
        follower.turn(1.0)


def test_each_rank_has_ports_of_its_own() -> None:
    """Rank r publishes at the base + r and replays at the other base + r, as in vLLM."""
    stage = Stage(ranks=2)

    stage.see(POD)

    assert list(stage.roster.followers) == [ENGINE, ENGINE._replace(rank=1)]
    assert list(stage.links) == [
        "tcp://127.0.0.1:5557 tcp://127.0.0.1:5657",
        "tcp://127.0.0.1:5558 tcp://127.0.0.1:5658",
    ]


@pytest.mark.parametrize(
    ("ranks", "trouble"),
    [(1, "its pod declares 2 ranks, 1 are followed"), (2, ""), (3, "")],
)
def test_a_rank_that_is_declared_and_not_followed_is_not_overlooked(
    ranks: int, trouble: str
) -> None:
    """Nobody can say what such a pod holds; ranks that are not declared are looked for."""
    stage = Stage(ranks=ranks)
    pod = engine_pod()
    pod["spec"]["containers"][0]["ports"] = [
        {"name": "kv-events", "containerPort": 5557},
        {"name": "kv-events-1", "containerPort": 5558},
    ]
    stage.see(pod)

    stage.play()

    assert stage.trouble() == trouble


def test_an_engine_is_known_before_it_runs() -> None:
    """It is unknown then, with the reason, instead of being overlooked."""
    stage = Stage()

    stage.see(engine_pod(phase="Pending", started=None))

    assert stage.links == {}
    assert stage.roster.alive() == {"engine-a"}
    assert stage.trouble() == "its container does not run: Pending, Crashed"


def test_an_engine_is_followed_once_it_runs() -> None:
    """Nothing is in trouble once its history was replayed."""
    stage = Stage()
    stage.see(engine_pod(phase="Pending", started=None))

    stage.change("MODIFIED", POD)
    assert stage.trouble() == "nobody publishes at its event port 5557"
    stage.play()

    assert stage.trouble() == ""


def test_a_silent_engine_is_told_with_all_that_is_known() -> None:
    """An engine without event ports is the first thing that a newcomer gets wrong."""
    stage = Stage(failure_text="connection refused")

    stage.see(engine_pod(port=8000))

    assert stage.trouble() == (
        "nobody publishes at its event port 5557, which the pod does not declare,"
        " connection refused"
    )


def test_a_pod_without_an_address_is_dialled_again_later() -> None:
    """The reason is told meanwhile, and there is no dialling in every round."""
    stage = Stage(no_address=True)
    stage.see(POD, now=0.0)
    assert stage.trouble() == "pod engine-a has no address yet"
    stage.no_address = False

    stage.dial(0.5)
    assert stage.links == {}
    stage.dial(1.0)

    assert len(stage.links) == 1
    assert stage.trouble() == "nobody publishes at its event port 5557"


def test_a_restarted_container_gets_a_new_link_and_a_new_epoch() -> None:
    """What the old process had sent and is still on its way would spoil the new epoch."""
    stage = Stage()
    stage.see(POD)
    stage.play()

    stage.change("MODIFIED", RESTARTED)

    (links,) = stage.links.values()
    assert [link.closed for link in links] == [True, False]
    assert stage.roster.followers[ENGINE].epoch == 1
    assert stage.told[-1]["what"] == "restart"
    assert stage.told[-1]["reason"] == "its container was restarted (1 times so far)"


def test_a_restart_that_was_seen_in_the_stream_is_not_taken_for_two() -> None:
    """The pod's status tells later of what the engine's numbers told already."""
    stage = Stage()
    stage.see(POD)
    stage.play()
    stage.play(hash_=2, ts=9.0)

    stage.change("MODIFIED", RESTARTED)
    stage.change("MODIFIED", RESTARTED)

    (links,) = stage.links.values()
    assert [link.closed for link in links] == [False]
    assert stage.roster.followers[ENGINE].epoch == 1


def test_a_restart_beside_the_engine_is_none_of_its_own() -> None:
    """Other containers of the pod publish nothing."""
    stage = Stage()
    pod = engine_pod()
    pod["spec"]["containers"].insert(0, {"name": "proxy"})
    stage.see(pod)
    restarted = engine_pod()
    restarted["spec"] = pod["spec"]
    restarted["status"]["containerStatuses"].append(
        {"name": "proxy", "restartCount": 4, "state": {"running": {"startedAt": "later"}}}
    )

    stage.change("MODIFIED", restarted)

    assert stage.roster.followers[ENGINE].epoch == 0


def test_a_pod_that_is_gone_is_forgotten_with_its_blocks() -> None:
    """Its counts stay in the sums of the run."""
    stage = Stage()
    stage.see(POD)
    stage.play()

    stage.change("DELETED", POD)

    assert (stage.roster.alive(), stage.roster.followers, stage.oracle.expected()) == (
        set(),
        {},
        {},
    )
    assert +stage.roster.gone == {"batches": 1, "blocks": 1}
    assert stage.links["tcp://127.0.0.1:5557 tcp://127.0.0.1:5657"][0].closed


def test_a_pod_that_went_while_nobody_watched_is_forgotten() -> None:
    """A list says who is there, and so who is not."""
    stage = Stage()
    stage.see(POD, engine_pod("engine-b", uid="uid-b"))

    stage.see(engine_pod("engine-b", uid="uid-b"))

    assert stage.roster.alive() == {"engine-b"}


def test_a_pod_that_has_finished_is_not_alive() -> None:
    """An evicted pod's object may stay for ever."""
    stage = Stage()
    stage.see(POD)

    stage.change("MODIFIED", engine_pod(phase="Failed", started=None))
    stage.change("DELETED", engine_pod(phase="Failed", started=None))

    assert stage.roster.alive() == set()


def test_a_terminating_pod_is_unknown_until_it_is_gone() -> None:
    """Neither keeping nor dropping its blocks is wrong then."""
    stage = Stage()
    stage.see(POD)
    stage.play()

    stage.change("MODIFIED", engine_pod(terminating=True))

    assert stage.roster.alive() == {"engine-a"}
    assert stage.trouble() == "its pod is terminating"


def test_a_pod_of_the_same_name_is_another_engine() -> None:
    """It is told apart by its uid, whatever is left of the old one."""
    stage = Stage()
    stage.see(POD)

    stage.see(engine_pod(uid="uid-new"))

    assert list(stage.roster.followers) == [ENGINE._replace(uid="uid-new")]


def test_closing_ends_the_links_and_keeps_what_is_known() -> None:
    """What was seen can still be asked for."""
    stage = Stage()
    stage.see(POD)
    stage.play()

    stage.roster.close()

    assert stage.links["tcp://127.0.0.1:5557 tcp://127.0.0.1:5657"][0].closed
    assert stage.oracle.expected()[ENGINE].blocks == {GPU: frozenset({1})}
    assert list(stage.roster.links()) == []
