"""What speaks against the experiments, as the preflight finds it, in lines by what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvchaos.assets import asset
from kvchaos.doctor.line import Line, missing, note, ok
from kvchaos.errors import ClusterError
from kvchaos.preflight.about_engines import LOOK, larger_block_size
from kvchaos.preflight.examine import judged
from kvchaos.preflight.facts import Facts
from kvchaos.preflight.reason import Finding

ABOUT: dict[str, tuple[str, frozenset[str]]] = {
    "Chaos Mesh": ("has the kinds of the faults", frozenset({"no_chaos_mesh_kind"})),
    "rights": ("all that a run needs", frozenset({"missing_permission"})),
    "annotations": (
        "let faults in",
        frozenset({"wrong_environment", "not_opted_in"}),
    ),
    "targets": (
        "there, and not too many",
        frozenset(
            {
                "no_target",
                "too_many_targets",
                "too_large_share",
                "not_running",
                "host_network",
                "several_networks",
            }
        ),
    ),
    "chaos-daemon": ("ready beside the targets", frozenset({"no_daemon_on_node"})),
    "block size": ("as the engines have it", frozenset({"other_block_size"})),
    "dry run": ("the server takes the faults", frozenset({"refused_by_the_server"})),
    "hold": ("none", frozenset({"held"})),
    "left behind": ("nothing", frozenset({"leftovers"})),
}
"""Each line by its name: what it says when all is well, and the refusals that it stands for."""


def obstacles(facts: Facts) -> Iterator[Line]:
    """One line for each of these; what cannot be known is a note."""
    found = judged(facts).findings
    for what, (well, refusals) in ABOUT.items():
        own = [each for each in found if each.refusal in refusals]
        if own:
            yield _line(what, own, facts)
        elif what == "chaos-daemon":
            yield _daemons(facts, well)
        elif what == "block size":
            yield _block_size(facts, well)
        else:
            yield ok(what, well)


def _line(what: str, found: Sequence[Finding], facts: Facts) -> Line:
    """The first one in full; whatever kind of fault finds it, it is told once."""
    texts = list(dict.fromkeys(each.text for each in found))
    if what == "rights":
        return _rights(facts)
    more = f" (and {len(texts) - 1} more: kvchaos preflight)" if len(texts) > 1 else ""
    return missing(what, texts[0] + more, found[0].look)


def _rights(facts: Facts) -> Line:
    asked = [
        f"{need.verb} {need.resource}" for need in facts.denied if need.kind not in facts.absent
    ]
    told = ", ".join(dict.fromkeys(asked))
    place = facts.settings.namespace
    role = asset("deploy", "runner", "rbac.yaml")
    return missing(
        "rights", f"not: {told}", f"an administrator: kubectl -n {place} apply -f {role}"
    )


def _daemons(facts: Facts, well: str) -> Line:
    """A note when it cannot be told whether each target has a daemon beside it."""
    asking = [each for each in facts.selections if each.needs_daemon]
    if not asking:
        return ok("chaos-daemon", "not needed for these faults")
    if isinstance(facts.daemons, ClusterError):
        saw = f"pods in namespace {facts.settings.mesh_namespace} may not be listed"
        return note("chaos-daemon", saw, _apply("daemons"))
    if not any(each.hit for each in asking):
        return note("chaos-daemon", "not known: it has to be where the targets are")
    return ok("chaos-daemon", well)


def _block_size(facts: Facts, well: str) -> Line:
    """A note when the engines do not tell, as those that are no vLLM, or tell only a part of it."""
    ours = facts.settings.block_size
    if not facts.block_sizes:
        return note("block size", f"{ours}; the engines do not tell theirs: their events will")
    odd = next(larger_block_size(facts), "")
    return note("block size", odd, LOOK) if odd else ok("block size", f"{ours}, {well}")


def _apply(part: str) -> str:
    return f"to see them: kubectl apply -k {asset('deploy', part)}"
