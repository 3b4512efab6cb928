"""Marks of a map: shapes, hatching, labels, lines between districts, legend, scale bar and north arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.drawing import ABSENT_FILL, GREY, INK, SEQUENTIAL
from reports.places import Places

#: Letters of classes, lowest first: colour is never the only carrier.
LETTERS = "ABCDE"
HATCH = "///"
SMALLEST, LARGEST = 5.0, 11.0  # font sizes of labels, in points


def draw_places(
    axes: Any,
    places: Places,
    fills: list[str],
    hatched: NDArray[np.bool_],
    letters: list[str],
    inches: tuple[float, float],
    numbers: list[str] | None = None,
    names: bool = True,
) -> None:
    """Shapes with white outlines, hatched where reliability is low, labelled with their class and, where given, their number."""
    from matplotlib.collections import LineCollection, PathCollection

    axes.add_collection(PathCollection(places.paths, facecolors=fills, edgecolors=GREY, linewidths=1.1, zorder=1))
    axes.add_collection(PathCollection(places.paths, facecolors="none", edgecolors="white", linewidths=0.7, zorder=2))
    for dark, colour in ((True, "white"), (False, INK)):
        chosen = [p for p, fill, h in zip(places.paths, fills, hatched, strict=True) if h and is_dark(fill) == dark]
        if chosen:
            marks = PathCollection(chosen, facecolors="none", edgecolors=colour, linewidths=0.0, hatch=HATCH, zorder=3)
            axes.add_collection(marks)
    if places.edges:
        axes.add_collection(LineCollection(places.edges, colors=INK, linewidths=1.1, capstyle="round", zorder=4))
    axes.set_xlim(places.low[0], places.high[0])
    axes.set_ylim(places.low[1], places.high[1])
    axes.set_aspect("equal")
    axes.set_axis_off()
    scale = places.points_per_unit(*inches)
    taken = _parents(axes, places, scale) if places.parents and names else []
    _labels(axes, places, fills, letters, numbers, scale, taken, hatched)
    if places.to_scale:
        _scale_bar(axes, places)


def is_dark(fill: str) -> bool:
    """Whether white text on a fill has more contrast than the ink (relative luminance of WCAG 2.2 below the middle of the two)."""
    parts = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722))) < 0.18


def faded(fill: str, strength: float) -> str:
    """A fill mixed with white: all of it at 1, none at 0."""
    return "#" + "".join(f"{round(255 - strength * (255 - int(fill[i : i + 2], 16))):02X}" for i in (1, 3, 5))


def outline(axes: Any, path: Any) -> None:
    """A heavy line round one area, black within white, so that it shows on every fill."""
    from matplotlib.collections import PathCollection

    for colour, width in (("white", 5.0), (INK, 2.6)):
        axes.add_collection(PathCollection([path], facecolors="none", edgecolors=colour, linewidths=width, zorder=4.5))


Box = tuple[NDArray[np.float64], NDArray[np.float64]]  # middle, half of width and height


def _labels(
    axes: Any,
    places: Places,
    fills: list[str],
    letters: list[str],
    numbers: list[str] | None,
    scale: float,
    taken: list[Box],
    hatched: NDArray[np.bool_],
) -> None:
    """Number over letter, where there is room; else number and letter, or the letter alone; none where it could not be read."""
    from matplotlib.patheffects import withStroke

    for i, (x, y) in enumerate(places.anchors):
        room = float(places.room[i]) * scale  # points
        number = numbers[i] if numbers else ""
        text, font = letters[i], 0.95 * room
        if number:
            text, font = (f"{number}\n{letters[i]}", 0.62 * room) if room >= 11 else (f"{number}{letters[i]}", 0.8 * room)
        if font < SMALLEST or any((np.abs(places.anchors[i] - at) < half + 0.6 * font / scale).all() for at, half in taken):
            continue
        dark = is_dark(fills[i])
        label = axes.text(
            x,
            y,
            text,
            ha="center",
            va="center_baseline" if "\n" not in text else "center",
            fontsize=min(font, LARGEST),
            linespacing=1.0,
            color="white" if dark else INK,
            zorder=5,
        )
        label.set_path_effects([withStroke(linewidth=3.5 if hatched[i] else 1.2, foreground=fills[i])])


def _parents(axes: Any, places: Places, scale: float) -> list[Box]:
    """Names of districts over the middle of each, moved as little as it takes for none to lie over another or leave the map."""
    from reports.drawing import wrapped

    assert places.parents is not None
    parents = places.parents
    font = 8.0
    boxes: list[Box] = []
    for name in sorted(set(parents), key=lambda n: (-parents.count(n), n)):
        middle = np.median(places.anchors[[p == name for p in parents]], axis=0)
        lines = wrapped(name, 13).split("\n")
        half = np.array([0.3 * font * max(map(len, lines)) + 2, 0.62 * font * len(lines) + 1]) / scale
        at = _free(middle, half, boxes, places.low, places.high, font / scale)
        boxes.append((at, half))
        axes.text(
            *at,
            "\n".join(lines),
            ha="center",
            va="center",
            fontsize=font,
            fontweight="bold",
            color=INK,
            zorder=6,
            linespacing=1.0,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.0},
        )
    return boxes


def _free(
    middle: NDArray[np.float64],
    half: NDArray[np.float64],
    boxes: list[Box],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    step: float,
) -> NDArray[np.float64]:
    """The place nearest to the middle whose box meets none of those placed before, on rings of growing radius."""
    for ring in range(40):
        turns = 2 * np.pi * np.arange(max(1, 8 * ring)) / max(1, 8 * ring)
        for turn in turns:
            at = np.clip(
                middle + 0.7 * step * ring * np.array([np.cos(turn), np.sin(turn)]), low + half, np.maximum(high - half, low + half)
            )
            if all((np.abs(at - other) >= half + size).any() for other, size in boxes):
                return np.asarray(at)
    return middle


def _scale_bar(axes: Any, places: Places) -> None:
    """A bar of a round length, about a quarter of the map's width, and an arrow to the north."""
    low, high = places.low, places.high
    target = (high[0] - low[0]) / 4
    power = 10 ** np.floor(np.log10(max(target, 1.0)))
    length = float(power * max(m for m in (1, 2, 5) if m * power <= target or m == 1))
    y = low[1] + 0.03 * (high[1] - low[1])
    axes.plot([low[0], low[0] + length], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt", zorder=5)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.annotate(text, (low[0] + length, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    axes.annotate(
        "N", (0.98, 0.0), (0.98, 0.1), xycoords="axes fraction", ha="center", fontsize=9, arrowprops={"arrowstyle": "<-", "color": INK}
    )


def legend(
    where: Any,
    labels: list[str],
    fills: list[str],
    absent: bool,
    hatched: bool,
    titled: bool,
    heading: str = "Estimated share\nof children",
    strengths: list[tuple[float, str]] | None = None,
) -> None:
    """Classes with letters and ranges in words, highest first: beside the map on a figure, below it on axes."""
    from matplotlib.figure import Figure as MplFigure
    from matplotlib.patches import Patch

    rows = list(zip(LETTERS, fills, labels, strict=False))[::-1]
    handles = [Patch(facecolor=f, edgecolor=SEQUENTIAL[0], linewidth=0.5, label=f"{letter}  {text}") for letter, f, text in rows]
    if hatched:
        handles.append(Patch(facecolor="white", edgecolor=INK, linewidth=0.5, hatch=HATCH, label="low reliability"))
    for strength, text in strengths or ():
        handles.append(Patch(facecolor=faded(SEQUENTIAL[1], strength), edgecolor=SEQUENTIAL[0], linewidth=0.5, label=text))
    if absent:
        handles.append(Patch(facecolor=ABSENT_FILL, edgecolor=GREY, linewidth=0.5, label="–  not available"))
    style = {"handles": handles, "frameon": False, "fontsize": 9, "title_fontsize": 9, "alignment": "left"}
    if isinstance(where, MplFigure):
        where.legend(loc="outside right center" if titled else "outside right upper", title=heading, **style)
    else:
        where.legend(loc="upper left", bbox_to_anchor=(0.0, 0.0), **style)
