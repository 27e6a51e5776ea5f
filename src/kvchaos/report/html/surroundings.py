"""Where a run was, and what it left: environment, activities, objects, logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import part
from kvchaos.report.html.opening import bullets
from kvchaos.report.html.scale import number
from kvchaos.report.layout import cleaned
from kvchaos.verdict.events import last, many, of, text
from kvchaos.verdict.times import span

NAMES = {
    "kvchaos": "kvchaos",
    "python": "Python",
    "platform": "platform",
    "chaostoolkit": "Chaos Toolkit",
    "kubernetes": "Kubernetes",
    "nodes": "nodes",
}
SIDES = {".": "target", ".Target": "other side"}
"""Chaos Mesh's names for the sides of a fault, in words."""
MAX_ROWS = 200
"""Rows of one table."""
LOG_END = 64_000
"""Characters of a log that are shown: its last."""
ALL_LOGS = 1_500_000
"""Characters of all logs and objects that are shown."""


def environment(data: RunData, _: Course) -> Markup | None:
    """Versions, pods and images, targets of the preflight; None when nothing is told."""
    told = last(data.events, "environment") or {}
    rows = [(NAMES[key], told[key]) for key in NAMES if told.get(key) not in (None, "")]
    pods = [
        (each.get("pod") or "—", kind, each.get("node") or "—", each.get("image") or "—")
        for kind, key in (("engine", "engines"), ("router", "routers"))
        for each in _dicts(told.get(key))
    ]
    parts = [part("table", ("", "version"), rows)] if rows else []
    head = ("pod", "what", "node", "image")
    parts += [_titled("Pods", part("table", head, pods[:MAX_ROWS]))] if pods else []
    parts += _preflight(data)
    return Markup("").join(parts) if parts else None


def _preflight(data: RunData) -> list[Markup]:
    told = data.record.get("preflight") or {}
    targets = [
        (
            each.get("pod") or "—",
            SIDES.get(str(each.get("role")), "target"),
            each.get("amount") or "—",
            each.get("node") or "—",
        )
        for each in _dicts(told.get("targets"))
    ]
    head = ("pod", "as", "how many", "node")
    table = part("table", head, targets[:MAX_ROWS])
    parts = [_titled("What could be hit, by the preflight", table)] if targets else []
    notes = [cleaned(text(each)) for each in told.get("notes") or ()]
    parts += [_titled("Noted by the preflight", bullets(notes))] if notes else []
    return parts


def _titled(title: str, body: Markup) -> Markup:
    return Markup("<h3>{}</h3>{}").format(title, body)


def files(data: RunData, _: Course) -> Markup | None:
    """What was played, the objects as they were created, the logs; folded, and bounded."""
    left = ALL_LOGS
    parts = [_activities(data)]
    for what, texts in (("object", data.objects), ("log", data.logs)):
        for name, content in texts.items():
            shown = content[-min(LOG_END, left) :] if left > 0 else ""
            left -= len(shown)
            aside = _aside(what, content, shown)
            parts.append(part("folded", name, part("text", shown or "(empty)"), aside))
    notes = Markup("<p>{}</p>").format("; ".join(data.notes)) if data.notes else None
    parts.append(part("notice", "unknown", notes) if notes else None)
    told = [each for each in parts if each is not None]
    return Markup("<div>{}</div>").format(Markup("").join(told)) if told else None


def _aside(what: str, content: str, shown: str) -> str:
    lines = many(content.count("\n") + (not content.endswith("\n")), "line")
    return f"{what}, {lines}" + (", its end is shown" if len(shown) < len(content) else "")


def _activities(data: RunData) -> Markup | None:
    told = of(data.events, "activity")
    if not told:
        return None
    rows = [_row(each) for each in told[:MAX_ROWS]]
    table = part("table", ("activity", "at", "phase", "what", "outcome", "took"), rows, (1, 5))
    return part("folded", "What was played", table, many(len(told), "activity", "activities"))


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    at, took = number(each.get("at")), number(each.get("took"))
    error = f": {cleaned(str(each['error']))}" if each.get("error") else ""
    return (
        str(each.get("name") or ""),
        "—" if at is None else span(at),
        str(each.get("phase") or ""),
        str(each.get("type") or ""),
        f"{each.get('outcome')}{error}",
        "—" if took is None else span(took),
    )


def _dicts(told: object) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
