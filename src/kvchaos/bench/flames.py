"""A flame graph as one SVG file: each box a function, as wide as the share of looks that saw it.

Boxes lie on their callers; a box's title, shown by a browser on pointing, has the exact share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from markupsafe import escape

WIDTH = 1200
ROW = 18
LETTER = 6.6
SLIMMEST = 0.5
"""Pixels; what is slimmer is left out."""


@dataclass(slots=True)
class _Box:
    times: int = 0
    above: dict[str, _Box] = field(default_factory=dict)


def flame_graph(title: str, seen: Mapping[tuple[str, ...], int]) -> str:
    """The SVG; stacks begin with the outermost function."""
    whole = _grown(seen)
    scale = WIDTH / max(1, whole.times)
    drawn = list(_drawn("all", whole, 0.0, scale=scale, depth=0, whole=whole.times))
    height = (max((depth for depth, _ in drawn), default=0) + 3) * ROW
    boxes = "\n".join(text.replace("@Y", str(height - (depth + 1) * ROW)) for depth, text in drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="monospace" font-size="11">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="6" y="14" fill="#222">{escape(title)}: {whole.times} looks</text>\n'
        f"{boxes}\n</svg>\n"
    )


def _grown(seen: Mapping[tuple[str, ...], int]) -> _Box:
    root = _Box()
    for stack, times in sorted(seen.items()):
        root.times += times
        box = root
        for name in stack:
            box = box.above.setdefault(name, _Box())
            box.times += times
    return root


def _drawn(
    name: str, box: _Box, x: float, *, scale: float, depth: int, whole: int
) -> Iterator[tuple[int, str]]:
    wide = box.times * scale
    if wide < SLIMMEST:
        return
    share = 100 * box.times / max(1, whole)
    shown = escape(name[: int((wide - 6) / LETTER)]) if wide > 4 * LETTER else ""
    drawn = (
        f'<g><title>{escape(name)}: {share:.1f} %</title><rect x="{x:.1f}" y="@Y" '
        f'width="{wide:.1f}" height="{ROW - 1}" fill="{_colour(name)}"/>'
        f'<text x="{x + 3:.1f}" y="@Y" dy="12" fill="#222">{shown}</text></g>'
    )
    yield depth, drawn
    for inner, child in sorted(box.above.items()):
        yield from _drawn(inner, child, x, scale=scale, depth=depth + 1, whole=whole)
        x += child.times * scale


def _colour(name: str) -> str:
    """One hue for each module, so that what belongs together looks so."""
    return f"hsl({crc32(name.partition(':')[0].encode()) % 360} 55% 75%)"
