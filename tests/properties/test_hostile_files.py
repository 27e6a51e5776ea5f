"""Whatever a file holds, ours or the user's: what it says, or the error that is documented."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvchaos import experiment as experiments
from kvchaos.assets import asset
from kvchaos.errors import ExperimentInvalid, KVChaosError, TemplateInvalid
from kvchaos.mesh import ledger as ledgers
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.lines import Line, read_ledgers
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render, template_variables
from kvchaos.redact import Redactor
from kvchaos.run.journal import LARGEST, redact_journal
from kvchaos.verdict import history as histories
from kvchaos.verdict.history import History, read
from kvchaos.verdict.verdict import judge
from tests.hostile import ODD_JSON, bounded, damaged, damaged_json, grafted, outcome
from tests.scripted import FakeClock

PLACE = tempfile.TemporaryDirectory()  # of all examples
DEEP = (32 * 2**20, 400)  # a thousand frames are in memory when nesting is too deep
ENTRY: dict[str, Any] = {
    "event": "inject",
    "wall": "2026-08-01T00:00:00.000+00:00",
    "fault": Fault(
        kind="NetworkChaos", name="a-r", namespace="n", run="r", action="partition", duration=5.0
    ).to_json(),
}
EVENTS = [
    {"at": 0.0, "wall": "w", "event": "run_started", "run": "r", "experiment": "e"},
    {"at": 0.5, "wall": "w", "event": "hypothesis", "when": "before", "met": True, "failed": []},
    {"at": 1.0, "wall": "w", "event": "sample", "agrees": True, "missing": 0, "phantom": 0},
    {"at": 2.0, "wall": "w", "event": "residue", "left": []},
    {"at": 3.0, "wall": "w", "event": "run_ended", "journal": "completed"},
]
EXPERIMENT = json.loads(asset("experiments", "network-partition.json").read_text())
TEMPLATES = sorted(asset("templates").glob("*.yaml.j2"))


def file(name: str, content: bytes) -> Path:
    path = Path(PLACE.name) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@given(st.lists(damaged_json(ENTRY), max_size=5))
def test_a_ledger_gives_its_faults_and_says_what_is_none(parts: list[bytes]) -> None:
    """A fault that is left is found, whatever stands around its line."""
    content = b"\n".join([*parts, json.dumps(ENTRY).encode(), b""])
    path = file("r/ledger.jsonl", content)
    with bounded(len(content)):
        entries = Ledger(path).entries()
        lines, unread = read_ledgers(Path(PLACE.name))

    assert all(isinstance(entry, dict) for entry in entries)
    assert Fault.from_json(ENTRY["fault"]) in [line.fault for line in lines]
    assert all(isinstance(line, Line) for line in lines)
    assert all(len(each) < 500 for each in unread)


def test_a_file_that_is_too_long_is_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a history; it is not read to its end to find that out."""
    monkeypatch.setattr(ledgers, "LARGEST", 2**16)
    monkeypatch.setattr(histories, "LARGEST", 2**16)
    path = file("long", b"{}\n" * 2**20)

    with bounded(2**16):
        with pytest.raises(KVChaosError, match="too long for a ledger"):
            Ledger(path).entries()
        with pytest.raises(KVChaosError, match="more than 65536 bytes"):
            read(path)


@given(damaged([b"\n".join(json.dumps(each).encode() for each in EVENTS) + b"\n"]))
def test_a_history_is_events_or_an_error(content: bytes) -> None:
    """And what events there are can be judged: never as a pass by accident."""
    path = file("history.jsonl", content)
    with bounded(len(content)):
        events = outcome(lambda: read(path), KVChaosError)
    if not isinstance(events, KVChaosError):
        assert all(isinstance(event, dict) for event in events)


@given(st.lists(st.sampled_from(EVENTS).flatmap(grafted), max_size=6))
def test_any_events_are_judged(events: list[Any]) -> None:
    """Broken ones make unknown, not an exception that loses the record."""
    told = [each for each in events if isinstance(each, dict)]
    judgement = judge(told)

    assert str(judgement.verdict) in ("pass", "fail", "unknown")


@given(st.dictionaries(st.text(max_size=8), ODD_JSON | st.binary(max_size=8), max_size=4))
def test_anything_can_be_told_to_a_history(fields: dict[str, Any]) -> None:
    """What is added is in the file, and the file can be read."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "h"
        with History(path, FakeClock(), redact=Redactor(["hunter2"]).fields) as history:
            history.add("odd", **fields)
            events = history.events()
        assert read(path) == events


def test_what_nests_without_end_is_cut_in_a_history(tmp_path: Path) -> None:
    """A probe's answer may be as deep as it likes."""
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    with History(tmp_path / "h", FakeClock()) as history:
        history.add("odd", deep=deep)

    assert "nested too deeply" in (tmp_path / "h").read_text()


@given(damaged_json(EXPERIMENT))
def test_an_experiment_is_checked_or_refused(content: bytes) -> None:
    """Every finding is told as such."""
    path = file("experiment.json", content)
    with bounded(len(content), memory=DEEP):
        found = outcome(lambda: experiments.load(path), ExperimentInvalid)
        if not isinstance(found, ExperimentInvalid):
            outcome(lambda: experiments.check(found, {}, {}), ExperimentInvalid)


@given(grafted(EXPERIMENT), ODD_JSON, ODD_JSON)
def test_an_experiment_of_any_shape_is_checked_or_refused(
    found: Any, configuration: Any, secrets: Any
) -> None:
    """Chaos Toolkit hands over what it read itself."""
    if isinstance(found, dict):
        given_ = configuration if isinstance(configuration, dict) else {"a": configuration}
        known = secrets if isinstance(secrets, dict) else {"a": secrets}
        outcome(lambda: experiments.check(found, given_, known), ExperimentInvalid)


@settings(max_examples=max(1, (settings.default or settings()).max_examples // 3))
@given(damaged([path.read_bytes() for path in TEMPLATES]), ODD_JSON)
def test_a_template_renders_or_is_refused(source: bytes, value: Any) -> None:
    """What it renders to is an object that can be linted."""
    path = file("fault.yaml.j2", source)
    with bounded(len(source) + 1000, memory=DEEP):
        names = outcome(lambda: template_variables(path), TemplateInvalid)
        if isinstance(names, TemplateInvalid):
            return
        body = outcome(lambda: render(path, dict.fromkeys(names, value)), TemplateInvalid)
    if not isinstance(body, TemplateInvalid):
        lint(json.loads(json.dumps(body)))


@given(st.text(max_size=80) | st.lists(st.sampled_from(
    ["{{", "}}", "{%", "%}", "x", " ", "if", "for", "in", "endif", "endfor", "set", "=", "~", "|",
     "tojson", "(", ")", "[", "]", ".", "'", "a: ", "\n", "- ", "{", "}", "not", "is", "defined",
     "loop", "items()", "1", ",", ":", "{#", "#}", "else", "recursive", "endset", "block"]
), max_size=24).map("".join))  # fmt: skip
def test_any_text_as_a_template_renders_or_is_refused(source: str) -> None:
    """From the parts that templates are made of."""
    path = file("made.yaml.j2", source.encode("utf-8", "replace"))
    with bounded(len(source) + 1000, memory=DEEP):
        names = outcome(lambda: template_variables(path), TemplateInvalid)
        if not isinstance(names, TemplateInvalid):
            outcome(lambda: render(path, {name: ["b"] for name in names}), TemplateInvalid)


@given(ODD_JSON, ODD_JSON, st.lists(st.text(max_size=6) | st.integers(), max_size=4))
def test_any_journal_is_redacted(output: Any, part: Any, secrets: list[Any]) -> None:
    """What is left is JSON, short, and the secrets are not in it."""
    journal: dict[str, Any] = {
        "experiment": {"secrets": part, "configuration": part},
        "steady_states": {"before": {"probes": [{"output": output}]}, "during": part},
        "run": [{"output": output, "exception": part}, part],
        "rollbacks": part,
        "status": "completed",
    }
    redact_journal(journal, Redactor([*secrets, "hunter2"]))
    text = json.dumps(journal["run"][0]["output"])

    assert len(text) < 2 * LARGEST
    assert "hunter2" not in text
