"""What is shown and kept of a run can harm neither run nor reader; of many the worst is told."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without

FORESEEN = "except ZeroDivisionError as error:"


def of_the_view() -> Iterator[Guard]:
    """It only reads, ends by itself, and leaves the terminal as it was."""
    viewer, tests = "kvchaos.view.viewer:Viewer.", "unit/view/test_viewer.py"
    yield without(
        f"{viewer}_do",
        "except Exception as error:",
        instead=FORESEEN,
        tests=tests,
        what="view: an error of its own comes out of it",
    )
    yield without(f"{viewer}closing", "self._logs.end()", tests=tests)
    yield without(f"{viewer}closing", "self._do(self._rest, patience=0.0)", tests=tests)
    yield without(f"{viewer}_rest", "self._over = True", tests=tests)
    yield without(
        f"{viewer}closing",
        "self._do(self._rest, patience=0.0)",
        instead="self._do(self._rest, patience=10.0)",
        tests=tests,
        what="view: whoever ends a run waits for a painter that does not come back",
    )
    yield without(
        f"{viewer}_say",
        "self._said.append(text)",
        instead="self._do(lambda: self._painter.said(text), patience=STOP)",
        tests=tests,
        what="view: whoever logs something paints it, and waits for a reader",
    )
    yield without(f"{viewer}_do", "unsaid=self._said", instead="", tests=tests)
    yield without(
        "kvchaos.view.painters:LivePainter.panel", "self._console.show_cursor(True)", tests=tests
    )
    yield returns("kvchaos.view.choice:_is_terminal", "True", tests=tests)
    yield returns("kvchaos.view.quiet:Quiet.filter", "True", tests=tests)
    yield returns(
        "kvchaos.report.console:Sheet.on_broken_pipe", "None", tests="unit/report/test_console.py"
    )
    yield without(
        "kvchaos.view.words:told",
        "printable(said)",
        instead="said",
        tests="unit/view/test_words.py",
    )
    finishing = "unit/run/test_finishing.py"
    yield without("kvchaos.run.finishing:_finish", "current.closing()", tests=finishing)


def of_printing() -> Iterator[Guard]:
    """A reader that goes away is no error; a peer that goes away is one."""
    reads, tests = "kvchaos.cli:_nobody_reads", "unit/test_verbs.py"
    yield without(reads, "bool(gone) or ", instead="", tests=tests)
    yield without(reads, " or isinstance(error, NobodyReads)", instead="", tests=tests)
    yield without(reads, "return bool(gone) or", instead="return True or", tests=tests)


def of_the_outlets() -> Iterator[Guard]:
    """A terminal that nobody reads delays nothing and keeps no process from ending."""
    outlet, tests = "kvchaos.view.outlet:", "unit/view/test_outlet.py"
    yield without(
        f"{outlet}Outlet.write",
        "not self._writer.put(self._descriptor, piece)",
        instead="True",
        tests=tests,
        what="view: whoever prints something waits for a reader",
    )
    yield without(
        f"{outlet}Writer.put", " and self.size + len(piece) <= MOST", instead="", tests=tests
    )
    yield returns(f"{outlet}_take_logs", "[]", tests=tests)
    yield without(
        f"{outlet}Writer._loop", "suppress(OSError)", instead="suppress(KeyError)", tests=tests
    )
    yield without(
        "kvchaos.view.painters:LivePainter.panel",
        'getattr(self._console.file, "is_behind", False)',
        instead="False",
        tests="unit/view/test_viewer.py",
    )
    yield without(
        "kvchaos.control:before_experiment_control",
        "_at_the_end.enter_context(outlets())",
        tests="unit/test_control.py",
    )
    take = "kvchaos.ending.stopping:Stopping._take"
    yield without(
        take,
        "    try:\n        work.recover()",
        instead='    logger.critical("%s", _words(event, stop))\n    try:\n        work.recover()',
        tests="unit/ending/test_stopping.py",
        what="ending: what is told of a stop is told before the faults are ended",
    )


def of_the_folder() -> Iterator[Guard]:
    """Without secrets, within bounds, and never at the run's expense."""
    folder, tests = "kvchaos.run.folder:", "unit/run/test_folder.py"
    for part in ("keep_logs", "keep_report"):
        yield without(
            f"{folder}{part}",
            "except Exception as error:",
            instead=FORESEEN,
            tests=tests,
            what=f"run: an error of {part} ends the run",
        )
    yield returns(f"{folder}_file_name", "'../x'", tests=tests)
    logs = "kvchaos.run.podlogs:"
    yield without(
        f"{logs}_Reader._life", "_cut(self._redact(text))", instead="_cut(text)", tests=tests
    )
    yield without(
        f"{logs}_Reader._life",
        "_cut(self._redact(text))",
        instead="self._redact(_cut(text))",
        tests=tests,
        what="run: a log is cut before it is redacted",
    )
    yield without(f"{logs}_cut", "raw[-BYTES:]", instead="raw", tests=tests)
    yield without(f"{logs}_Reader._end", 'text.rpartition("\\n")[0]', instead="text", tests=tests)
    yield without(f"{logs}_Reader._end", "return text\n", instead="break\n", tests=tests)
    yield without(
        f"{logs}_Reader._may_ask", "self._clock.now() >= self._until", instead="False", tests=tests
    )
    yield without(f"{logs}pod_logs", ", cluster=cluster", instead="", tests=tests)
    yield without(f"{logs}_Reader._life", "self._away = True", tests=tests)
    yield returns("kvchaos.run.journal:redacted_experiment", "_[0]", tests=tests)
    pulse = "unit/run/test_pulse.py"
    yield without(
        "kvchaos.run.pulse:Pulse.look",
        "except Exception as error:",
        instead=FORESEEN,
        tests=pulse,
        what="run: an error of the pulse ends its thread loudly",
    )
    yield without("kvchaos.run.pulse:watch", "timeout=0.0", instead="timeout=3.0", tests=pulse)
    traffic = "unit/run/test_traffic.py"
    yield without(
        "kvchaos.run.traffic:tell_second",
        "load.lately()",
        instead="run.load.lately()",
        tests=traffic,
        what="run: a load that is taken away meanwhile is an error",
    )


def of_the_end() -> Iterator[Guard]:
    """What is only shown or reported comes after what was promised."""
    finishing, tests = "kvchaos.run.finishing:", "unit/run/test_finishing.py"
    yield without(
        f"{finishing}_end", "closing.callback(_try, partial(_keep_record, run, kept))", tests=tests
    )
    yield without(f"{finishing}_finish", "record != kept", instead="not kept", tests=tests)
    yield without(f"{finishing}_exit", "saying.start()", instead="saying.run()", tests=tests)
    yield without(f"{finishing}_await_beside", "run.beside.close()", tests=tests)


def of_several() -> Iterator[Guard]:
    """All are valid before the first; the weightiest end is the one that is told."""
    several, tests = "kvchaos.commands.several:", "unit/commands/test_several_experiments.py"
    yield without(f"{several}one_after_the_other", "break", tests=tests)
    yield returns(f"{several}worst", "0", tests=tests)
    yield without(f"{several}all_valid", "raise UsageError(", instead="print(", tests=tests)
