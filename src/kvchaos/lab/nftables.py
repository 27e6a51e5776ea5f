"""Drop rules inside a pod, by nftables: what Chaos Mesh does with ipset and iptables.

Each cut is one table of its own: adding or removing one never opens another for a moment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink.nftsocket import Cmp, Regs
from pyroute2.nftables.expressions import genex, ipv4addr, verdict
from pyroute2.nftables.main import NFTables

from kvchaos.errors import LabError

_IPV4 = 2  # NFPROTO_IPV4: a table of family ip
_PREFIX = "kvchaos-"
_ACCEPT, _DROP = 1, 0  # NF_ACCEPT, NF_DROP
_INTERFACE_KEY = {"input": 6, "output": 7}  # NFT_META_IIFNAME, NFT_META_OIFNAME
_NAME_SIZE = 16  # IFNAMSIZ
_PROTOCOL_KEY = 16  # NFT_META_L4PROTO
_TCP, _UDP = 6, 17
_TRANSPORT_HEADER = 2  # NFT_PAYLOAD_TRANSPORT_HEADER


@dataclass(frozen=True, slots=True)
class Cut:
    """Packets of one direction to drop on one device: all of them, or those of some peers.

    ``peers`` holds ``(cidr, port or None)``: the address at the other end and, for TCP and UDP,
    the port that an ipset match ``src,dst`` compares: always the packet's destination port.
    """

    source: str
    direction: str
    device: str
    peers: tuple[tuple[str, int | None], ...] | None

    def table(self) -> str:
        """The name of the cut's table: the same cut has the same name."""
        text = json.dumps([self.source, self.direction, self.device, self.peers])
        return _PREFIX + hashlib.sha256(text.encode()).hexdigest()[:16]


def set_cuts(cuts: Iterable[Cut]) -> None:
    """Make this network namespace drop exactly what ``cuts`` say.

    Raises:
        LabError: the kernel has no nf_tables, or refused a rule.
    """
    wanted = {cut.table(): cut for cut in cuts}
    try:
        with NFTables(nfgen_family=_IPV4) as nft:
            present = _tables(nft)
            for name in wanted.keys() - present:
                _add(nft, name, wanted[name])
            for name in present - wanted.keys():
                nft.table("del", name=name)
    except (NetlinkError, OSError) as error:
        raise LabError(
            "the kernel refused a drop rule", saw=str(error), look="`modprobe nf_tables`"
        ) from error


def _tables(nft: Any) -> set[str]:
    names = {message.get_attr("NFTA_TABLE_NAME") for message in nft.get_tables()}
    return {name for name in names if name and name.startswith(_PREFIX)}


def _add(nft: Any, name: str, cut: Cut) -> None:
    """A table with one chain that drops what ``cut`` says; removed again when a rule fails."""
    nft.table("add", name=name)
    try:
        nft.chain(
            "add", table=name, name="cut", hook=cut.direction, type="filter", priority=0,
            policy=_ACCEPT,
        )  # fmt: skip
        for expressions in _rules(cut):
            nft.rule("add", table=name, chain="cut", expressions=tuple(expressions))
    except (NetlinkError, OSError):
        nft.table("del", name=name)
        raise


def _rules(cut: Cut) -> list[list[Any]]:
    device = _on_device(cut.device, cut.direction)
    drop = [verdict(code=_DROP)]
    if cut.peers is None:
        return [[*device, *drop]]
    return [
        [*device, *_peer(cidr, cut.direction), *port_match, *drop]
        for cidr, port in cut.peers
        for port_match in _ports(port)
    ]


def _on_device(device: str, direction: str) -> list[Any]:
    """Match the device by name; an empty name means every device, as in iptables."""
    if not device:
        return []
    load = genex("meta", {"key": _INTERFACE_KEY[direction], "dreg": int(Regs.NFT_REG_1)})
    return [[load, _equals(device.encode().ljust(_NAME_SIZE, b"\0"))]]


def _peer(cidr: str, direction: str) -> list[Any]:
    address, _, bits = cidr.partition("/")
    if bits == "0":
        return []
    exact = address if bits in {"", "32"} else cidr
    return [ipv4addr(src=exact) if direction == "input" else ipv4addr(dst=exact)]


def _ports(port: int | None) -> list[list[Any]]:
    """No match at all, or one for each of TCP and UDP with this destination port."""
    if port is None:
        return [[]]
    return [[_port(protocol, port)] for protocol in (_TCP, _UDP)]


def _port(protocol: int, port: int) -> list[Any]:
    register = int(Regs.NFT_REG_1)
    return [
        genex("meta", {"key": _PROTOCOL_KEY, "dreg": register}),
        _equals(bytes([protocol])),
        genex("payload", {"dreg": register, "base": _TRANSPORT_HEADER, "offset": 2, "len": 2}),
        _equals(port.to_bytes(2, "big")),
    ]


def _equals(value: bytes) -> Any:
    data = {"attrs": [("NFTA_DATA_VALUE", value)]}
    return genex("cmp", {"sreg": Regs.NFT_REG_1, "op": Cmp.NFT_CMP_EQ, "data": data})
