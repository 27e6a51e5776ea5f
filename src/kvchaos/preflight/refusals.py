"""Every refusal by its name, and all that they find at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kvchaos.preflight import about_cluster, about_engines, about_pods
from kvchaos.preflight.facts import Facts
from kvchaos.preflight.reason import Finding, Reason

Refusal = Callable[[Facts], Iterable[Reason]]

REFUSALS: dict[str, Refusal] = {
    refusal.__name__: refusal
    for refusal in (
        about_cluster.held,
        about_cluster.wrong_environment,
        about_cluster.not_opted_in,
        about_cluster.no_chaos_mesh_kind,
        about_cluster.missing_permission,
        about_cluster.leftovers,
        about_pods.no_target,
        about_pods.too_many_targets,
        about_pods.too_large_share,
        about_pods.not_running,
        about_pods.host_network,
        about_pods.several_networks,
        about_pods.no_daemon_on_node,
        about_engines.other_block_size,
        about_cluster.refused_by_the_server,
    )
}


def findings(facts: Facts) -> list[Finding]:
    """All that speaks against the run; nothing when it may begin."""
    return [
        Finding.of(name, reason) for name, refuse in REFUSALS.items() for reason in refuse(facts)
    ]
