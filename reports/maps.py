"""Maps of estimated shares: hexagons placed near their areas where there are no boundaries, a choropleth where there are."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, unknown_name
from reports import words
from reports.drawing import ABSENT_FILL, GREY, INK, SEQUENTIAL, WIDTH, Figure, blank, settings
from reports.need_tables import NUMBERED, component
from reports.view import LEVEL_NAMES, View

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.figure import Figure as MplFigure

    from jsna_model.result import Result

#: Widths of a class, in percentage points; the smallest that needs at most five classes is used.
STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0)
LEGEND_WIDTH = 1.9  # inches beside the map
EXACT = 1500  # areas up to which places are assigned at least total squared distance
COPYRIGHT = "Contains OS data © Crown copyright and database right. Source: Office for National Statistics licensed under the Open Government Licence v.3.0."
BY_ASSUMPTION = "The modelled pattern follows deprivation by assumption."


def plot_map(result: Result, measure: str = "any_risk", level: str | None = None, boundaries: gpd.GeoDataFrame | None = None) -> MplFigure:
    """Map of the estimated share of children with a measure.

    Parameters
    ----------
    result : jsna_model.Result
    measure : str
        One of ``result.measures``.
    level : str, optional
        One of ``result.levels`` below the authority; by default ward, or MSOA where there are few wards.
    boundaries : geopandas.GeoDataFrame, optional
        Column ``area`` (codes) and polygons, British National Grid (EPSG:27700). Without it, hexagons.

    Returns
    -------
    matplotlib.figure.Figure
        With headline, statistical subtitle, legend and source.
    """
    view = View.of(result)
    made = make_map(view, measure, level, boundaries, titled=True)
    if made is None:
        raise InputError("The result has no small areas to map. Run estimate() on LSOAs.")
    return made.drawing


def make_map(
    view: View, measure: str = "any_risk", level: str | None = None, boundaries: gpd.GeoDataFrame | None = None, titled: bool = False
) -> Figure | None:
    """The map with its words; None where there is nothing to map."""
    level = level or (level_of(view, boundaries) if boundaries is not None else None) or view.map_level()
    if level is None:
        return None
    known = [lv for lv in view.result.levels if "draw" not in view.result.node(f"need/{lv}").dims]
    if level not in known:
        raise unknown_name("level", level, known)
    if measure not in view.result.measures:
        raise unknown_name("measure", measure, view.result.measures)
    node = view.node(level)
    children = node["children"].sum("age_band", skipna=False).values
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.round(np.where(children > 0, component(node, measure).value / children, np.nan) * 100, 1)  # as displayed
    breaks = class_breaks(share)
    one, many = LEVEL_NAMES[level]
    n = node.sizes["area"]
    unit = many if n != 1 else one
    what = f"at least one risk of the {view.set_label} set" if measure == "any_risk" else words.lower_first(view.measure_label(measure))
    title = headline(share, unit, view.name)
    subtitle = f"Estimated share of children aged 0 to 17 living with {what}, {unit} of {view.name}, mid-2024. {BY_ASSUMPTION}"
    figure, axes = blank(3.0)
    if boundaries is None:
        points = np.column_stack([node["easting"].values, node["northing"].values]).astype(float)
        cells, size = hexagons(points)
        _draw_hexagons(axes, cells, size, share, breaks, _districts(node, level), numbers=n <= NUMBERED)
        note = f"Each hexagon is one {one}, placed near where it lies; hexagons are of one size whatever the number of children."
    else:
        _draw_boundaries(axes, boundaries, [str(a) for a in node["area"].values], share, breaks)
        note = COPYRIGHT
    axes.set_aspect("equal")
    axes.set_axis_off()
    shape = float(np.ptp(axes.get_ylim()) / np.ptp(axes.get_xlim()))
    figure.set_figheight(float(np.clip((WIDTH - LEGEND_WIDTH) * shape, 2.2, 6.5)))
    _legend(figure, breaks, bool(np.isnan(share).any()), titled)
    if titled:
        _frame(figure, title, subtitle, f"{note} Source: {view.need_source}.")
    return Figure("map", title, f"{subtitle} {note}", _alt(node, share, breaks, unit, view), view.need_source, f"by_{level}", figure)


def level_of(view: View, boundaries: gpd.GeoDataFrame) -> str | None:
    """The level whose areas the boundaries hold all of, coarsest last; None where they hold no whole level."""
    if "area" not in boundaries.columns:
        return None
    codes = {str(c).split(":")[0] for c in boundaries["area"]}
    for level in ("ward", "msoa", "locality", "district", "lsoa"):
        if view.has(level) and {str(c).split(":")[0] for c in view.node(level)["area"].values} <= codes:
            return level
    return None


def _frame(figure: MplFigure, title: str, subtitle: str, source: str) -> None:
    """Title and subtitle above the map, source below it, with room made for them."""
    import textwrap

    import matplotlib
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = [textwrap.wrap(title, 64), textwrap.wrap(subtitle, 100), textwrap.wrap(source, 115)]
    above, below = 0.24 * len(lines[0]) + 0.17 * len(lines[1]) + 0.25, 0.15 * len(lines[2]) + 0.15
    height = figure.get_figheight() + above + below
    figure.set_figheight(height)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, below / height, 1, 1 - (above + below) / height))
    top = 1 - 0.08 / height
    with matplotlib.rc_context(settings()):
        figure.text(0.02, top, "\n".join(lines[0]), va="top", fontsize=13, fontweight="bold")
        figure.text(0.02, top - (0.24 * len(lines[0]) + 0.05) / height, "\n".join(lines[1]), va="top", fontsize=9)
        figure.text(0.02, 0.06 / height, "\n".join(lines[2]), va="bottom", fontsize=8)


def headline(share: NDArray[np.float64], unit: str, name: str) -> str:
    """One sentence on the range of shares."""
    known = share[~np.isnan(share)]
    if known.size == 0:
        return f"No estimated shares for the {unit} of {name}"
    low, high = known.min(), known.max()
    if known.size == 1 or high - low < 0.05:
        return f"Estimated share of children affected: {words.percent(high, 1)}"
    return f"Estimated share ranges from {words.percent(low, 1)} to {words.percent(high, 1)} between {unit}"


def class_breaks(share: NDArray[np.float64], most: int = 5) -> NDArray[np.float64]:
    """Limits of at most `most` equal classes at round numbers, in percentage points; shape (classes + 1,)."""
    known = share[~np.isnan(share)]
    if known.size == 0:
        return np.array([0.0, 1.0])
    for step in STEPS:
        first, last = np.floor(known.min() / step + 1e-9), np.floor(known.max() / step + 1e-9) + 1
        if last - first <= most:
            return np.round(np.arange(first, last + 1) * step, 10)
    return np.linspace(0, 100, most + 1)


def class_labels(breaks: NDArray[np.float64]) -> list[str]:
    """Ranges in words, lowest first."""
    digits = 0 if np.allclose(breaks, np.round(breaks)) else 1
    return [f"{a:.{digits}f}% to under {b:.{digits}f}%" for a, b in itertools.pairwise(breaks)]


def colours(count: int) -> list[str]:
    """Fills of classes, lowest first; fewer classes take the middle of the palette, so that they differ most."""
    chosen = {1: (2,), 2: (1, 3), 3: (1, 2, 3), 4: (0, 1, 2, 3)}.get(count, tuple(range(5)))
    return [SEQUENTIAL[i] for i in reversed(chosen)]


def hexagons(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """A cell of a regular hexagonal grid for each point, one each, near where it lies.

    Points are first spread: half their position, half their rank, along each axis. Cells are then assigned at least total squared
    distance (Hungarian method), or greedily from the middle outwards above `EXACT` points.

    Parameters
    ----------
    points : ndarray, shape (area, 2)
        Easting and northing, metres.

    Returns
    -------
    cells : ndarray, shape (area, 2)
        Centres, in units of their own.
    size : float
        Distance from the centre of a hexagon to its corner.
    """
    n = len(points)
    if n == 1:
        return np.zeros((1, 2)), 1.0
    low, high = points.min(0), points.max(0)
    scale = max(float((high - low).max()), 1.0)
    raw = (points - low) / scale
    rank = np.argsort(np.argsort(points, axis=0, kind="stable"), axis=0, kind="stable") / (n - 1) * (high - low) / scale
    spread = 0.5 * raw + 0.5 * rank
    extent = np.maximum(spread.max(0) - spread.min(0), 0.35)
    area = float(extent.prod()) * 0.72
    size = float(np.sqrt(area / n / (1.5 * np.sqrt(3))))
    width, rise = np.sqrt(3) * size, 1.5 * size
    middle = (spread.max(0) + spread.min(0)) / 2
    half = extent / 2 + 3 * size
    ys = np.arange(-np.ceil(half[1] / rise), np.ceil(half[1] / rise) + 1)
    xs = np.arange(-np.ceil(half[0] / width), np.ceil(half[0] / width) + 1)
    grid = np.array([(middle[0] + (x + 0.5 * (y % 2)) * width, middle[1] + y * rise) for y in ys for x in xs])
    distance = ((spread[:, None] - grid[None]) ** 2).sum(-1)
    if n <= EXACT:
        from scipy.optimize import linear_sum_assignment

        keep = np.argsort(distance.min(0), kind="stable")[: max(4 * n, n + 10)]
        _, chosen = linear_sum_assignment(distance[:, keep])
        return grid[keep[chosen]], size
    return grid[_greedy(distance, spread)], size


def _greedy(distance: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.intp]:
    """The nearest free cell of each point in turn, from the middle outwards."""
    order = np.argsort(((points - np.median(points, axis=0)) ** 2).sum(1), kind="stable")
    out = np.zeros(len(points), dtype=np.intp)
    free = np.ones(distance.shape[1], dtype=bool)
    for i in order:
        out[i] = int(np.argmin(np.where(free, distance[i], np.inf)))
        free[out[i]] = False
    return out


def fill_of(value: float, breaks: NDArray[np.float64], fills: list[str]) -> str:
    """Fill of a share."""
    if np.isnan(value):
        return ABSENT_FILL
    return fills[int(np.clip(np.searchsorted(breaks, value + 1e-9, side="right") - 1, 0, len(fills) - 1))]


def _districts(node: Any, level: str) -> list[str] | None:
    """Names of districts by area, where the authority has several."""
    if "district_name" not in node.coords or level == "district":
        return None
    names = [str(d) for d in node["district_name"].values]
    return names if len(set(names)) > 1 else None


def _draw_hexagons(
    axes: Any,
    cells: NDArray[np.float64],
    size: float,
    share: NDArray[np.float64],
    breaks: NDArray[np.float64],
    districts: list[str] | None,
    numbers: bool,
) -> None:
    """Hexagons with a dark edge and a white gap; numbers, or names of districts, over them."""
    from matplotlib.collections import PolyCollection
    from matplotlib.patheffects import withStroke

    fills = colours(len(breaks) - 1)
    turn = np.pi / 180 * (60 * np.arange(6) + 30)
    corner = np.column_stack([np.cos(turn), np.sin(turn)]) * size * 0.93
    face = [fill_of(float(v), breaks, fills) for v in share]
    axes.add_collection(PolyCollection(list(cells[:, None] + corner[None]), facecolors=face, edgecolors=SEQUENTIAL[0], linewidths=0.5))
    pad = 1.2 * size
    axes.set_xlim(cells[:, 0].min() - pad, cells[:, 0].max() + pad)
    axes.set_ylim(cells[:, 1].min() - pad, cells[:, 1].max() + pad)
    if numbers:
        span = max(float(np.ptp(cells[:, 0])) + 2 * pad, (float(np.ptp(cells[:, 1])) + 2 * pad) * 1.3)
        font = float(np.clip(size / span * WIDTH * 72 * 0.62, 5.0, 12.0))
        for i, (x, y) in enumerate(cells):
            dark = face[i] in SEQUENTIAL[:3]
            axes.text(x, y, str(i + 1), ha="center", va="center_baseline", fontsize=font, color="white" if dark else INK)
    if districts:
        for name in sorted(set(districts)):
            x, y = np.median(cells[[d == name for d in districts]], axis=0)
            label = axes.text(x, y, name, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
            label.set_path_effects([withStroke(linewidth=3.5, foreground="white")])


def _draw_boundaries(
    axes: Any, boundaries: gpd.GeoDataFrame, codes: list[str], share: NDArray[np.float64], breaks: NDArray[np.float64]
) -> None:
    """Polygons with white outlines, a scale bar and a north arrow."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    if "area" not in boundaries.columns:
        raise InputError(f"The boundaries have no column 'area'; found {list(boundaries.columns)}. Name the column of area codes 'area'.")
    if boundaries.crs is not None and boundaries.crs.to_epsg() != 27700:
        boundaries = boundaries.to_crs(27700)
    shapes = dict(zip(boundaries["area"].astype(str), boundaries.geometry, strict=True))
    plain = [code.split(":")[0] for code in codes]
    missing = [code for code in plain if code not in shapes]
    if missing:
        raise InputError(
            f"The boundaries lack {len(missing)} of {len(codes)} areas, such as {', '.join(missing[:3])}. Give boundaries of the same level and vintage."
        )
    fills = colours(len(breaks) - 1)
    paths, face = [], []
    for code, value in zip(plain, share, strict=True):
        geometry = shapes[code]
        rings = []
        for part in getattr(geometry, "geoms", [geometry]):
            if part.geom_type == "Polygon":
                rings += [np.asarray(r.coords)[:, :2] for r in (part.exterior, *part.interiors)]
        paths.append(Path.make_compound_path(*(Path(r, closed=True) for r in rings)))
        face.append(fill_of(float(value), breaks, fills))
    axes.add_collection(PathCollection(paths, facecolors=face, edgecolors=GREY, linewidths=1.1, zorder=1))
    axes.add_collection(PathCollection(paths, facecolors="none", edgecolors="white", linewidths=0.7, zorder=2))
    bounds = np.array([shapes[c].bounds for c in plain])
    low, high = bounds[:, :2].min(0), bounds[:, 2:].max(0)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1] - 0.08 * (high[1] - low[1]), high[1])
    _scale_bar(axes, low, high)


def _scale_bar(axes: Any, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """A bar of a round length, about a quarter of the map's width, and an arrow to the north."""
    target = (high[0] - low[0]) / 4
    power = 10 ** np.floor(np.log10(max(target, 1.0)))
    length = float(power * max(m for m in (1, 2, 5) if m * power <= target or m == 1))
    y = low[1] - 0.05 * (high[1] - low[1])
    axes.plot([low[0], low[0] + length], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt", zorder=3)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.annotate(text, (low[0] + length, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    axes.annotate(
        "N", (0.98, 0.02), (0.98, 0.12), xycoords="axes fraction", ha="center", fontsize=9, arrowprops={"arrowstyle": "<-", "color": INK}
    )


def _legend(figure: MplFigure, breaks: NDArray[np.float64], absent: bool, titled: bool) -> None:
    """Classes with ranges in words, highest first, beside the map."""
    from matplotlib.patches import Patch

    labels, fills = class_labels(breaks), colours(len(breaks) - 1)
    handles = [Patch(facecolor=f, edgecolor=SEQUENTIAL[0], linewidth=0.5, label=t) for f, t in zip(fills[::-1], labels[::-1], strict=True)]
    if absent:
        handles.append(Patch(facecolor=ABSENT_FILL, edgecolor=GREY, linewidth=0.5, label="not available"))
    figure.legend(
        handles=handles,
        loc="outside right center" if titled else "outside right upper",
        frameon=False,
        fontsize=9,
        title="Estimated share\nof children",
        title_fontsize=9,
        alignment="left",
    )


def _alt(node: Any, share: NDArray[np.float64], breaks: NDArray[np.float64], unit: str, view: View) -> str:
    """Text alternative: how many areas in each class, and the highest and lowest by name."""
    names = [str(x) for x in node["area_name"].values]
    order = [int(i) for i in np.argsort(-np.nan_to_num(share, nan=-1), kind="stable") if not np.isnan(share[i])]
    counts = [int(((share >= a - 1e-9) & (share < b - 1e-9)).sum()) for a, b in itertools.pairwise(breaks)]
    classes = "; ".join(f"{label}: {count}" for label, count in zip(reversed(class_labels(breaks)), reversed(counts), strict=True))
    if not order:
        return f"Map of {len(names)} {unit}; no shares are available."
    few = min(5, len(order))
    high = ", ".join(f"{names[i]} ({words.percent(share[i], 1)})" for i in order[:few])
    low = ", ".join(f"{names[i]} ({words.percent(share[i], 1)})" for i in reversed(order[-few:]))
    ends = f" Highest: {high}. Lowest: {low}." if len(order) > few else f" {high}."
    return f"Map of {len(names)} {unit} of {view.name}. Number of {unit} by estimated share: {classes}.{ends} {BY_ASSUMPTION}"
