"""A link of one of several engines is cut."""

from __future__ import annotations

from kvchaos.pytest.engines import Engines
from kvchaos.pytest.faults import Faults
from kvchaos.pytest.router import Router


def test_recovers_from_a_partition(engines: Engines, router: Router, fault: Faults) -> None:
    """What one engine published while it was cut off is in the index within the budget."""
    engines.warm(visible_within=10)

    with fault("network-partition") as cut:
        engines.warm(prefixes=2)
        assert cut.in_effect()
        assert not router.agrees(within=0.5)

    assert router.recovers(within=30)
    assert router.follows_the_index()


def test_others_are_served_while_one_is_cut_off(
    engines: Engines, router: Router, fault: Faults
) -> None:
    """The index goes on learning from the engines whose link is whole."""
    with fault("network-partition") as cut:
        whole = [engine for engine in engines if engine.name not in cut.engines]
        prompts = {engine.name: engine.prompt() for engine in whole}
        seen = router.agrees(within=3).details["engines"]

        assert {name: router.match(prompt).get(name) for name, prompt in prompts.items()} == {
            name: len(prompt) for name, prompt in prompts.items()
        }
        assert [seen[f"{name}/0"]["missing"] for name in prompts] == [0] * len(whole)

    assert router.recovers(within=30)
