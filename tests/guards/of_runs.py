"""What a run sees to, however it ends: control, stop, deadlines, hold, secrets, bounds."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without


def of_a_run() -> Iterator[Guard]:
    """What the control, the stop, the deadlines and the hold see to."""
    control, tests = "kvchaos.control:", "unit/test_control.py unit/test_control_stops.py"
    yield without(
        f"{control}after_activity_control",
        'if failed and run.phase == "method":',
        instead="if False:",
        tests=tests,
        what="control: a failed action does not end the experiment",
    )
    yield without(
        f"{control}after_activity_control",
        "lifecycle.record_activity(run, context, state)",
        tests=tests,
    )
    yield without(
        f"{control}after_experiment_control",
        'journal["status"] = "failed"',
        tests=tests,
        what="control: the journal says completed whatever came of it",
    )
    yield without(
        f"{control}after_experiment_control", 'journal["kvchaos"] = _outcome(status)', tests=tests
    )
    yield returns(f"{control}cleanup_control", "None", tests=tests)
    yield without(f"{control}before_activity_control", "_heed()", tests=tests)
    yield without(
        f"{control}before_activity_control",
        "run.deadlines.arm(what, seconds=run.settings.probe_deadline + asked)",
        tests=tests,
    )
    yield without(f"{control}before_experiment_control", "stopping.install()", tests=tests)
    finishing = "unit/run/test_finishing.py unit/test_control_stops.py"
    yield returns("kvchaos.run.healing:free", "None", tests=finishing)
    yield returns("kvchaos.run.finishing:_record_residue", "None", tests=finishing)
    faults = "unit/run/test_faults.py"
    yield returns("kvchaos.run.healing:open_faults", "[]", tests=faults)
    yield returns("kvchaos.run.holding:refuse_if_held", "None", tests="unit/run/test_holding.py")
    yield returns("kvchaos.mesh.hold:read", "None", tests="unit/mesh/test_hold.py")
    yield returns("kvchaos.run.lasting:note_replaced", "None", tests=faults)


def of_stopping() -> Iterator[Guard]:
    """A run that is stopped recovers at once, and nothing is begun in it."""
    start, lifecycle = "kvchaos.run.lifecycle:start", "unit/run/test_lifecycle_start.py"
    for part in ('"--or-use", owner=os.getpid()', "lab_down(owner=os.getpid())"):
        yield without(
            "kvchaos.run.lifecycle:_start_lab",
            part,
            instead=part.replace("os.getpid()", "1"),
            tests=lifecycle,
            what=f"lifecycle: a lab is another process': {part}",
        )
    for step in (
        "check(experiment, configuration, secrets, current.beside())",
        "_preflight(run, experiment, configuration, secrets)",
        "_heed_hold(run)",
        "_watch_stop_conditions(run, experiment, configuration, secrets)",
        "_await_observer(run)",
        "stopping.watch(Ending(run), grace=min(GRACE, settings.probe_deadline))",
    ):
        yield without(start, step, tests=f"{lifecycle} unit/run/test_lifecycle_order.py")
    yield without(
        "kvchaos.run.faults:inject", "refuse_if_held(run)", tests="unit/run/test_holding.py"
    )
    yield without(
        "kvchaos.run.faults:inject", "refuse_company(run)", tests="unit/run/test_company.py"
    )
    yield without(
        "kvchaos.run.faults:_in_flight",
        "if run.stopping.first is not None:",
        instead="if False:",
        tests="unit/run/test_faults.py unit/test_control_stops.py",
        what="run.faults begins a fault in a run that is being stopped",
    )
    yield returns(
        "kvchaos.ending.signals:_is_to_be_outlived", "False", tests="unit/ending/test_stopping.py"
    )
    silence = "unit/run/test_silence.py"
    yield returns("kvchaos.mesh.silence:Silence.missed", "None", tests=silence)
    yield returns("kvchaos.mesh.silence:Silence.heard", "None", tests=silence)
    holding = "unit/run/test_holding.py"
    yield without("kvchaos.run.holding:HoldWatch.look", "self._found(there)", tests=holding)
    conditions = "unit/run/test_conditions.py"
    yield returns("kvchaos.run.conditions:ConditionWatch._reason", "''", tests=conditions)
    yield without(
        "kvchaos.run.conditions:ConditionWatch._reason",
        "if self._in_a_row >= PATIENCE:",
        instead="if False:",
        tests=conditions,
        what="run.conditions takes a condition that cannot be asked for one that is met",
    )
    deadlines = "unit/ending/test_deadlines.py"
    yield returns("kvchaos.ending.deadlines:Deadlines.look", "None", tests=deadlines)
    yield returns("kvchaos.ending.deadlines:seconds_asked", "0.0", tests=deadlines)
    stopping = "unit/ending/test_stopping.py"
    for name, lines in {
        "_take": "work.recover()",
        "_nudge": "signal.pthread_kill(ident, NUDGE)",
        "request": "self._nudge()",
        "heed": "raise SystemExit(INTERRUPTED)",
        "_on_signal": "raise SystemExit(INTERRUPTED)",
        "_loop": "work.give_up()",
    }.items():
        yield without(f"kvchaos.ending.stopping:Stopping.{name}", lines, tests=stopping)
    yield returns("kvchaos.ending.toolkit:leads_to_rollbacks", "True", tests=stopping)
    yield returns("kvchaos.run.answers:raised", "None", tests="unit/run/test_lifecycle.py")
    yield returns("kvchaos.run.answers:end_experiment", "None", tests="unit/test_control.py")


def of_text() -> Iterator[Guard]:
    """Secrets, and bounds on what comes from outside."""
    redact = "unit/test_redact.py"
    for name in ("text", "json"):
        yield returns(
            f"kvchaos.redact:Redactor.{name}",
            "_[-1]",
            tests=redact,
            what=f"redact.Redactor.{name} leaves secrets in",
        )
    yield returns("kvchaos.redact:guard_logs", "lambda: None", tests=redact)
    yield returns("kvchaos.run.journal:cut_to", "_[0]", tests="unit/run/test_journal.py")
    yield returns("kvchaos.run.journal:_without_values", "_[0]", tests="unit/run/test_journal.py")
    yield returns("kvchaos.verdict.history:_bounded", "_[0]", tests="unit/verdict/test_history.py")
    yield without(
        "kvchaos.kvevents.wire:decode",
        "MAX_PAYLOAD",
        instead="10 ** 18",
        tests="unit/kvevents/test_wire_decode.py",
    )
    hostile = "lab/test_cluster_bounds.py"
    yield without("kvchaos.untrusted:whole", "raise too_long(limit)", tests=hostile)
    render = "unit/mesh/test_render.py"
    for name in ("_forbidden", "_is_hidden"):
        yield returns(f"kvchaos.mesh.sandbox:{name}", "''", tests=render)
    yield without(
        "kvchaos.mesh.render:_Marks._value",
        "if isinstance(value, str) and _MARK.search(value):",
        instead="if False:",
        tests=render,
        what="mesh.render lets a value into a text",
    )
    yield returns("kvchaos.mesh.render:_demand_exactly", "None", tests=render)
