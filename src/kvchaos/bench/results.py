"""Figures as JSON: what ``kvchaos bench run`` writes and what a baseline is.

    {"format": 1, "kind": "figures", "at": seconds since the epoch, "kvchaos", "commit", "seed",
     "machine": {...}, "figures": {"wire.encode_map": {"unit", "better", "gate", "target", "meets",
     "n", "median", "min", "max", "calibrated"}}, "errors": {"lab.start": "..."}}

``calibrated`` is the median of each sample in units of the calibration loop's time beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

from kvchaos.bench.suite import Figure
from kvchaos.errors import UsageError
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_of

Json = dict[str, Any]
FORMAT = 1
LARGEST = 4 * MIB


@dataclass(frozen=True, slots=True)
class Result:
    """One figure, over its samples."""

    unit: str
    better: str
    gate: bool
    target: float | None
    meets: bool | None
    n: int
    median: float
    min: float
    max: float
    calibrated: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """The figures of one call, by label, and why a benchmark gave none, by its name."""

    commit: str | None
    seed: int
    at: float
    kvchaos: str
    machine: Mapping[str, Any]
    figures: Mapping[str, Result]
    errors: Mapping[str, str]

    def as_json(self) -> Json:
        return {"format": FORMAT, "kind": "figures", **asdict(self)}


def result(figure: Figure, samples: Sequence[float], scale: Sequence[float]) -> Result:
    """The samples of a figure as one; ``scale`` are the calibration loop's seconds beside them."""
    middle = median(samples)
    pairs = zip(samples, scale, strict=False)
    return Result(
        unit=figure.unit,
        better=figure.better.value,
        gate=figure.gate,
        target=figure.target,
        meets=figure.meets(middle),
        n=len(samples),
        median=middle,
        min=min(samples),
        max=max(samples),
        calibrated=median(figure.calibrated(*pair) for pair in pairs) if scale else None,
    )


def read_results(path: Path) -> Results:
    """What a file written by ``kvchaos bench`` holds; UsageError if it is none."""
    try:
        return _results(json_of(file_bytes(path, LARGEST), dict))
    except (Unreadable, TypeError, KeyError, AttributeError, OSError) as error:
        raise UsageError(
            f"{path} holds no figures",
            wanted="what `kvchaos bench run --json FILE` or `kvchaos bench baseline` writes",
            saw=str(error),
        ) from error


def _results(data: Json) -> Results:
    if (data.get("format"), data.get("kind")) != (FORMAT, "figures"):
        raise Unreadable(f"format {data.get('format')}, kind {data.get('kind')}")
    known = {each.name for each in fields(Results)}
    found = {name: value for name, value in data.items() if name in known}
    figures = {label: Result(**each) for label, each in found.pop("figures").items()}
    return Results(figures=figures, **found)
