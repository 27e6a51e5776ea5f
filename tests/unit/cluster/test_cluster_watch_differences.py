from __future__ import annotations

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.cluster.watch import Key, WatchEvent, apply, differences, key_of


def body(name: str, *, uid: str = "u", version: str = "1", namespace: str = "n") -> Object:
    return {
        "metadata": {"namespace": namespace, "name": name, "uid": uid, "resourceVersion": version}
    }


def known(*bodies: Object) -> dict[Key, Object]:
    return {key_of(each): each for each in bodies}


@pytest.mark.parametrize(
    ("before", "now", "events"),
    [
        ([], [], []),
        ([], [body("a")], [("ADDED", body("a"))]),
        ([body("a")], [], [("DELETED", body("a"))]),
        ([body("a")], [body("a")], []),
        ([body("a")], [body("a", version="2")], [("MODIFIED", body("a", version="2"))]),
        (
            [body("a")],
            [body("a", uid="v", version="2")],
            [("DELETED", body("a")), ("ADDED", body("a", uid="v", version="2"))],
        ),
        (
            [body("a", namespace="n")],
            [body("a", namespace="m")],
            [("DELETED", body("a", namespace="n")), ("ADDED", body("a", namespace="m"))],
        ),
    ],
)
def test_events_lead_from_what_was_known_to_what_is_listed(
    before: list[Object], now: list[Object], events: list[tuple[str, Object]]
) -> None:
    """An object replaced under its name went away first; the same version is no event."""
    found = list(differences(known(*before), now))

    assert found == [WatchEvent(*each) for each in events]
    state = known(*before)
    for event in found:
        apply(state, event)
    assert state == known(*now)


def test_deletion_of_the_unknown_changes_nothing() -> None:
    """A watch may tell of an object that was never seen."""
    state = known(body("a"))

    apply(state, WatchEvent("DELETED", body("b")))

    assert state == known(body("a"))
