"""Small-area children from Census tables, on tables with codes; the arithmetic is `jsna_model.methods.small_area`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data_sources.layouts import AGE_COLUMNS, BAND_COLUMNS, CENSUS_AGES, CENSUS_BANDS
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import Problem, raise_all
from jsna_model.methods import small_area as method

if TYPE_CHECKING:
    import pandas as pd

#: From the Census of 21 March 2021 to mid-2024.
YEARS_SINCE_CENSUS = 3.25


def small_area_children(
    lsoa_bands: pd.DataFrame, msoa_single_year: pd.DataFrame, authority_totals: pd.DataFrame, age_on: bool = False
) -> pd.DataFrame:
    """Children of each LSOA by single year and DfE band, at the date of the authority totals.

    Each Census five-year band is split by its MSOA's single-year shares (``split_bands``); cohorts are aged on by 3.25 years where
    `age_on`; each single year is then scaled to the authority's total (``scale_to_totals``), so that it sums exactly. The embedded
    table was made with lower-tier totals, so in counties each district sums to its published estimate too.

    Parameters
    ----------
    lsoa_bands : pandas.DataFrame
        Columns ``lsoa21_code``, ``msoa21_code``, ``ltla24_code``, ``age_0_4``, ``age_5_9``, ``age_10_14``, ``age_15_19`` (Census
        2021, TS007A; children and young people).
    msoa_single_year : pandas.DataFrame
        Columns ``msoa21_code``, ``age_0`` to ``age_19`` (Census 2021, TS007).
    authority_totals : pandas.DataFrame
        Columns ``ltla24_code``, ``age_0`` to ``age_17``: both sexes together, e.g. ONS mid-2024 estimates of lower-tier authorities.
    age_on : bool
        Age the cohorts on before scaling. Not the default: ``benchmarks/results/small_area_error.csv`` says how the two compare.

    Returns
    -------
    pandas.DataFrame
        ``lsoa21_code``, ``age_0`` to ``age_17`` and ``children_<band>`` for the five bands; rows in the order of `lsoa_bands`.

    Raises
    ------
    InputError
        Listing missing columns, LSOAs given twice, and MSOAs or authorities without a row.
    """
    import pandas as pd

    _check(lsoa_bands, msoa_single_year, authority_totals)
    msoa = msoa_single_year.set_index("msoa21_code").loc[lsoa_bands["msoa21_code"], list(CENSUS_AGES)].to_numpy(float)
    single = method.split_bands(lsoa_bands[list(CENSUS_BANDS)].to_numpy(float), msoa)
    at_date = method.age_on(single, YEARS_SINCE_CENSUS) if age_on else single[:, : len(AGE_COLUMNS)]
    authority, group = np.unique(lsoa_bands["ltla24_code"].to_numpy(str), return_inverse=True)
    totals = authority_totals.set_index("ltla24_code").loc[authority, list(AGE_COLUMNS)].to_numpy(float)
    scaled = method.scale_to_totals(at_date, totals, group)
    out = pd.DataFrame(scaled, columns=list(AGE_COLUMNS))
    for column, (first, last) in zip(BAND_COLUMNS, AGE_BANDS.values(), strict=True):
        out[column] = scaled[:, first : last + 1].sum(axis=1)
    out.insert(0, "lsoa21_code", lsoa_bands["lsoa21_code"].to_numpy())
    return out


def _check(lsoa: pd.DataFrame, msoa: pd.DataFrame, totals: pd.DataFrame) -> None:
    needed = {
        "lsoa_bands": (lsoa, ("lsoa21_code", "msoa21_code", "ltla24_code", *CENSUS_BANDS), "lsoa21_code"),
        "msoa_single_year": (msoa, ("msoa21_code", *CENSUS_AGES), "msoa21_code"),
        "authority_totals": (totals, ("ltla24_code", *AGE_COLUMNS), "ltla24_code"),
    }
    absent_columns = [(name, c) for name, (table, columns, _) in needed.items() for c in columns if c not in table]
    problems = [Problem(f"no column {column!r}", "add it", name) for name, column in absent_columns]
    raise_all(problems)
    for name, (table, _, key) in needed.items():
        twice = table.loc[table[key].duplicated(), key]
        problems += [Problem(f"{code} is there twice", "keep it once (both sexes together)", name, str(code), key) for code in twice[:5]]
    for name, table, key in (("msoa_single_year", msoa, "msoa21_code"), ("authority_totals", totals, "ltla24_code")):
        absent = sorted(set(lsoa[key]) - set(table[key]))
        problems += [Problem(f"{code} has no row", "add it", name, str(code), key) for code in absent[:5]]
    raise_all(problems)
