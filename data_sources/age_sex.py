"""Shares of single years and sexes within the DfE bands: for age bands of the user's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.gazetteer import find_area
from data_sources.layouts import AGE_COLUMNS, SINGLE_YEAR
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import Problem, raise_all

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

_SEXES = {"F": "girls", "M": "boys"}
_BAND = re.compile(r"^(\d{1,2})(?:\s*(?:-|\u2013|to)\s*(\d{1,2}))?$")


def age_sex_shares(
    area: str = "England", bands: Sequence[str] = (), by_sex: bool = False, figures: Path | str | None = None
) -> xr.DataArray:
    """Share of each authority's children of a DfE band that are in each group of the user's own, mid-2024.

    Parameters
    ----------
    area : str
        Name or code of an authority, district (its county is used), region or England.
    bands : sequence of str
        Age bands such as ``"0-4"``, ``"5-10"`` or ``"17"``: every age from 0 to 17 once. Without them, the DfE bands.
    by_sex : bool
        Whether girls and boys are apart.
    figures : path, optional
        Folder of replacement figures.

    Returns
    -------
    xarray.DataArray
        Dims (area, age_band, component): sums to 1 over ``component`` in each DfE band that has children. ``own_band`` and ``sex`` on
        ``component``; components of ``all`` ages, and of ``all`` sexes where they are apart, are totals of the others.

    Raises
    ------
    InputError
        Naming ages that no band has, or that two have, and bands that are not ages.

    Examples
    --------
    >>> age_sex_shares("Rutland", ["0-10", "11-17"])["own_band"].values.tolist()
    ['0-10', '11-17', 'all']
    """
    import xarray as xr

    ages = _ages(bands) if bands else {band: list(range(first, last + 1)) for band, (first, last) in AGE_BANDS.items()}
    codes = find_area(area).authorities
    table = read_figures(SINGLE_YEAR, figures).values.set_index(["utla23_code", "sex"])
    children = np.stack([[table.loc[(code, sex), list(AGE_COLUMNS)].to_numpy(float) for sex in _SEXES] for code in codes])
    if not by_sex:
        children = children.sum(1, keepdims=True)
    dfe = np.array([[first <= age <= last for age in range(18)] for first, last in AGE_BANDS.values()])
    own = np.array([[age in wanted for age in range(18)] for wanted in (*ages.values(), range(18))])
    of_band = np.einsum("csy,gy->cg", children, dfe)
    part = np.einsum("csy,gy,by->cgsb", children, dfe, own)
    if by_sex:  # both sexes together too: their intervals cannot be added
        part = np.concatenate([part, part.sum(2, keepdims=True)], axis=2)
    share = np.divide(part, of_band[..., None, None], out=np.zeros_like(part), where=of_band[..., None, None] > 0)
    labels = [*ages, "all"]
    sexes = [*_SEXES.values(), "all"] if by_sex else ["all"]
    return xr.DataArray(
        share.reshape(*share.shape[:2], -1),
        dims=("area", "age_band", "component"),
        coords={
            "area": list(codes),
            "age_band": list(AGE_BANDS),
            "component": [f"{label}/{sex}" for sex in sexes for label in labels],
            "own_band": ("component", labels * len(sexes)),
            "sex": ("component", [sex for sex in sexes for _ in labels]),
        },
        name="share",
    )


def children_by_year(area: str = "England", figures: Path | str | None = None) -> pd.DataFrame:
    """Children by single year of age and sex, mid-2024: what a population pyramid is drawn from.

    Parameters
    ----------
    area : str
        Name or code of an authority, district (its county is used), region or England.
    figures : path, optional
        Folder of replacement figures.

    Returns
    -------
    pandas.DataFrame
        ``age`` (0 to 17), ``sex`` (``girls``, ``boys``), ``value``: one row each.

    Examples
    --------
    >>> children_by_year("Rutland").groupby("sex")["value"].size().tolist()
    [18, 18]
    """
    import pandas as pd

    table = read_figures(SINGLE_YEAR, figures).values
    wanted = table[table["utla23_code"].isin(find_area(area).authorities)]
    rows = [(age, name, float(wanted.loc[wanted["sex"] == sex, f"age_{age}"].sum())) for sex, name in _SEXES.items() for age in range(18)]
    return pd.DataFrame(rows, columns=["age", "sex", "value"])


def _ages(bands: Sequence[str]) -> dict[str, list[int]]:
    """Single years of each band; every age once."""
    out: dict[str, list[int]] = {}
    problems = []
    for band in bands:
        found = _BAND.match(band.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not found or not 0 <= first <= last <= 17:
            problems.append(Problem(f"{band!r} is not an age band", "write it as 0-4, or 17 for one year; ages go from 0 to 17"))
            continue
        if band.strip() in out:
            problems.append(Problem(f"{band.strip()!r} is there twice", "give each band once"))
        out[band.strip()] = list(range(first, last + 1))
    times = [sum(age in wanted for wanted in out.values()) for age in range(18)]
    for word, wrong, fix in (
        ("in no band", [a for a, n in enumerate(times) if n == 0], "add them: bands cover 0 to 17"),
        ("in two bands", [a for a, n in enumerate(times) if n > 1], "put each age into one band"),
    ):
        if wrong and not problems:
            raise_all([Problem(f"ages {', '.join(map(str, wrong))} are {word}", fix)])
    raise_all(problems)
    return out
