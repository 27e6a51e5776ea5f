"""Every shipped template: renders, keeps all rules, and is what Chaos Mesh's definitions allow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render, template_variables

TEMPLATES = sorted(asset("templates").glob("*.yaml.j2"))
DATA = Path(__file__).resolve().parents[2] / "data" / "chaos-mesh-specs.json"
SPECS: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))["spec"]
ENGINE = {"app.kubernetes.io/name": "kvchaos-engine"}
ROUTER = {"app.kubernetes.io/name": "kvchaos-router"}
VALUES: dict[str, Any] = {
    "run": "r1a2b3c",
    "namespace": "kvchaos",
    "labels": ENGINE,
    "source": ENGINE,
    "target": ROUTER,
    "mode": "one",
    "direction": "both",
    "duration": "10s",
    "containers": ["engine"],
    "latency": "100ms",
    "jitter": "10ms",
    "correlation": "25",
}


def rendered(template: Path, **changes: Any) -> dict[str, Any]:
    wanted = template_variables(template)
    return render(
        template, {key: each for key, each in (VALUES | changes).items() if key in wanted}
    )


def violations(value: Any, schema: dict[str, Any], *, at: str = "spec") -> Iterator[str]:
    """Where ``value`` is not what a structural schema allows, unknown fields included."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if not isinstance(value, kinds[schema["type"]]) or isinstance(value, bool):
        yield f"{at}: wanted {schema['type']}, saw {value!r}"
        return
    if value not in schema.get("enum", [value]) or not _in_bounds(value, schema):
        yield f"{at}: {value!r} is not allowed"
    if isinstance(value, dict):
        yield from (f"{at}.{name}: missing" for name in set(schema.get("required", ())) - {*value})
        for name, each in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if known is None:
                yield f"{at}.{name}: unknown"
            else:
                yield from violations(each, known, at=f"{at}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from violations(each, schema["items"], at=f"{at}[{index}]")


def _in_bounds(value: Any, schema: dict[str, Any]) -> bool:
    if isinstance(value, int):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return not isinstance(value, str) or bool(re.search(schema.get("pattern", ""), value))


def test_the_templates_are_those_that_the_documents_name() -> None:
    """One file for each fault."""
    assert [path.name.removesuffix(".yaml.j2") for path in TEMPLATES] == [
        "container-kill",
        "network-delay",
        "network-partition",
        "pod-failure",
        "pod-kill",
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_renders_to_a_fault_that_may_be_sent(template: Path) -> None:
    """No findings, and nothing that Chaos Mesh's definition does not know."""
    body = rendered(template)

    assert lint(body) == []
    assert list(violations(body["spec"], SPECS[body["kind"]])) == []
    assert body["metadata"] == {
        "name": f"{template.name.removesuffix('.yaml.j2')}-r1a2b3c",
        "namespace": "kvchaos",
        "labels": {"kvchaos.io/run": "r1a2b3c"},
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_without_one_of_its_values_is_refused(template: Path) -> None:
    """Each is demanded by name."""
    for name in sorted(template_variables(template)):
        values = {key: VALUES[key] for key in template_variables(template) - {name}}
        with pytest.raises(TemplateInvalid, match=re.escape(f"missing ['{name}'], unknown []")):
            render(template, values)


def test_a_partition_is_this_object() -> None:
    """Word for word, for one that reads the template beside it."""
    selectors = {"namespaces": ["kvchaos"], "podPhaseSelectors": ["Running"]}

    assert rendered(asset("templates", "network-partition.yaml.j2")) == {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": "network-partition-r1a2b3c",
            "namespace": "kvchaos",
            "labels": {"kvchaos.io/run": "r1a2b3c"},
        },
        "spec": {
            "action": "partition",
            "direction": "both",
            "duration": "10s",
            "mode": "one",
            "selector": {**selectors, "labelSelectors": ENGINE},
            "target": {"mode": "all", "selector": {**selectors, "labelSelectors": ROUTER}},
        },
    }


def test_a_delay_is_this_spec() -> None:
    """Latency, jitter and correlation as text, which Chaos Mesh wants."""
    selectors = {"namespaces": ["kvchaos"], "podPhaseSelectors": ["Running"]}

    assert rendered(asset("templates", "network-delay.yaml.j2"))["spec"] == {
        "action": "delay",
        "delay": {"latency": "100ms", "jitter": "10ms", "correlation": "25"},
        "direction": "both",
        "duration": "10s",
        "mode": "one",
        "selector": {**selectors, "labelSelectors": ENGINE},
        "target": {"mode": "all", "selector": {**selectors, "labelSelectors": ROUTER}},
    }


def test_kills_are_this_spec() -> None:
    """One-shot, without a duration: pod-kill without grace, container-kill with names."""
    chosen = {
        "namespaces": ["kvchaos"],
        "labelSelectors": ENGINE,
        "podPhaseSelectors": ["Running"],
    }

    assert rendered(asset("templates", "pod-kill.yaml.j2"))["spec"] == {
        "action": "pod-kill",
        "gracePeriod": 0,
        "mode": "one",
        "selector": chosen,
    }
    assert rendered(asset("templates", "container-kill.yaml.j2"))["spec"] == {
        "action": "container-kill",
        "containerNames": ["engine"],
        "mode": "one",
        "selector": chosen,
    }
    assert rendered(asset("templates", "pod-failure.yaml.j2"))["spec"] == {
        "action": "pod-failure",
        "duration": "10s",
        "mode": "one",
        "selector": chosen,
    }


def test_a_lost_value_is_found_by_lint() -> None:
    """Chaos Toolkit passes an unknown ``${engines}`` on; it must not become a selector."""
    body = rendered(asset("templates", "pod-kill.yaml.j2"), labels={"app": "${engines}"})

    assert lint(body) == ["spec.selector.labelSelectors.app: unresolved '${engines}'"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labelSelector": {}}, "spec.selector.labelSelector: unknown"),
        ({"labelSelectors": {"app": 1}}, "spec.selector.labelSelectors.app: wanted string, saw 1"),
        ({"namespaces": "kvchaos"}, "spec.selector.namespaces: wanted array, saw 'kvchaos'"),
    ],
)
def test_the_check_against_the_definition_finds_what_it_is_for(
    change: dict[str, Any], said: str
) -> None:
    """Misspelt and mistyped fields; without this, the tests above would prove nothing."""
    spec = rendered(asset("templates", "pod-kill.yaml.j2"))["spec"]

    found = violations({**spec, "selector": {**spec["selector"], **change}}, SPECS["PodChaos"])

    assert list(found) == [said]


def test_the_check_knows_enums_bounds_and_required_fields() -> None:
    """Likewise."""
    spec = rendered(asset("templates", "pod-kill.yaml.j2"))["spec"]
    del spec["selector"]

    found = violations({**spec, "mode": "some", "gracePeriod": -1}, SPECS["PodChaos"])

    assert sorted(found) == [
        "spec.gracePeriod: -1 is not allowed",
        "spec.mode: 'some' is not allowed",
        "spec.selector: missing",
    ]
