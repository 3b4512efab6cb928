"""Projected children by single year of age, rebased to the latest estimate by cohort."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.gazetteer import find_area, names, region_of
from data_sources.layouts import AGE_COLUMNS, PROJECTION, SINGLE_YEAR
from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.forecast import projection_log_error, rebase_by_cohort

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from jsna_model.population import Population

#: Children aged 0-17 in England, mid-2024 (ONS).
ENGLAND_CHILDREN = 12_183_016
#: Years between the projections' base, mid-2018, and the estimate that they are held against, mid-2024.
ERROR_HORIZON = 6

_REBASED = (
    "Each cohort keeps the ratio of the mid-2024 estimate to the projection; "
    "children born after mid-2024 take the mean ratio of ages 0 to 2"
)


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


def load_projection(area: str = "England", figures: Path | str | None = None) -> Population:
    """Projected children of an area's authorities, 2024 to 2043.

    ONS 2018-based principal projections, rebased to the mid-2024 estimates by cohort (`jsna_model.methods.forecast.rebase_by_cohort`).
    They predate the 2021 Census; the year 2024 equals the estimate. City of London and Isles of Scilly have projections of their own.

    Parameters
    ----------
    area : str
        Name or code; a district gives its county.
    figures : path, optional
        Folder of replacement figures.

    Returns
    -------
    Population
        ``children`` (year, area, age), level ``authority``. Attributes: ``projection_error_sd_6yr`` and
        ``projection_error_median_6yr``, the robust sd and the median over all authorities of log(estimate / projection) of children 0–17
        in 2024; ``projection_error_horizon`` (6 years); ``assumption``.

    Raises
    ------
    UnknownNameError, InputError
    """
    import xarray as xr

    from jsna_model.population import Population

    found = find_area(area)
    folder = str(figures) if figures is not None else None
    base, projected, years = _both(folder)
    codes = sorted(found.authorities)
    absent = [c for c in codes if c not in base.index]
    raise_all(Problem(f"no projection or estimate for {c}", "add its rows", PROJECTION.file, c, "utla23_code") for c in absent)
    place = np.flatnonzero(base.index.isin(codes))
    rebased = rebase_by_cohort(projected[place], base.to_numpy()[place])
    median, sd = projection_log_error(base.to_numpy().sum(axis=1), projected[:, 0].sum(axis=1))
    authority, region, regions = names("utla"), region_of(), names("region")
    own = [authority[c] for c in codes]
    data = xr.Dataset(
        {"children": (("year", "area", "age"), np.swapaxes(rebased, 0, 1))},
        coords={
            "year": years,
            "area": codes,
            "age": np.arange(len(AGE_COLUMNS)),
            "area_name": ("area", own),
            "authority": ("area", codes),
            "authority_name": ("area", own),
            "region": ("area", [region[c] for c in codes]),
            "region_name": ("area", [regions[region[c]] for c in codes]),
        },
        attrs={
            "projection_error_sd_6yr": sd,
            "projection_error_median_6yr": median,
            "projection_error_horizon": ERROR_HORIZON,
            "assumption": _REBASED,
            "unit": "children",
        },
    )
    source = "ONS 2018-based principal subnational projections, rebased by cohort to ONS mid-2024 estimates"
    focus = found.code if found.level == "district" else ""
    return Population(data, "authority", source, known_total=True, focus=focus)


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
    if years[0] != 2024 or not np.array_equal(years, np.arange(2024, 2024 + len(years))):
        problems.append(Problem(f"years run {years[0]} to {years[-1]} with {len(years)} in all", fix, PROJECTION.file, column="year"))
    raise_all(problems)
    both = base.index.intersection(counts.index)
    table = table[table["utla23_code"].isin(both)].sort_values(["utla23_code", "year"])
    projected = table[list(AGE_COLUMNS)].to_numpy(float).reshape(len(both), len(years), len(AGE_COLUMNS))
    return base.loc[both.sort_values()], projected, years


def england_children(figures: str | None = None) -> float:
    """Children aged 0–17 in England, mid-2024, from the single years."""
    return float(single_years(figures).to_numpy().sum())
