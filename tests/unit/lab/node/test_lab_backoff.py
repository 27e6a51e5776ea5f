"""Back-off between lives of a container."""

from __future__ import annotations

from kvchaos.lab.node.backoff import Backoff


def test_first_restart_is_at_once_then_ten_seconds_doubling_to_five_minutes() -> None:
    """kubelet's rule for a container that ends again and again."""
    backoff = Backoff()

    delays = [backoff.after_end(ran=1, image="a") for _ in range(8)]

    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_minutes_of_life_start_the_delay_over() -> None:
    """A container that ran well for long may fail once for free."""
    backoff = Backoff()

    delays = [backoff.after_end(ran=ran, image="a") for ran in (1, 1, 600, 599)]

    assert delays == [0, 10, 0, 10]


def test_another_image_starts_the_delay_over() -> None:
    """kubelet counts per container definition: what is replaced has not failed yet."""
    backoff = Backoff()

    delays = [backoff.after_end(ran=1, image=image) for image in "aabba"]

    assert delays == [0, 10, 0, 10, 0]
