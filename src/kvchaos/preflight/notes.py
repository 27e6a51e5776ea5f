"""What a preflight tells beside its findings: nothing of it keeps a run from beginning. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.cluster import pods
from kvchaos.errors import ClusterError
from kvchaos.preflight.about_engines import larger_block_size
from kvchaos.preflight.facts import Facts


def notes(facts: Facts) -> list[str]:
    """One line each, no line twice."""
    about = (_finished, _not_ready, _unseen_namespaces, _daemons, larger_block_size)
    return list(dict.fromkeys(line for told in about for line in told(facts)))


def _finished(facts: Facts) -> Iterator[str]:
    for each in facts.selections:
        for pod in each.passed_over:
            if pods.is_finished(pod):
                yield f"pod {pods.name(pod)} has the labels, but is finished: {pods.phase(pod)}"


def _not_ready(facts: Facts) -> Iterator[str]:
    for each in facts.selections:
        for pod in each.hit:
            if pods.phase(pod) == "Running" and not pods.is_ready(pod):
                yield f"pod {pods.name(pod)} is not ready"


def _unseen_namespaces(facts: Facts) -> Iterator[str]:
    if facts.settings.environment or facts.settings.require_opt_in:
        return  # then it is a finding
    for place, seen in facts.annotations.items():
        if isinstance(seen, ClusterError):
            yield f"whether namespace {place} names an environment cannot be told: {_why(seen)}"


def _daemons(facts: Facts) -> Iterator[str]:
    needed = any(each.needs_daemon for each in facts.selections)
    if needed and isinstance(facts.daemons, ClusterError):
        why = _why(facts.daemons)
        yield f"whether chaos-daemon runs on the targets' nodes cannot be told: {why}"


def _why(error: ClusterError) -> str:
    """A refusal without the server's own words, which say the same at length."""
    return f"{error.what}; see: {error.look}" if error.look else error.what
