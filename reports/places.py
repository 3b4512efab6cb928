"""Places: the shapes that a map is drawn with, hexagons near where areas lie or their own boundaries, joined strictly by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.joining import join_problems

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.path import Path

EXACT = 1500  # areas up to which places are assigned at least total squared distance
BRITISH_GRID = 27700  # EPSG
COPYRIGHT = "Contains OS data © Crown copyright and database right. Source: Office for National Statistics licensed under the Open Government Licence v.3.0."


@dataclass(frozen=True)
class Places:
    """What a map is drawn with; arrays have one row an area.

    Parameters
    ----------
    paths : list of matplotlib.path.Path
        Outlines.
    anchors : ndarray, shape (area, 2)
        Where a label goes.
    room : ndarray, shape (area,)
        Radius of the circle at the anchor that lies inside the shape.
    low, high : ndarray, shape (2,)
        Limits of the map, with its margin.
    parents : list of str or None
        Names of the districts, where there are several.
    edges : list of ndarray, shape (point, 2)
        Lines between districts.
    to_scale : bool
        Whether the shapes are real boundaries in metres.
    """

    paths: list[Path]
    anchors: NDArray[np.float64]
    room: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    parents: list[str] | None
    edges: list[NDArray[np.float64]]
    to_scale: bool

    def points_per_unit(self, width: float, height: float) -> float:
        """Printer's points a unit of the map, drawn into a box of inches."""
        span = self.high - self.low
        return float(72 * min(width / span[0], height / span[1]))

    @property
    def shape(self) -> float:
        """Height over width."""
        span = self.high - self.low
        return float(span[1] / span[0])


# -- hexagons ------------------------------------------------------------------------------------------------------------


def hexagon_places(points: NDArray[np.float64], parents: list[str] | None = None) -> Places:
    """A hexagon of one size for each area, near where it lies; see `hexagons`."""
    from matplotlib.path import Path

    cells, size = hexagons(points)
    turn = np.pi / 180 * (60 * np.arange(6) + 30)
    corner = np.column_stack([np.cos(turn), np.sin(turn)]) * size
    closed = np.vstack([corner, corner[:1]]) * 0.93
    edges = []
    if parents:
        gap = np.linalg.norm(cells[:, None] - cells[None], axis=-1)
        for i, j in zip(*np.nonzero(np.triu(gap < 1.8 * size, 1)), strict=True):
            if parents[i] != parents[j]:
                middle, across = (cells[i] + cells[j]) / 2, (cells[j] - cells[i]) / (np.sqrt(3) * size)
                along = np.array([-across[1], across[0]]) * size / 2
                edges.append(np.array([middle - along, middle + along]))
    pad = 1.2 * size
    return Places(
        [Path(c + closed, closed=True) for c in cells],
        cells,
        np.full(len(cells), size * np.sqrt(3) / 2 * 0.93),
        cells.min(0) - pad,
        cells.max(0) + pad,
        parents,
        edges,
        False,
    )


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


# -- boundaries ----------------------------------------------------------------------------------------------------------


def join_boundaries(
    boundaries: gpd.GeoDataFrame, codes: Sequence[str], points: NDArray[np.float64] | None = None, every: bool = False
) -> gpd.GeoSeries:
    """Shapes of areas in their order, joined strictly by code.

    Parameters
    ----------
    boundaries : geopandas.GeoDataFrame
        Column ``area`` (codes) and polygons, with a coordinate system; shapes of areas elsewhere are left out.
    codes : sequence of str
        Codes of the areas; a ward in part (``<code>:<authority>``) takes the whole ward's shape.
    points : ndarray, shape (area, 2), optional
        A point inside each area, British National Grid: names the shapes of other codes that lie over the areas.
    every : bool
        Whether a shape of any other area is refused too.

    Returns
    -------
    geopandas.GeoSeries
        British National Grid (EPSG:27700), one shape an area.

    Raises
    ------
    InputError
        Naming every code that is missing, there twice or of another year; no coordinate system; shapes that are empty or not valid.
    """
    import geopandas as gpd
    from shapely import points as as_points

    if "area" not in getattr(boundaries, "columns", ()):
        found = list(getattr(boundaries, "columns", ()))
        raise InputError(f"The boundaries have no column 'area'; found {found}. Name the column of area codes 'area'.")
    if getattr(boundaries, "crs", None) is None:
        raise InputError("The boundaries have no coordinate system. Set the one they are in, such as boundaries.set_crs(27700).")
    shapes = boundaries[["area", boundaries.geometry.name]].to_crs(BRITISH_GRID)
    held = [str(c) for c in shapes["area"]]
    plain = [str(c).split(":")[0] for c in codes]
    whole = [c if str(c) in set(held) else p for c, p in zip(map(str, codes), plain, strict=True)]
    over: list[str] = []
    if points is not None and not shapes.geometry.isna().any():
        places = gpd.GeoSeries(as_points(np.asarray(points, float)), crs=BRITISH_GRID)
        _, hit = shapes.sindex.query(places, predicate="within")
        over = sorted({held[i] for i in hit} - set(whole) - set(plain))
        if not set(whole) - set(held):  # complete: a point that fell beside its own shape is no other year
            over = [c for c in over if _covered(shapes.geometry.iloc[held.index(c)], shapes[shapes["area"].isin(whole)].geometry)]
    problems = join_problems(whole, held, file="boundaries", over=over, every=every)
    wanted = shapes[shapes["area"].astype(str).isin(whole)]
    fix = "repair it and check it: geopandas make_valid(), or QGIS, Processing, Fix geometries"
    for code, shape in zip(wanted["area"], wanted.geometry, strict=True):
        if shape is None or shape.is_empty:
            problems.append(Problem(f"{code} has no shape", "give it one", "boundaries", code))
        elif not shape.is_valid:
            problems.append(Problem(f"{code} has a shape that is not valid", fix, "boundaries", code))
    raise_all(problems)
    return wanted.set_index(wanted["area"].astype(str)).geometry.loc[whole]


def _covered(shape: Any, others: gpd.GeoSeries) -> bool:
    """Whether most of a shape lies under others."""
    return bool(others.intersection(shape).area.sum() > 0.5 * shape.area)


def boundary_places(shapes: gpd.GeoSeries, parents: list[str] | None = None) -> Places:
    """Real boundaries, with lines between districts."""
    from matplotlib.path import Path
    from shapely.ops import polylabel

    paths, anchors, room = [], [], []
    for geometry in shapes:
        parts = [p for p in getattr(geometry, "geoms", [geometry]) if p.geom_type == "Polygon"]
        rings = [np.asarray(r.coords)[:, :2] for p in parts for r in (p.exterior, *p.interiors)]
        paths.append(Path.make_compound_path(*(Path(r, closed=True) for r in rings)))
        largest = max(parts, key=lambda p: p.area)
        anchor = polylabel(largest, tolerance=max(np.sqrt(largest.area) / 20, 1.0))
        anchors.append((anchor.x, anchor.y))
        room.append(anchor.distance(largest.boundary))
    edges = []
    if parents:
        for outline in shapes.groupby(np.array(parents)).apply(lambda s: s.union_all()):
            for part in getattr(outline, "geoms", [outline]):
                edges.append(np.asarray(part.exterior.coords)[:, :2])
    bounds = shapes.bounds.to_numpy()
    low, high = bounds[:, :2].min(0), bounds[:, 2:].max(0)
    low = low - np.array([0.0, 0.1 * (high[1] - low[1])])  # room for the scale bar
    return Places(paths, np.array(anchors), np.array(room), low, high, parents, edges, True)
