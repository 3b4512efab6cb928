"""Boundaries from a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_sources.figures_io import CODE
from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.joining import join_problems

if TYPE_CHECKING:
    import geopandas as gpd

#: British National Grid.
BRITISH_GRID = "EPSG:27700"
#: Where England lies on it, with room to spare: west, south, east, north, in metres.
ENGLAND_BOX = (75_000.0, 2_000.0, 665_000.0, 665_000.0)


def load_boundaries(path: Path | str, codes: Sequence[str] | None = None, layer: str | None = None) -> gpd.GeoDataFrame:
    """Boundaries of areas, from GeoJSON, GeoPackage, Shapefile or GeoParquet.

    The column of ONS codes is found by its content: the one that holds most of `codes` or, without them, the only one whose values
    are all different ONS codes.

    Parameters
    ----------
    path : path
    codes : sequence of str, optional
        Areas wanted, in order; a ward in part (``<code>:<authority>``) takes the whole ward's boundary. A file of all England may be
        given: shapes of other areas are left out.
    layer : str, optional
        Layer of a GeoPackage that has several.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``area`` and ``geometry`` (EPSG:27700), one row an area, in the order of `codes` where given.

    Raises
    ------
    InputError
        Where the file cannot be read, has no such column or no coordinate system, or lies outside England; naming areas that are
        missing (with the year that the file's column says, where it differs), there twice, without a shape, or whose shape is not valid.
        Nothing is repaired.
    """
    return _shapes(_read(Path(path), layer), Path(path).name, codes)


def _shapes(table: gpd.GeoDataFrame, file: str, codes: Sequence[str] | None) -> gpd.GeoDataFrame:
    """Shapes of the areas wanted, of a table that was read; see `load_boundaries`."""
    whole = None if codes is None else [c.split(":")[0] for c in codes]
    column = _code_column(table, file, whole)
    shapes = table[[column, "geometry"]].rename(columns={column: "area"})
    if whole is not None:
        shapes = shapes[shapes["area"].isin(whole)]
    _check(shapes, file, column, whole)
    shapes = shapes.to_crs(BRITISH_GRID)
    west, south, east, north = shapes.total_bounds
    if west < ENGLAND_BOX[0] or south < ENGLAND_BOX[1] or east > ENGLAND_BOX[2] or north > ENGLAND_BOX[3]:
        found = f"shapes lie outside England on the British National Grid (from {west:,.0f}, {south:,.0f} to {east:,.0f}, {north:,.0f})"
        fix = (
            f"its coordinate system, {table.crs.to_string()[:40]}, is not that of its numbers: set the right one (QGIS: Assign projection)"
        )
        raise InputError(str(Problem(found, fix, file)))
    if codes is None:
        return shapes.reset_index(drop=True)
    return shapes.set_index("area").loc[whole].reset_index().assign(area=list(codes))


def load_level(path: str | Path, held: Mapping[str, Sequence[str]]) -> gpd.GeoDataFrame:
    """Boundaries of the level whose areas a file holds the greatest share of.

    Parameters
    ----------
    path : path
    held : mapping of str to sequence of str
        Codes by level.

    Returns
    -------
    geopandas.GeoDataFrame
        As `load_boundaries` gives it for the codes of that level.

    Raises
    ------
    InputError
        As `load_boundaries` does, and where the file holds no area of any level.
    """
    path = Path(path)
    table = _read(path)
    values = {str(v) for c in table.columns if c != "geometry" for v in table[c].dropna().unique()}
    shares = {level: len({c.split(":")[0] for c in codes} & values) / len(codes) for level, codes in held.items() if codes}
    best = max(shares, key=lambda level: shares[level])
    if shares[best] == 0:
        found = f"it holds none of the {', '.join(shares)} codes of this area"
        raise InputError(str(Problem(found, "give boundaries of wards (2024), MSOAs (2021) or districts (2024)", path.name)))
    return _shapes(table, path.name, held[best])


def _read(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if not path.is_file():
        raise InputError(str(Problem("there is no such file", "check the path", str(path))))
    try:
        table = gpd.read_parquet(path) if path.suffix in (".parquet", ".geoparquet") else gpd.read_file(path, layer=_layer(path, layer))
    except InputError:
        raise
    except ImportError:
        fix = "install pyarrow, or save the boundaries as GeoPackage or GeoJSON"
        raise InputError(str(Problem("reading GeoParquet needs the package pyarrow", fix, path.name))) from None
    except Exception as error:  # drivers raise errors of their own
        fix = "give GeoJSON, GeoPackage or GeoParquet"
        raise InputError(str(Problem(f"it cannot be read as boundaries ({type(error).__name__}: {error})", fix, path.name))) from None
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        raise InputError(str(Problem("it holds no shapes", "give GeoJSON, GeoPackage or GeoParquet with a geometry", path.name)))
    return table if table.active_geometry_name == "geometry" else table.rename_geometry("geometry")


def _layer(path: Path, layer: str | None) -> str | None:
    """Layer to read: the one named, or the only one that holds shapes."""
    import geopandas as gpd

    listed = gpd.list_layers(path)
    names = [str(n) for n in listed.loc[listed["geometry_type"].notna(), "name"]]
    if layer is None and len(names) <= 1:
        return None
    if layer in names:
        return layer
    found = f"it has the layers {', '.join(names)}" if layer is None else f"no layer is called {layer!r}; its layers are {', '.join(names)}"
    raise InputError(str(Problem(found, "say which (layer=), or save it alone", path.name)))


def _code_column(table: gpd.GeoDataFrame, file: str, codes: Sequence[str] | None) -> str:
    words = {str(c): table[c].dropna().astype(str) for c in table.columns if c != "geometry"}
    coded = {c: values for c, values in words.items() if len(values) and bool(values.str.fullmatch(CODE.pattern).all())}
    listed = ", ".join(words) or "none"
    if not coded:
        raise InputError(str(Problem(f"no column holds ONS codes such as E01016710; columns are {listed}", "add the areas' codes", file)))
    if codes is not None:
        held = {c: len(set(values) & set(codes)) for c, values in coded.items()}
        best = max(held, key=lambda c: held[c])
        if held[best]:
            return best
        found = f"columns {', '.join(coded)} hold ONS codes, but none of the {len(codes)} areas wanted, such as {codes[0]}"
        raise InputError(str(Problem(found, "give boundaries of the same level and year (LSOA 2021, ward 2024)", file)))
    unique = [c for c, values in coded.items() if values.is_unique and len(values) == len(table)]
    if len(unique) != 1:
        found = f"columns {', '.join(coded)} hold ONS codes and {len(unique)} of them name each shape once"
        raise InputError(str(Problem(found, "say which areas are wanted (codes=)", file)))
    return unique[0]


def _check(shapes: gpd.GeoDataFrame, file: str, column: str, codes: Sequence[str] | None) -> None:
    """Every problem of the shapes at once: coordinate system, codes, empty and invalid shapes."""
    problems = []
    if shapes.crs is None:
        problems.append(Problem("it has no coordinate system", "save it with one, such as EPSG:27700 or EPSG:4326", file))
    held = shapes["area"].astype(str).tolist()
    problems += join_problems(held if codes is None else codes, held, file=file, column=column)
    empty = shapes.geometry.isna() | shapes.geometry.is_empty
    problems += [Problem(f"{code} has no shape", "give it one", file, code, column) for code in sorted(shapes.loc[empty, "area"])[:10]]
    flat = ~empty & ~shapes.geometry.geom_type.isin(("Polygon", "MultiPolygon"))
    problems += [
        Problem(f"{code} is a {kind}, not an area", "give polygons", file, code, column)
        for code, kind in list(zip(shapes.loc[flat, "area"], shapes.loc[flat].geometry.geom_type, strict=True))[:10]
    ]
    wrong = shapes[~empty & ~flat & ~shapes.geometry.is_valid]
    fix = "repair it and check it: QGIS, Processing, Fix geometries; or geopandas make_valid()"
    problems += [
        Problem(f"{code} has a shape that is not valid ({why})", fix, file, code, column)
        for code, why in list(zip(wrong["area"], wrong.geometry.is_valid_reason(), strict=True))[:10]
    ]
    raise_all(problems)
