"""The questions a run must answer before it may be called a pass, in one table.

The one rule guarded here: a check says pass only for what the history shows, fail only for what
it contradicts, and unknown for everything else. docs/verdict.md tells them to users.
"""

from __future__ import annotations

from collections.abc import Callable

from kvchaos.verdict.events import Events
from kvchaos.verdict.fault_checks import effect_observed, fault_landed, nothing_left
from kvchaos.verdict.history_checks import history_in_order, not_stopped, run_reached_its_end
from kvchaos.verdict.index_checks import (
    observer_up_and_sampled,
    oracle_complete,
    recovered_within_budget,
)
from kvchaos.verdict.lasting_checks import fault_lasted, no_other_fault, nothing_else_restarted
from kvchaos.verdict.result import Result
from kvchaos.verdict.run_checks import (
    actions_succeeded,
    steady_state_after,
    steady_state_before,
    steady_state_during,
)

Check = Callable[[Events], Result]

CHECKS: tuple[Check, ...] = (
    history_in_order,
    steady_state_before,
    actions_succeeded,
    fault_landed,
    effect_observed,
    steady_state_during,
    fault_lasted,
    nothing_else_restarted,
    no_other_fault,
    recovered_within_budget,
    steady_state_after,
    oracle_complete,
    observer_up_and_sampled,
    nothing_left,
    not_stopped,
    run_reached_its_end,
)
"""All checks, in the order in which a run meets them."""
