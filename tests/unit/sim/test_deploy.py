"""The manifests in ``deploy/`` and the programs they run know each other."""

from __future__ import annotations

from typing import Any

import click
import pytest
import yaml

from kvchaos.assets import asset
from kvchaos.cluster import pods
from kvchaos.sim.engine.events import read_config
from kvchaos.sim.engine.main import main as engine
from kvchaos.sim.router.main import SELECTOR
from kvchaos.sim.router.main import main as router

PROGRAMS = {"engine": engine, "router": router}


def template(name: str) -> Any:
    """The pod template of the Deployment in ``deploy/base/<name>.yaml``."""
    text = asset("deploy", "base", f"{name}.yaml").read_text(encoding="utf-8")
    bodies = yaml.safe_load_all(text)
    return next(body for body in bodies if body["kind"] == "Deployment")["spec"]["template"]


def container(name: str) -> Any:
    (only,) = template(name)["spec"]["containers"]
    return only


def flags(name: str) -> dict[str, Any]:
    """What the program makes of its arguments there; a flag that it lacks is an error."""
    context: click.Context = PROGRAMS[name].make_context(name, list(container(name)["args"]))
    return context.params


def ports(name: str) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(name)["ports"]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_container_runs_the_program(name: str) -> None:
    """Under its own name, with flags that it knows, serving at the port that is probed."""
    body = container(name)

    assert (body["name"], body["command"]) == (name, ["python3", "-m", "kvchaos", name])
    assert flags(name)["port"] == ports(name)["http"]
    assert body["readinessProbe"]["httpGet"]["port"] == "http"
    assert "livenessProbe" not in body


def test_engines_publish_where_consumers_look() -> None:
    """The ports that are declared are those in vLLM's configuration, by AIBrix's convention."""
    config = read_config(flags("engine")["events"], ranks=1)
    declared = pods.event_ports(template("engine"))

    assert config.publishes
    assert (config.endpoint, config.replay_endpoint) == ("tcp://*:5557", "tcp://*:5558")
    assert declared == ((5557,), (5558,))


def test_the_router_selects_the_engines() -> None:
    """By the label that AIBrix uses; the model's name is a label too."""
    labels = template("engine")["metadata"]["labels"]
    name, _, value = flags("router")["selector"].partition("=")

    assert flags("router")["selector"] == SELECTOR
    assert labels[name] == value
    assert labels["model.aibrix.ai/name"] == flags("engine")["model"]


def test_the_router_recovers_unless_told_otherwise() -> None:
    """The base is the router that does it right."""
    assert flags("router")["recovery"] == "replay"
