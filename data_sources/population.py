"""Children by small area: raked to the authorities' published single years, with parents, covariates and their error."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_sources.covariates import EMBEDDED, with_covariates
from data_sources.figures_io import read_figures
from data_sources.footprint import read_footprint
from data_sources.frame import joint_frame, load_frame
from data_sources.gazetteer import Area, find_area, names, region_of
from data_sources.layouts import BAND_COLUMNS, ERROR, LSOA
from data_sources.projection import single_years
from jsna_model.conventions import AGE_BANDS, ENGLAND
from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.methods.small_area import rake

if TYPE_CHECKING:
    import pandas as pd

    from jsna_model.population import Frame, Population

#: Levels that `load_population` gives, finest first.
POPULATION_LEVELS = ("lsoa", "msoa", "ward", "locality", "district", "authority")
_CODES = {"lsoa": "lsoa21_code", "msoa": "msoa21_code", "ward": "ward24_code", "district": "ltla24_code", "authority": "utla23_code"}
_SOURCE = (
    "ONS Census 2021 (TS007, TS007A, TS054) small-area children scaled to ONS mid-2024 estimates of upper-tier authorities; "
    "MHCLG Indices of Deprivation 2025"
)


def load_population(
    area: str = "England",
    level: str = "lsoa",
    footprint: Path | str | None = None,
    figures: Path | str | None = None,
    covariates: Sequence[str] = (),
    covariate_file: Path | str | None = None,
    impute: bool = False,
) -> Population:
    """Children of an area by small area and DfE age band, mid-2024.

    Children are raked, in double precision, per authority and band to the authority's published single years.

    Parameters
    ----------
    area : str
        Name or code of an authority, district, region or England. A district gives its whole county, with ``focus`` set.
    level : {"lsoa", "msoa", "ward", "locality", "district", "authority"}
        A ward that crosses authorities is split into parts, ``<code>:<authority>``. ``locality`` needs `footprint`.
    footprint : path, optional
        CSV with ``lsoa21_code`` and ``locality``: every LSOA of the area exactly once.
    figures : path, optional
        Folder of replacement figures.
    covariates : sequence of str
        Covariates beyond deprivation that evidence varies with: ``social_rented_share``, ``rural_share``, or columns of `covariate_file`.
        The frame then carries their joint distribution with deprivation (`data_sources.frame.joint_frame`).
    covariate_file : path, optional
        CSV with ``lsoa21_code`` and a column for each covariate, for every LSOA of England: lone-parent share, for example. Without
        `covariates`, all of its columns are taken.
    impute : bool
        Whether a missing value takes the mean of its authority; it is said in the population's source.

    Returns
    -------
    Population
        ``children`` (area, age_band), not rounded; ``deprivation`` (IMD 2025 decile; above LSOA the mean over children),
        ``social_rented_share`` and ``rural_share`` (above LSOA the mean over children of LSOA values), further covariates,
        ``children_log_sd`` (age_band, or area × age_band
        above LSOA). On ``area``: ``area_name``, ``easting``, ``northing`` (metres, British National Grid; over children above
        LSOA) and parents ``msoa``, ``ward``, ``locality``, ``district`` (left out where every authority is its own district),
        ``authority``, ``region``, with ``<parent>_name``.

    Raises
    ------
    UnknownNameError
        For an unknown area or level.
    InputError
        Listing what is wrong with the figures or the footprint.

    Examples
    --------
    >>> load_population("Milton Keynes")
    <Population: 166 lsoa areas, 74,... children; ONS Census 2021 ...>
    """
    if level not in POPULATION_LEVELS:
        raise unknown_name("level of population", level, POPULATION_LEVELS)
    if level == "locality" and footprint is None:
        raise InputError("level 'locality' needs a footprint: give a CSV with columns lsoa21_code and locality.")
    found = find_area(area)
    folder = str(figures) if figures is not None else None
    extra: list[str] = []
    england, frame, note = raked_lsoas(folder), load_frame(folder), ""
    if covariates or covariate_file is not None:
        england, extra, note = with_covariates(england, covariates, covariate_file, impute)
        frame = joint_frame(england, extra, Path(covariate_file).name if covariate_file is not None else "")
    table = _within(england, found)
    if footprint is not None:
        table = table.assign(locality=_parts(read_footprint(footprint, table["lsoa21_code"], found.name), table["utla23_code"]))
    districts = level == "district" or bool((table["ltla24_code"] != table["utla23_code"]).any())
    parents = [p for p in ("msoa", "ward", "locality", "district", "authority") if _column(p) in table and (p != "district" or districts)]
    sd = _log_sd(folder)
    if level != "lsoa":
        table = _aggregate(table, level, parents, extra)
    source = _SOURCE if figures is None else f"{_SOURCE}; figures replaced by the user's"
    if covariate_file is not None:
        source += f"; covariates of {Path(covariate_file).name}"
    return _population(table, level, parents, sd, found, frame, extra, f"{source}; {note}" if note else source)


def _within(table: pd.DataFrame, found: Area) -> pd.DataFrame:
    part = table[table["utla23_code"].isin(found.authorities)].reset_index(drop=True)
    absent = sorted(set(found.authorities) - set(part["utla23_code"]))
    raise_all(Problem(f"no LSOA of {code}", "add its LSOAs", LSOA.file, code, "utla23_code") for code in absent)
    return part


def _whole(found: Area) -> tuple[str, ...]:
    """Regions of which every authority is in the area, and England."""
    every = region_of()
    own = {code: every[code] for code in found.authorities}
    whole = [r for r in sorted(set(own.values())) if {c for c, region in every.items() if region == r} <= set(own)]
    return (*whole, *([ENGLAND] if len(own) == len(every) else []))


def _column(level: str) -> str:
    return _CODES.get(level, level)


@lru_cache(maxsize=2)
def raked_lsoas(figures: str | None = None) -> pd.DataFrame:
    """The LSOA table in code order, children raked per authority and band to the single-year totals; wards in named parts.

    Raises
    ------
    InputError
        Where LSOAs and single years do not hold the same authorities.
    """
    table = read_figures(LSOA, figures).values.sort_values("lsoa21_code", ignore_index=True)
    single = single_years(figures)
    authority, group = np.unique(table["utla23_code"].to_numpy(str), return_inverse=True)
    fix = "give each authority single years and LSOAs"
    absent = sorted(set(authority) ^ set(single.index))
    raise_all(Problem(f"{code} is in one of the LSOA and single-year files only", fix, LSOA.file, code, "utla23_code") for code in absent)
    ages = single.loc[authority].to_numpy(float)
    totals = np.stack([ages[:, first : last + 1].sum(axis=1) for first, last in AGE_BANDS.values()], axis=1)
    columns = list(BAND_COLUMNS)
    table[columns] = rake(table[columns].to_numpy(float), totals, group)
    table["rural"] = table["ruc21_code"].str.startswith("R").astype(float)
    table["ward24_code"] = _parts(table["ward24_code"], table["utla23_code"])
    return table


def _parts(codes: pd.Series, authority: pd.Series) -> pd.Series:
    """Codes, with those that cross authorities split into ``<code>:<authority>``; an area's code does not depend on what was asked."""
    crosses = authority.groupby(codes).nunique()
    split = codes.isin(crosses.index[crosses > 1])
    return codes.where(~split, codes + ":" + authority)


def _name_of(level: str, codes: pd.Series) -> list[str]:
    """Names of areas; LSOAs have none of their own in the figures, and a locality's name is its code."""
    if level == "lsoa":
        return codes.tolist()
    known = names({"district": "ltla", "authority": "utla"}.get(level, level)) if level != "locality" else {}
    upper = names("utla")
    out = []
    for code in codes:
        whole, _, part = code.partition(":") if level == "ward" else code.rpartition(":E") if level == "locality" else (code, "", "")
        if level == "locality":
            out.append(f"{whole} ({upper['E' + part]} part)" if whole and "E" + part in upper else code)
        else:
            out.append(f"{known.get(whole, whole)} ({upper[part]} part)" if part else known.get(code, code))
    return out


def _aggregate(table: pd.DataFrame, level: str, parents: list[str], extra: list[str]) -> pd.DataFrame:
    """Sum children to a level; means over children of the rest; parents that contain the level whole."""
    import pandas as pd

    columns, key = list(BAND_COLUMNS), _column(level)
    weight = table[columns].sum(axis=1)
    means = ["imd2025_decile", *EMBEDDED.values(), "easting", "northing", *extra]
    groups = pd.concat([table[[key, *columns]], table[means].mul(weight, axis=0)], axis=1).groupby(key, sort=True)
    out = groups.sum()
    out[means] = out[means].div(out[columns].sum(axis=1), axis=0)
    out["lsoas"] = groups.size()
    for parent in parents:
        code = _column(parent)
        if code != key and bool((table.groupby(key)[code].nunique() == 1).all()):
            out[code] = table.groupby(key)[code].first()
    return out.reset_index()


@lru_cache(maxsize=2)
def _log_sd(figures: str | None) -> dict[str, np.ndarray]:
    """Sd of the log error of children by band, at LSOA and MSOA, in band order."""
    table = read_figures(ERROR, figures).values.set_index(["level", "age_band"])["log_sd"]
    wanted = [(level, band) for level in ("lsoa", "msoa") for band in AGE_BANDS]
    raise_all(Problem(f"no row for {' '.join(w)}", "add it", ERROR.file, w[0], "age_band") for w in wanted if w not in table.index)
    return {level: np.array([table[level, band] for band in AGE_BANDS], dtype=float) for level in ("lsoa", "msoa")}


#: LSOAs to an MSOA in England: 33,755 over 6,856.
LSOAS_PER_MSOA = 33_755 / 6_856


def area_log_sd(sd: dict[str, np.ndarray], level: str, lsoas: np.ndarray) -> np.ndarray:
    """Sd of the log error of children in areas above LSOA.

    An MSOA's is measured. A ward or locality is taken as a number of MSOAs with independent errors, an assumption:
    ``min(sd_lsoa, sd_msoa sqrt(4.92 / lsoas))``. Totals of authorities and districts are published, and the LSOAs were scaled to both:
    zero.

    Parameters
    ----------
    sd : dict of array, shape (5,)
        For ``lsoa`` and ``msoa``.
    level : str
    lsoas : array of int, shape (n,)
        LSOAs in each area.

    Returns
    -------
    array, shape (n, 5)
    """
    if level in ("district", "authority"):
        return np.zeros((len(lsoas), len(sd["lsoa"])))
    size = np.ones(len(lsoas)) if level == "msoa" else np.sqrt(LSOAS_PER_MSOA / lsoas)
    return np.minimum(sd["lsoa"], sd["msoa"] * size[:, None])


def _population(
    table: pd.DataFrame,
    level: str,
    parents: list[str],
    sd: dict[str, np.ndarray],
    found: Area,
    frame: Frame,
    extra: list[str],
    source: str,
) -> Population:
    import xarray as xr

    from jsna_model.population import Population

    codes = table[_column(level)]
    coords: dict[str, object] = {"area": codes.to_numpy(str), "age_band": list(AGE_BANDS)}
    coords["area_name"] = ("area", np.array(_name_of(level, codes), dtype=str))
    for parent in parents:
        if parent == "authority" or (parent != level and _column(parent) in table):
            own = table[_column(parent)]
            coords[parent] = ("area", own.to_numpy(str))
            coords[f"{parent}_name"] = ("area", np.array(_name_of(parent, own), dtype=str))
    region, region_names = table["utla23_code"].map(region_of()), names("region")
    coords["region"] = ("area", region.to_numpy(str))
    coords["region_name"] = ("area", region.map(region_names).to_numpy(str))
    coords["easting"] = ("area", table["easting"].to_numpy(float))
    coords["northing"] = ("area", table["northing"].to_numpy(float))
    spread = ("age_band", sd["lsoa"]) if level == "lsoa" else (("area", "age_band"), area_log_sd(sd, level, table["lsoas"].to_numpy()))
    data = xr.Dataset(
        {
            "children": (("area", "age_band"), table[list(BAND_COLUMNS)].to_numpy(float)),
            "deprivation": ("area", table["imd2025_decile"].to_numpy(float)),
            "social_rented_share": ("area", table["social_rented_share_2021"].to_numpy(float)),
            "rural_share": ("area", table["rural"].to_numpy(float)),
            "children_log_sd": spread,
        },
        coords=coords,
    )
    if extra:
        data = data.assign(covariate_value=(("area", "covariate"), table[extra].to_numpy(float))).assign_coords(covariate=extra)
    return Population(data, level, source, True, found.code if found.level == "district" else "", frame, _whole(found))
