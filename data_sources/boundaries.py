"""Boundaries from a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_sources.figures_io import CODE
from jsna_model.errors import InputError, Problem

if TYPE_CHECKING:
    import geopandas as gpd

#: British National Grid.
BRITISH_GRID = "EPSG:27700"


def load_boundaries(path: Path | str, codes: Sequence[str] | None = None) -> gpd.GeoDataFrame:
    """Boundaries of areas, from GeoJSON, GeoPackage, Shapefile or GeoParquet.

    The column of ONS codes is found by its content: the one that holds most of `codes` or, without them, the only one whose values
    are all different ONS codes.

    Parameters
    ----------
    path : path
    codes : sequence of str, optional
        Areas wanted, in order; a ward in part (``<code>:<authority>``) takes the whole ward's boundary.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``area`` and ``geometry`` (EPSG:27700), one row an area, in the order of `codes` where given.

    Raises
    ------
    InputError
        Where the file cannot be read, has no such column or no coordinate system, misses areas, or has one twice.
    """
    return _shapes(_read(Path(path)), Path(path).name, codes)


def _shapes(table: gpd.GeoDataFrame, file: str, codes: Sequence[str] | None) -> gpd.GeoDataFrame:
    """Shapes of the areas wanted, of a table that was read; see `load_boundaries`."""
    whole = None if codes is None else [c.split(":")[0] for c in codes]
    column = _code_column(table, file, whole)
    shapes = table[[column, "geometry"]].rename(columns={column: "area"})
    if whole is not None:
        shapes = shapes[shapes["area"].isin(whole)]
    _check(shapes, file, column, whole)
    if shapes.crs is None:
        raise InputError(str(Problem("it has no coordinate system", "save it with one, such as EPSG:27700 or EPSG:4326", file)))
    shapes = shapes.to_crs(BRITISH_GRID)
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


def _read(path: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if not path.is_file():
        raise InputError(str(Problem("there is no such file", "check the path", str(path))))
    try:
        table = gpd.read_parquet(path) if path.suffix in (".parquet", ".geoparquet") else gpd.read_file(path)
    except ImportError:
        fix = "install pyarrow, or save the boundaries as GeoPackage or GeoJSON"
        raise InputError(str(Problem("reading GeoParquet needs the package pyarrow", fix, path.name))) from None
    except Exception as error:  # drivers raise errors of their own
        fix = "give GeoJSON, GeoPackage or GeoParquet"
        raise InputError(str(Problem(f"it cannot be read as boundaries ({type(error).__name__}: {error})", fix, path.name))) from None
    if not isinstance(table, gpd.GeoDataFrame) or "geometry" not in table.columns:
        raise InputError(str(Problem("it holds no shapes", "give GeoJSON, GeoPackage or GeoParquet with a geometry", path.name)))
    return table


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
    from jsna_model.errors import raise_all

    twice = sorted(set(shapes.loc[shapes["area"].duplicated(), "area"]))
    problems = [Problem(f"{code} has more than one shape", "dissolve it to one", file, code, column) for code in twice[:10]]
    empty = sorted(shapes.loc[shapes.geometry.isna() | shapes.geometry.is_empty, "area"])
    problems += [Problem(f"{code} has no shape", "give it one", file, code, column) for code in empty[:10]]
    missing = [] if codes is None else [c for c in dict.fromkeys(codes) if c not in set(shapes["area"])]
    if missing:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        found = f"{len(missing)} of {len(set(codes or ()))} areas are missing: {', '.join(missing[:10])}{more}"
        problems.append(Problem(found, "add them, or use boundaries of the same year", file, None, column))
    raise_all(problems)
