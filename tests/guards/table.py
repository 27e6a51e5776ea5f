"""Every guard of kvchaos: what keeps a fault from outliving its run, and a verdict from lying."""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.mesh.lint import RULES
from kvchaos.preflight.refusals import REFUSALS
from kvchaos.verdict.checks import CHECKS
from tests.guards.removal import Guard, entry, returns, without

PREFLIGHT = "unit/preflight/test_about_cluster.py unit/preflight/test_about_pods.py"
VERDICT = (
    "unit/verdict/test_checks.py unit/verdict/test_history_checks.py"
    " unit/verdict/test_honest_outcome.py unit/verdict/test_lasting_checks.py"
    " unit/verdict/test_status.py unit/verdict/test_each_check_alone.py"
)


def guards() -> list[Guard]:
    """All of them: the entries of the tables, then what is guarded in code."""
    parts = (
        *(of_tables, of_injection, of_recovery, of_experiment),
        *(of_a_run, of_stopping, of_the_verdict, of_the_oracle, of_text),
    )
    return [guard for part in parts for guard in part()]


def of_tables() -> Iterator[Guard]:
    for rule in RULES:
        yield entry("kvchaos.mesh.lint:RULES", rule.__name__, tests="unit/mesh/test_lint.py")
    for name in REFUSALS:
        yield entry("kvchaos.preflight.refusals:REFUSALS", name, tests=PREFLIGHT)
    for check in CHECKS:
        yield entry("kvchaos.verdict.checks:CHECKS", check.__name__, tests=VERDICT)


def of_injection() -> Iterator[Guard]:
    """Nothing is sent that is not checked, written down first, and awaited."""
    tests = "unit/mesh/test_inject.py"
    inject = "kvchaos.mesh.inject:"
    yield returns("kvchaos.mesh.lint:lint", "[]", tests=tests)
    yield returns("kvchaos.mesh.lint:_duration", "()", tests="unit/mesh/test_lint.py")
    yield returns("kvchaos.mesh.selection:selection_findings", "()", tests="unit/mesh/test_lint.py")
    yield returns(f"{inject}_rehearse", "None", tests=tests)
    yield returns(f"{inject}resolve", "[]", tests=tests)
    yield without(f"{inject}inject", "ledger.record(_line(fault, clock=clock))", tests=tests)
    yield without(
        f"{inject}inject",
        "    ledger.record(_line(fault, clock=clock))\n    requested = clock.now()\n    try:\n"
        "        _create(cluster, fault, body, clock=clock)\n",
        instead="    requested = clock.now()\n    try:\n"
        "        _create(cluster, fault, body, clock=clock)\n"
        "        ledger.record(_line(fault, clock=clock))\n",
        tests=tests,
        what="mesh.inject.inject writes its ledger only after the create",
    )
    yield without(
        f"{inject}inject",
        "_abandon(cluster, fault)",
        tests=tests,
        what="mesh.inject.inject leaves its fault when it is interrupted",
    )
    yield without(
        f"{inject}_await_injection",
        'if missing_for_injection(seen):\n        why = f"not',
        instead='if False:\n        why = f"not',
        tests=tests,
        what="mesh.inject takes what is not injected for injected",
    )
    yield without(
        f"{inject}_await_injection",
        'if desired_phase(seen) == "Stop":',
        instead="if False:",
        tests=tests,
        what="mesh.inject takes what is over for injected",
    )
    yield returns(f"{inject}_taken_back", "''", tests=tests)
    yield returns(
        "kvchaos.mesh.records:missing_for_injection", "[]", tests="unit/mesh/test_records.py"
    )
    yield returns(
        "kvchaos.mesh.targets:_refuse_host_network", "None", tests="unit/mesh/test_targets.py"
    )
    ledger = "unit/mesh/test_ledger.py"
    yield without("kvchaos.mesh.ledger:_append", "os.fsync(file.fileno())", tests=ledger)
    yield without(
        "kvchaos.mesh.ledger:Ledger.record", "_sync_folder(self.path.parent)", tests=ledger
    )
    yield without(
        "kvchaos.mesh.ledger:_append",
        'line = b"\\n" + line',
        tests=ledger,
        what="mesh.ledger: a torn line swallows the next one",
    )


def of_recovery() -> Iterator[Guard]:
    """Only what is ours is ended, and only what was looked for is gone."""
    recover = "unit/mesh/test_recover.py"
    residue = "unit/mesh/test_residue.py"
    yield without(
        "kvchaos.mesh.residue:is_of",
        "return same_run and uid",
        instead="return uid",
        tests=recover,
        what="mesh.residue.is_of does not compare the run's label",
    )
    yield without(
        "kvchaos.mesh.residue:is_of",
        'return same_run and uid in ("", metadata.get("uid"))',
        instead="return same_run",
        tests=recover,
        what="mesh.residue.is_of does not compare the uid",
    )
    yield without(
        "kvchaos.mesh.recover:ask_deletion",
        "namespace=fault.namespace, uid=uid)",
        instead="namespace=fault.namespace)",
        tests=recover,
        what="mesh.recover deletes whatever has the name",
    )
    yield returns("kvchaos.mesh.residue:rules_left_of", "[]", tests=recover)
    yield returns("kvchaos.mesh.residue:object_left", "None", tests=residue)
    yield returns("kvchaos.mesh.residue:_is_left", "False", tests=residue)
    yield returns("kvchaos.mesh.residue:unapplied", "[]", tests=residue)
    yield returns("kvchaos.mesh.records:not_applied", "''", tests="unit/mesh/test_records.py")
    yield returns("kvchaos.mesh.records:has_ended", "True", tests="unit/mesh/test_records.py")
    yield returns("kvchaos.mesh.freeing:obstacle", "None", tests=recover)
    yield returns("kvchaos.mesh.freeing:Freeing._drop_finalizers", "None", tests=recover)
    yield returns("kvchaos.mesh.freeing:Freeing._drop_rules", "None", tests=recover)
    yield returns("kvchaos.mesh.freeing:Freeing._unapplied", "[]", tests=recover)
    yield returns("kvchaos.mesh.confirm:_is_replaced", "False", tests="unit/mesh/test_confirm.py")
    yield returns(
        "kvchaos.mesh.confirm:_rules_hold", "(True, '')", tests="unit/mesh/test_confirm.py"
    )
    reap = "unit/mesh/test_reaping.py"
    yield without(
        "kvchaos.mesh.reap:Reaper._end",
        "except KVChaosError as error:\n        first = error",
        instead="except ZeroDivisionError as error:\n        first = error",
        tests=reap,
        what="mesh.reap goes no further after an error",
    )
    yield returns("kvchaos.mesh.found:Scope.takes", "True", tests="unit/mesh/test_found.py")
    yield returns("kvchaos.mesh.found:Search._orphan", "None", tests="unit/mesh/test_found.py")


def of_experiment() -> Iterator[Guard]:
    """What an experiment file may not be."""
    tests = "unit/test_experiment.py unit/test_experiment_shape.py"
    experiment = "kvchaos.experiment:"
    yield without(
        f"{experiment}_findings",
        '.get("strategy") != "always"',
        instead='.get("strategy") == "no strategy"',
        tests=tests,
        what="experiment.check takes rollbacks that may be skipped",
    )
    for name in ("_misshapen", "_unresolved_in", "_template_findings", "_held_findings"):
        yield returns(f"{experiment}{name}", "()", tests=tests)
    yield returns("kvchaos.extension:findings", "()", tests="unit/test_extension.py")


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
    for step in (
        "check(experiment, configuration, secrets)",
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
        "kvchaos.run.faults:_in_flight",
        "if run.stopping.first is not None:",
        instead="if False:",
        tests="unit/run/test_faults.py unit/test_control_stops.py",
        what="run.faults begins a fault in a run that is being stopped",
    )
    holding = "unit/run/test_holding.py"
    yield without("kvchaos.run.holding:HoldWatch._loop", "self._found(there)", tests=holding)
    conditions = "unit/run/test_conditions.py"
    yield returns("kvchaos.run.conditions:ConditionWatch._reason", "''", tests=conditions)
    yield without(
        "kvchaos.run.conditions:ConditionWatch._reason",
        "if self._in_a_row >= PATIENCE:",
        instead="if False:",
        tests=conditions,
        what="run.conditions takes a condition that cannot be asked for one that is met",
    )
    deadlines = "unit/run/test_deadlines.py"
    yield returns("kvchaos.run.deadlines:Deadlines.look", "None", tests=deadlines)
    yield returns("kvchaos.run.deadlines:seconds_asked", "0.0", tests=deadlines)
    stopping = "unit/run/test_stopping.py"
    for name, lines in {
        "_take": "work.recover()",
        "_nudge": "signal.pthread_kill(ident, NUDGE)",
        "request": "self._nudge()",
        "heed": "raise SystemExit(INTERRUPTED)",
        "_on_signal": "raise SystemExit(INTERRUPTED)",
        "_loop": "work.give_up()",
    }.items():
        yield without(f"kvchaos.run.stopping:Stopping.{name}", lines, tests=stopping)
    yield returns("kvchaos.run.toolkit:leads_to_rollbacks", "True", tests=stopping)
    yield returns("kvchaos.run.answers:raised", "None", tests="unit/run/test_lifecycle.py")
    yield returns("kvchaos.run.answers:end_experiment", "None", tests="unit/test_control.py")


def of_the_verdict() -> Iterator[Guard]:
    """What is not known is no pass, and what is left is never outweighed."""
    verdict = "unit/verdict/test_verdict.py unit/verdict/test_status.py"
    yield without(
        "kvchaos.verdict.verdict:judge",
        "if not events:",
        instead="if False:",
        tests=verdict,
        what="verdict.judge takes an empty history as any other",
    )
    yield without(
        "kvchaos.verdict.verdict:_ask",
        "return Result(name, Verdict.UNKNOWN, why)",
        instead="return Result(name, Verdict.PASS, why)",
        tests=verdict,
        what="verdict: a check that breaks is a pass",
    )
    yield returns("kvchaos.verdict.verdict:merge", "Verdict.PASS", tests=verdict)
    yield returns("kvchaos.verdict.status:left_behind", "None", tests=VERDICT)
    yield without(
        "kvchaos.verdict.status:status_of",
        "*aborted,",
        instead="",
        tests=verdict,
        what="verdict.status: a run that was stopped is not aborted",
    )
    for name in ("_doubt", "_untimely"):
        yield returns(f"kvchaos.verdict.fault_checks:{name}", "''", tests=VERDICT)
    yield returns("kvchaos.verdict.fault_checks:_never_ended", "[]", tests=VERDICT)
    for name in ("_doubt", "_unwatched", "_asleep"):
        yield returns(f"kvchaos.verdict.index_checks:{name}", "''", tests=VERDICT)
    yield returns("kvchaos.verdict.index_checks:_wrong", "[]", tests=VERDICT)


def of_the_oracle() -> Iterator[Guard]:
    """Nothing is called complete that is not, and nothing agreement that was not observed."""
    tests, tracker = "unit/kvevents/test_sequence.py", "kvchaos.kvevents.sequence:Tracker."
    for name, lines, instead, what in (
        ("_ask", "self._proven = self.next == 0", "self._proven = True", "asks for no proof"),
        (
            "replayed",
            "known is not None and known != hash(message.payload)",
            "False",
            "compares no payloads of a replay",
        ),
        ("replayed", "if not self._proven:", "if False:", "takes an unproven history for a proven"),
        ("replay_ended", " or not self._proven", "", "takes a history that ends early"),
        ("_passed", "return self._restart(message)", "return DUPLICATE", "overlooks a restart"),
        ("_restart", "if not asked:", "if True:", "ends a check at a restart"),
        (
            "replay_failed",
            "self._life.reason = self._life.reason or SILENT",
            "pass",
            "says nothing of a replay that nobody answered",
        ),
        ("_restart", "self._life.held if keep else {}", "self._life.held", "keeps what is stale"),
    ):
        told = f"kvevents.sequence.Tracker {what}"
        yield without(f"{tracker}{name}", lines, instead=instead, tests=tests, what=told)
    yield returns("kvchaos.kvevents.epoch:Epoch.doubt", "None", tests=tests)
    follower, at = "unit/observer/test_follower.py", "kvchaos.observer.follower:Follower."
    yield returns(f"{at}trouble", "''", tests=follower)
    yield returns(f"{at}_incomplete", "None", tests=follower)
    yield without(f"{at}_linked", "self._heed(self.tracker.check())", tests=follower)
    yield returns(
        "kvchaos.observer.roster:Roster.trouble", "''", tests="unit/observer/test_roster.py"
    )
    compare = "unit/index/test_compare.py"
    yield returns("kvchaos.index.compare:_incomplete", "{}", tests=compare)
    yield returns("kvchaos.index.compare:_not_followed", "{}", tests=compare)
    yield without(
        "kvchaos.index.compare:Difference.agrees",
        "True if self.compared and not self.unknown else None",
        instead="True",
        tests=compare,
        what="index.compare takes what is not known for agreement",
    )
    yield returns("kvchaos.run.effect:_fresh", "1", tests="unit/run/test_effect.py")
    yield without(
        "kvchaos.run.recovery:_verdict",
        "if healed is None or judged is None:",
        instead="if healed is None:",
        tests="unit/run/test_recovery.py",
        what="run.recovery judges without a flush",
    )


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
    for tests in ("properties/test_hostile_files.py", "properties/test_hostile_answers.py"):
        yield without(
            "kvchaos.untrusted:whole",
            "raise too_long(limit)",
            tests=tests,
            what=f"untrusted.whole reads without end, by {tests}",
        )
    sandbox = "unit/mesh/test_sandbox.py unit/mesh/test_render.py"
    for name in ("_forbidden", "_is_hidden"):
        yield returns(f"kvchaos.mesh.sandbox:{name}", "''", tests=sandbox)
    yield without(
        "kvchaos.mesh.render:_Marks._value",
        "if isinstance(value, str) and _MARK.search(value):",
        instead="if False:",
        tests=sandbox,
        what="mesh.render lets a value into a text",
    )
    yield returns("kvchaos.mesh.render:_demand_exactly", "None", tests=sandbox)
