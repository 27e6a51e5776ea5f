"""JUnit XML has the form that CI systems read, and no run that is no pass is green in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from kvchaos.report.json import as_json
from kvchaos.report.junit import junit
from kvchaos.verdict.verdict import judge
from tests import builders
from tests.builders import Json, altered

RUNS: list[Callable[[], list[Json]]] = [
    builders.run_that_recovered,
    builders.run_that_stayed_wrong,
    builders.run_with_observer_incomplete,
    builders.run_that_was_aborted,
    builders.run_that_left_residue,
    builders.run_that_preflight_refused,
]

COUNTS = ["tests", "failures", "errors"]
ATTRIBUTES = {
    "testsuites": ["name", *COUNTS, "time"],
    "testsuite": ["name", *COUNTS, "skipped", "time", "timestamp"],
    "properties": [],
    "property": ["name", "value"],
    "testcase": ["name", "classname", "time"],
    "failure": ["message", "type"],
    "error": ["message", "type"],
    "skipped": ["message", "type"],
    "system-out": [],
}
"""Of each element, those of them that Jenkins' junit-10.xsd knows; all that we write."""
WITHIN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}


def record(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def parsed(*histories: list[Json]) -> ET.Element:
    return ET.fromstring(junit([record(each) for each in histories]))


@pytest.mark.parametrize("run", RUNS)
def test_form_is_that_of_junit(run: Callable[[], list[Json]]) -> None:
    """Elements, their attributes and what is within, and sums that are right."""
    root = parsed(run(), run())

    for element in root.iter():
        wanted = [*ATTRIBUTES[element.tag]]
        if element.tag == "testsuite" and "timestamp" not in element.attrib:
            wanted.remove("timestamp")
        assert list(element.attrib) == wanted
        assert {child.tag for child in element} <= WITHIN.get(element.tag, set())
    for suite in root:
        found = [suite.findall("testcase"), *(suite.findall(f".//{of}") for of in OUTCOMES)]
        told = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
        assert told == [str(len(each)) for each in found]
    assert [root.get(of) for of in COUNTS] == [
        str(sum(int(suite.get(of, "")) for suite in root)) for of in COUNTS
    ]


OUTCOMES = ("failure", "error", "skipped")


@pytest.mark.parametrize(
    ("run", "outcome"),
    [*zip(RUNS, ["", "failure", "error", "error", "failure", "error"], strict=True)],
)
def test_first_case_is_the_runs_status(run: Callable[[], list[Json]], outcome: str) -> None:
    """Aborted and refused runs are errors: what was to be tested was not."""
    case = parsed(run())[0].findall("testcase")[0]

    assert case.get("name") == "verdict"
    assert [child.tag for child in case if child.tag != "system-out"] == (
        [outcome] if outcome else []
    )


def test_each_check_is_a_case_with_its_reason() -> None:
    """What failed says why, and what it rests on."""
    suite = parsed(builders.run_that_stayed_wrong())[0]
    told = record(builders.run_that_stayed_wrong())["checks"]

    cases = suite.findall("testcase")[1:]

    assert [case.get("name") for case in cases] == [each["name"] for each in told]
    failed = {case.get("name"): case.find("failure") for case in cases}
    found = failed["recovered within budget"]
    assert found is not None
    why = "the index did not agree within 30.1 s; budget 30 s"
    assert (found.get("message"), found.get("type")) == (why, "kvchaos.recovered_within_budget")
    assert (found.text or "").splitlines()[0] == why
    assert len((found.text or "").splitlines()) > 1


def test_a_run_that_did_not_start_tells_why_and_skips_the_rest() -> None:
    """Nothing was tested, so nothing failed; all reasons stand in one place."""
    suite = parsed(builders.run_that_preflight_refused())[0]

    (error,) = suite.findall(".//error")

    assert error.get("message") == (
        "The run did not start: preflight refused it for 2 reasons. Nothing was touched."
    )
    assert len((error.text or "").splitlines()) == 3
    assert {each.get("message") for each in suite.findall(".//skipped")} == {
        "the run did not start"
    }


def test_runs_of_one_experiment_have_cases_of_their_own() -> None:
    """A CI system keeps one of those that have the same name."""
    root = parsed(*[builders.run_that_recovered()] * 3)

    title = "The router's index survives: network-partition"
    assert [suite.get("name") for suite in root] == [title, f"{title} (2)", f"{title} (3)"]
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_no_text_of_a_run_breaks_the_xml() -> None:
    """Names come from elsewhere: what XML cannot hold is replaced, the rest is escaped."""
    title = 'a.b </testsuite> "&" \x00\x1b[31m \ud800 \uffff ]]>'
    told = record(altered(builders.run_that_stayed_wrong(), "run_started", experiment=title))
    told["checks"][-1] |= {"verdict": "fail", "why": title, "evidence": [title]}

    (suite,) = ET.fromstring(junit([told]).encode())

    assert suite.get("name") == 'a.b </testsuite> "&"   [31m     ]]>'
    (*_, failure) = suite.iter("failure")
    shown = 'a.b </testsuite> "&" \ufffd\ufffd[31m \ufffd \ufffd ]]>'
    assert failure.get("message") == shown
    assert failure.text == f"{shown}\n- {shown}"


def test_a_run_that_could_not_be_read_is_an_error() -> None:
    """It must not vanish from the report."""
    root = ET.fromstring(junit([], unread=[("runs/x", "history is broken in line 2")]))

    assert [root.get(of) for of in COUNTS] == ["1", "0", "1"]
    assert [each.get("message") for each in root.iter("error")] == ["history is broken in line 2"]


def test_of_a_run_that_did_not_start_what_was_not_checked_is_skipped() -> None:
    """Its one error says why."""
    suite = parsed(builders.run_that_did_not_start())[0]

    errors = [case.get("name") for case in suite.iter("testcase") if case.find("error") is not None]
    assert errors == ["verdict"]
