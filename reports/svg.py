"""Small charts as SVG text, for pages that hold many: lines with bands, and points. Pure: displayed numbers in, markup out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from reports.drawing import BLUE, GREY, INK, ORANGE, PINK, TURQUOISE

WIDTH, HEIGHT = 360, 236
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 12, 34
COLOURS = (BLUE, ORANGE, TURQUOISE, PINK, GREY)
#: Dashes, and marks of points, so that lines are told apart without colour.
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")
MARKS = ("circle", "square", "triangle", "diamond", "circle")
Show = Callable[[float], str]


@dataclass(frozen=True)
class Line:
    """A line with its band: numbers as they are displayed, one a place."""

    label: str
    value: Sequence[float]
    lower: Sequence[float] = ()
    upper: Sequence[float] = ()


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from below `low` to above `high`.

    Examples
    --------
    >>> ticks(0, 930)
    [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    >>> ticks(-3, 4)
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    """
    high = high if high > low else low + max(abs(low), 1.0)
    span = high - low
    step = next(s for s in (m * 10.0**e for e in range(-3, 13) for m in (1, 2, 2.5, 5)) if span / s <= most)
    return [float(x) for x in np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step]


class _Canvas:
    """Scales, and the marks drawn so far."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], show_y: Show) -> None:
        self.x, marks = x, ticks(*y)
        self.y = (marks[0], marks[-1])
        self.out: list[str] = []
        for value in marks:
            at, bold = self.down(value), value == 0
            self.add(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}" stroke="{INK if bold else "#d9dadb"}"/>')
            self.text(LEFT - 5, self.down(value) + 4, show_y(value), "end")

    def add(self, mark: str) -> None:
        self.out.append(mark)

    def across(self, value: float) -> float:
        low, high = self.x
        return round(LEFT + (value - low) / (high - low or 1) * (WIDTH - LEFT - RIGHT), 1)

    def down(self, value: float) -> float:
        low, high = self.y
        return round(HEIGHT - BOTTOM - (value - low) / (high - low or 1) * (HEIGHT - TOP - BOTTOM), 1)

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        self.add(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>')

    def mark(self, i: int, x: float, y: float, size: float = 5) -> None:
        colour, s = COLOURS[i % len(COLOURS)], size
        shapes = {
            "circle": f'<circle cx="{x}" cy="{y}" r="{s}" ',
            "square": f'<rect x="{x - s}" y="{y - s}" width="{2 * s}" height="{2 * s}" ',
            "triangle": f'<path d="M{x} {y - s}L{x + s} {y + s}H{x - s}Z" ',
            "diamond": f'<path d="M{x} {y - s}L{x + s} {y}L{x} {y + s}L{x - s} {y}Z" ',
        }
        self.add(f'{shapes[MARKS[i % len(MARKS)]]}fill="{colour}" stroke="#fff"/>')

    def svg(self, key: str, title: str, description: str) -> str:
        body = "".join(self.out)
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{key}-t {key}-d" xmlns="http://www.w3.org/2000/svg">'
            f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(description)}</desc>'
            f'<g font-size="12" fill="{INK}" font-family="Arial, sans-serif">{body}</g></svg>'
        )


def legend(labels: Sequence[str]) -> str:
    """What each line or mark is, as markup to stand above a chart: text that a narrow page can wrap."""
    items = []
    for i, label in enumerate(labels):
        canvas = _Canvas.__new__(_Canvas)
        canvas.out = [f'<line x1="0" x2="28" y1="7" y2="7" stroke="{COLOURS[i]}" stroke-width="2.5" stroke-dasharray="{DASHES[i]}"/>']
        canvas.mark(i, 14, 7, 4)
        drawn = "".join(canvas.out)
        items.append(f'<li><svg class="key" viewBox="0 0 28 14" aria-hidden="true" focusable="false">{drawn}</svg> {escape(label)}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'


def fan(key: str, title: str, description: str, places: Sequence[str], lines: Sequence[Line], show: Show) -> str:
    """Lines over years with their bands; a dotted line for each year, hidden, that a page may show.

    Parameters
    ----------
    key : str
        Unique in the page.
    title, description : str
        Read out in place of the drawing.
    places : sequence of str
        Years.
    lines : sequence of Line
    show : callable
        Of a number on the axis.
    """
    every = [v for line in lines for part in (line.value, line.lower, line.upper) for v in part]
    canvas = _Canvas((0, max(len(places) - 1, 1)), (min(0.0, *every), max(0.0, *every)), show)
    for i, line in enumerate(lines):
        if line.lower:
            up = " ".join(f"{canvas.across(x)},{canvas.down(v)}" for x, v in enumerate(line.upper))
            down = " ".join(f"{canvas.across(x)},{canvas.down(v)}" for x, v in reversed(list(enumerate(line.lower))))
            canvas.add(f'<polygon points="{up} {down}" fill="{COLOURS[i]}" fill-opacity="0.16"/>')
    for i, line in enumerate(lines):
        points = " ".join(f"{canvas.across(x)},{canvas.down(v)}" for x, v in enumerate(line.value))
        canvas.add(f'<polyline points="{points}" fill="none" stroke="{COLOURS[i]}" stroke-width="2.5" stroke-dasharray="{DASHES[i]}"/>')
        canvas.mark(i, canvas.across(len(line.value) - 1), canvas.down(line.value[-1]), 4)
    for x, place in enumerate(places):
        at = canvas.across(x)
        canvas.add(f'<line class="at" data-year="{escape(place)}" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{INK}" stroke-dasharray="2 2"/>')  # fmt: skip
    for x in sorted({0, len(places) - 1}):
        canvas.text(canvas.across(x), HEIGHT - 12, places[x], "start" if x == 0 else "end")
    return canvas.svg(key, title, description)


def points(
    key: str, title: str, description: str, clouds: Sequence[tuple[str, Sequence[float], Sequence[float]]], show_x: Show, show_y: Show
) -> str:
    """Clouds of points about nought, each with a large mark at its mean.

    Parameters
    ----------
    key, title, description : str
    clouds : sequence of (label, x, y)
    show_x, show_y : callable
    """
    xs, ys = [v for _, x, _ in clouds for v in x], [v for _, _, y in clouds for v in y]
    across = ticks(min(0.0, *xs), max(0.0, *xs), 4)
    canvas = _Canvas((across[0], across[-1]), (min(0.0, *ys), max(0.0, *ys)), show_y)
    zero = canvas.across(0)
    canvas.add(f'<line x1="{zero}" x2="{zero}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{INK}"/>')
    for value in across:
        canvas.text(canvas.across(value), HEIGHT - 12, show_x(value))
    for i, (_, x, y) in enumerate(clouds):
        dots = "".join(f'<circle cx="{canvas.across(a)}" cy="{canvas.down(b)}" r="1.5"/>' for a, b in zip(x, y, strict=True))
        canvas.add(f'<g fill="{COLOURS[i]}" fill-opacity="0.35">{dots}</g>')
    for i, (_, x, y) in enumerate(clouds):
        canvas.mark(i, canvas.across(float(np.mean(x))), canvas.down(float(np.mean(y))), 6)
    return canvas.svg(key, title, description)


def curves(key: str, title: str, description: str, x: Sequence[float], lines: Sequence[Line], show_x: Show) -> str:
    """Lines of probability, 0 to 1, over numbers.

    Parameters
    ----------
    key, title, description : str
    x : sequence of float
        In order.
    lines : sequence of Line
        Without bands.
    show_x : callable
    """
    low, high = (x[0], x[-1]) if len(x) > 1 else (min(0.0, x[0]), max(2 * x[0], 1.0))
    canvas = _Canvas((low, high), (0.0, 1.0), lambda v: f"{v:.0%}")
    for i, line in enumerate(lines):
        at = [(canvas.across(a), canvas.down(v)) for a, v in zip(x, line.value, strict=True)]
        path = " ".join(f"{a},{b}" for a, b in at)
        canvas.add(f'<polyline points="{path}" fill="none" stroke="{COLOURS[i]}" stroke-width="2.5" stroke-dasharray="{DASHES[i]}"/>')
        for a, b in at:
            canvas.mark(i, a, b, 4)
    shown = [x[0], x[-1]] if len(x) > 1 else [x[0]]
    for value, anchor in zip(shown, ("start", "end") if len(x) > 1 else ("middle",), strict=True):
        canvas.text(canvas.across(value), HEIGHT - 12, show_x(value), anchor)
    return canvas.svg(key, title, description)
