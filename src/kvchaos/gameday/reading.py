"""A plan read from its file: its form by the schema, its times, dates, files and names by hand.

The rule guarded here: every finding is told at once, each with its place in the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from kvchaos.errors import UsageError
from kvchaos.gameday.plan import STEPS, Budget, Plan, Play, StopWhen, Webhook
from kvchaos.gameday.windows import DAYS, MINUTES, Blackout, Window, Windows
from kvchaos.mesh.duration import duration_seconds
from kvchaos.plain_yaml import document, lines
from kvchaos.untrusted import MIB, Unreadable, file_text, json_object

Json = dict[str, Any]
Find = Callable[[str, Path], Path]
"""An experiment's file by what the plan says and the plan's folder; raises UsageError."""

SCHEMA = Path(__file__).with_name("plan.schema.json")
LARGEST = MIB
PLAIN = (
    *("name", "purpose", "owner", "context", "namespace"),
    *("order", "seed", "approval", "hold", "schedule"),
)
"""What a plan says as it is used."""
_LAST = re.compile(r"(\.[^.\[]*|\[\d+\]|^[^.\[]*)$")
"""The last part of a place."""


class PlanInvalid(UsageError):
    """A plan that cannot be played as it stands: ``findings``, one each."""

    def __init__(self, path: Path, findings: list[str]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"{path} is no plan to go by:\n  - " + "\n  - ".join(findings))


def read_plan(path: Path, find: Find) -> Plan:
    """The plan in the file ``path``; ``PlanInvalid`` with all that is wrong with it."""
    try:
        text = file_text(path, LARGEST)
    except (OSError, Unreadable) as error:
        saw = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"no plan can be read at {path}", saw=saw) from error
    return plan_of(text, path=path, find=find)


def plan_of(text: str, *, path: Path, find: Find) -> Plan:
    """As ``read_plan``, for the text of a plan that stands at ``path``."""
    try:
        said = document(text)
    except Unreadable as error:
        raise PlanInvalid(path, [str(error)]) from error
    said = _dates_as_text(said)
    if findings := [*_form(said)]:
        raise PlanInvalid(path, _with_lines(findings, text))
    plays = [_whole(each) for each in said["experiments"]]
    findings = [*_windows_wrong(said.get("windows")), *_plays_wrong(plays, path.parent, find)]
    if findings:
        raise PlanInvalid(path, _with_lines(findings, text))
    return _plan(said, plays, text, path.parent, find)


@cache
def schema() -> Json:
    """The JSON schema that a plan has to fit."""
    return json_object(SCHEMA.read_bytes())


def _form(said: object) -> Iterator[str]:
    errors = Draft202012Validator(schema()).iter_errors(said)
    for error in sorted(errors, key=lambda each: [str(part) for part in each.absolute_path]):
        yield from _findings(error)


def _findings(error: ValidationError) -> Iterator[str]:
    """What a person can act on: of alternatives, those of the form that was meant."""
    if error.validator == "anyOf" and error.context:
        meant = "object" if isinstance(error.instance, dict) else "string"
        fitting = [each for each in error.context if each.validator != "type"] or [
            each for each in error.context if each.validator_value == meant
        ]
        for each in fitting:
            yield from _findings(each)
        if fitting:
            return
    yield f"{_place(error.absolute_path) or 'the plan'}: {_said(error)}"


def _place(path: Iterable[str | int]) -> str:
    place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return place.removeprefix(".")


def _with_lines(findings: Iterable[str], text: str) -> list[str]:
    """Each with the line of its place, or of what that is in: ``line 7, budget.time: ...``."""
    known = {_place(path): line for path, line in lines(text).items()}
    told = []
    for finding in findings:
        place = finding.partition(": ")[0]
        while place and place not in known:
            place = _LAST.sub("", place)
        told.append(f"line {known[place]}, {finding}" if place else finding)
    return told


def _said(error: ValidationError) -> str:
    """The error's text, cut; with the field's description where its form says little."""
    text = error.message if len(error.message) < 200 else f"{error.message[:200]}..."
    about = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if error.validator == "type" and error.validator_value == "string":
        return f"{text}: put it in quotes"  # YAML makes 600 of 10:00
    if error.validator == "not" and about:
        return f"wanted {about}, saw {error.instance!r}"
    return f"{text} ({about})" if error.validator == "pattern" and about else text


def _dates_as_text(value: Any) -> Any:
    """YAML makes dates and times of what looks like one; here they are text, as in JSON."""
    if isinstance(value, dict):
        return {str(key): _dates_as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _windows_wrong(said: Json | None) -> Iterator[str]:
    if said is None:
        return
    try:
        _zone(said["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"windows.zone: no time zone is called {said['zone']!r} (such as Europe/Berlin)"
    for number, each in enumerate(said["open"], 1):
        if each["from"] == "24:00":
            yield f"windows.open[{number}].from: 24:00 begins no window; it is 00:00"
        if each["from"] == each["to"]:
            yield f"windows.open[{number}]: it is empty; the whole day is from 00:00 to 24:00"
    for number, each in enumerate(said.get("blackouts", ()), 1):
        yield from (f"windows.blackouts[{number}]: {why}" for why in _blackout_wrong(each))


def _blackout_wrong(said: str | Json) -> Iterator[str]:
    try:
        dark = _blackout(said)
    except ValueError as error:
        yield str(error)
        return
    if dark.last < dark.first:
        yield f"it ends on {dark.last}, before it begins on {dark.first}"


def _plays_wrong(plays: list[Json], folder: Path, find: Find) -> Iterator[str]:
    for number, each in enumerate(plays, 1):
        try:
            find(each["file"], folder)
        except UsageError as error:
            yield f"experiments[{number}].file: {error}"
        for name in each.get("var_files", ()):
            if not (folder / name).is_file():
                yield f"experiments[{number}].var_files: no file at {folder / name}"
    names = Counter(each["name"] for each in plays)
    for name in sorted(name for name, times in names.items() if times > 1):
        yield f"experiments: {names[name]} are called {name!r}: give each a name, or repeat one"
    if (total := sum(each.get("repeat", 1) for each in plays)) > STEPS:
        yield f"experiments: {total} in all, wanted at most {STEPS}"


def _plan(said: Json, plays: list[Json], text: str, folder: Path, find: Find) -> Plan:
    windows = said.get("windows") or {}
    places = {"pause": said, "hold_wait": said, "wait": windows}
    times = {key: duration_seconds(place[key]) for key, place in places.items() if key in place}
    plain: Json = {key: said[key] for key in PLAIN if key in said}
    plain |= {key: windows[key] for key in ("outside", "closing") if key in windows}
    return Plan(
        **(plain | times),
        text=text,
        plays=tuple(_play(each, folder, find) for each in plays),
        environment=_environment(said),
        windows=_windows(windows) if windows else None,
        budget=Budget(**_seconds(said.get("budget", {}), "fault_time", "time")),
        stop_when=_stop_when(said.get("stop_when", {})),
        notify=tuple(_webhook(each) for each in said.get("notify", ())),
    )


def _whole(said: str | Json) -> Json:
    """An experiment of the plan as an object with a name."""
    each = {"file": said} if isinstance(said, str) else said
    return {"name": Path(each["file"]).name.removesuffix(".json"), **each}


def _play(said: Json, folder: Path, find: Find) -> Play:
    return Play(
        said["name"],
        find(said["file"], folder),
        repeat=said.get("repeat", 1),
        environment=_environment(said),
        var=said.get("var", {}),
        var_files=tuple((folder / name).absolute() for name in said.get("var_files", ())),
    )


def _environment(said: Json) -> dict[str, str]:
    """Values as a shell would hand them on: ``true``, not ``True``."""
    given = said.get("environment", {})
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
    }


def _seconds(said: Json, *keys: str) -> Json:
    return {key: duration_seconds(value) if key in keys else value for key, value in said.items()}


def _stop_when(said: Json) -> StopWhen:
    told = _seconds(said, "recovery_over")
    return StopWhen(**{**told, "status": frozenset(told.get("status", ()))})


def _webhook(said: Json) -> Webhook:
    events = frozenset(cast("list[str]", said.get("events", [])))
    return Webhook(said["url_env"], said.get("token_env", ""), events)


def _windows(said: Json) -> Windows:
    return Windows(
        _zone(said["zone"]),
        tuple(_window(each) for each in said["open"]),
        tuple(_blackout(each) for each in said.get("blackouts", ())),
    )


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _window(said: Json) -> Window:
    days = frozenset(DAYS.index(day) for day in said.get("days", DAYS))
    return Window(_minute(said["from"]), _minute(said["to"]), days)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return min(int(hours) * 60 + int(minutes), MINUTES)


def _blackout(said: str | Json) -> Blackout:
    if isinstance(said, str):
        day = date.fromisoformat(said)
        return Blackout(day, day)
    return Blackout(
        date.fromisoformat(said["from"]), date.fromisoformat(said["to"]), said.get("why", "")
    )
