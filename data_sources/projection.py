"""Projected children by single year of age, rebased to the latest estimate by cohort."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.gazetteer import Area, find_area, names, region_of
from data_sources.layouts import AGE_COLUMNS, PROJECTION, SINGLE_YEAR
from data_sources.projection_spread import ERROR_HORIZON, error_growth, projection_error
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.methods.cohort import constrained_shares, split_by_sex
from jsna_model.methods.forecast import projection_log_error, rebase_by_cohort

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from jsna_model.population import Population

#: Children aged 0-17 in England, mid-2024 (ONS).
ENGLAND_CHILDREN = 12_183_016
#: Year of the estimates that projections are rebased to, and the last year that is projected where no projection says it.
BASE_YEAR = 2024
LAST_YEAR = 2043
#: Above this factor between an estimate and a projection, either way, the file is refused: of the 2018-based ones, 2.3 was the largest.
MAX_REBASE = 4.0
SEXES = ("F", "M")
SHARES = ("held", "aged")

_REBASED = (
    "Each cohort keeps the ratio of the mid-2024 estimate to the projection; "
    "children born after mid-2024 take the mean ratio of ages 0 to 2"
)
_SPLIT = "each cohort keeps its sexes' shares of mid-2024"
_SHARED = {
    "held": "each small area keeps its share of the authority's children of each age band",
    "aged": "small areas' shares of the authority's children move on with the cohorts; the unborn take the shares of ages 0 to 4",
}


@lru_cache(maxsize=4)
def single_years(figures: str | None = None) -> pd.DataFrame:
    """Children of each upper-tier authority by single year, both sexes, mid-2024; index ``utla23_code``, columns ``age_0`` to ``age_17``.

    Raises
    ------
    InputError
        Where a sex is missing, or where the embedded figures do not sum to 12,183,016.
    """
    table = read_figures(SINGLE_YEAR, figures).values
    sexes = table.groupby("utla23_code")["sex"].agg(lambda s: "".join(sorted(s)))
    fix = "give one row for F and one for M"
    wrong = sexes[sexes != "FM"]
    problems = [Problem(f"{code} has sexes {found!r}", fix, SINGLE_YEAR.file, str(code), "sex") for code, found in wrong.items()]
    raise_all(problems)
    out = table.groupby("utla23_code")[list(AGE_COLUMNS)].sum()
    total = int(out.to_numpy().sum())
    if figures is None and total != ENGLAND_CHILDREN:
        found = f"the embedded single years sum to {total:,}, not {ENGLAND_CHILDREN:,}"
        raise InputError(str(Problem(found, "install the package again; the file was changed", SINGLE_YEAR.file)))
    return out


def load_projection(
    area: str = "England",
    variant: str = "principal",
    file: Path | str | None = None,
    figures: Path | str | None = None,
    *,
    level: str = "authority",
    by_sex: bool = False,
    shares: str = "held",
    footprint: Path | str | None = None,
    births: Path | str | None = None,
    migration: Path | str | None = None,
) -> Population:
    """Projected children of an area, from the mid-2024 estimates on; by default 2024 to 2043.

    By default the ONS 2018-based principal projections, rebased to the mid-2024 estimates by cohort
    (`jsna_model.methods.forecast.rebase_by_cohort`); they predate the 2021 Census. The year 2024 equals the estimate. A projection of
    `file` is rebased likewise. City of London and Isles of Scilly have projections of their own.

    Parameters
    ----------
    area : str
        Name or code; a district gives its county.
    variant : str
        Of the embedded projection ``principal``, or ``cohort``: children carried forward in cohorts where no projection will do
        (`data_sources.projection_cohort`). Of `file`, one of its variants (`projection_variants`); ``principal`` takes the only one.
    file : path, optional
        A projection of the user's: ONS 2018-based or 2022-based subnational population projections as downloaded (CSV, XLSX, ZIP or
        folder), or a long table (`data_sources.projection_files.read_projection`).
    figures : path, optional
        Folder of replacement figures.
    level : {"authority", "district", "ward", "msoa", "lsoa", "locality"}
        Small areas take shares of their authority (`jsna_model.methods.cohort.constrained_shares`) and sum to it; by DfE age band.
    by_sex : bool
        Females and males apart, at the level of authorities. The embedded projection has persons only, split by the sexes of mid-2024.
    shares : {"held", "aged"}
        Whether small areas keep their shares of an age band, or the shares move on with the cohorts.
    footprint : path, optional
        The user's localities, as in `load_population`.
    births, migration : path, optional
        For ``cohort``: births by year, and estimates of years in a row (`data_sources.projection_cohort.cohort_projection`).

    Returns
    -------
    Population
        ``children`` (year, area, age), with ``sex`` last where asked for; (year, area, age_band) below authorities. Attributes:
        ``variant``, ``variants``, ``assumption``, ``unit``; ``rebased_by``, the estimate over the projection in 2024, all ages together;
        ``projection_error_sd_6yr`` and ``projection_error_median_6yr``, robust sd and
        median over authorities of log(estimate / projection) of children 0–17 after ``projection_error_horizon`` years;
        ``projection_error_log_sd``, the sd by year from it and its measured growth; ``projection_error_basis``, what it was measured on.

    Raises
    ------
    UnknownNameError, InputError
        All problems of a file at once, with row and column.

    Examples
    --------
    >>> load_projection("Milton Keynes")
    <Population: 1 authority areas, 1,359,415 children; ONS 2018-based ...>
    """
    found = find_area(area)
    folder = str(figures) if figures is not None else None
    _check(level, by_sex, shares, variant, file, births, migration)
    codes = sorted(found.authorities)
    base = _base(codes, folder)
    if variant == "cohort" and file is None:
        children, attrs, source = _by_cohort(base, codes, by_sex, births, migration, folder)
    elif file is None:
        children, attrs, source = _embedded(base, codes, by_sex, folder)
    else:
        children, attrs, source = _of_file(base, codes, by_sex, file, variant)
    years = np.arange(BASE_YEAR, BASE_YEAR + children.shape[1])
    attrs |= _error(attrs.pop("method"), len(years), folder)
    if level == "authority":
        return _authorities(children, years, codes, attrs, source, found)
    return _small_areas(children, years, level, shares, attrs, source, found, footprint, folder)


def _check(level: str, by_sex: bool, shares: str, variant: str, file: object, births: object, migration: object) -> None:
    """Choices that do not exist or do not go together."""
    from data_sources.population import POPULATION_LEVELS

    if level not in POPULATION_LEVELS:
        raise unknown_name("level of a projection", level, POPULATION_LEVELS)
    if shares not in SHARES:
        raise unknown_name("kind of shares", shares, SHARES)
    if file is None and variant not in ("principal", "cohort"):
        error = unknown_name("variant of the embedded projection", variant, ("principal", "cohort"))
        raise type(error)(f"{error} It has principal, and cohort; give file= (projection in study.toml) for others.")
    problems = []
    if by_sex and level != "authority":
        problems.append(Problem(f"by_sex at level {level!r}: small areas are not known by sex", "leave one of the two out"))
    if variant == "cohort" and file is not None:
        problems.append(Problem("variant 'cohort' needs no projection, but file= is given", "leave one of the two out"))
    given = [name for name, value in (("births", births), ("migration", migration)) if value is not None]
    if given and variant != "cohort":
        problems.append(Problem(f"{' and '.join(given)} given with variant {variant!r}", "give variant='cohort', or leave them out"))
    raise_all(problems)


def _base(codes: list[str], figures: str | None) -> np.ndarray:
    """Estimates (authority, age, sex)."""
    both = single_years(figures)
    absent = [c for c in codes if c not in both.index]
    raise_all(Problem(f"no estimate for {c}", "add its rows", SINGLE_YEAR.file, c, "utla23_code") for c in absent)
    table = read_figures(SINGLE_YEAR, figures).values.set_index(["sex", "utla23_code"])
    return np.stack([table.loc[sex].loc[codes, list(AGE_COLUMNS)].to_numpy(float) for sex in SEXES], axis=-1)


def _embedded(base: np.ndarray, codes: list[str], by_sex: bool, figures: str | None) -> tuple[np.ndarray, dict[str, Any], str]:
    table, projected, _ = _both(figures)
    absent = [c for c in codes if c not in table.index]
    raise_all(Problem(f"no projection or estimate for {c}", "add its rows", PROJECTION.file, c, "utla23_code") for c in absent)
    rebased = rebase_by_cohort(projected[np.flatnonzero(table.index.isin(codes))], base.sum(-1))
    start = projected[np.flatnonzero(table.index.isin(codes)), 0]
    attrs = {
        "method": "ons_2018_principal",
        "variant": "principal",
        "variants": ["principal"],
        "rebased_by": float(base.sum() / start.sum()),
    }
    attrs["assumption"] = f"{_REBASED}; {_SPLIT}" if by_sex else _REBASED
    source = "ONS 2018-based principal subnational projections, rebased by cohort to ONS mid-2024 estimates"
    return (split_by_sex(rebased, base) if by_sex else rebased), attrs, source


def _of_file(base: np.ndarray, codes: list[str], by_sex: bool, file: Path | str, variant: str) -> tuple[np.ndarray, dict[str, Any], str]:
    from data_sources.projection_files import read_projection

    given = read_projection(file, codes, BASE_YEAR, variant, by_sex)
    raw, start = (np.moveaxis(given.children, -1, 1), np.moveaxis(base, -1, 1)) if by_sex else (given.children, base.sum(-1))
    _check_size(given.children[:, 0].reshape(len(codes), -1).sum(1), base.sum((1, 2)), codes, Path(file).name)
    rebased = rebase_by_cohort(raw, start)
    rebased[..., 0, :] = start  # also where the projection has nobody of an age
    attrs = {
        "method": "file",
        "variant": given.variant,
        "variants": list(given.variants),
        "rebased_by": float(base.sum() / raw[..., 0, :].sum()),
    }
    attrs["assumption"] = "; ".join((_REBASED, *given.notes))
    named = "" if given.variant == "unnamed" else f", {given.variant.replace('_', ' ')}"
    source = f"the user's projection ({Path(file).name}{named}), rebased by cohort to ONS mid-2024 estimates"
    source += f"; {'; '.join(given.notes)}" if given.notes else ""
    return (np.moveaxis(rebased, 1, -1) if by_sex else rebased), attrs, source


def _check_size(projected: np.ndarray, estimate: np.ndarray, codes: list[str], file: str) -> None:
    """Refuse what rebasing would hide: thousands for children, or another area's numbers."""
    off = (projected * MAX_REBASE < estimate) | (projected > estimate * MAX_REBASE)
    fix = "give children, not thousands or rates, and check the area"
    raise_all(
        Problem(f"{codes[i]} has {projected[i]:,.0f} children in {BASE_YEAR} where the estimate is {estimate[i]:,.0f}", fix, file, codes[i])
        for i in np.flatnonzero(off)
    )


def _by_cohort(
    base: np.ndarray, codes: list[str], by_sex: bool, births: Path | str | None, migration: Path | str | None, figures: str | None
) -> tuple[np.ndarray, dict[str, Any], str]:
    from data_sources.projection_cohort import cohort_projection

    newborn = read_figures(SINGLE_YEAR, figures).values.groupby("sex")["age_0"].sum().loc[list(SEXES)].to_numpy(float)
    start, shares = (base, newborn / newborn.sum()) if by_sex else (base.sum(-1)[..., None], np.ones(1))
    children, notes = cohort_projection(start, shares, codes, (BASE_YEAR, LAST_YEAR), births, migration)
    children = children if by_sex else children[..., 0]
    method = "cohort" if migration is None else "cohort_migration"
    attrs = {"method": method, "variant": "cohort", "variants": ["cohort"], "assumption": "; ".join(notes)}
    return children, attrs, f"ONS mid-2024 estimates carried forward in cohorts: {'; '.join(notes)}"


def _error(method: str, years: int, figures: str | None) -> dict[str, Any]:
    """Attributes on past error: sd and median at six years, the sd by year, and what they were measured on."""
    growth = error_growth(np.arange(years), method if method.startswith("cohort") else "cohort_migration")
    if method.startswith("cohort"):
        table = projection_error()
        row = table[(table["method"] == method) & (table["ages"] == "0_17") & (table["horizon"] == ERROR_HORIZON)].iloc[0]
        median, sd = float(row["median"]), float(row["log_sd"])
        basis = f"cohorts carried forward from the estimates of {int(row['origins'])} past years ({method})"
    else:
        base, projected, _ = _both(figures)
        median, sd = projection_log_error(base.to_numpy().sum(axis=1), projected[:, 0].sum(axis=1))
        basis = "the ONS 2018-based projections in 2024, with the growth of cohorts carried forward"
        basis += "; assumed for this one too" if method == "file" else ""
    return {
        "projection_error_sd_6yr": sd,
        "projection_error_median_6yr": median,
        "projection_error_horizon": ERROR_HORIZON,
        "projection_error_log_sd": [sd * float(g) for g in growth],
        "projection_error_basis": basis,
        "unit": "children",
    }


def _authorities(children: np.ndarray, years: np.ndarray, codes: list[str], attrs: dict[str, Any], source: str, found: Area) -> Population:
    import xarray as xr

    from jsna_model.population import Population

    authority, region, regions = names("utla"), region_of(), names("region")
    own = [authority[c] for c in codes]
    dims = ("year", "area", "age", "sex")[: children.ndim]
    data = xr.Dataset(
        {"children": (dims, np.swapaxes(children, 0, 1))},
        coords={
            "year": years,
            "area": codes,
            "age": np.arange(len(AGE_COLUMNS)),
            **({"sex": list(SEXES)} if "sex" in dims else {}),
            "area_name": ("area", own),
            "authority": ("area", codes),
            "authority_name": ("area", own),
            "region": ("area", [region[c] for c in codes]),
            "region_name": ("area", [regions[region[c]] for c in codes]),
        },
        attrs=attrs,
    )
    return Population(data, "authority", source, known_total=True, focus=_focus(found))


def _focus(found: Area) -> str:
    return found.code if found.level == "district" else ""


def _small_areas(
    children: np.ndarray,
    years: np.ndarray,
    level: str,
    shares: str,
    attrs: dict[str, Any],
    source: str,
    found: Area,
    footprint: Path | str | None,
    figures: str | None,
) -> Population:
    from data_sources.population import load_population
    from jsna_model.population import Population

    now = load_population(found.code, level, footprint, figures).data
    _, group = np.unique(now["authority"].values.astype(str), return_inverse=True)
    base = now["children"].transpose("area", "age_band").values
    out = constrained_shares(base, group, children, list(AGE_BANDS.values()), aged=shares == "aged")
    data: xr.Dataset = now.drop_vars(list(now.data_vars)).assign_coords(year=years)
    data["children"] = (("year", "area", "age_band"), out)
    data.attrs = {**attrs, "assumption": f"{attrs['assumption']}; {_SHARED[shares]}", "shares": shares}
    return Population(data, level, f"{source}; {_SHARED[shares]} (modelled, mid-2024)", True, _focus(found))


@lru_cache(maxsize=4)
def _both(figures: str | None) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Estimates (authority by age), projections (authority, year, age) and years, in one order of authorities."""
    base = single_years(figures)
    table = read_figures(PROJECTION, figures).values
    years = np.unique(table["year"].to_numpy(int))
    counts = table.groupby("utla23_code").size()
    fix = "give one row a year for each authority, from 2024"
    short = counts[counts != len(years)]
    problems = [Problem(f"{c} has {n} years of {len(years)}", fix, PROJECTION.file, str(c), "year") for c, n in short.items()]
    if years[0] != BASE_YEAR or not np.array_equal(years, np.arange(BASE_YEAR, BASE_YEAR + len(years))):
        problems.append(Problem(f"years run {years[0]} to {years[-1]} with {len(years)} in all", fix, PROJECTION.file, column="year"))
    raise_all(problems)
    both = base.index.intersection(counts.index)
    table = table[table["utla23_code"].isin(both)].sort_values(["utla23_code", "year"])
    projected = table[list(AGE_COLUMNS)].to_numpy(float).reshape(len(both), len(years), len(AGE_COLUMNS))
    return base.loc[both.sort_values()], projected, years


def england_children(figures: str | None = None) -> float:
    """Children aged 0–17 in England, mid-2024, from the single years."""
    return float(single_years(figures).to_numpy().sum())
