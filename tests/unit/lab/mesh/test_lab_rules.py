"""What a partition writes into PodNetworkChaos: compared with what real Chaos Mesh wrote."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.mesh.rules import Entries, cuts, entries, short_name, with_entries
from kvchaos.lab.nftables import Cut

# Chaos Mesh of 2026-09 wrote these on Kubernetes 1.34 for a partition in both directions.
REAL_SETS = [
    {
        "cidrs": ["10.88.0.20/32"],
        "ipsetType": "hash:net",
        "name": "part-_3c01eba119e00_net_tgt",
        "source": "labnode-look/part-look",
    },
    {
        "ipsetType": "hash:net,port",
        "name": "part-_3c01eba11_netport_tgt",
        "source": "labnode-look/part-look",
    },
    {
        "ipsetType": "list:set",
        "name": "part-_3c01eba119e00_set_tgt",
        "setNames": ["part-_3c01eba119e00_net_tgt", "part-_3c01eba11_netport_tgt"],
        "source": "labnode-look/part-look",
    },
]
REAL: dict[str, Any] = {
    "ipsets": [*REAL_SETS, *REAL_SETS],
    "iptables": [
        {
            "direction": "output",
            "ipsets": ["part-_3c01eba119e00_set_tgt"],
            "name": "OUTPUT/part-_3c01eba119e00_",
            "source": "labnode-look/part-look",
        },
        {
            "direction": "input",
            "ipsets": ["part-_3c01eba119e00_set_tgt"],
            "name": "INPUT/part-_3c01eba119e00d_",
            "source": "labnode-look/part-look",
        },
    ],
}
SOURCE = "labnode-look/part-look"


def fault(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "part-look", "namespace": "labnode-look"},
        "spec": {"action": "partition", **spec},
    }


def spec_of(added: Entries) -> dict[str, Any]:
    return with_entries({}, SOURCE, added, clear=True)


def test_entries_are_those_of_the_real_chaos_mesh() -> None:
    """Names, order, duplicated sets: all of it."""
    assert spec_of(entries(fault(direction="both"), ".", ["10.88.0.20"])) == REAL


@pytest.mark.parametrize(
    ("direction", "side", "expected"),
    [
        ("to", ".", ["output"]),
        ("to", ".Target", ["input"]),
        ("from", ".", ["input"]),
        ("from", ".Target", ["output"]),
        ("both", ".Target", ["output", "input"]),
    ],
)
def test_direction_decides_the_chains_on_each_side(
    direction: str, side: str, expected: list[str]
) -> None:
    """Each cut is made at both ends: where packets leave and where they arrive."""
    added = entries(fault(direction=direction), side, ["10.0.0.1"])

    assert [each["direction"] for each in added.iptables] == expected


def test_partition_without_target_drops_everything() -> None:
    """No sets: a rule for every packet on the device."""
    spec = spec_of(entries(fault(), ".", []))

    assert cuts(spec) == [Cut(SOURCE, "output", "eth0", None)]


def test_cuts_follow_sets_of_sets_to_addresses_and_ports() -> None:
    """External targets may have a mask or a port; the device may be another."""
    spec = spec_of(entries(fault(device="net1"), ".", ["10.0.0.1", "10.1.0.0/16", "10.0.0.2:5557"]))

    peers = (("10.0.0.1/32", None), ("10.1.0.0/16", None), ("10.0.0.2/32", 5557))
    assert cuts(spec) == [Cut(SOURCE, "output", "net1", peers)]


def test_clearing_takes_the_entries_of_one_source_only() -> None:
    """Two faults on one pod do not disturb each other."""
    other = {"name": "x", "direction": "input", "source": "ns/other"}
    spec = {**REAL, "iptables": [*REAL["iptables"], other]}

    assert with_entries(spec, SOURCE, Entries(), clear=True) == {"iptables": [other]}


def test_delay_becomes_traffic_control_on_the_side_that_sends() -> None:
    """The lab cannot do it, but the entry is there, as it is on a kernel without netem."""
    body = fault(action="delay", direction="to", delay={"latency": "10ms"})

    assert spec_of(entries(body, ".", [])) == {
        "tcs": [{"type": "netem", "source": SOURCE, "delay": {"latency": "10ms"}}]
    }
    assert not entries(body, ".Target", [])


def test_short_names_stay_readable_and_within_bounds() -> None:
    """Names of less than six characters are kept."""
    assert short_name("cut", 27, "net_tgt") == "cut_net_tgt"
    assert len(short_name("a-very-long-name-of-a-fault", 27, "netport_tgt")) == 27
