"""What keeps a fault from being sent unchecked, and from outliving its run."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without


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
        "ledger.record(_line(fault, clock=clock))",
        also=(
            "created = clock.now()",
            "created = clock.now()\n        ledger.record(_line(fault, clock=clock))",
        ),
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
    yield without(
        "kvchaos.mesh.whereabouts:_places",
        "if place.is_relative_to(bounds):",
        instead="if True:",
        tests="unit/mesh/test_whereabouts.py",
        what="mesh.whereabouts lets an experiment reach files outside its folders",
    )
