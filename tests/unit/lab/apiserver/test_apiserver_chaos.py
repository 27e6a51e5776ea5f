"""Chaos Mesh's kinds: their schemas, their webhooks, and who has a status subresource."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lab.apiserver.speaking import NETWORKCHAOS, PODCHAOS, Api, partition

PODNETWORKCHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/ns/podnetworkchaos"


def kill(**spec: Any) -> Any:
    return {
        "metadata": {"name": "k"},
        "spec": {"action": "pod-kill", "mode": "one", "selector": {"labelSelectors": {}}, **spec},
    }


def test_fault_gets_what_the_webhook_fills_in(api: Api) -> None:
    """Direction, the selectors' namespaces, an empty experiment."""
    target = {"mode": "all", "selector": {"labelSelectors": {"app": "b"}}}

    made = api.create(NETWORKCHAOS, partition("p", target=target))

    assert made["metadata"]["generation"] == 1
    assert made["status"] == {"experiment": {}}
    assert made["spec"] == {
        "action": "partition",
        "mode": "all",
        "duration": "10s",
        "direction": "to",
        "selector": {"labelSelectors": {"app": "a"}, "namespaces": ["ns"]},
        "target": {
            "mode": "all",
            "selector": {"labelSelectors": {"app": "b"}, "namespaces": ["ns"]},
        },
    }


def test_delay_gets_its_jitter_and_correlation(api: Api) -> None:
    """As the webhook does."""
    delay = {"latency": "10ms", "reorder": {"gap": 1, "reorder": "50"}}

    made = api.create(NETWORKCHAOS, partition("p", action="delay", delay=delay))

    assert made["spec"]["delay"] == {
        "latency": "10ms",
        "jitter": "0ms",
        "correlation": "0",
        "reorder": {"gap": 1, "reorder": "50", "correlation": "0"},
    }


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"action": "cut"}, 'spec.action: Unsupported value: "cut"'),
        ({"mode": None}, "spec.mode: Required value"),
        ({"direction": "up"}, "spec.direction: Unsupported value"),
        ({"duration": 10}, "spec.duration: Invalid value"),
        ({"externalTargets": "1.1.1.1"}, "must be of type array"),
        ({"target": {"mode": "all"}}, None),
        ({"delay": {"latency": "10 s"}}, "should match"),
        (
            {"bandwidth": {"rate": "1mbps", "buffer": 0, "limit": 1}},
            "greater than or equal to 1",
        ),
    ],
)
def test_schema_refuses_by_field(api: Api, spec: Any, told: str | None) -> None:
    """422; but a selector that is missing is filled in before it is missed."""
    if told is None:
        api.create(NETWORKCHAOS, partition("p", **spec))
        return
    code, reason, message = api.refusal("POST", NETWORKCHAOS, partition("p", **spec))

    assert (code, reason) == (422, "Invalid")
    assert told in message


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (NETWORKCHAOS, partition("p", duration="10"), "missing unit in duration"),
        (NETWORKCHAOS, partition("p", action="loss", direction="from"), "targets is empty"),
        (PODCHAOS, kill(action="container-kill"), "the name of container is required"),
        (PODCHAOS, kill(mode="fixed", value="0"), "value must be greater than 0"),
        (PODCHAOS, kill(mode="fixed-percent", value="101"), "Must be (0,100]"),
    ],
)
def test_webhook_refuses_what_no_schema_can(api: Api, path: str, body: Any, told: str) -> None:
    """403, in the words of an admission webhook."""
    code, reason, message = api.refusal("POST", path, body)

    assert (code, reason) == (403, "Forbidden")
    assert message.startswith('admission webhook "v')
    assert told in message


def test_webhook_refuses_with_all_it_found(api: Api) -> None:
    """In brackets, as Go's errors are joined."""
    body = kill(action="container-kill", duration="x")

    message = api.refusal("POST", PODCHAOS, body)[2]

    assert message.startswith(
        'admission webhook "vpodchaos.kb.io" denied the request: [Spec.Duration: Invalid value'
    )
    assert "Spec.containerNames: " in message


@pytest.mark.parametrize("duration", ["10s", "1h2m3.5s", "100ms", "-1.5h", "0", ".5s", "2µs"])
def test_durations_of_go_are_taken(api: Api, duration: str) -> None:
    """time.ParseDuration decides."""
    api.create(NETWORKCHAOS, partition("p", duration=duration))


def test_spec_of_a_fault_never_changes(api: Api) -> None:
    """Its labels, annotations and status may."""
    api.create(NETWORKCHAOS, partition("p"))

    refused = api.refusal("PATCH", f"{NETWORKCHAOS}/p", {"spec": {"duration": "20s"}})
    again = api.put(f"{NETWORKCHAOS}/p", partition("p"))

    assert refused == (
        403,
        "Forbidden",
        'admission webhook "vnetworkchaos.kb.io" denied the request: Cannot update chaos spec',
    )
    assert again["spec"]["duration"] == "10s"


def test_status_of_a_fault_is_written_through_the_object(api: Api) -> None:
    """These kinds have no status subresource, so a status counts as a change of generation."""
    api.create(NETWORKCHAOS, partition("p"))
    status = {"experiment": {"desiredPhase": "Run"}, "conditions": []}

    missing = api.refusal("PATCH", f"{NETWORKCHAOS}/p/status", {"status": status})
    written = api.patch(f"{NETWORKCHAOS}/p", {"status": status})

    assert missing[:2] == (404, "NotFound")
    assert written["status"] == status
    assert written["metadata"]["generation"] == 2


def test_status_outside_the_schema_is_invalid(api: Api) -> None:
    """A controller's mistake is loud too."""
    api.create(NETWORKCHAOS, partition("p"))
    record = {"experiment": {"containerRecords": [{"id": "ns/a"}]}}

    code, _, message = api.refusal("PATCH", f"{NETWORKCHAOS}/p", {"status": record})

    assert code == 422
    assert "status.experiment.containerRecords[0].phase: Required value" in message


def test_pod_network_chaos_has_a_status_subresource(api: Api) -> None:
    """The one kind of Chaos Mesh's that has: its observedGeneration can catch up."""
    rule = {"name": "n", "direction": "input", "source": "ns/p", "ipsets": ["s"]}
    api.create(PODNETWORKCHAOS, {"metadata": {"name": "a"}, "spec": {}})

    api.patch(
        f"{PODNETWORKCHAOS}/a", {"spec": {"iptables": [rule]}, "status": {"failedMessage": "x"}}
    )
    api.patch(f"{PODNETWORKCHAOS}/a/status", {"status": {"observedGeneration": 2}})

    found = api.get(f"{PODNETWORKCHAOS}/a")
    assert found["metadata"]["generation"] == 2
    assert found["spec"] == {"iptables": [rule]}
    assert found["status"] == {"observedGeneration": 2}
    assert (
        api.refusal(
            "PATCH", f"{PODNETWORKCHAOS}/a/status", {"status": {"observedGeneration": "x"}}
        )[0]
        == 422
    )


def test_fault_without_a_spec_is_invalid(api: Api) -> None:
    """Before any webhook looks at it."""
    code, _, message = api.refusal("POST", NETWORKCHAOS, {"metadata": {"name": "p"}})

    assert (code, "spec: Required value" in message) == (422, True)


@pytest.mark.parametrize("spec", ["x", {"selector": "x"}, {"target": []}, {"delay": "x"}])
def test_fault_of_wrong_types_is_refused(api: Api, spec: Any) -> None:
    """Never a 500, although the webhook comes first."""
    body = partition("p")
    body["spec"] = {**body["spec"], **spec} if isinstance(spec, dict) else spec

    assert api.refusal("POST", NETWORKCHAOS, body)[0] == 422


def test_definitions_of_the_custom_kinds_are_listed(api: Api) -> None:
    """has Chaos Mesh been installed? And of which schema?"""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    found = api.get(f"{path}/networkchaos.chaos-mesh.org")

    assert api.names(path) == [
        "networkchaos.chaos-mesh.org",
        "podchaos.chaos-mesh.org",
        "podnetworkchaos.chaos-mesh.org",
    ]
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["required"] == ["action", "mode", "selector"]
    assert [one["type"] for one in found["status"]["conditions"]] == [
        "NamesAccepted",
        "Established",
    ]
    assert api.refusal("POST", path, {"metadata": {"name": "x"}})[:2] == (405, "MethodNotAllowed")
