"""Maps of estimated shares: hexagons placed near their areas where there are no boundaries, a choropleth where there are."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, unknown_name
from reports import words
from reports.disclosure import UNRELIABLE_WIDTH, decimal
from reports.drawing import ABSENT_FILL, SEQUENTIAL, WIDTH, Figure, blank, house_style, settings
from reports.map_marks import LETTERS, draw_places, faded, legend, outline
from reports.need_tables import CREDIBLE, LONGEST, NUMBERED, component
from reports.places import COPYRIGHT, Places, boundary_places, hexagon_places, join_boundaries
from reports.table import Column, Table, frame
from reports.view import LEVEL_NAMES, View

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from matplotlib.figure import Figure as MplFigure

    from jsna_model.result import Result

#: Widths of a class, in percentage points; the smallest that needs at most five classes is used.
STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SHOWN = ("estimate", "alpha", "limits", "width")
#: Strength of a fill by the width of its interval, narrow to wide: clearly apart, and none so pale that its class is lost.
STRENGTHS = (1.0, 0.65, 0.35)
SMALL = 2.3  # inches: the height of a map that only says where an area lies
LEGEND_WIDTH = 1.95  # inches beside the map
BY_ASSUMPTION = "The modelled pattern follows deprivation by assumption."
HATCHED = f"Hatched: low reliability, an interval wider than {UNRELIABLE_WIDTH:g} times the estimate."
NOT_PUBLIC = (
    "Maps of modelled estimates by LSOA are for use inside the authority, not for publication. Pass internal=True, or map wards or MSOAs."
)


def plot_map(
    result: Result,
    measure: str = "any_risk",
    level: str | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    *,
    show: str = "estimate",
    internal: bool = False,
) -> MplFigure:
    """Map of the estimated share of children with a measure.

    Parameters
    ----------
    result : jsna_model.Result
    measure : str
        One of ``result.measures``.
    level : str, optional
        One of ``result.levels`` below the authority; by default ward, or MSOA where there are few wards.
    boundaries : geopandas.GeoDataFrame, optional
        Column ``area`` (codes) and polygons with a coordinate system, joined strictly by code. Without it, hexagons.
    show : {"estimate", "alpha", "limits", "width"}
        The estimate; the estimate, paler where its interval is wide (value by alpha); a pair of maps of its lower and upper limits; or a
        pair of the estimate and the width of its interval.
    internal : bool
        Allow LSOAs: for use inside the authority.

    Returns
    -------
    matplotlib.figure.Figure
        With headline, statistical subtitle, legend and source.

    Raises
    ------
    InputError
        Where there is nothing to map, for LSOAs without `internal`, and for boundaries that do not fit, naming the codes.
    """
    view = View.of(result)
    if show not in SHOWN:
        raise unknown_name("kind of map", show, SHOWN)
    if show in ("estimate", "alpha"):
        made = make_map(view, measure, level, boundaries, titled=True, internal=internal, alpha=show == "alpha")
    else:
        made = make_pair(view, measure, level, boundaries, show=show, titled=True, internal=internal)
    if made is None:
        raise InputError("The result has no small areas to map. Run estimate() on LSOAs.")
    house_style(made.drawing)
    return made.drawing


def make_map(
    view: View,
    measure: str = "any_risk",
    level: str | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    titled: bool = False,
    internal: bool = False,
    alpha: bool = False,
    mark: str | None = None,
) -> Figure | None:
    """The map with its words; None where there is nothing to map. `mark` is the code of an area to be outlined, within its district."""
    level = _level(view, measure, level, boundaries, internal)
    if level is None:
        return None
    node, name = view.node(level), view.name
    if mark is not None:
        node, name = _around(node, level, mark, name)
    share, _, _, wide = _shares(node, measure)
    breaks = class_breaks(share)
    one, many = LEVEL_NAMES[level]
    n = node.sizes["area"]
    unit = many if n != 1 else one
    title = headline(share, unit, name)
    fills, key = _fills(share, breaks), None
    if alpha:
        fills, key = _by_alpha(fills, np.asarray(component(node, measure).relative_width, float))
    hatched = wide & ~np.isnan(share) & (not alpha)
    subtitle = f"Estimated share of children aged 0 to 17 living with {_what(view, measure)}, {unit} of {name}, mid-2024. {BY_ASSUMPTION}"
    subtitle += f" {HATCHED}" if hatched.any() else ""
    subtitle += " Paler: the interval is wider beside the estimate." if alpha else ""
    places = _places(node, level, boundaries)
    figure, axes = blank(_height(places, WIDTH - LEGEND_WIDTH) if mark is None else SMALL)
    numbers = n <= NUMBERED and level == view.map_level() and mark is None
    labels = class_letters(share, breaks)
    draw_places(
        axes,
        places,
        fills,
        hatched,
        labels,
        _size(figure, LEGEND_WIDTH),
        [str(i + 1) for i in range(n)] if numbers else None,
    )
    if mark is not None:
        outline(axes, places.paths[[str(a) for a in node["area"].values].index(mark)])
    drawn = any(t.get_text()[-1:] in LETTERS for t in axes.texts if t.get_bbox_patch() is None)
    keyed = "" if not drawn else " Numbers are those of the table; letters are classes." if numbers else " Letters are classes."
    if boundaries is None:
        note = f"Each hexagon is one {one}, placed near where it lies; hexagons are of one size whatever the number of children.{keyed}"
    else:
        note = f"{keyed} {COPYRIGHT}".strip()
    legend(figure, class_labels(breaks), colours(len(breaks) - 1), bool(np.isnan(share).any()), bool(hatched.any()), titled, strengths=key)
    if titled:
        _frame(figure, title, subtitle, f"{note} Source: {view.need_source}.")
    alt = _alt(node, share, breaks, unit, name, hatched)
    return Figure("map", title, f"{subtitle} {note}", alt, view.need_source, f"by_{level}", figure)


def _around(node: xr.Dataset, level: str, mark: str, whole: str) -> tuple[xr.Dataset, str]:
    """The areas of the district in which an area lies, where the authority has several, with its name; else all of them."""
    if level == "district" or "district" not in node.coords or len(set(node["district"].values)) < 2:
        return node, whole
    home = node["district"].sel(area=mark)
    return node.isel(area=np.flatnonzero(node["district"].values == home.values)), str(node["district_name"].sel(area=mark).values)


def _by_alpha(fills: list[str], width: NDArray[np.float64]) -> tuple[list[str], list[tuple[float, str]]]:
    """Fills by the width of their interval beside the estimate, in at most three classes at round numbers, and the key to them."""
    width = np.where(np.isfinite(width), width, np.nan)
    breaks = class_breaks(np.round(width, 1), len(STRENGTHS))
    steps = STRENGTHS[: len(breaks) - 1]
    shown = [f if np.isnan(w) else faded(f, steps[_class(float(w), breaks)]) for f, w in zip(fills, np.round(width, 1), strict=True)]
    return shown, [(s, f"interval {a:.1f} to {b:.1f} × estimate") for s, (a, b) in zip(steps, itertools.pairwise(breaks), strict=True)]


def make_pair(
    view: View,
    measure: str = "any_risk",
    level: str | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    show: str = "limits",
    titled: bool = False,
    internal: bool = False,
) -> Figure | None:
    """Two maps of the uncertainty side by side; None where there is nothing to map.

    ``limits``: the lower and the upper limit in the same classes. ``width``: the estimate, and the width of its interval as a multiple
    of it.
    """
    level = _level(view, measure, level, boundaries, internal)
    if level is None:
        return None
    node = view.node(level)
    share, lower, upper, wide = _shares(node, measure)
    hatched = wide & ~np.isnan(share)
    one, many = LEVEL_NAMES[level]
    unit = many if node.sizes["area"] != 1 else one
    if show == "limits":
        breaks = class_breaks(np.concatenate([lower, upper]))
        panels = [("Lower limit", lower, breaks), ("Upper limit", upper, breaks)]
        title = _limits_headline(share, lower, upper, unit)
        told = f"Lower and upper limits ({CREDIBLE}) of the estimated share of children"
        caution = "Much of the uncertainty is shared by all areas, so that overlapping intervals do not show that areas are alike."
    else:
        width = np.round(np.asarray(component(node, measure).relative_width, float), 1)
        width[~np.isfinite(width)] = np.nan
        panels = [("Estimate", share, class_breaks(share)), ("Width of interval over estimate", width, class_breaks(width))]
        known = width[~np.isnan(width)]
        title = (
            f"Intervals are {known.min():.1f} to {known.max():.1f} times as wide as the estimate" if known.size else "No estimates to map"
        )
        told = f"Estimated share of children, and width of its {CREDIBLE} as a multiple of it, for children"
        caution = HATCHED if hatched.any() else ""
    places = _places(node, level, boundaries)
    side = LEGEND_WIDTH if show == "limits" else 0.0
    room = (WIDTH - side) / 2
    figure, grid = blank(_height(places, room) + (0.3 if side else 1.5), 1, 2)
    for axes, (name, values, breaks) in zip(grid, panels, strict=True):
        draw_places(
            axes, places, _fills(values, breaks), hatched, class_letters(values, breaks), (room, _height(places, room)), names=False
        )
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold")
        if not side:
            suffix = "%" if values is share else ""
            legend(axes, class_labels(breaks, suffix), colours(len(breaks) - 1), bool(np.isnan(values).any()), False, titled, heading="")
    if side:
        fills = colours(len(panels[0][2]) - 1)
        legend(figure, class_labels(panels[0][2]), fills, bool(np.isnan(lower).any()), bool(hatched.any()), titled)
    subtitle = f"{told} aged 0 to 17 living with {_what(view, measure)}, {unit} of {view.name}, mid-2024. {caution}".strip()
    lettered = "Letters are classes." if any(t.get_text() in LETTERS for axes in grid for t in axes.texts) else ""
    note = " ".join(t for t in (lettered, COPYRIGHT if boundaries is not None else "") if t)
    if titled:
        _frame(figure, title, subtitle, f"{note} Source: {view.need_source}.".strip())
    ends = "; ".join(f"{name}: {_range(values, values is not share and show == 'width')}" for name, values, _ in panels)
    alt = (
        f"Two maps of {len(share)} {unit} of {view.name}, side by side. {ends}. {BY_ASSUMPTION} The table behind holds each area's numbers."
    )
    table = _pair_table(view, node, level, unit, (share, lower, upper), measure) if len(share) <= LONGEST else None
    return Figure("map_interval", title, f"{subtitle} {note}".strip(), alt, view.need_source, f"by_{level}", figure, table)


# -- what is mapped ------------------------------------------------------------------------------------------------------


def _level(view: View, measure: str, level: str | None, boundaries: gpd.GeoDataFrame | None, internal: bool) -> str | None:
    """The level to map, checked; None where there is none."""
    found = level or (level_of(view, boundaries) if boundaries is not None else None) or view.map_level()
    if found is None:
        return None
    known = [lv for lv in view.result.levels if "draw" not in view.result.node(f"need/{lv}").dims]
    if found not in known:
        raise unknown_name("level", found, known)
    if measure not in view.result.measures:
        raise unknown_name("measure", measure, view.result.measures)
    if found == "lsoa" and not internal:
        raise InputError(NOT_PUBLIC)
    return found


def level_of(view: View, boundaries: gpd.GeoDataFrame) -> str | None:
    """The level whose areas the boundaries hold all of, coarsest last; None where they hold no whole level."""
    if "area" not in getattr(boundaries, "columns", ()):
        return None
    codes = {str(c).split(":")[0] for c in boundaries["area"]}
    for level in ("ward", "msoa", "locality", "district", "lsoa"):
        if view.has(level) and {str(c).split(":")[0] for c in view.node(level)["area"].values} <= codes:
            return level
    return None


def _shares(node: xr.Dataset, measure: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Estimate and limits of the share in per cent as displayed, and where the interval is wide; each of shape (area,)."""
    children = node["children"].sum("age_band", skipna=False).values
    x = component(node, measure)
    with np.errstate(invalid="ignore", divide="ignore"):
        value, lower, upper = (np.round(np.where(children > 0, v / children, np.nan) * 100, 1) for v in (x.value, x.lower, x.upper))
    return value, lower, upper, np.asarray(x.relative_width) > UNRELIABLE_WIDTH


def _what(view: View, measure: str) -> str:
    return f"at least one risk of the {view.set_label} set" if measure == "any_risk" else words.lower_first(view.measure_label(measure))


def _places(node: xr.Dataset, level: str, boundaries: gpd.GeoDataFrame | None) -> Places:
    points = np.column_stack([node["easting"].values, node["northing"].values]).astype(float)
    parents = _districts(node, level)
    if boundaries is None:
        return hexagon_places(points, parents)
    return boundary_places(join_boundaries(boundaries, [str(a) for a in node["area"].values], points), parents)


def _districts(node: Any, level: str) -> list[str] | None:
    """Names of districts by area, where the authority has several."""
    if "district_name" not in node.coords or level == "district":
        return None
    names = [str(d) for d in node["district_name"].values]
    return names if len(set(names)) > 1 else None


def _height(places: Places, width: float) -> float:
    """Inches; half a page at most, so that a tall authority does not fill one."""
    return float(np.clip(width * places.shape, 2.0, 5.2 if width > WIDTH / 2 else 3.6))


def _size(figure: MplFigure, beside: float) -> tuple[float, float]:
    """Inches that the map itself has."""
    return figure.get_figwidth() - beside, figure.get_figheight()


# -- classes -------------------------------------------------------------------------------------------------------------


def class_breaks(share: NDArray[np.float64], most: int = 5) -> NDArray[np.float64]:
    """Limits of at most `most` equal classes at round numbers, in percentage points; shape (classes + 1,)."""
    known = share[~np.isnan(share)]
    if known.size == 0:
        return np.array([0.0, 1.0])
    for step in STEPS:
        first, last = np.floor(known.min() / step + 1e-9), np.floor(known.max() / step + 1e-9) + 1
        if last - first <= most:
            return np.round(np.arange(first, last + 1) * step, 10)
    return np.linspace(known.min(), known.max() + 1, most + 1)


def class_labels(breaks: NDArray[np.float64], suffix: str = "%") -> list[str]:
    """Ranges in words, lowest first."""
    digits = 0 if np.allclose(breaks, np.round(breaks)) else 1
    return [f"{a:.{digits}f}{suffix} to under {b:.{digits}f}{suffix}" for a, b in itertools.pairwise(breaks)]


def class_letters(values: NDArray[np.float64], breaks: NDArray[np.float64]) -> list[str]:
    """Letter of each value's class, A the lowest; a dash where there is no value."""
    return ["–" if np.isnan(v) else LETTERS[_class(float(v), breaks)] for v in values]


def colours(count: int) -> list[str]:
    """Fills of classes, lowest first; fewer classes take the middle of the palette, so that they differ most."""
    chosen = {1: (2,), 2: (1, 3), 3: (1, 2, 3), 4: (0, 1, 2, 3)}.get(count, tuple(range(5)))
    return [SEQUENTIAL[i] for i in reversed(chosen)]


def _class(value: float, breaks: NDArray[np.float64]) -> int:
    return int(np.clip(np.searchsorted(breaks, value + 1e-9, side="right") - 1, 0, len(breaks) - 2))


def fill_of(value: float, breaks: NDArray[np.float64], fills: list[str]) -> str:
    """Fill of a share."""
    return ABSENT_FILL if np.isnan(value) else fills[_class(value, breaks)]


def _fills(values: NDArray[np.float64], breaks: NDArray[np.float64]) -> list[str]:
    fills = colours(len(breaks) - 1)
    return [fill_of(float(v), breaks, fills) for v in values]


# -- words ---------------------------------------------------------------------------------------------------------------


def headline(share: NDArray[np.float64], unit: str, name: str) -> str:
    """One sentence on the range of shares."""
    known = share[~np.isnan(share)]
    if known.size == 0:
        return f"No estimated shares for the {unit} of {name}"
    low, high = known.min(), known.max()
    if known.size == 1 or high - low < 0.05:
        return f"Estimated share of children affected: {words.percent(high, 1)}"
    return f"Estimated share ranges from {words.percent(low, 1)} to {words.percent(high, 1)} between {unit}"


def _limits_headline(share: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64], unit: str) -> str:
    """Whether the interval of a typical area is wider than areas differ."""
    if np.isnan(share).all():
        return f"No estimated shares for the {unit}"
    wider = float(np.nanmedian(upper - lower)) > float(np.nanmax(share) - np.nanmin(share))
    return f"Intervals are {'wider' if wider else 'narrower'} than the differences between {unit}"


def _range(values: NDArray[np.float64], multiple: bool) -> str:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return "none available"
    if multiple:
        return f"{known.min():.1f} to {known.max():.1f} times"
    return f"{words.percent(known.min(), 1)} to {words.percent(known.max(), 1)}"


def _pair_table(view: View, node: xr.Dataset, level: str, unit: str, shares: tuple[NDArray[np.float64], ...], measure: str) -> Table:
    """The numbers behind a pair of maps."""
    columns = (Column(words.upper_first(LEVEL_NAMES[level][0])), Column("Estimated share", "percent"), Column("Share: lower", "percent"), Column("Share: upper", "percent"))  # fmt: skip
    names = [str(n) for n in node["area_name"].values]
    records = [[name, *(decimal(float(s[i])) for s in shares)] for i, name in enumerate(names)]
    title = f"Estimated share of children with its limits, {view.measure_label(measure).lower()}, {unit} of {view.name}"
    return Table(
        f"limits_{level}", title, view.need_source, "", "estimated", CREDIBLE, columns, frame(columns, records), in_documents=False
    )


def _alt(node: Any, share: NDArray[np.float64], breaks: NDArray[np.float64], unit: str, place: str, hatched: NDArray[np.bool_]) -> str:
    """Text alternative: how many areas in each class, the highest and lowest by name, and how many are of low reliability."""
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
    flagged = int(hatched.sum())
    low_reliability = f" {flagged} of low reliability {'is' if flagged == 1 else 'are'} hatched." if flagged else ""
    return f"Map of {len(names)} {unit} of {place}. Number of {unit} by estimated share: {classes}.{ends}{low_reliability} {BY_ASSUMPTION}"


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
