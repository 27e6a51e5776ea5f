"""The API server of one lab: its core, its certificate and token, its sockets, its kubeconfigs."""

from __future__ import annotations

import secrets
from random import Random, SystemRandom

from kvchaos.clock import SystemClock
from kvchaos.lab.addresses import API_PORT, CONTEXT, GATEWAY, NAMESPACE
from kvchaos.lab.apiserver.core import Core
from kvchaos.lab.apiserver.identity import make_identity
from kvchaos.lab.apiserver.kubeconfig import kubeconfig
from kvchaos.lab.apiserver.server import Server, serve
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.node_backend import LocalNode


async def start(directory: LabDirectory) -> Server:
    """Listen, and write the kubeconfigs of users and of pods."""
    clock = SystemClock()
    rng: Random = SystemRandom()
    token = secrets.token_urlsafe(32)
    identity = make_identity(now=clock.wall())
    directory.api_socket.unlink(missing_ok=True)
    server = await serve(
        Core(clock, rng=rng),
        backend=LocalNode(directory),
        tls=identity,
        token=token,
        unix_path=directory.api_socket,
    )
    ca = directory.certificate
    user = kubeconfig(server.url, server.ca_pem, token, CONTEXT, namespace=NAMESPACE, ca_file=ca)
    inside = kubeconfig(f"http://{GATEWAY}:{API_PORT}", "", "", CONTEXT, namespace=NAMESPACE)
    files = ((ca, server.ca_pem), (directory.kubeconfig, user), (directory.pod_kubeconfig, inside))
    for path, text in files:
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return server
