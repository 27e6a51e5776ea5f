"""A game day's report as one HTML file: what it came to, each step, recoveries, what got worse.

The rule guarded here: texts of plans and runs reach the page through autoescape alone, and links
lead into the day's own folder only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from kvchaos.gameday.words import DASH, broken_off, cost_lines, since_lines, span
from kvchaos.report.html.frame import page, part
from kvchaos.report.html.spread import Spread, distribution_chart

Json = dict[str, Any]

SECTIONS = (
    ("steps", "Experiments"),
    ("recovery", "Recovery"),
    ("since", "Since the last one"),
    ("cost", "Cost"),
    ("log", "Course"),
)


def day_page(told: Json) -> str:
    """The document of a summary; runs' reports are linked where they are, below ``runs/``."""
    bodies = {
        "steps": _steps(told["steps"]),
        "recovery": _recovery(told["experiments"], told["since"]),
        "since": _since(told["since"]),
        "cost": _items(cost_lines(told["cost"])),
        "log": part("folded", f"{len(told['log'])} events", _log(told["log"])),
    }
    body = _opening(told)
    for anchor, name in SECTIONS:
        body += part("section", anchor, name, bodies[anchor])
    return page(
        f"Game day {told['gameday']}",
        body,
        status=told["status"],
        contents=SECTIONS,
        foot=f"kvchaos {told['version']}",
    )


def _opening(told: Json) -> Markup:
    facts = [
        ("Owner", told["owner"]),
        ("Began", told["began"]),
        ("Ended", told["ended"] or "not yet"),
        ("Cluster", f"{told['context']}, namespace {told['namespace']}"),
    ]
    if told["seed"] is not None:
        facts.append(("Order", f"random, seed {told['seed']}"))
    body = part(
        "hero", told["status"], f"Game day {told['gameday']}", about=told["purpose"], facts=facts
    )
    body += part("tiles", _tiles(told))
    if stopped := told["stopped"]:
        text = f"Ended early by {stopped['by']}: {stopped['why']}"
        body += Markup('<div class="below">{}</div>').format(
            part("notice", told["status"], Markup("<p>{}</p>").format(text))
        )
    return body


def _tiles(told: Json) -> list[Json]:
    worse = len((told["since"] or {}).get("worse", ()))
    passed = sum(each["status"] == "pass" for each in told["steps"])
    slowest = [each["recovery"]["maximum"] for each in told["experiments"]]
    known = [each for each in slowest if each is not None]
    whole = passed == told["planned"]
    return [
        _tile("Passed", f"{passed}/{told['planned']}", "good" if whole else "bad"),
        _tile("Slowest recovery", span(max(known, default=None))),
        _tile("Under faults", span(told["cost"]["fault_time"])),
        _tile(
            "Worse than last time",
            str(worse) if told["since"] else DASH,
            "bad" if worse else "",
            "" if told["since"] else "no earlier game day",
        ),
    ]


def _tile(name: str, value: str, mood: str = "", note: str = "") -> Json:
    number, _, unit = value.partition(" ")
    return {"name": name, "value": number, "unit": unit, "mood": mood, "note": note}


def _steps(steps: list[Json]) -> Markup:
    rows = [row for each in steps for row in (*_broken_off(each), _row(each))]
    head = ("#", "Experiment", "Status", "Recovered after", "Run", "What was seen")
    return part("table", head, rows, numbers=(3,))


def _row(step: Json) -> tuple[object, ...]:
    badge, why = part("badge", step["status"]), step["why"] or step["headline"]
    recovered = span(step["recovery"])
    return step["number"], step["title"], badge, recovered, _link(step["run"]), why


def _broken_off(step: Json) -> Iterator[tuple[object, ...]]:
    for status, run, why in broken_off(step):
        yield step["number"], step["title"], part("badge", status), DASH, _link(run), why


def _link(run: str | None) -> Markup | str:
    if not run:
        return DASH
    return Markup('<a href="runs/{}/report.html">{}</a>').format(quote(run, safe=""), run)


def _recovery(experiments: list[Json], since: Json | None) -> Markup:
    keys = ("minimum", "median", "p95", "maximum")
    rows = [
        (
            each["name"],
            each["played"],
            each["recovery"]["count"],
            *(span(each["recovery"][key]) for key in keys),
        )
        for each in experiments
    ]
    head = ("Experiment", "Runs", "Recovered", "Least", "Median", "p95", "Most")
    table = part("table", head, rows, numbers=range(1, 7))
    spreads = [*_spreads(experiments, (since or {}).get("recovery", {}))]
    return distribution_chart(spreads, title="Recovery time, each run") + table


def _spreads(experiments: list[Json], before: Mapping[str, list[float]]) -> Iterator[Spread]:
    """What each experiment's runs took, and below it what they took last time."""
    for each in experiments:
        yield Spread(name=each["name"], values=each["recovery"]["values"])
        if before.get(each["name"]):
            yield Spread(name="last time", values=before[each["name"]], kind="other")


def _since(since: Json | None) -> Markup:
    body = _items(since_lines(since))
    return part("notice", "fail", body) if since and since["worse"] else body


def _log(log: list[Json]) -> Markup:
    rows = [(each["at"], each["event"].replace("_", " "), each["text"]) for each in log]
    return part("table", ("When", "Event", "What"), rows)


def _items(lines: Any) -> Markup:
    return Markup("<div>{}</div>").format(
        Markup().join(Markup("<p>{}</p>").format(line) for line in lines)
    )
