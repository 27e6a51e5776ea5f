"""What is seen to before anything is run: by ``kvchaos init``, ``doctor``, and ``run`` itself."""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.doctor.obstacles import ABOUT
from tests.guards.removal import Guard, entry, returns, without


def of_starting() -> Iterator[Guard]:
    """Nothing is overwritten, answers are looked at, and no refusal is passed over."""
    starter = "unit/starter/test_starter.py"
    yield returns("kvchaos.starter.writing:in_the_way", "[]", tests=starter)
    yield without("kvchaos.starter.writing:write", "target.unlink(missing_ok=True)", tests=starter)
    yield returns("kvchaos.starter.answers:wrong", "''", tests=starter)
    yield returns("kvchaos.starter.answers:check", "None", tests=starter)
    yield without(
        "kvchaos.starter.starter:_in",
        "json.dumps(renamed[plain])",
        instead="renamed[plain]",
        tests=starter,
        what="starter: a namespace may be a number to a YAML reader",
    )
    yield returns(
        "kvchaos.doctor.line:is_well", "True", tests="unit/commands/test_doctor_command.py"
    )
    for line in ABOUT:
        yield entry("kvchaos.doctor.obstacles:ABOUT", line, tests="unit/doctor/test_obstacles.py")
    run = "unit/commands/test_run_command.py"
    yield returns("kvchaos.untrusted:key_twice", "None", tests=run)
    yield returns("kvchaos.commands.playing:ensure_room", "None", tests=run)
    yield without(
        "kvchaos.run.lifecycle:start",
        "undo.enter_context(unstarted.kept(run, stopping))",
        tests="unit/run/test_lifecycle_start.py",
    )
