"""The head of a run's page: its outcome in a sentence, the figures that matter, what to do now."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from datetime import datetime

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import part
from kvchaos.report.html.scale import number
from kvchaos.report.layout import cleaned
from kvchaos.verdict.events import Json, text
from kvchaos.verdict.times import span

UNIT = re.compile(r" (?=(?:s|ms|min)\b)(?<=\d )")
"""The blank between a figure and its unit, where no line may end."""


def opening(data: RunData) -> Markup:
    """The outcome in a sentence, which run it was, and where."""
    record, run = data.record, data.record["run"]
    seconds = number(run.get("seconds"))
    kicker = [began(data), f"took {span(seconds)}" if seconds else ""]
    facts = [
        (name, value)
        for name in ("context", "namespace", "router", "adapter", "seed", "run")
        if (value := run.get(name)) not in (None, "")
    ]
    return part(
        "hero",
        str(record["status"]),
        UNIT.sub("\u00a0", cleaned(record["headline"])),
        about=run.get("experiment") or "",
        kicker=[each for each in kicker if each],
        facts=facts,
    )


def began(data: RunData) -> str:
    """``2026-08-08 14:03:09 UTC``; empty when the history does not tell."""
    try:
        return f"{datetime.fromisoformat(data.events[0]['wall']):%Y-%m-%d %H:%M:%S} UTC"
    except (LookupError, TypeError, ValueError):
        return ""


def what_now(data: RunData, _: Course) -> Markup | None:
    """What is left and how to end it; why it was refused; how it was stopped. None: nothing."""
    record = data.record
    parts = [_residue(record), _refused(record), _stopped(record)]
    told = [each for each in parts if each is not None]
    return Markup("").join(told) if told else None


def _residue(record: Json) -> Markup | None:
    left = [*_listed(record.get("residue")), *_listed(record.get("unconfirmed"))]
    if not left or not record.get("reap"):
        return None
    items = bullets(cleaned(text(each)) for each in left)
    body = Markup("<p><b>Left in the cluster:</b></p>{}<p><b>End it now:</b></p>{}")
    return part("notice", "residue", body.format(items, _command(str(record["reap"]))))


def _command(reap: str) -> Markup:
    return part("text", shlex.join(shlex.split(reap)))


def _refused(record: Json) -> Markup | None:
    findings = _listed((record.get("preflight") or {}).get("findings"))
    if not findings:
        return None
    items = bullets(_finding(each) for each in findings)
    body = Markup("<p><b>Preflight refused the run before anything was touched:</b></p>{}")
    return part("notice", "unknown", body.format(items))


def _finding(finding: object) -> str:
    look = finding.get("look") if isinstance(finding, dict) else None
    return cleaned(text(finding)) + (f"; see: {look}" if look else "")


def _stopped(record: Json) -> Markup | None:
    stop = record.get("stop")
    if not stop:
        return None
    lines = [f"{stop['by']}: {stop['reason']}, {span(stop['at'])} into the run"]
    lines += [_became(fault, stop["at"]) for fault in record["faults"]]
    lines += [] if record["faults"] else ["no fault had been injected"]
    if record.get("residue") == [] and not record.get("unconfirmed"):
        lines.append("nothing is left in the cluster")
    elif record.get("residue") is None:
        lines.append("nobody could look whether anything is left in the cluster")
    body = Markup("<p><b>The run was stopped early:</b></p>{}")
    return part("notice", "aborted", body.format(bullets(lines)))


def _became(fault: Json, stop: float) -> str:
    named = f"{fault['kind']} {fault['namespace']}/{fault['name']}"
    if fault["error"]:
        return f"{named} had not been injected"
    if fault["healed"] is None:
        return f"{named} was NOT seen to end"
    after = fault["healed"] - stop
    return f"{named} was over {f'{span(after)} later' if after >= 0 else 'by then'}"


def bullets(items: Iterable[object]) -> Markup:
    """A plain list."""
    lines = Markup("").join(Markup("<li>{}</li>").format(each) for each in items)
    return Markup("<ul>{}</ul>").format(lines)


def _listed(told: object) -> list[object]:
    return told if isinstance(told, list) else [told] if told else []
