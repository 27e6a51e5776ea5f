"""The faults that an experiment would inject, rendered as they would be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.errors import ExperimentInvalid, TemplateInvalid
from kvchaos.preflight.plan import Planned, plan, rendered
from kvchaos.settings import Settings
from tests.chaosrun import EXPERIMENTS
from tests.run_world import KILL, VALUES
from tests.scripted import partition, selector

Json = dict[str, Any]


def own(func: str, **arguments: Any) -> Json:
    provider = {"type": "python", "module": "kvchaos.actions", "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


def inject(template: str, values: Json) -> Json:
    return own("inject_fault", template=template, values=values)


def planned(*method: Json, **settings: Any) -> list[Planned]:
    return plan({"method": list(method)}, {}, {}, Settings(**settings), run_id="r1")


def test_every_fault_is_planned_in_its_order_with_a_name_of_its_own() -> None:
    """A run numbers its faults from the second on."""
    found = planned(inject("network-partition", VALUES), inject("network-partition", VALUES))

    assert [each.body["metadata"]["name"] for each in found] == [
        "network-partition-r1",
        "network-partition-r1-2",
    ]
    assert [each.activity for each in found] == ["inject_fault", "inject_fault"]


def test_a_stage_ends_where_faults_are_recovered() -> None:
    """Until then they stand together."""
    kill = inject("pod-kill", KILL)

    found = planned(kill, kill, own("recover_fault"), kill)

    assert [each.stage for each in found] == [0, 0, 1]


def test_a_reference_is_the_activity_that_it_names() -> None:
    """Chaos Toolkit calls it again, so the fault is there again."""
    kill = inject("pod-kill", KILL)

    assert len(planned(kill, {"ref": "inject_fault"}, {"ref": "nobody"})) == 2


def test_other_activities_plan_nothing() -> None:
    """Also those of other modules with such a name."""
    other = {"provider": {"module": "elsewhere.actions", "func": "inject_fault"}}

    assert planned(own("warm_engines"), other, {"name": "no provider"}) == []


def test_values_are_those_of_the_configuration() -> None:
    """As Chaos Toolkit would pass them."""
    experiment = {"method": [inject("pod-kill", {**KILL, "namespace": "${namespace}"})]}

    found = plan(experiment, {"namespace": "n1"}, {}, Settings(), run_id="r1")

    assert found[0].fault.namespace == "n1"


def test_all_that_speaks_against_sending_is_told_at_once() -> None:
    """A template that is missing, a mode that is not one, a duration above the ceiling."""
    with pytest.raises(ExperimentInvalid) as caught:
        planned(
            inject("no-such", {}),
            inject("pod-kill", {**KILL, "mode": "some"}),
            inject("network-partition", {**VALUES, "duration": "90s"}),
            max_duration=60.0,
        )

    text = str(caught.value)
    assert "no template 'no-such'" in text
    assert "activity 'inject_fault': spec.mode: wanted one of" in text
    assert "wanted more than 0 and at most 60s, saw '90s'" in text


def test_a_duration_up_to_the_ceiling_may_be_sent() -> None:
    """The ceiling is a setting."""
    longest = inject("network-partition", {**VALUES, "duration": "60s"})

    assert len(planned(longest, max_duration=60.0)) == 1


def test_a_planned_fault_knows_the_namespaces_that_it_reaches() -> None:
    """Those of its selectors, and of pods named one by one; its own is touched too."""
    elsewhere = partition(
        selector={"pods": {"n3": ["a"], "n2": ["b"]}},
        target={"mode": "all", "selector": selector(app="b") | {"namespaces": ["n1"]}},
    )
    silent = partition(selector={"labelSelectors": {"a": "b"}}, target=None)

    assert Planned("x", elsewhere).reach == ["n1", "n2", "n3"]
    assert Planned("x", elsewhere).touched == ["kvchaos", "n1", "n2", "n3"]
    assert Planned("x", silent).reach == ["kvchaos"]


def test_labels_as_text_are_rendered_as_an_object() -> None:
    """One setting serves selectors of probes and labels of faults."""
    body = rendered("pod-kill", KILL, run_id="r1", number=1)

    assert body["spec"]["selector"]["labelSelectors"] == {"app": "a"}
    with pytest.raises(TemplateInvalid):
        rendered("pod-kill", {**KILL, "labels": "app"}, run_id="r1", number=1)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_shipped_experiment_plans_one_fault(name: str) -> None:
    """With the defaults of its configuration."""
    experiment = json.loads(asset("experiments", f"{name}.json").read_text())
    defaults = {
        key: value["default"] if isinstance(value, dict) else value
        for key, value in experiment["configuration"].items()
    }

    assert len(plan(experiment, defaults, {}, Settings(), run_id="r1")) == 1
