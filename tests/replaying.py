"""All that one request for a replay brings; observer and router have their own way to ask."""

from __future__ import annotations

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End, ReplayClient
from kvchaos.kvevents.subscriber import wait

SILENCE = 5.0  # seconds


def received(client: ReplayClient) -> list[Message]:
    """The replies to the request under way, up to its end marker."""
    found: list[Message] = []
    while wait([client], SILENCE):
        for reply in client.drain(1000):
            if isinstance(reply, End):
                return found
            found.append(reply)
    raise AssertionError(f"{client.endpoint} fell silent after {len(found)} replies")


def replayed(endpoint: str | None, start: int) -> list[Message]:
    """What the engine at ``endpoint`` still has from ``start`` on."""
    assert endpoint is not None
    with ReplayClient(endpoint) as client:
        client.request(start)
        return received(client)
