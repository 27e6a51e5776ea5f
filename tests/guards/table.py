"""Every guard of kvchaos: the entries of its tables, then what is guarded in code."""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.mesh.lint import RULES
from kvchaos.preflight.refusals import REFUSALS
from kvchaos.verdict.checks import CHECKS
from tests.guards import (
    of_adapters,
    of_benchmarks,
    of_faults,
    of_gamedays,
    of_reports,
    of_runs,
    of_showing,
    of_starting,
    of_truth,
)
from tests.guards.removal import Guard, entry

PREFLIGHT = " ".join(
    f"unit/preflight/test_about_{each}.py" for each in ("cluster", "pods", "engines")
)


def guards() -> list[Guard]:
    """All of them."""
    parts = (
        *(of_tables, of_faults.of_injection, of_faults.of_recovery, of_faults.of_experiment),
        *(of_runs.of_a_run, of_runs.of_stopping, of_runs.of_text),
        *(of_truth.of_the_verdict, of_truth.of_the_oracle, of_starting.of_starting),
        *(of_gamedays.of_beginning, of_gamedays.of_going_on, of_gamedays.of_telling),
        *(of_gamedays.of_the_cluster, of_gamedays.of_leaving),
        *(
            of_showing.of_the_view,
            of_showing.of_printing,
            of_showing.of_the_outlets,
            of_showing.of_the_folder,
            of_showing.of_the_end,
            of_showing.of_several,
        ),
        *(of_reports.of_reading, of_reports.of_forms, of_reports.of_pages, of_reports.of_comparing),
        *(of_adapters.of_naming, of_adapters.of_answering, of_adapters.of_addresses),
        of_adapters.of_waiting,
        of_benchmarks.of_measuring,
    )
    return [guard for part in parts for guard in part()]


def of_tables() -> Iterator[Guard]:
    for rule in RULES:
        yield entry("kvchaos.mesh.lint:RULES", rule.__name__, tests="unit/mesh/test_lint.py")
    for name in REFUSALS:
        yield entry("kvchaos.preflight.refusals:REFUSALS", name, tests=PREFLIGHT)
    for check in CHECKS:
        yield entry("kvchaos.verdict.checks:CHECKS", check.__name__, tests=of_truth.VERDICT)
