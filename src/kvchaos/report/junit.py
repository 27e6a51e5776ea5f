"""Runs as JUnit XML: a suite for each run, a case for its status and one for each check. Pure.

The form is what Jenkins (xunit-plugin's junit-10.xsd) and GitLab read: ``testsuites > testsuite >
properties, testcase > failure | error | skipped``. The rule guarded here: a run that is no pass has
a case that is none, and the text of a run cannot break the XML.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # written, never read  # nosec B405
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kvchaos.report.figures import Figures, figures, findings, left_behind
from kvchaos.report.layout import cleaned
from kvchaos.report.reading import fields
from kvchaos.verdict.events import Json
from kvchaos.verdict.history_checks import NOT_STARTED
from kvchaos.verdict.result import Status

OUTCOME = {
    Status.PASS: "",
    Status.FAIL: "failure",
    Status.UNKNOWN: "error",
    Status.ABORTED: "error",
    Status.RESIDUE: "failure",
}
"""The element that says so."""
SKIPPED = "the run did not start"
_NO_XML = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """A case; ``outcome`` is the element below it, empty for a pass."""

    name: str
    outcome: str
    why: str
    more: tuple[str, ...] = ()
    seconds: float = 0.0


def junit(records: Sequence[Json], *, unread: Iterable[tuple[str, str]] = ()) -> str:
    """The XML document over all ``records``; ``unread`` are runs that nobody could read, and why.

    Runs of one experiment are numbered, so that no two cases have the same name.
    """
    told = [(figures(record), _cases(record)) for record in records]
    suites = [
        _suite(run, cases, title) for (run, cases), title in zip(told, _titles(told), strict=True)
    ]
    suites += [_unread(folder, why) for folder, why in unread]
    root = ET.Element("testsuites", {"name": "kvchaos", **_totals(suites)})
    root.extend(suites)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _titles(told: Sequence[tuple[Figures, object]]) -> list[str]:
    seen: Counter[str] = Counter()
    titles = []
    for run, _ in told:
        seen[run.experiment] += 1
        number = seen[run.experiment]
        titles.append(run.experiment if number == 1 else f"{run.experiment} ({number})")
    return titles


def _cases(record: Json) -> list[_Case]:
    run, refused = figures(record), findings(record)
    more = (*refused, *left_behind(record), *((str(record["reap"]),) if record.get("reap") else ()))
    whole = _Case("verdict", OUTCOME[run.status], run.headline, more, run.seconds or 0.0)
    began = not refused and fields(record.get("run")).get("journal") != NOT_STARTED
    return [whole, *(_check(each, began=began) for each in record.get("checks", ()))]


def _check(told: Json, *, began: bool) -> _Case:
    """A check's case; of a run that did not start, what was not checked was skipped."""
    outcome = OUTCOME[Status(told["verdict"])]
    if not began and outcome == "error":
        return _Case(str(told["name"]), "skipped", SKIPPED)
    more = tuple(cleaned(str(each)) for each in told.get("evidence", ()))
    return _Case(str(told["name"]), outcome, cleaned(str(told["why"])), more)


def _suite(run: Figures, cases: Sequence[_Case], title: str) -> ET.Element:
    counted = Counter(case.outcome for case in cases)
    suite = ET.Element(
        "testsuite",
        name=_xml(title),
        tests=str(len(cases)),
        failures=str(counted["failure"]),
        errors=str(counted["error"]),
        skipped=str(counted["skipped"]),
        time=_time(run.seconds),
    )
    if run.began:
        suite.set("timestamp", run.began.strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(run).items():
        ET.SubElement(properties, "property", name=name, value=_xml(value))
    suite.extend(_case(each, classname=f"kvchaos.{title.replace('.', ' ')}") for each in cases)
    return suite


def _properties(run: Figures) -> dict[str, str]:
    told = {
        "run": run.run,
        "status": str(run.status),
        "context": run.context,
        "namespace": run.namespace,
        "recovery_seconds": "" if run.recovery is None else f"{run.recovery:g}",
        "version": run.version,
    }
    return {name: value for name, value in told.items() if value}


def _case(told: _Case, *, classname: str) -> ET.Element:
    case = ET.Element(
        "testcase", name=_xml(told.name), classname=_xml(classname), time=_time(told.seconds)
    )
    if told.outcome:
        kind = "kvchaos." + told.name.replace(" ", "_")
        said = ET.SubElement(case, told.outcome, message=_xml(told.why), type=_xml(kind))
        said.text = _xml("\n".join([told.why, *(f"- {each}" for each in told.more)]))
    elif told.more:
        text = "\n".join([told.why, *(f"- {each}" for each in told.more)])
        ET.SubElement(case, "system-out").text = _xml(text)
    return case


def _unread(folder: str, why: str) -> ET.Element:
    case = _case(_Case("verdict", "error", why), classname="kvchaos.unreadable run")
    suite = ET.Element(
        "testsuite", name=_xml(folder), tests="1", failures="0", errors="1", skipped="0", time="0"
    )
    suite.append(case)
    return suite


def _totals(suites: Sequence[ET.Element]) -> dict[str, str]:
    counts = ("tests", "failures", "errors")
    totals = {name: str(sum(int(suite.get(name, "0")) for suite in suites)) for name in counts}
    return totals | {"time": _time(sum(float(suite.get("time", "0")) for suite in suites))}


def _time(seconds: float | None) -> str:
    return f"{seconds or 0.0:.3f}"


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold, not even escaped."""
    return _NO_XML.sub("\ufffd", text)
