"""What a NetworkChaos asks of one pod: entries for its PodNetworkChaos, as Chaos Mesh writes them.

``to`` drops the source's output and the target's input; ``from`` the other way; ``both`` both.
Addresses are written when the fault is applied and never again: a pod that replaces another is
not cut. Names hash the fault's name only, not its namespace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from kvchaos.lab.addresses import DEVICE
from kvchaos.lab.api import Object
from kvchaos.lab.nftables import Cut

_OUTPUT, _INPUT = "output", "input"
_CHAINS = {_OUTPUT: ("OUTPUT/", 20), _INPUT: ("INPUT/", 21)}
_PASSES: dict[tuple[str, str], tuple[str, ...]] = {
    (".", "to"): (_OUTPUT,),
    (".", "from"): (_INPUT,),
    (".", "both"): (_OUTPUT, _INPUT),
    (".Target", "to"): (_INPUT,),
    (".Target", "from"): (_OUTPUT,),
    (".Target", "both"): (_OUTPUT, _INPUT),
}
_NETEM = ("delay", "loss", "duplicate", "corrupt", "rate", "bandwidth")


@dataclass(frozen=True, slots=True)
class Entries:
    """Additions to ``spec.ipsets``, ``spec.iptables`` and ``spec.tcs``."""

    ipsets: tuple[Object, ...] = ()
    iptables: tuple[Object, ...] = ()
    tcs: tuple[Object, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ipsets or self.iptables or self.tcs)


def source_of(fault: Object) -> str:
    """The name under which a fault's entries stand in a PodNetworkChaos."""
    return f"{fault['metadata']['namespace']}/{fault['metadata']['name']}"


def entries(fault: Object, selector_key: str, peers: Sequence[str]) -> Entries:
    """What the pod of a record needs; ``peers`` are the addresses on the other side."""
    spec = fault["spec"]
    direction = spec.get("direction") or "to"
    device = spec.get("device" if selector_key == "." else "targetDevice") or ""
    if spec["action"] == "partition":
        return _partition(fault, selector_key, direction, device, peers)
    shaped = {".": ("to", "both"), ".Target": ("from", "both")}[selector_key]
    return _shaping(fault, selector_key, device, peers) if direction in shaped else Entries()


def with_entries(spec: Object, source: str, added: Entries, *, clear: bool) -> Object:
    """A PodNetworkChaos spec with ``added``; ``clear`` first drops what ``source`` had there."""
    result: Object = {}
    for key, new in (("ipsets", added.ipsets), ("iptables", added.iptables), ("tcs", added.tcs)):
        old = spec.get(key) or []
        kept = [entry for entry in old if not clear or entry["source"] != source]
        if kept or new:
            result[key] = [*kept, *new]
    return result


def cuts(spec: Object) -> list[Cut]:
    """The drop rules that a PodNetworkChaos spec stands for."""
    sets = {entry["name"]: entry for entry in spec.get("ipsets") or []}
    return [
        Cut(
            source=chain["source"],
            direction=chain["direction"],
            device=chain.get("device") or DEVICE,
            peers=_members(chain["ipsets"], sets) if chain.get("ipsets") else None,
        )
        for chain in spec.get("iptables") or []
    ]


def short_name(name: str, size: int, postfix: str) -> str:
    """``name`` within ``size`` characters: its first five, a hash of the rest, ``postfix``."""
    if len(name) < 6:
        return f"{name}_{postfix}"
    digest = hashlib.sha256(name[5:].encode()).hexdigest()
    return f"{name[:5]}_{digest[: size - 7 - len(postfix)]}_{postfix}"


def _partition(
    fault: Object, selector_key: str, direction: str, device: str, peers: Sequence[str]
) -> Entries:
    ipsets: list[Object] = []
    iptables: list[Object] = []
    for chain in _PASSES[selector_key, direction]:
        sets = _ipsets(fault, _postfix(selector_key), peers)
        prefix, size = _CHAINS[chain]
        rule: Object = {
            "name": prefix + short_name(fault["metadata"]["name"], size, ""),
            "direction": chain,
            "source": source_of(fault),
        }
        if sets:
            rule["ipsets"] = [sets[-1]["name"]]
        if device:
            rule["device"] = device
        ipsets += sets
        iptables.append(rule)
    return Entries(ipsets=tuple(ipsets), iptables=tuple(iptables))


def _shaping(fault: Object, selector_key: str, device: str, peers: Sequence[str]) -> Entries:
    spec = fault["spec"]
    kind = "bandwidth" if spec["action"] == "bandwidth" else "netem"
    sets = _ipsets(fault, kind[:2] + _postfix(selector_key), peers)
    control = {"type": kind, "source": source_of(fault)}
    control |= {name: spec[name] for name in _NETEM if spec.get(name)}
    if sets:
        control["ipset"] = sets[-1]["name"]
    if device:
        control["device"] = device
    return Entries(ipsets=tuple(sets), tcs=(control,))


def _postfix(selector_key: str) -> str:
    return "tgt" if selector_key == "." else "src"


def _ipsets(fault: Object, postfix: str, peers: Sequence[str]) -> list[Object]:
    """A set of addresses, one of addresses with ports, and the set of both; none without peers."""
    if not peers:
        return []
    name, source = fault["metadata"]["name"], source_of(fault)
    net: Object = {"name": short_name(name, 27, f"net_{postfix}"), "ipsetType": "hash:net"}
    ports: Object = {
        "name": short_name(name, 27, f"netport_{postfix}"),
        "ipsetType": "hash:net,port",
    }
    plain = [_cidr(peer) for peer in peers if ":" not in peer]
    if plain:
        net["cidrs"] = plain
    with_port = [_cidr_and_port(peer) for peer in peers if ":" in peer]
    if with_port:
        ports["cidrAndPorts"] = with_port
    both = {
        "name": short_name(name, 27, f"set_{postfix}"),
        "ipsetType": "list:set",
        "setNames": [net["name"], ports["name"]],
    }
    return [{**each, "source": source} for each in (net, ports, both)]


def _cidr(peer: str) -> str:
    return peer if "/" in peer else f"{peer}/32"


def _cidr_and_port(peer: str) -> Object:
    address, _, port = peer.rpartition(":")
    return {"cidr": _cidr(address), "port": int(port)}


def _members(names: Sequence[str], sets: dict[str, Object]) -> tuple[tuple[str, int | None], ...]:
    """The peers in the named sets, sets of sets followed."""
    peers: list[tuple[str, int | None]] = []
    for name in names:
        entry = sets.get(name) or {}
        peers += [(cidr, None) for cidr in entry.get("cidrs") or []]
        peers += [(each["cidr"], each["port"]) for each in entry.get("cidrAndPorts") or []]
        peers += _members(entry.get("setNames") or [], sets)
    return tuple(peers)
