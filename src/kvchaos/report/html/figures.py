"""The figures of a run that matter most, as tiles."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import part
from kvchaos.report.html.scale import count, duration, number
from kvchaos.report.html.series import Looks, samples, wrong_of
from kvchaos.verdict.events import Json, of, since_first
from kvchaos.verdict.times import asked, span


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its name; ``mood`` is good, bad, unsure or nothing."""

    name: str
    value: str
    unit: str = ""
    note: str = ""
    mood: str = ""


def figures(data: RunData, _: Course) -> Markup | None:
    """The figures that matter, as tiles; None where there was no fault."""
    tiles = _tiles(data)
    return part("tiles", tiles) if tiles else None


def _tiles(data: RunData) -> list[Tile]:
    record = data.record
    if not record["faults"]:
        return []
    return [
        each
        for each in (_recovery(record), *_worst(data), _held(record), *_requests(record))
        if each is not None
    ]


def _recovery(record: Json) -> Tile:
    told = record.get("recovery")
    if not told:
        return Tile("Recovery time", "not measured", mood="unsure")
    after = number((told.get("after_heal") or {}).get("agreed"))
    budget = number(told.get("budget"))
    note = f"; {asked(budget)} allowed" if budget is not None else ""
    if after is None:
        wrong = told.get("agreed") is False
        value, mood = ("not in time", "bad") if wrong else ("not known", "unsure")
        return Tile("Recovery time", value, note=note.lstrip("; "), mood=mood)
    late = budget is not None and after > budget
    value, unit = duration(after)
    return Tile("Recovery time", value, unit, f"after the heal{note}", "bad" if late else "good")


def _worst(data: RunData) -> list[Tile]:
    """The most of each kind that was seen since the first fault, whenever it was."""
    looks = samples(since_first(data.events, "fault_injected"))
    if not looks or not of(data.events, "fault_injected"):
        return []
    tiles = [_most(f"{key.capitalize()} at worst", key, looks) for key in ("missing", "phantom")]
    pods, at = max((len(each.get("ghosts") or ()), -at) for at, each in looks)
    ghosts = Tile("Ghosts at worst", f"{pods}", "pod" if pods == 1 else "pods", _when(-at))
    return [*tiles, ghosts] if pods else tiles


def _most(name: str, key: str, looks: Looks) -> Tile:
    told = [(wrong_of(each, key), -at) for at, each in looks]
    known = [(value, at) for value, at in told if value is not None]
    if not known:
        return Tile(name, "not known", mood="unsure")
    most, at = max(known)
    return Tile(name, f"{count(most):,}", "blocks", _when(-at) if most else "none was seen")


def _when(at: float) -> str:
    return f"first at {span(at)}"


def _held(record: Json) -> Tile | None:
    fault = record["faults"][-1]
    held, wanted = number(fault.get("held")), number(fault.get("asked"))
    if held is None:
        return None
    value, unit = duration(held)
    note = f"{asked(wanted)} asked" if wanted is not None else "one-shot" if held == 0 else ""
    return Tile("Fault stood", value, unit, note)


def _requests(record: Json) -> list[Tile]:
    told = record["traffic"]
    if not told:
        return []
    sent, failed, hit, prompt = (
        sum(count(each.get(key)) for each in told)
        for key in ("sent", "failed", "hit_tokens", "prompt_tokens")
    )
    tiles = [Tile("Requests failed", f"{failed:,}", f"of {sent:,}", "through the router")]
    if prompt:
        share = f"{100 * hit / prompt:.1f}"
        tiles.append(Tile("Served from cache", share, "%", "of the prompt tokens, whole run"))
    return tiles
