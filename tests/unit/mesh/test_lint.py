"""Lint: what may be sent, and every reason why something else may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kvchaos.mesh.lint import lint
from tests.scripted import partition, pod_fault, selector


def test_a_fault_that_keeps_all_rules_has_no_findings() -> None:
    """One of each kind."""
    assert lint(partition()) == []
    assert lint(pod_fault("pod-kill")) == []
    assert lint(pod_fault("pod-failure", duration="1m30s")) == []
    assert lint(pod_fault("container-kill", containerNames=["main"])) == []


def test_all_findings_come_at_once() -> None:
    """A body with everything wrong is told everything; it raises nothing."""
    findings = lint({"apiVersion": "v1", "kind": "Pod", "metadata": [], "spec": "no", "status": {}})

    assert findings == [
        (
            "kind: wanted one of chaos-mesh.org/v1alpha1 NetworkChaos, "
            "chaos-mesh.org/v1alpha1 PodChaos, saw v1 Pod"
        ),
        "metadata.name: wanted a DNS-1123 name, saw None",
        "metadata.labels: wanted kvchaos.io/run with the run's id, saw None",
        "metadata.namespace: wanted a namespace, saw None",
        "status: belongs to Chaos Mesh, which would take it for its own",
        "spec.mode: wanted one of all, fixed, fixed-percent, one, random-max-percent, saw None",
        "spec.selector: wanted a selector, saw None",
        "spec.duration: missing, the fault would outlive a killed run for ever",
    ]


Change = Callable[[dict[str, Any]], object]


def put(path: str, value: Any) -> Change:
    """Sets the value at a dotted path."""

    def change(body: dict[str, Any]) -> None:
        *way, last = path.split("/")
        for key in way:
            body = body[key]
        body[last] = value

    return change


CASES: list[tuple[str, Change, str]] = [
    ("action", put("spec/action", "pod-kill"), "spec.action: wanted one of bandwidth, corrupt,"),
    ("name", put("metadata/name", "Cut_r1"), "metadata.name: wanted a DNS-1123 name"),
    ("long name", put("metadata/name", "r1" * 127), "metadata.name: wanted a DNS-1123 name"),
    ("name of no run", put("metadata/name", "cut"), "metadata.name: wanted the run's id r1 in it"),
    ("no run", put("metadata/labels", {}), "metadata.labels: wanted kvchaos.io/run"),
    ("run", put("metadata/labels", {"kvchaos.io/run": "a b"}), "metadata.labels: wanted"),
    ("labels", put("metadata/labels", "r1"), "metadata.labels: wanted kvchaos.io/run"),
    ("namespace", put("metadata/namespace", ""), "metadata.namespace: wanted a namespace"),
    ("status", put("status", {}), "status: belongs to Chaos Mesh"),
    ("finalizers", put("metadata/finalizers", []), "metadata.finalizers: belong to Chaos Mesh"),
    ("generateName", put("metadata/generateName", "cut-"), "metadata.generateName: a name that"),
    ("remote", put("spec/remoteCluster", "other"), "spec.remoteCluster: the fault would hit"),
    ("no target", put("spec/target", None), "spec.target: a partition without it"),
    ("externals", put("spec/externalTargets", ["1.2.3.4"]), "spec.externalTargets: with spec.tar"),
    ("direction", put("spec/direction", "in"), "spec.direction: wanted one of both, from, to"),
    ("mode", put("spec/mode", "some"), "spec.mode: wanted one of all, fixed,"),
    ("target mode", put("spec/target/mode", None), "spec.target.mode: wanted one of all,"),
    ("value", put("spec/value", 1), "spec.value: wanted a string, saw 1"),
    ("selector", put("spec/selector", []), "spec.selector: wanted a selector, saw []"),
    ("key", put("spec/selector/labelSelector", {}), "spec.selector: wanted only annotationSele"),
    ("phases", put("spec/selector/podPhaseSelectors", []), "spec.selector.podPhaseSelectors:"),
    ("pending", put("spec/selector/podPhaseSelectors", ["Pending"]), "spec.selector.podPhaseS"),
    ("no place", put("spec/selector/namespaces", []), "spec.selector.namespaces: wanted at least"),
    ("place", put("spec/selector/namespaces", [""]), "spec.selector.namespaces: wanted a list of"),
    ("label", put("spec/selector/labelSelectors", "app=a"), "labelSelectors: wanted an object of"),
    ("label value", put("spec/selector/labelSelectors", {"a": 1}), "labelSelectors: wanted an obj"),
    ("operator", put("spec/selector/expressionSelectors", [{"key": "a"}]), "wanted a list of key"),
    ("nodes", put("spec/selector/nodes", "node1"), "spec.selector.nodes: wanted a list of names"),
    ("everything", put("spec/selector/labelSelectors", {}), "spec.selector: names every pod"),
    ("pods", put("spec/selector/pods", {"kvchaos": ["a"]}), "spec.selector.pods: beats every"),
    ("lost value", put("spec/selector/labelSelectors", {"app": "${app}"}), "unresolved '${app}'"),
    ("lost key", put("spec/selector/labelSelectors", {"${app}": "a"}), "unresolved '${app}'"),
    ("lost in list", put("spec/selector/nodes", ["n", "${n}"]), "spec.selector.nodes[1]: unres"),
]


@pytest.mark.parametrize(("change", "finding"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_rule_finds_what_it_is_for(change: Change, finding: str) -> None:
    """One thing wrong in a good partition makes one finding that names it."""
    body = partition()
    change(body)

    (found,) = lint(body)

    assert finding in found


@pytest.mark.parametrize(
    ("duration", "good"),
    [
        ("10s", True),
        ("1h", True),
        ("1h0m1s", False),
        ("0s", False),
        ("-10s", False),
        ("", False),
        ("10", False),
        ("ten", False),
        (10, False),
        (None, False),
    ],
)
def test_a_duration_is_there_positive_and_bounded(duration: Any, good: bool) -> None:
    """Empty never ends, negative ends at once, and Chaos Mesh's admission lets both through."""
    findings = lint(partition(duration=duration))

    assert [each.split(":")[0] for each in findings] == ([] if good else ["spec.duration"])


def test_the_ceiling_is_the_callers() -> None:
    """An hour unless told otherwise."""
    assert lint(partition(duration="2h"), ceiling=7200) == []
    assert lint(partition(duration="61s"), ceiling=60) == [
        "spec.duration: wanted more than 0 and at most 60s, saw '61s'"
    ]


@pytest.mark.parametrize("action", ["pod-kill", "container-kill"])
def test_a_one_shot_fault_needs_no_duration_but_a_right_one(action: str) -> None:
    """It has no end that a duration could bring; a wrong one is a mistake all the same."""
    assert lint(pod_fault(action, containerNames=["main"])) == []
    assert lint(pod_fault(action, containerNames=["main"], duration="10")) == [
        "spec.duration: wanted a number with a unit, such as 10s, saw '10'"
    ]


@pytest.mark.parametrize("names", [None, [], "main", [""], [1]])
def test_container_kill_names_containers(names: Any) -> None:
    """Chaos Mesh would kill the first one otherwise."""
    assert lint(pod_fault("container-kill", containerNames=names)) == [
        f"spec.containerNames: wanted the containers to kill, saw {names!r}"
    ]


@pytest.mark.parametrize(
    ("mode", "value", "good"),
    [
        ("one", None, True),
        ("all", "", True),
        ("fixed", "2", True),
        ("fixed", "0", False),
        ("fixed", None, False),
        ("fixed", "two", False),
        ("fixed", "200", True),
        ("fixed-percent", "100", True),
        ("fixed-percent", "101", False),
        ("random-max-percent", "1", True),
        ("random-max-percent", "-1", False),
    ],
)
def test_a_mode_that_counts_has_its_count_in_quotes(mode: str, value: Any, good: bool) -> None:
    """As the webhook has it: fixed above 0, percentages from 1 to 100."""
    findings = lint(partition(mode=mode, value=value))

    assert [each.split(":")[0] for each in findings] == ([] if good else ["spec.value"])


def test_pods_by_name_stand_alone() -> None:
    """They beat all other keys, so a phase beside them would only look like one."""
    alone = {"pods": {"kvchaos": ["a"]}}

    assert lint(partition(selector=alone)) == []
    assert lint(partition(selector={"pods": {"kvchaos": "a"}})) == [
        "spec.selector.pods: wanted lists of names by namespace, saw {'kvchaos': 'a'}"
    ]
    assert len(lint(partition(selector=selector(app="a") | alone))) == 1


def test_a_fault_of_external_addresses_only_still_needs_a_target() -> None:
    """A partition from addresses without target pods is not one kvchaos can prove."""
    body = partition(externalTargets=["1.2.3.4"])
    del body["spec"]["target"]

    assert [each.split(":")[0] for each in lint(body)] == ["spec.target"]
