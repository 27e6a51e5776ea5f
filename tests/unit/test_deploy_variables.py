"""A pod's environment has variables of the Services beside it: none may be taken for ours."""

from __future__ import annotations

import json

import yaml

from kvchaos.assets import asset


def variables() -> set[str]:
    """The environment that the shipped experiments read."""
    found = [json.loads(path.read_text()) for path in asset("experiments").glob("*.json")]
    told = [value for each in found for value in each["configuration"].values()]
    return {str(value["key"]) for value in told if isinstance(value, dict)}


def service_links() -> set[str]:
    """``NAME_PORT`` and ``NAME_SERVICE_HOST`` of each Service that deploy/ may make."""
    objects = [
        body
        for path in asset("deploy").rglob("*.yaml")
        for body in yaml.safe_load_all(path.read_text())
        if body and body.get("kind") == "Service"
    ]
    names = [body["metadata"]["name"].upper().replace("-", "_") for body in objects]
    ends = ("PORT", "SERVICE_HOST", "SERVICE_PORT")
    return {f"{name}_{end}" for name in [*names, "KVCHAOS_ENGINE"] for end in ends}


def test_no_service_link_is_read_as_configuration() -> None:
    """``KVCHAOS_ROUTER_PORT`` is ``tcp://10.96.80.188:8080`` beside a Service kvchaos-router."""
    assert "KVCHAOS_ROUTER_PORT" in service_links()
    assert variables() & service_links() == set()
