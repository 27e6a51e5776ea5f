"""One run's page: what came of it, its course, what that rests on, and where it was.

The rule: a part of the history that cannot be read takes its own section away, never the page.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html import engines, evidence, opening, recovery, surroundings, traffic
from kvchaos.report.html.charts import difference_chart, timeline
from kvchaos.report.html.course import Course, course
from kvchaos.report.html.figures import figures
from kvchaos.report.html.frame import page, part
from kvchaos.report.html.scale import Scale
from kvchaos.report.html.series import agreement, difference, ghosts, samples
from kvchaos.report.json import MALFORMED

Section = tuple[str, str, str, Callable[[RunData, Course], Markup | None]]

MEANING = (
    "Missing: published by an engine, not in the router's index. "
    "Phantom: in the index, no longer held by the engine."
)
TO_DO = "What to do now"
UNREADABLE = "This part of the run's history is not of its documented form and cannot be shown."


def run_page(data: RunData) -> str:
    """The run as a whole HTML document."""
    try:
        shared = course(data.events, data.record)
    except MALFORMED:
        shared = Course(Scale(0.0, 1.0))
    shown: list[tuple[str, str]] = []
    body = opening.opening(data) + (_made(figures, data, shared) or Markup(""))
    for anchor, title, lead, make in SECTIONS:
        made = _made(make, data, shared)
        if made is not None:
            name = TO_DO if anchor == "what-now" and data.record.get("reap") else title
            body += part("section", anchor, name, made, lead)
            shown.append((anchor, name))
    run = data.record["run"]
    return page(
        f"{str(data.record['status']).upper()} · {run.get('experiment') or 'kvchaos run'}",
        body,
        status=str(data.record["status"]),
        contents=shown,
        foot=_foot(data),
    )


def _made(
    make: Callable[[RunData, Course], Markup | None], data: RunData, shared: Course
) -> Markup | None:
    try:
        return make(data, shared)
    except MALFORMED:
        return part("notice", "unknown", UNREADABLE)


def _foot(data: RunData) -> str:
    version = data.record["run"].get("version")
    made = f"kvchaos {version}" if version else "kvchaos"
    return f"Made by {made} from {data.folder.name}. Times are seconds since the run began."


def _course(data: RunData, shared: Course) -> Markup | None:
    looks = samples(data.events)
    if not looks and not shared.bands:
        return None
    end = shared.scale.end
    index = agreement(looks, end=end)
    missing, phantom = (difference(looks, key, end=end) for key in ("missing", "phantom"))
    drawn = timeline(shared, index, ghosts(looks, end=end))
    chart = difference_chart(missing, phantom, shared, index)
    return Markup('<div class="plots">{}{}</div>').format(drawn, chart)


SECTIONS: tuple[Section, ...] = (
    ("what-now", "What happened", "", opening.what_now),
    (
        "course",
        "Course",
        MEANING,
        _course,
    ),
    ("recovery", "Recovery", "", recovery.phases),
    ("traffic", "Traffic", "What requests through the router met.", traffic.traffic),
    (
        "engines",
        "Engines",
        "Batches of events that each engine published, and what the index knew of it.",
        engines.engines,
    ),
    ("faults", "Faults", "What was done, to whom, and how that is known.", evidence.faults),
    ("checks", "Checks", "", evidence.checks),
    ("environment", "Environment", "", surroundings.environment),
    ("files", "Files", "", surroundings.files),
)
