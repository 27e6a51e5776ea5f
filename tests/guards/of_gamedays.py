"""What a game day sees to: when it may begin, what ends it, what a broken one left."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without

UNIT = "unit/gameday/test_gameday_"


def of_beginning() -> Iterator[Guard]:
    """A plan without fault, a window, nobody's hold, somebody's leave, a budget."""
    gates = "kvchaos.gameday.gates:Gates."
    tests = f"{UNIT}gates.py"
    for part in ("_form", "_windows_wrong", "_plays_wrong"):
        yield returns(f"kvchaos.gameday.reading:{part}", "()", tests=f"{UNIT}reading.py")
    yield returns(f"{gates}_window", "None", tests=tests)
    yield returns(f"{gates}_hold", "None", tests=tests)
    yield returns("kvchaos.gameday.windows:Windows._blackout", "None", tests=f"{UNIT}windows.py")
    yield returns("kvchaos.gameday.windows:Windows._changes", "()", tests=f"{UNIT}windows.py")
    yield without(
        f"{gates}open",
        "return self._window() or self._hold(step) or answer",
        instead="return answer",
        tests=tests,
        what="gameday: what closed while a person thought lets a run begin",
    )
    yield without(
        f"{gates}_closing_for",
        "if windows is not None and not windows.is_open(self._clock.wall()):",
        instead="if False:",
        tests=tests,
        what="gameday: a question stays though the window closed",
    )
    yield without(
        f"{gates}_closing_for",
        "return bool(self._door.held(step.play))",
        instead="return False",
        tests=tests,
        what="gameday: a question stays though somebody holds",
    )
    yield returns("kvchaos.gameday.ending:_spent", "iter(())", tests=f"{UNIT}ending.py")
    yield returns(
        "kvchaos.plain_yaml:_ensure_distinct",
        "None",
        tests="unit/test_plain_yaml.py",
        what="plain_yaml passes over a key that is said again",
    )


def of_going_on() -> Iterator[Guard]:
    """Nothing after a run that ends the day; nothing left by one that was killed."""
    playing = "kvchaos.gameday.playing:"
    tests = f"{UNIT}playing.py"
    yield returns("kvchaos.gameday.ending:_ends", "iter(())", tests=f"{UNIT}ending.py")
    yield returns(f"{playing}_running", "None", tests=tests)
    yield without(f"{playing}Playing._take_up", "self._reap(step, last)", tests=tests)
    yield without(f"{playing}Playing._judge", "self._reap(step, attempt)", tests=tests)
    yield without(
        "kvchaos.gameday.status:status_of",
        "if status in PROVEN and recorded != code:",
        instead="if False:",
        tests=tests,
        what="gameday: an exit code that no record bears out is believed",
    )
    yield without(
        "kvchaos.gameday.process:_stopped",
        "break",
        instead="process.kill()",
        tests=f"{UNIT}process.py",
        what="gameday: a run that takes long to recover its fault is killed",
    )


def of_leaving() -> Iterator[Guard]:
    """No run without its day, no day on an old state, no end without its reports, no lab left."""
    command = "unit/commands/test_gameday_command.py"
    lab = "unit/run/test_ownlab.py"
    yield without(
        "kvchaos.gameday.process:played",
        "_stopped(process, signal.SIGTERM, patience=patience, clock=clock)",
        tests=f"{UNIT}process.py",
        what="gameday: a run goes on when its day breaks off",
    )
    yield returns("kvchaos.commands.gameday:_as_left", "_[0]", tests=command)
    yield without(
        "kvchaos.commands.gameday_terminal:Terminal.leave",
        "return None if line is None else Answer.QUIT",
        instead="return None",
        tests=command,
        what="gameday: the end of input at the prompt ends the command",
    )
    yield returns("kvchaos.run.ownlab:lab_is_down", "True", tests=lab)
    yield without(
        "kvchaos.run.ownlab:OwnLab.__exit__", "lab_down(owner=self._owner.pid)", tests=lab
    )
    yield without(
        "kvchaos.run.ownlab:OwnLab.need",
        "owner=self._owner.pid",
        instead="owner=0",
        tests=lab,
        what="ownlab: the lab does not end with its process",
    )
    yield returns("kvchaos.run.ownlab:OwnLab.holds", "()", tests=lab)
    yield without(
        "kvchaos.gameday.player:RunPlayer.prepare",
        "and same",
        instead="",
        tests=f"{UNIT}player.py",
        what="gameday: a lab is started in a folder that its runs do not have",
    )


def of_telling() -> Iterator[Guard]:
    """No secret in a webhook's text, nobody waits for one, no report changes the outcome."""
    yield without(
        "kvchaos.gameday.since:compared",
        "found = apart([each.runs for each in asked])",
        instead="found = [True for _ in asked]",
        tests=f"{UNIT}reports.py",
        what="gameday: what a handful of runs cannot show is sure",
    )
    yield without(
        "kvchaos.gameday.notify:Notifier.send",
        "body = self._redactor.fields(",
        instead="body = dict(",
        tests=f"{UNIT}notify.py",
        what="gameday: an address is sent in a text",
    )
    yield without(
        "kvchaos.gameday.reports:write_reports",
        "except Exception as error:",
        instead="except ZeroDivisionError as error:",
        tests=f"{UNIT}reports.py",
        what="gameday: a report that fails ends the command",
    )
    yield returns("kvchaos.gameday.markdown:_text", "_[0]", tests=f"{UNIT}reports.py")


def of_the_cluster() -> Iterator[Guard]:
    """What is somebody else's stays; a run under way keeps its rights."""
    installing = "kvchaos.gameday.installing:"
    tests = f"{UNIT}installing.py"
    yield returns(f"{installing}_is_ours", "True", tests=tests)
    yield returns(f"{installing}_running", "[]", tests=tests)
    yield returns(
        "kvchaos.gameday.disclosed:ensure_no_secret",
        "None",
        tests="unit/commands/test_gameday_command.py",
    )
    yield without(
        f"{installing}_patch",
        '{**dict.fromkeys(there.get("data") or {}), **body["data"]}',
        instead='body["data"]',
        tests=tests,
        what="gameday: a file of an earlier plan stays in the ConfigMap",
    )
    yield returns(
        "kvchaos.commands.gameday_cluster:_ensure_fits",
        "None",
        tests="unit/commands/test_gameday_command.py",
    )
