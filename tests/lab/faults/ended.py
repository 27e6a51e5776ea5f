"""What a run's process left on disk, read without kvchaos: what it claims, and what it did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.faults.place import Started

Json = dict[str, Any]

CODES = {"pass": 0, "fail": 1, "unknown": 2, "aborted": 3, "residue": 5}


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit code, journal, record and history; what was not written is empty."""

    code: int
    said: str
    journal: Json
    record: Json
    history: list[Json]
    run: str
    stuck: bool = False
    program: str = "chaos"

    @property
    def statuses(self) -> list[str]:
        """Every word by which it said how it ended, in journal and record."""
        told = (self.journal.get("kvchaos") or {}, self.record)
        words = [told[key] for told in told for key in ("status", "verdict") if key in told]
        return list(dict.fromkeys(map(str, words)))

    @property
    def claims_pass(self) -> bool:
        """Whether anything of it says pass to somebody or to some program."""
        told = (self.journal.get("kvchaos") or {}, self.record)
        status = [each.get("status", each.get("verdict")) for each in told]
        return self.code == 0 or "pass" in status

    @property
    def lies(self) -> str:
        """What is wrong with the exit code of ``kvchaos run``, by the status that it wrote."""
        status = (self.journal.get("kvchaos") or self.record).get("status", "")
        if self.program != "kvchaos" or self.code < 0 or not status:
            return ""
        return "" if CODES.get(status) == self.code else f"exit {self.code} for {status}"

    def names(self, what: str) -> bool:
        """Whether what is told of what is left names ``what``."""
        told = [each for each in self.history if each["event"] in ("residue", "unconfirmed")]
        record = (self.journal.get("kvchaos") or {}, self.record)
        return what in json.dumps([told[-1:], [each.get("residue") for each in record]])

    def was_complete(self, experiment: Path) -> bool:
        """Whether the experiment was played from its first probe to its end, and all went well."""
        done = [
            (each["phase"], each["name"])
            for each in self.history
            if each["event"] == "activity" and each["outcome"] == "succeeded"
        ]
        names = [each["event"] for each in self.history]
        ends = [each["journal"] for each in self.history if each["event"] == "run_ended"]
        left = [each["left"] for each in self.history if each["event"] == "residue"]
        return (
            sorted(done) == sorted(_activities(json.loads(experiment.read_text())))
            and {"fault_injected", "fault_recovered", "recovery"} <= set(names)
            and "stop" not in names
            and (ends, left) == (["completed"], [[]])
        )


def ended(started: Started, *, within: float) -> Ended:
    """What is left of a run once its process has ended."""
    code = started.end(within=within)
    folders = sorted((started.folder / "kvchaos-runs").glob("*"))
    folder = folders[-1] if folders else started.folder / "none"
    return Ended(
        code=code,
        said=(started.folder / "said.txt").read_text(errors="replace"),
        journal=_json(started.folder / "journal.json"),
        record=_json(folder / "record.json"),
        history=_lines(folder / "history.jsonl"),
        run=folder.name,
        stuck=started.stuck,
        program=started.program,
    )


def _activities(experiment: Json) -> list[tuple[str, str]]:
    hypothesis = experiment["steady-state-hypothesis"]["probes"]
    phases = {
        "before": hypothesis,
        "method": experiment["method"],
        "after": hypothesis,
        "rollbacks": experiment["rollbacks"],
    }
    return [(phase, each["name"]) for phase, all_of in phases.items() for each in all_of]


def _json(path: Path) -> Json:
    try:
        content: Json = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content


def _lines(path: Path) -> list[Json]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    return [each for line in lines for each in _line(line)]


def _line(line: bytes) -> list[Json]:
    try:
        return [json.loads(line)]
    except ValueError:
        return []
