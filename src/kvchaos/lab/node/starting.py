"""From a container's spec to a process: environment, program, log; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kvchaos.errors import ClusterError
from kvchaos.lab.api import Object
from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node import process
from kvchaos.lab.node.command import NoImage, NoProgram, resolve, unsupported
from kvchaos.lab.node.environment import base, environment
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.process import Life


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be started as the pod stands: the reason and message of its waiting state."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class StartError:
    """A start that failed, and counts as a life: it is tried again with back-off."""

    message: str


async def start(
    host: Host, network: PodNetwork, pod: Object, spec: Object, *, log: Path
) -> Life | Waiting | StartError:
    """Execute the container's program inside the pod, its output going to ``log``."""
    if why := unsupported(pod["spec"]):
        return Waiting("CreateContainerConfigError", why)
    try:
        variables = await _variables(host, network, pod, spec)
    except ClusterError as error:
        return Waiting("CreateContainerConfigError", str(error))
    command = resolve(spec, variables)
    if isinstance(command, NoImage):
        return Waiting("ErrImagePull", command.message)
    if isinstance(command, NoProgram):
        return StartError(command.message)
    try:
        return process.start(
            command,
            environment=variables,
            workdir=spec.get("workingDir") or "/",
            log=log,
            network=network,
            reaper=host.reaper,
        )
    except OSError as error:
        return StartError(str(error))


async def _variables(
    host: Host, network: PodNetwork, pod: Object, spec: Object
) -> Mapping[str, str]:
    namespace = pod["metadata"]["namespace"]
    return await environment(
        spec,
        _with_address(pod, network.address),
        base=base(pod, host.directory.pod_kubeconfig),
        read=lambda plural, name: host.read(namespace, plural, name),
    )


def _with_address(pod: Object, address: str) -> Object:
    """The pod with its address, which its stored status may not say yet."""
    places = {"podIP": address, "podIPs": [{"ip": address}]}
    return {**pod, "status": {**pod.get("status", {}), **places}}
