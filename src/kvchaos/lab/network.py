"""The pods' network, by pyroute2: one bridge, and per pod a veth pair into a namespace of its own.

    pod's netns            node's netns
    eth0 10.244.0.N/16 ── vethN ─┐
    eth0 10.244.0.M/16 ── vethM ─┴─ kvc0 10.244.0.1/16 (probes, API server for pods)

Everything is inside the node's own network namespace, so nothing of it shows on the host and
nothing is left when the node ends. Addresses are never used twice in the life of a lab.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pyroute2.iproute import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from kvchaos.errors import LabError
from kvchaos.lab import namespaces
from kvchaos.lab.addresses import BRIDGE, DEVICE, GATEWAY, SUBNET

T = TypeVar("T")

_NET = ipaddress.IPv4Network(SUBNET)
_LOOPBACK = 1  # the index of lo in every network namespace


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """A pod's network namespace, open as ``handle`` until ``Network.detach``."""

    handle: int
    address: str
    link: str

    def run(self, act: Callable[[], T]) -> T:
        """What ``act`` returns inside this network."""
        return namespaces.inside(self.handle, act)

    def socket(self) -> socket.socket:
        """A new TCP socket that lives in this network, not blocking."""

        def make() -> socket.socket:
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

        return self.run(make)


class Network:
    """The bridge, and what hangs on it. Not thread-safe: the node calls it from one thread."""

    def __init__(self) -> None:
        self._route = IPRoute()
        self._bridge = 0
        self._numbers = itertools.count(2)

    def start(self) -> None:
        """Make the bridge in this process's network namespace.

        Raises:
            LabError: the kernel has no bridge or veth, or does not let us.
        """
        try:
            self._route.link("set", index=_LOOPBACK, state="up")
            self._route.link("add", ifname=BRIDGE, kind="bridge")
            self._bridge = self._index(BRIDGE)
            self._route.addr("add", index=self._bridge, address=GATEWAY, prefixlen=_NET.prefixlen)
            self._route.link("set", index=self._bridge, state="up")
        except (NetlinkError, OSError) as error:
            raise LabError(
                "the lab's bridge cannot be made", saw=str(error), look="`modprobe bridge veth`"
            ) from error

    def attach(self) -> PodNetwork:
        """A new pod network on the bridge, with an address of its own.

        Raises:
            LabError: the kernel refuses; nothing of it is left.
        """
        number = next(self._numbers)
        try:
            handle = namespaces.new_network()
        except OSError as error:
            raise namespaces.refused("a network namespace", error) from error
        pod = PodNetwork(handle, str(_NET[number]), f"veth{number}")
        try:
            self._connect(pod)
        except (NetlinkError, OSError) as error:
            self.detach(pod)
            raise LabError("a pod's network cannot be made", saw=str(error)) from error
        return pod

    def _connect(self, pod: PodNetwork) -> None:
        peer = {"ifname": DEVICE, "net_ns_fd": pod.handle}
        self._route.link("add", ifname=pod.link, kind="veth", peer=peer)
        self._route.link("set", index=self._index(pod.link), master=self._bridge, state="up")
        pod.run(lambda: _configure(pod.address))

    def detach(self, pod: PodNetwork) -> None:
        """Take the pod's link away and let its namespace go."""
        for index in self._route.link_lookup(ifname=pod.link):
            self._route.link("del", index=index)
        os.close(pod.handle)

    def close(self) -> None:
        self._route.close()

    def _index(self, name: str) -> int:
        indexes = self._route.link_lookup(ifname=name)
        if not indexes:
            raise LabError("a network link is missing", wanted=name, saw="no such link")
        return int(indexes[0])


def _configure(address: str) -> None:
    """Inside a pod: loopback, address and the way out."""
    with IPRoute() as route:
        route.link("set", index=_LOOPBACK, state="up")
        index = route.link_lookup(ifname=DEVICE)[0]
        route.addr("add", index=index, address=address, prefixlen=_NET.prefixlen)
        route.link("set", index=index, state="up")
        route.route("add", dst="default", gateway=GATEWAY)
