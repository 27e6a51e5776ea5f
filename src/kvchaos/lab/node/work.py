"""Everything that runs as pid 1 of the pods' namespace: node, workloads and mesh controllers."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from kvchaos.clock import SystemClock
from kvchaos.errors import LabError
from kvchaos.lab.api import (
    DEPLOYMENTS,
    NETWORKCHAOS,
    PODCHAOS,
    PODNETWORKCHAOS,
    PODS,
    REPLICASETS,
    Api,
    Resource,
)
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.informer import Informer
from kvchaos.lab.mesh.controllers import Mesh
from kvchaos.lab.network import Network
from kvchaos.lab.node import doors, meshdaemon
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.kubelet import Kubelet
from kvchaos.lab.node.reaper import Reaper
from kvchaos.lab.node.recorder import Recorder
from kvchaos.lab.node.telling import tell, tell_error
from kvchaos.lab.workloads import Workloads

_API_SECONDS = 20.0
_WATCHED = (PODS, DEPLOYMENTS, REPLICASETS, NETWORKCHAOS, PODCHAOS, PODNETWORKCHAOS)


def work(root: Path) -> int:
    """Run until killed; 1 when the node could not be set up."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        asyncio.run(_run(LabDirectory(root)))
    except LabError as error:
        tell_error(error)
        return 1
    return 0


async def _run(directory: LabDirectory) -> None:
    reaper = Reaper()
    reaper.start()
    async with AsyncExitStack() as stack:
        thread = stack.enter_context(ThreadPoolExecutor(1, "network"))
        network = await asyncio.get_running_loop().run_in_executor(thread, _network)
        await _wait_for_api(directory)
        api = await stack.enter_async_context(Api(directory))
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        probes = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        clock = SystemClock()
        recorder = Recorder(api, clock)
        host = Host(api, clock, directory, reaper, recorder, network, thread, probes)
        await _serve(host)


def _network() -> Network:
    """The bridge; made in the one thread that will use it."""
    network = Network()
    network.start()
    return network


async def _serve(host: Host) -> None:
    informers = {resource: Informer(host.api, resource) for resource in _WATCHED}
    kubelet = Kubelet(host, informers[PODS])
    workloads = Workloads(host.api, host.clock, informers)
    mesh = Mesh(host.api, host.clock, host.recorder, informers, kubelet)
    api_relay = await doors.serve_api(host.directory.api_socket)
    await kubelet.register()
    async with asyncio.TaskGroup() as group:
        for informer in informers.values():
            group.create_task(informer.run())
        ports = await doors.serve_ports(
            host.directory.node_socket,
            lambda ask: kubelet.network(ask["namespace"], ask["name"], uid=ask["uid"]),
        )
        for controller in (*workloads.queues, *mesh.queues):
            group.create_task(controller.run())
        group.create_task(_say_ready(informers))
        group.create_task(meshdaemon.register(host.api, now=host.clock.wall()))
        await ports
    api_relay.close()


async def _say_ready(informers: dict[Resource, Informer]) -> None:
    for informer in informers.values():
        await informer.synced.wait()
    tell(ready=True)


async def _wait_for_api(directory: LabDirectory) -> None:
    """Return once the API's socket accepts."""
    try:
        async with asyncio.timeout(_API_SECONDS):
            while not await _accepts(directory.api_socket):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise LabError(
            "the lab's API server did not come up",
            saw=f"nothing at {directory.api_socket} for {_API_SECONDS:.0f} s",
            look=str(directory.daemon_log),
        ) from error


async def _accepts(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True
