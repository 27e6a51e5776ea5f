"""The part of the live view that changes in place: a few rows, none wider than the terminal."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from kvchaos.report.layout import printable
from kvchaos.verdict.times import asked, latency, span
from kvchaos.view.spark import ASCII_LEVELS, LEVELS, band, sparkline
from kvchaos.view.story import Story

LABEL = 10  # columns
WIDEST = 100
SHORTEST = 8  # cells of a row over time


class Panel:
    """What is shown of ``story`` at run second ``at``; ``doing`` is the activity under way."""

    def __init__(self, story: Story, *, at: float, doing: str, name: str = "") -> None:
        self._story = story
        self._at = at
        self._doing = printable(doing)
        self._name = printable(name)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(WIDEST, options.max_width)
        draws = console.encoding.startswith("utf")
        yield Text("─" * width if draws else "-" * width, style="dim")
        for label, value in self._rows(max(SHORTEST, width - LABEL), draws=draws):
            row = Text(f"{label:{LABEL}}", style="dim").append_text(value)
            row.no_wrap, row.overflow = True, "ellipsis"
            row.truncate(width, overflow="ellipsis" if draws else "crop")
            yield row

    def _rows(self, cells: int, *, draws: bool) -> list[tuple[str, Text]]:
        story = self._story
        rows = [("run", Text(self._head(), style="bold")), ("phase", self._phase())]
        if story.fault is not None:
            rows += [
                ("fault", Text(self._fault())),
                ("targets", Text(", ".join(story.fault.targets))),
            ]
        if story.differences:
            rows += [("index", self._index()), *self._over_time(cells, draws=draws)]
        if story.engines is not None:
            rows.append(("engines", Text(self._engines())))
        if story.traffic is not None:
            rows.append(("traffic", Text(self._traffic())))
        return rows

    def _head(self) -> str:
        minutes, seconds = divmod(int(self._at), 60)
        named = " ".join(each for each in (self._name, self._story.title) if each)
        return f"{minutes:02}:{seconds:02}  {printable(named)}"

    def _phase(self) -> Text:
        if self._story.stopped:
            return Text(printable(self._story.stopped), style="bold magenta")
        phase = Text(self._story.phase, style="bold")
        return phase.append(f"  {self._doing}", style="dim not bold") if self._doing else phase

    def _fault(self) -> str:
        fault = self._story.fault
        if fault is None:
            return ""
        end = self._at if fault.until is None else fault.until
        stood = span(max(0.0, end - fault.since))
        most = f" of {asked(fault.duration)} at most" if fault.duration else ""
        was = "on" if fault.until is None else "was on"
        return f"{printable(fault.text)}, {was} for {stood}{most}"

    def _index(self) -> Text:
        story = self._story
        if story.agrees is None:
            return Text("cannot be judged", style="yellow")
        if story.agrees:
            return Text("agrees", style="green").append(
                f"  at its worst {story.worst} differed" if story.worst else "", style="dim"
            )
        counts = f"{story.missing} missing, {story.phantom} phantom, {story.ghosts} ghosts"
        return Text(f"differs: {counts}", style="bold red")

    def _over_time(self, cells: int, *, draws: bool) -> list[tuple[str, Text]]:
        levels = LEVELS if draws else ASCII_LEVELS
        until = max(self._at, 0.1)
        line = sparkline(self._story.differences, until=until, cells=cells, levels=levels)
        drawn = Text(line)
        for at, cell in enumerate(line):
            style = {levels[0]: "green", "?": "yellow", " ": ""}.get(cell, "red")
            drawn.stylize(style, at, at + 1)
        rows = [("differs", drawn)]
        if self._story.faults:
            on, off = ("█", "─") if draws else ("#", "-")
            lane = band(self._story.faults, until=until, cells=cells, on=on, off=off)
            rows.append(("fault on", Text(lane, style="magenta")))
        return rows

    def _engines(self) -> str:
        story = self._story
        rate = "" if story.rate is None else f" ({story.rate:.0f}/s)"
        return f"{story.engines} followed, {story.batches} batches{rate}, {story.gaps} gaps"

    def _traffic(self) -> str:
        told = self._story.traffic or {}
        passed = max(0.001, told["to"] - told["from"])
        tokens = told["prompt_tokens"]
        hits = f", {100 * told['hit_tokens'] / tokens:.0f} % of tokens cached" if tokens else ""
        slow = "" if told["p95"] is None else f", p95 {latency(told['p95'])}"
        return f"{told['ok'] / passed:.0f}/s answered, {told['failed']} failed{hits}{slow}"
