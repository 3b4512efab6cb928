"""Exports: GeoPackage for QGIS, and tidy tables for Power BI and Excel, with the numbers as the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jsna_model.errors import InputError, OutputError, unknown_name
from reports.disclosure import FEW, UNRELIABLE_WIDTH, decimal, modelled
from reports.need_tables import component
from reports.view import View

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from jsna_model.result import Result
    from reports.drawing import Figure

#: Formats of tidy tables: their ending.
TIDY = ("csv", "parquet")
#: What a spreadsheet would run as a formula when it opens a csv file.
RUNS = ("=", "+", "-", "@", "\t", "\r")
NOT_PUBLIC = "Estimates by LSOA are for use inside the authority, not for publication. Pass internal=True, or export wards or MSOAs."
DICTIONARY = (
    ("estimates", "area_code", "ONS code of the area; joins to areas"),
    ("estimates", "level", "geographic level of the area"),
    ("estimates", "measure", "what was estimated; joins to measures. Measures of one area are not added to one another"),
    ("estimates", "value", "estimated children, rounded as in the report; empty where shorthand says why"),
    ("estimates", "lower", "lower limit of the credible interval, children, rounded; empty where below 10"),
    ("estimates", "upper", "upper limit of the credible interval, children, rounded; empty where below 10"),
    ("estimates", "share", "estimated share of children aged 0 to 17, per cent"),
    ("estimates", "share_lower", "lower limit of the share, per cent"),
    ("estimates", "share_upper", "upper limit of the share, per cent"),
    ("estimates", "interval", "level of the credible interval"),
    ("estimates", "relative_width", "width of the interval over the estimate"),
    ("estimates", "shorthand", f"low: fewer than 10; c: suppressed, as the count that it was fitted to; u: low reliability, an interval wider than {UNRELIABLE_WIDTH:g} times the estimate; x: not available"),
    ("estimates", "basis", "estimated: modelled, not counted"),
    ("estimates", "period", "year of the children"),
    ("areas", "area_code", "ONS code; a ward in part is written <ward>:<authority>"),
    ("areas", "area_name", "name"),
    ("areas", "level", "geographic level"),
    ("areas", "district_code", "code of the district, where there are several"),
    ("areas", "district_name", "its name"),
    ("areas", "authority_code", "code of the authority"),
    ("areas", "authority_name", "its name"),
    ("areas", "children", "children aged 0 to 17, rounded; modelled below the authority"),
    ("areas", "easting", "metres, British National Grid (EPSG:27700), of a point in the area"),
    ("areas", "northing", "metres, British National Grid (EPSG:27700), of a point in the area"),
    ("measures", "measure", "short name"),
    ("measures", "label", "name in words"),
    ("measures", "construct", "what was measured: threshold, instrument, window, whose and who said so"),
    ("measures", "source", "where the estimate comes from"),
)  # fmt: skip


def export_map(result: Result, path: str | Path, level: str, boundaries: gpd.GeoDataFrame | None = None, *, internal: bool = False) -> Path:
    """Estimates of a level as a GeoPackage for QGIS: shapes where there are boundaries, points where there are none.

    Parameters
    ----------
    result : jsna_model.Result
    path : path
        Ends in ``.gpkg``; replaced where it exists.
    level : str
        One of the levels below the authority.
    boundaries : geopandas.GeoDataFrame, optional
        Column ``area`` and polygons, joined strictly by code (`reports.places.join_boundaries`).
    internal : bool
        Allow LSOAs.

    Returns
    -------
    Path
        One layer, named by the level, EPSG:27700: ``area_code``, ``area_name``, parents, ``children``, and for each measure
        ``<measure>``, ``_lower``, ``_upper`` (children), ``_share``, ``_share_lower``, ``_share_upper`` (per cent) and ``_shorthand``.

    Raises
    ------
    InputError
        For another ending, a level that is not there, LSOAs without `internal`, and boundaries that do not fit.
    OutputError
        Where the file is open in another program.
    """
    import geopandas as gpd

    target = Path(path)
    if target.suffix.lower() != ".gpkg":
        raise InputError(f"{target.name} does not end in .gpkg. QGIS opens a GeoPackage: give a name such as wards.gpkg.")
    view = View.of(result)
    _check(view, level, internal)
    places, facts = areas(view, level), estimates(view, level)
    wide = facts.pivot(index="area_code", columns="measure")[
        ["value", "lower", "upper", "share", "share_lower", "share_upper", "shorthand"]
    ]
    wide.columns = [c[1] if c[0] == "value" else f"{c[1]}_{c[0]}" for c in wide.columns.tolist()]
    order = [c for m in dict.fromkeys(facts["measure"]) for c in wide.columns if c == m or c.removeprefix(f"{m}_") in _KINDS]
    table = places.merge(wide[list(dict.fromkeys(order))].reset_index(), on="area_code", validate="one_to_one")
    if boundaries is None:
        shapes: Any = gpd.points_from_xy(table["easting"], table["northing"])
    else:
        from reports.places import join_boundaries

        shapes = join_boundaries(boundaries, table["area_code"].tolist(), table[["easting", "northing"]].to_numpy(float)).values
    table = table.assign(basis="estimated", period="mid-2024", source=view.need_source)
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=27700)
    part = target.with_name(f".{target.stem}.part.gpkg")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.unlink(missing_ok=True)
        frame.to_file(part, layer=level, driver="GPKG")
        _replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


_KINDS = {"lower", "upper", "share", "share_lower", "share_upper", "shorthand"}


def export_tables(result: Result, folder: str | Path, formats: Sequence[str] = TIDY, *, internal: bool = False) -> list[Path]:
    """Tidy tables for Power BI and Excel, a small star: ``estimates`` of every area and measure, ``areas``, ``measures``, ``columns``.

    Parameters
    ----------
    result : jsna_model.Result
    folder : path
        Made where it is missing.
    formats : sequence of {"csv", "parquet"}
        csv is UTF-8 with a byte order mark, so that Excel reads names as they are; text that a spreadsheet would run as a formula is led
        by an apostrophe. Parquet needs pyarrow.
    internal : bool
        Include LSOAs.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        For a format that is not offered, or Parquet without pyarrow.
    OutputError
        Where a file is open in another program; nothing is lost.
    """
    import pandas as pd

    unknown = [f for f in formats if f not in TIDY]
    if unknown or not formats:
        raise InputError(f"formats are {list(formats)}; give some of {', '.join(TIDY)}.")
    view = View.of(result)
    levels = ["authority", *view.small_levels, *(["lsoa"] if internal and view.has("lsoa") else [])]
    made = {
        "estimates": pd.concat([estimates(view, level) for level in levels], ignore_index=True),
        "areas": pd.concat([areas(view, level) for level in levels], ignore_index=True),
        "measures": measures(view),
        "columns": pd.DataFrame(DICTIONARY, columns=["table", "column", "meaning"]),
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[Path, Path] = {}
    try:
        for name, table in made.items():
            for form in formats:
                target = folder / f"{name}.{form}"
                parts[target] = folder / f".{name}.{form}.part"
                _write(table, parts[target], form)
        for target, part in parts.items():
            _replace(part, target)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return list(parts)


def export_figure(figure: Figure, folder: str | Path) -> list[Path]:
    """A figure as files of its own: SVG with title and description, PNG, and the table behind it as csv.

    Parameters
    ----------
    figure : reports.drawing.Figure
        As the functions of `reports.plots` and `reports.plots_decision` give it.
    folder : path
        Made where it is missing.

    Returns
    -------
    list of Path
        Named by the figure's key; no csv where the table is one of the report's.
    """
    from reports.drawing import png, svg

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{figure.key}.svg", folder / f"{figure.key}.png"]
    made[0].write_text(svg(figure), encoding="utf-8")
    made[1].write_bytes(png(figure))
    if figure.data is not None:
        made.append(folder / f"{figure.key}.csv")
        _write(figure.data.rows, made[-1], "csv")
    return made


def estimates(view: View, level: str) -> pd.DataFrame:
    """Every measure of every area of a level as the report shows it, one row each."""
    import pandas as pd

    summary = _summary(view, level)
    records = []
    for measure, (x, children, codes) in summary.items():
        width = np.broadcast_to(np.asarray(x.relative_width, float), len(codes))
        for i, code in enumerate(codes):
            numbers = [modelled(float(v[i]), level) for v in (x.value, x.lower, x.upper)]
            share = [decimal(float(v[i]) / children[i] if children[i] > 0 else None, 100) for v in (x.value, x.lower, x.upper)]
            absent = not np.isfinite(float(x.value[i]))
            low = numbers[0] == FEW
            unreliable = bool(width[i] > UNRELIABLE_WIDTH)
            mark = "c" if absent and np.any(x[i].hidden) else "x" if absent else "low" if low else "u" if unreliable else ""
            records.append(
                (
                    code,
                    level,
                    measure,
                    *(n if isinstance(n, int) else None for n in numbers),
                    *(s if isinstance(s, float) else None for s in share),
                    float(view.provenance.get("interval", 0.95)),
                    round(float(width[i]), 2) if np.isfinite(width[i]) else None,
                    mark,
                    "estimated",
                    "mid-2024",
                )
            )
    columns = [c for t, c, _ in DICTIONARY if t == "estimates"]
    return pd.DataFrame(records, columns=columns).astype(dict.fromkeys(("value", "lower", "upper"), "Int64"))


def areas(view: View, level: str) -> pd.DataFrame:
    """Areas of a level with their parents, one row each."""
    import pandas as pd

    node = view.node(level)
    several = "district" in node.coords and level not in ("district", "authority")

    def of(name: str, known: bool = True) -> list[str]:
        return [str(v) for v in node[name].values] if known and name in node.coords else [""] * node.sizes["area"]

    children = node["children"].sum("age_band", skipna=False).values
    shown = [modelled(float(c), level) for c in children]
    return pd.DataFrame(
        {
            "area_code": of("area"),
            "area_name": of("area_name"),
            "level": level,
            "district_code": of("district", several),
            "district_name": of("district_name", several),
            "authority_code": [view.code] * len(children),
            "authority_name": [view.name] * len(children),
            "children": pd.array([n if isinstance(n, int) else None for n in shown], dtype="Int64"),
            "easting": node["easting"].values,
            "northing": node["northing"].values,
        }
    )


def measures(view: View) -> pd.DataFrame:
    """Measures with their construct, one row each."""
    import pandas as pd

    rows = []
    for name in view.result.measures:
        label = view.measure_label(name)
        construct = view.construct(name) if name in view.evidence else view.set_construct
        rows.append((name, label, construct, view.need_source))
    return pd.DataFrame(rows, columns=["measure", "label", "construct", "source"])


def _summary(view: View, level: str) -> dict[str, tuple[Any, Any, list[str]]]:
    """Estimate with limits, children and codes, by measure."""
    node = view.node(level)
    codes = [str(c) for c in node["area"].values]
    children = node["children"].sum("age_band", skipna=False).values
    if level == "authority":
        from reports.view import Interval

        found = {m: view.need(m) for m in view.result.measures}
        return {m: (Interval(*(np.atleast_1d(v) for v in (x.value, x.lower, x.upper))), children, codes) for m, x in found.items()}
    return {m: (component(node, m), children, codes) for m in view.result.measures if m in node["component"].values}


def _check(view: View, level: str, internal: bool) -> None:
    known = [*view.small_levels, *(["lsoa"] if view.has("lsoa") else [])]
    if level not in known:
        raise unknown_name("level", level, known)
    if level == "lsoa" and not internal:
        raise InputError(NOT_PUBLIC)


def _write(table: pd.DataFrame, path: Path, form: str) -> None:
    if form == "parquet":
        try:
            table.to_parquet(path, index=False)
        except ImportError:
            raise InputError("Parquet needs the package pyarrow. Install it, or give formats=('csv',).") from None
        return
    text = table.select_dtypes(exclude="number").columns
    safe = table.assign(**{c: table[c].map(safe_text) for c in text})
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def safe_text(value: object) -> object:
    """Text led by an apostrophe where a spreadsheet would run it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUNS) else value


def _replace(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except PermissionError:
        raise OutputError(f"{target} is open in another program: close {target.name} or give another folder.") from None
