"""Two sets of runs beside each other as a page: what got worse, how the recoveries lie. Pure."""

from __future__ import annotations

from markupsafe import Markup

from kvchaos.report.answers import Answer
from kvchaos.report.compared import TITLES, cells, conclusion, only
from kvchaos.report.comparison import Comparison, Experiment, Row, Side
from kvchaos.report.html.frame import page, part
from kvchaos.report.html.opening import bullets
from kvchaos.report.html.spread import Spread, distribution_chart

LOOKS = {"worse": "fail", "better": "pass", "no worse": "pass", "unsure": "unknown"}
"""What came of it, and the status whose colours that has."""
NAME = 28
"""Letters of an experiment's name in the contents: its end, as many begin alike."""
METRICS = ("", *TITLES[1:-1], "Answer")


def comparison_page(told: Comparison) -> str:
    """The comparison as a whole HTML document."""
    outcome = _outcome(told)
    body: Markup = part("hero", outcome, "B against A", facts=[("A", told.a), ("B", told.b)])
    notice = part("notice", LOOKS[outcome], bullets(conclusion(told)))
    body += part("section", "changes", "What changed", notice)
    contents = [("changes", "What changed")]
    for number, each in enumerate(told.experiments, start=1):
        anchor = f"experiment-{number}"
        contents.append((anchor, _short(each.title)))
        body += part("section", anchor, each.title, _experiment(each))
    if lacking := only(told):
        contents.append(("only", "Not compared"))
        body += part("section", "only", "Not compared", bullets(lacking))
    return page(
        f"{told.b} against {told.a}",
        body,
        status=LOOKS[outcome],
        contents=contents,
        foot="Differences count when chance makes any like them in 1 of 100 comparisons at most.",
    )


def _short(title: str) -> str:
    return title if len(title) <= NAME else f"… {title[-NAME:].partition(' ')[2] or title[-NAME:]}"


def _outcome(told: Comparison) -> str:
    if told.worse:
        return "worse"
    if not told.experiments or not told.is_sure:
        return "unsure"
    return "better" if any(each.those(Answer.BETTER) for each in told.experiments) else "no worse"


def _experiment(each: Experiment) -> Markup:
    row = each.recovery
    rows = [_spread("A", row.a, "one"), _spread("B", row.b, "two")]
    chart = distribution_chart(rows) if row.a.known.count or row.b.known.count else Markup()
    went = [
        f"{name}: {', '.join(f'{count} {status}' for status, count in statuses.items())}"
        for name, statuses in zip("AB", each.statuses, strict=True)
    ]
    return (
        chart
        + part("table", METRICS, [_cells(row) for row in each.rows])
        + bullets([*went, *each.notes])
    )


def _spread(name: str, side: Side, kind: str) -> Spread:
    lacks = [f"{side.never} never"] if side.never else []
    lacks += [f"{side.unknown} not measured"] if side.unknown else []
    return Spread(name=name, values=side.known.values, kind=kind, note=", ".join(lacks))


def _cells(row: Row) -> list[str | Markup]:
    *said, answer = cells(row)
    look = {Answer.WORSE: "fail", Answer.BETTER: "pass"}.get(row.answer, "")
    badge = Markup('<span class="badge {}">{}</span>').format(look, str(row.answer))
    return [*said, badge if look else answer]
