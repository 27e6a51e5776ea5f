"""The hold: its presence counts, its text is for people, the first one stays."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.cluster.kinds import CONFIGMAPS
from kvchaos.errors import AlreadyExists, ClusterError, Forbidden, NotFound
from kvchaos.mesh.hold import NAME, TRIES, Hold, lift, place, read
from tests.scripted import NAMESPACE, ScriptedCluster

SINCE = "2026-08-01T10:00:00Z"
ANA = {"reason": "a release is under way", "by": "ana@laptop", "since": SINCE}
HELD = Hold(NAMESPACE, by="ana@laptop", since=SINCE, reason="a release is under way")


def configmap(**rest: Any) -> dict[str, Any]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **rest}


def test_nothing_is_held_until_somebody_holds_it() -> None:
    """Placed, seen, lifted; and each step says what it did."""
    cluster = ScriptedCluster()

    before = read(cluster, NAMESPACE)
    placed = place(cluster, NAMESPACE, **ANA)
    seen = read(cluster, NAMESPACE)
    lifted = lift(cluster, NAMESPACE)

    assert (before, placed, seen, lifted) == (None, (HELD, True), HELD, HELD)
    assert read(cluster, NAMESPACE) is None
    assert lift(cluster, NAMESPACE) is None


def test_the_hold_is_a_configmap_that_anybody_can_read() -> None:
    """``kubectl get configmap kvchaos-hold -o yaml`` tells the same."""
    cluster = ScriptedCluster()

    place(cluster, NAMESPACE, **ANA)

    assert cluster.objects == {("configmaps", NAMESPACE, NAME): configmap(data=ANA)}


def test_the_first_hold_stays() -> None:
    """Whoever comes second is told who was first, and changes nothing."""
    cluster = ScriptedCluster.of(configmap(data=ANA))

    assert place(cluster, NAMESPACE, reason="mine", by="bo@host", since="later") == (HELD, False)
    assert read(cluster, NAMESPACE) == HELD


@pytest.mark.parametrize(
    "rest",
    [{}, {"data": None}, {"data": {}}, {"data": ["odd"]}, {"data": {"by": 7}}, {"binaryData": {}}],
)
def test_a_hold_with_odd_data_holds_all_the_same(rest: dict[str, Any]) -> None:
    """Somebody may have made it by hand, in a hurry."""
    cluster = ScriptedCluster.of(configmap(**rest))

    assert read(cluster, NAMESPACE) == Hold(NAMESPACE, by="unknown", since="unknown", reason="")


def test_a_hold_is_one_bounded_line_whatever_stands_in_it() -> None:
    """It goes into logs and on terminals."""
    data = {"by": "ana\x1b[31m\n", "since": SINCE, "reason": "a\r\n\tb " + "x" * 1000}

    hold = read(ScriptedCluster.of(configmap(data=data)), NAMESPACE)

    assert hold is not None
    assert hold.text == f"held by ana [31m since {SINCE}: a b {'x' * 294}"


def test_a_hold_says_how_it_is_ended() -> None:
    """The command can be copied from the message."""
    assert HELD.text == f"held by ana@laptop since {SINCE}: a release is under way"
    assert HELD.look("there") == f"kvchaos release --context there --namespace {NAMESPACE}"
    assert Hold("n").text == "held by unknown since unknown"


def test_a_hold_that_cannot_be_read_is_not_taken_for_none() -> None:
    """Unknown is the caller's to decide about."""
    cluster = ScriptedCluster(fails={"get": [Forbidden("not allowed: get configmaps")]})

    with pytest.raises(Forbidden):
        read(cluster, NAMESPACE)


def test_a_hold_that_is_released_while_one_holds_is_placed_anew() -> None:
    """The first create met the other's hold, the look after it did not."""
    taken: list[BaseException] = [AlreadyExists("configmaps kvchaos-hold")]

    assert place(ScriptedCluster(fails={"create": taken}), NAMESPACE, **ANA) == (HELD, True)


def test_placing_gives_up_when_others_never_rest() -> None:
    """Bounded, and an error: it is not held."""
    taken: list[BaseException] = [AlreadyExists("configmaps kvchaos-hold") for _ in range(TRIES)]

    with pytest.raises(ClusterError, match=r"others make and remove it"):
        place(ScriptedCluster(fails={"create": taken}), NAMESPACE, **ANA)


def test_a_hold_that_another_lifts_first_is_not_ours_to_report() -> None:
    """Gone between look and delete: nothing was released here."""
    cluster = ScriptedCluster.of(configmap(data=ANA), fails={"delete": [NotFound(NAME)]})

    assert lift(cluster, NAMESPACE) is None
    assert cluster.verbs("delete") == [f"delete {CONFIGMAPS.plural} {NAME}"]
