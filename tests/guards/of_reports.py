"""What keeps a report from telling more than is known, and from telling it to the wrong one."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without

FOLDER = "unit/report/test_folder.py"
DISTRIBUTION = "unit/report/test_distribution.py"
JUNIT = "unit/report/test_junit.py"
MARKDOWN = "unit/report/test_markdown.py"
METRICS = "unit/report/test_metrics.py"
PUSH = "unit/report/test_push.py"
COMPARISON = "unit/report/test_comparison.py"
REPORT = "unit/commands/test_report_command.py"
COMPARE = "unit/commands/test_compare_command.py"


def of_reading() -> Iterator[Guard]:
    """A folder is what somebody hands over."""
    folder = "kvchaos.report.folder"
    yield without(f"{folder}:_is_file", " and not path.is_symlink()", instead="", tests=FOLDER)
    yield without(f"{folder}:_listed", "folder.is_symlink() or ", instead="", tests=FOLDER)
    yield without(f"{folder}:_record", "json_of(raw, _Record)", tests=FOLDER)
    yield without(f"{folder}:_events", "if written > len(events):", instead="if 0:", tests=FOLDER)
    yield without(f"{folder}:_end_of", "max(0, size - MAX_TEXT)", instead="0", tests=FOLDER)
    yield without(f"{folder}:read_run", "if not is_run(folder):", instead="if 0:", tests=FOLDER)
    yield without(f"{folder}:find_runs", "if not found:", instead="if 0:", tests=FOLDER)
    yield returns(
        "kvchaos.report.distribution:recovered_from_something", "True", tests=DISTRIBUTION
    )
    yield without(
        "kvchaos.report.distribution:distribution",
        " if math.isfinite(value)",
        instead="",
        tests=DISTRIBUTION,
    )
    reading, tests = "kvchaos.report.reading:number", "unit/report/test_reading.py"
    yield without(reading, " if abs(value) <= largest else None", instead="", tests=tests)
    yield without(reading, "isinstance(value, bool) or ", instead="", tests=tests)


def of_forms() -> Iterator[Guard]:
    """No run that is no pass is green, no text is markup, nothing unknown is 0."""
    yield without("kvchaos.report.junit:_cases", "whole, ", instead="", tests=JUNIT)
    yield returns("kvchaos.report.junit:_xml", "_[0]", tests=JUNIT)
    yield without(
        "kvchaos.report.junit:junit",
        "suites += [_unread(folder, why) for folder, why in unread]",
        tests=JUNIT,
    )
    yield without(
        "kvchaos.report.markdown:inline",
        "html.escape(short, quote=False)",
        instead="short",
        tests=MARKDOWN,
    )
    yield without("kvchaos.report.markdown:fenced", "longest + 1", instead="3", tests=MARKDOWN)
    yield without("kvchaos.report.markdown:markdown", "[:MAX_TOLD]:", instead=":", tests=MARKDOWN)
    yield without(
        "kvchaos.report.metrics:_last",
        "if value is not None:\n                family.add_metric(where, value)",
        instead="family.add_metric(where, value or 0.0)",
        tests=METRICS,
    )
    push = "kvchaos.report.push"
    yield without(f"{push}:_gateway", ".rpartition('@')[2]", instead="", tests=PUSH)
    yield without(f"{push}:_gateway", "if not usable:", instead="if 0:", tests=PUSH)
    yield without(
        f"{push}:_gateway", "and not (address.query or address.fragment)", instead="", tests=PUSH
    )
    yield without(f"{push}:_put", "{_group(where)}", instead="", tests=PUSH)
    yield without(f"{push}:_put", ", timeout=timeout", instead="", tests=PUSH)
    yield without(
        f"{push}:_group",
        "base64.urlsafe_b64encode(value.encode()).decode()",
        instead="value",
        tests=PUSH,
    )
    yield without(
        f"{push}:_reason", "gateway.secrets.text(_said(error))", instead="_said(error)", tests=PUSH
    )
    yield without(
        "kvchaos.commands.report:report.callback", "if found.unread:", instead="if 0:", tests=REPORT
    )
    yield returns("kvchaos.commands.outputs:at_most_one_stdout", "False", tests=REPORT)


def of_pages() -> Iterator[Guard]:
    """A page is text of the run, never its markup; what was not seen is no 0; it is whole."""
    html, tests = "kvchaos.report.html", "unit/report/html/test_run_page.py"
    yield without(
        f"{html}.frame:_environment", "autoescape=True", instead="autoescape=False", tests=tests
    )
    yield without(f"{html}.run:_made", "MALFORMED", instead="ZeroDivisionError", tests=tests)
    yield without(f"{html}.surroundings:files", "left -= len(shown)", tests=tests)
    yield without(
        f"{html}.scale:number",
        ", largest=LARGEST",
        instead="",
        tests="unit/report/html/test_scale.py",
    )
    series = "unit/report/html/test_series.py"
    yield without(
        f"{html}.series:wrong_of",
        'if value or sample.get("agrees") is not None else None',
        instead="",
        tests=series,
    )
    yield without(
        f"{html}.series:_held", "points.append((at + STALE, None))", instead="pass", tests=series
    )
    tests = "unit/test_keeping.py"
    yield without("kvchaos.keeping:_opened", "0o600", instead="0o644", tests=tests)
    yield without("kvchaos.keeping:write_text", "beside.unlink(missing_ok=True)", tests=tests)
    yield without("kvchaos.keeping:write_text", "os.fsync(file.fileno())", tests=tests)


def of_comparing() -> Iterator[Guard]:
    """Nothing is worse that chance explains, and too few runs are no good news."""
    comparison = "kvchaos.report.comparison"
    answers, ranks = "kvchaos.report.answers", "kvchaos.report.ranks"
    yield without(
        f"{answers}:_answer",
        "Answer.TOO_FEW if differs is None else Answer.SAME",
        instead="Answer.SAME",
        tests=COMPARISON,
    )
    yield without(f"{answers}:_answer", "not differs or ", instead="", tests=COMPARISON)
    yield without(
        f"{answers}:_answer",
        "if abs(moved.middle) < asked.least:",
        instead="if 0:",
        tests=COMPARISON,
    )
    yield without(
        f"{answers}:_answer", "if asked.passes_no_more:", instead="if 0:", tests=COMPARISON
    )
    yield without(
        f"{ranks}:apart",
        "least_chance(*pair) <= CHANCE",
        instead="1",
        tests=COMPARISON,
    )
    yield without(f"{ranks}:hardly_chance", "CHANCE / left", instead="CHANCE", tests=COMPARISON)
    yield without(f"{ranks}:enough", " / max(1, of)", instead="", tests=COMPARISON)
    yield without(
        "kvchaos.report.measures:_recovery",
        "math.inf if run.recovered is False else run.recovery",
        instead="run.recovery",
        tests=COMPARISON,
    )
    yield returns(f"{comparison}:Row.is_open", "False", tests=f"{COMPARISON} {COMPARE}")
    yield without(
        f"{comparison}:Comparison.is_sure", "not self.only_a and ", instead="", tests=COMPARE
    )
    yield returns(f"{comparison}:_differing", "[]", tests=COMPARISON)
    yield returns(f"{comparison}:_failed", "[]", tests=COMPARISON)
    yield returns("kvchaos.report.compared:_open_ends", "[]", tests=COMPARISON)
    yield without(
        "kvchaos.commands.compare:compare.callback",
        "if not told.experiments:",
        instead="if 0:",
        tests=COMPARE,
    )
    yield without(
        "kvchaos.commands.compare:_code",
        "0 if told.is_sure else KVChaosError.exit_code",
        instead="0",
        tests=COMPARE,
    )
