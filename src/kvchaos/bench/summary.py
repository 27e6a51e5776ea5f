"""What a call of ``kvchaos bench`` found as a whole: JSON, a page of Markdown, one last line.

{"format": 1, "kind": "comparison" or "proof", "threshold", "confidence", "seed", "machine",
 "figures": [{"label", "unit", "gate", "judgement", "base", "this", "ratio": {"low", "middle",
 "high", "pairs"} or null, "reason"}], ...}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from kvchaos.bench.detect import CONFIDENCE, Judgement
from kvchaos.bench.machine import machine
from kvchaos.bench.pairs import Compared, Plan
from kvchaos.bench.prove import Trial
from kvchaos.bench.render import COMPARED, FIGURES, compared_rows, figure_rows, markdown
from kvchaos.bench.results import FORMAT, Results
from kvchaos.bench.trees import commit_here
from kvchaos.keeping import write_text

Json = dict[str, Any]
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were asked for; ``-`` is stdout."""

    json: str | None
    markdown: str | None

    def write(self, data: Json, page: str) -> None:
        """Each file whole or not at all; OSError when it cannot be."""
        texts = (self.json, json.dumps(data, indent=2) + "\n"), (self.markdown, page)
        for path, text in texts:
            if path == STDOUT:
                click.echo(text, nl=False)
            elif path:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                write_text(Path(path), text, sync=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """This tree beside a baseline; ``in_turn``: both were measured now."""

    base: str
    in_turn: bool
    found: list[Compared]

    @property
    def exit_code(self) -> int:
        """1 when a gate is worse, else 2 when one is not known, else 0."""
        seen = {each.judgement for each in self.found if each.gate}
        if Judgement.WORSE in seen:
            return 1
        return 2 if Judgement.UNKNOWN in seen or not seen else 0

    def last_line(self) -> str:
        how = "measured in turn" if self.in_turn else "stored figures, by a calibration loop"
        return f"against {self.base[:12]} ({how}): {_told(self.found)}"

    def as_json(self, plan: Plan) -> Json:
        return {
            **_head("comparison", plan),
            "base": self.base,
            "commit": commit_here(),
            "in_turn": self.in_turn,
            "exit_code": self.exit_code,
            "figures": [asdict(each) for each in self.found],
        }

    def page(self) -> str:
        rows = markdown(COMPARED, compared_rows(self.found))
        return f"## Performance: {_told(self.found)}\n\n{self.last_line()}\n\n{rows}"


@dataclass(frozen=True, slots=True)
class Proof:
    """The trials of ``kvchaos bench prove``."""

    trials: list[Trial]

    @property
    def exit_code(self) -> int:
        return 0 if self.trials and all(trial.holds for trial in self.trials) else 1

    def last_line(self) -> str:
        """Both proofs, each with how many of its gates and runs hold."""
        slowed = [trial for trial in self.trials if trial.extra]
        clean = [trial for trial in self.trials if not trial.extra]
        runs = {trial.number for trial in clean}
        rang = {trial.number for trial in clean if not trial.holds}
        open_ends = sum(each.judgement is Judgement.UNKNOWN for t in clean for each in t.gates)
        unsure = f", {open_ends} not decided" if open_ends else ""
        caught = sum(trial.holds for trial in slowed)
        return (
            f"slowed down: caught in {caught} of {len(slowed)} benchmarks; "
            f"clean: {len(rang)} false alarms in {len(runs)} runs "
            f"of {len(clean) // max(1, len(runs))} benchmarks{unsure}: "
            f"{'proven' if self.exit_code == 0 else 'NOT PROVEN'}"
        )

    def as_json(self, plan: Plan) -> Json:
        return {
            **_head("proof", plan),
            "commit": commit_here(),
            "exit_code": self.exit_code,
            "trials": [{**asdict(trial), "holds": trial.holds} for trial in self.trials],
        }

    def page(self) -> str:
        rows = [
            (f"{trial.extra:.0%} slower" if trial.extra else f"clean {trial.number}", *row)
            for trial in self.trials
            for row in compared_rows(trial.gates)
        ]
        return f"## The alarm\n\n{self.last_line()}\n\n{markdown(('run', *COMPARED), rows)}"


def figures_page(found: Results) -> str:
    """The figures of a plain run."""
    about = found.machine
    lines = [f"- {name}: {error}" for name, error in found.errors.items()]
    return (
        f"## Performance of {found.commit or found.kvchaos}\n\n"
        f"{about['cpu']}, {about['cores']} cores, {about['python']}, load {about['load']}, "
        f"seed {found.seed}\n\n{markdown(FIGURES, figure_rows(found.figures))}"
        + "\n".join(["", *lines, ""] if lines else [])
    )


def _told(found: Iterable[Compared]) -> str:
    """How many gates are worse, better, the same, not known."""
    seen = [each.judgement for each in found if each.gate]
    parts = [f"{seen.count(each)} {each.value}" for each in Judgement if each in seen]
    return ", ".join(parts) or "nothing that can raise the alarm"


def _head(kind: str, plan: Plan) -> Json:
    return {
        "format": FORMAT,
        "kind": kind,
        "threshold": plan.threshold,
        "confidence": CONFIDENCE,
        "seed": plan.seed,
        "machine": machine(),
    }
