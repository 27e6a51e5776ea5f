"""Each engine's stream: how many batches came when, which were missing, what the index knew."""

from __future__ import annotations

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.charts import Trace, plot, strip
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import part
from kvchaos.report.html.scale import count
from kvchaos.report.html.series import Flow, Looks, agreement, flows, samples, smoothed
from kvchaos.verdict.events import Json, many

SHOWN = 6
"""Engines that are shown at once, those that were hit first; the next ones are folded away."""
AT_MOST = 32
"""Engines that are drawn at all."""
NO_FLOW = Flow((), 0, 0, ())


def engines(data: RunData, shared: Course) -> Markup | None:
    """A chart and a strip for each engine; None when none was followed."""
    told = flows(data.events)
    hit = {str(each["pod"]) for fault in data.record["faults"] for each in fault["targets"]}
    looks = samples(data.events)
    names = sorted({*told, *_sampled(looks)}, key=lambda name: (_pod(name) not in hit, name))
    if not names:
        return None
    top = max((rate or 0.0 for each in told.values() for _, rate in smoothed(each.rate)), default=0)
    drawn = [
        _engine(name, told.get(name, NO_FLOW), looks, shared, top=top, hit=_pod(name) in hit)
        for name in names[:AT_MOST]
    ]
    shown = Markup('<div class="plots">{}</div>').format(Markup("").join(drawn[:SHOWN]))
    rest = Markup('<div class="plots">{}</div>').format(Markup("").join(drawn[SHOWN:]))
    more = part("folded", many(len(drawn) - SHOWN, "more engine"), rest) if drawn[SHOWN:] else ""
    return Markup("{}{}{}").format(_totals(data.record, names), shown, more)


def _sampled(looks: Looks) -> set[str]:
    """The engines that samples name, whether their streams are told of or not."""
    told = (each.get("engines") for _, each in looks)
    return {str(name) for engines in told if isinstance(engines, dict) for name in engines}


def _engine(
    name: str, flow: Flow, looks: Looks, shared: Course, *, top: float, hit: bool
) -> Markup:
    lane = strip(shared, agreement(looks, end=shared.scale.end, engine=name))
    said = f"{many(flow.batches, 'batch', 'batches')}, {many(flow.blocks, 'block')}"
    gaps = many(len(flow.gaps), "gap")
    mark = Markup('<span class="hit">hit</span>') if hit else ""
    if not flow.rate:
        title = Markup('<figcaption><b class="mono">{}</b>{}</figcaption>').format(name, mark)
        return Markup('<figure class="plot engine">{}{}</figure>').format(title, lane)
    chart = plot(
        name,
        [Trace(name="batches", kind="one", points=smoothed(flow.rate), filled=True)],
        shared,
        unit="batches/s",
        height=56,
        top=top,
        ticks=flow.gaps,
        aside=f"{said}, {gaps}",
        legend=False,
        note=mark,
        foot=False,
    )
    return Markup('<div class="engine">{}{}</div>').format(chart, lane)


def _totals(record: Json, names: list[str]) -> Markup:
    observer = record.get("observer") or {}
    parts = [many(len(names), "stream")]
    parts += [f"{count(observer[key]):,} {key}" for key in ("batches", "blocks") if key in observer]
    trouble = {key: count(observer.get(key)) for key in ("malformed", "unknown_events")}
    parts += [f"{told} {key.replace('_', ' ')}" for key, told in trouble.items() if told]
    parts += [f"{AT_MOST} of them are shown"] if len(names) > AT_MOST else []
    incomplete = observer.get("incomplete") or {}
    parts += [f"not seen from its beginning: {', '.join(incomplete)}"] if incomplete else []
    return Markup('<p class="soft small">{}</p>').format(", ".join(parts))


def _pod(name: str) -> str:
    return name.rpartition("/")[0]
