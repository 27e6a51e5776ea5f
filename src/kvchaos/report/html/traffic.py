"""What requests through the router met: before, during and after the fault, and over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from markupsafe import Markup

from kvchaos.report.folder import RunData
from kvchaos.report.html.charts import Trace, plot
from kvchaos.report.html.course import Course
from kvchaos.report.html.frame import part
from kvchaos.report.html.scale import count, number
from kvchaos.report.html.seconds import Second, gathered, seconds
from kvchaos.report.html.series import Point
from kvchaos.verdict.events import Json
from kvchaos.verdict.times import latency

LATENCIES = ("p50", "p95", "p99")
MILLI = 1000
PAUSE = 0.5
"""Seconds between two seconds of load over which nothing is said."""
NONE_FAILED = Trace(name="none failed", kind="bad", points=())
SHOWN = 50
"""Pods that are named."""


def traffic(data: RunData, shared: Course) -> Markup | None:
    """Charts where the load was recorded by the second, figures in any case; None: no load."""
    told = seconds(data.events)
    figures = [each for each in data.record["traffic"] if isinstance(each, dict)]
    if not told and not figures:
        return None
    parts = [_charts(gathered(told), shared), _stages(told, shared)] if told else []
    parts += [_whole(each) for each in figures]
    return Markup("").join(each for each in parts if each is not None)


def _charts(told: Sequence[Second], shared: Course) -> Markup:
    hits = Trace(name="hit ratio", kind="two", points=_series(told, _hit_share), filled=True)
    half = Trace(name="p50", kind="one", points=_series(told, lambda each: _ms(each.p50)))
    most = Trace(name="p95", kind="three", points=_series(told, lambda each: _ms(each.p95)))
    ok = Trace(name="answered ↑", kind="one", points=_series(told, _answered), filled=True)
    failed = Trace(name="failed ↓", kind="bad", points=_series(told, _failed), filled=True)
    requests = [ok, failed if any(each.failed for each in told) else NONE_FAILED]
    return Markup('<div class="plots">{}{}{}</div>').format(
        plot("Prompt tokens found in cache", [hits], shared, unit="%", top=100, legend=False),
        plot("Latency", [half, most], shared, unit="ms"),
        plot("Requests", requests, shared, unit="per second", height=100),
    )


def _series(told: Sequence[Second], value: Callable[[Second], float | None]) -> list[Point]:
    """The value of each second; nothing where seconds are left out."""
    points: list[Point] = []
    for each, later in zip(told, [*told[1:], None], strict=True):
        points.append((each.start, value(each)))
        if later is None or later.start > each.end + PAUSE:
            points.append((each.end, None))
    return points


def _hit_share(each: Second) -> float | None:
    return 100 * each.hit / each.prompt if each.prompt else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else MILLI * seconds


def _answered(each: Second) -> float:
    return each.ok / (each.end - each.start)


def _failed(each: Second) -> float:
    return -each.failed / (each.end - each.start)


def _stages(told: Sequence[Second], shared: Course) -> Markup | None:
    """The same figures before, during and after the fault; None without a fault."""
    if not shared.faults:
        return None
    begin, over = shared.faults[0].start, max(band.end for band in shared.faults)
    healed = max([over, *(band.end for band in shared.bands)])
    stages = (
        ("before the fault", [each for each in told if each.end <= begin]),
        ("during the fault", [each for each in told if each.end > begin and each.start < over]),
        ("recovering", [each for each in told if each.start >= over and each.start < healed]),
        ("after", [each for each in told if each.start >= max(over, healed)]),
    )
    rows = [(name, *_figures(group)) for name, group in stages if group]
    head = ("", "requests", "failed", "from cache", "typical p50", "worst p95")
    return part("table", head, rows, range(1, len(head)))


def _figures(group: Sequence[Second]) -> tuple[str, ...]:
    ok, failed = sum(each.ok for each in group), sum(each.failed for each in group)
    hit, prompt = sum(each.hit for each in group), sum(each.prompt for each in group)
    halves = [each.p50 for each in group if each.p50 is not None]
    most = [each.p95 for each in group if each.p95 is not None]
    return (
        f"{ok + failed:,}",
        f"{failed:,}",
        f"{100 * hit / prompt:.1f} %" if prompt else "—",
        latency(median(halves)) if halves else "—",
        latency(max(most)) if most else "—",
    )


def _latency(seconds: float | None) -> str:
    return "—" if seconds is None else latency(seconds)


def _whole(figures: Json) -> Markup:
    """The load over the whole run, and who answered."""
    latencies = ", ".join(f"{key} {_latency(number(figures.get(key)))}" for key in LATENCIES)
    said = (
        f"Whole run: {count(figures.get('sent')):,} requests,"
        f" {count(figures.get('failed')):,} failed; latency {latencies}."
    )
    by_pod = figures.get("by_pod")
    answered = by_pod if isinstance(by_pod, dict) else {}
    rows = [(pod or "(no pod named)", f"{count(each):,}") for pod, each in answered.items()]
    line = Markup('<p class="soft small">{}</p>').format(said)
    shown = part("table", ("answered by", "requests"), rows[:SHOWN], (1,)) if rows else ""
    return line + shown
