"""Published counts of children's services, spend and unit costs, with why a figure is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.gazetteer import find_area, names
from data_sources.layouts import AUTHORITIES, COSTS, NEIGHBOURS, SERIES, SPEND, SPEND_COLUMNS
from data_sources.projection import england_children
from jsna_model.conventions import ENGLAND
from jsna_model.errors import Problem, raise_all

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

BASE_YEAR = "2024-25"
_YEAR_ENDING = 2025
_COST = " - S251/Outturn weekly unit costs"


def load_services(area: str, figures: Path | str | None = None) -> xr.Dataset:
    """Published counts of the year to 31 March 2025: an area's authorities, their statistical neighbours, and England.

    Parameters
    ----------
    area : str
        Name or code; a district gives its county. Where it is one authority, its ten neighbours follow in rank order; where it is
        several, none.
    figures : path, optional
        Folder of replacement figures.

    Returns
    -------
    xarray.Dataset
        ``observed`` (area, service): counts, NaN where absent; ``status`` (area, service): the publisher's symbol, ``""`` where
        present (`jsna_model.conventions.STATUS`). Coordinates on area: ``area_name``, ``role`` (``authority``, ``neighbour``,
        ``england``), ``children`` (0–17, mid-2024). Services are `jsna_model.pathway.FLOWS` and ``STOCKS``.

    Raises
    ------
    UnknownNameError, InputError
    """
    import xarray as xr

    from jsna_model.pathway import FLOWS, STOCKS

    services = [*FLOWS, *STOCKS]
    found = find_area(area)
    asked = list(found.authorities)
    near = neighbours(asked[0], figures) if len(asked) == 1 else []
    table = read_figures(AUTHORITIES, figures)
    codes = table.values["utla23_code"]
    raise_all(_absent([*asked, *near], codes, AUTHORITIES.file))
    rows = codes.reset_index().set_index("utla23_code")["index"].loc[[*asked, *near]].to_numpy()
    if table.status is None:
        raise AssertionError("the layout of authorities allows symbols")
    england = _england(services, figures)
    own_names = names("utla")
    folder = str(figures) if figures is not None else None
    children = [*table.values["children_0_17"].to_numpy(float)[rows], england_children(folder)]
    return xr.Dataset(
        {
            "observed": (("area", "service"), np.vstack([table.values.loc[rows, services].to_numpy(float), england])),
            "status": (
                ("area", "service"),
                np.vstack([table.status.loc[rows, services].to_numpy(str), np.where(np.isnan(england), "x", "")]),
            ),
        },
        coords={
            "area": [*asked, *near, ENGLAND],
            "service": services,
            "area_name": ("area", [*(own_names[c] for c in (*asked, *near)), "England"]),
            "role": ("area", ["authority"] * len(asked) + ["neighbour"] * len(near) + ["england"]),
            "children": ("area", children),
        },
        attrs={
            "base_year": BASE_YEAR,
            "source": "DfE, Children in need 2025 and Children looked after in England 2025; children: ONS mid-2024 estimates",
            "basis": "observed",
        },
    )


def _england(services: list[str], figures: Path | str | None) -> np.ndarray:
    table = read_figures(SERIES, figures).values
    latest = table[table["year"] == _YEAR_ENDING].set_index("measure")["value"]
    return latest.reindex(services).to_numpy(float)


def _absent(wanted: list[str], have: pd.Series, file: str) -> list[Problem]:
    return [Problem(f"no row for {code}", "add it", file, code, "utla23_code") for code in wanted if code not in set(have)]


def neighbours(code: str, figures: Path | str | None = None) -> list[str]:
    """Codes of an authority's ten statistical neighbours, nearest first (DfE 2025)."""
    table = read_figures(NEIGHBOURS, figures).values
    own = table[table["utla23_code"] == code].sort_values("rank")
    return own["neighbour_code"].tolist()


def load_spend(area: str, figures: Path | str | None = None) -> xr.Dataset:
    """Total expenditure on children's social care by service line, 2024-25, of an area's authorities.

    Parameters
    ----------
    area : str
    figures : path, optional

    Returns
    -------
    xarray.Dataset
        ``spend`` (area, service): £ thousand, NaN where absent; ``status`` (area, service): ``x`` where the return was not submitted.
        Lines overlap (residential and fostering lie within looked after): do not sum them.

    Raises
    ------
    UnknownNameError, InputError
    """
    import xarray as xr

    table = read_figures(SPEND, figures)
    codes = list(find_area(area).authorities)
    raise_all(_absent(codes, table.values["utla23_code"], SPEND.file))
    where = table.values["utla23_code"].reset_index().set_index("utla23_code")["index"].loc[codes].to_numpy()
    columns = list(SPEND_COLUMNS)
    if table.status is None:
        raise AssertionError("the layout of spend allows symbols")
    utla = names("utla")
    return xr.Dataset(
        {
            "spend": (("area", "service"), table.values.loc[where, columns].to_numpy(float)),
            "status": (("area", "service"), table.status.loc[where, columns].to_numpy(str)),
        },
        coords={"area": codes, "service": columns, "area_name": ("area", [utla[c] for c in codes])},
        attrs={"unit": "£ thousand", "price_year": BASE_YEAR, "source": "MHCLG, Revenue Outturn RO3 2024-25", "basis": "observed"},
    )


def unit_costs(figures: Path | str | None = None) -> list[dict[str, object]]:
    """Section 251 outturn weekly unit costs, England, every year published.

    Returns
    -------
    list of dict
        ``measure``, ``amount`` (£), ``per`` (as published: a week), ``price_year`` (cash prices of that year), ``source``. Averages: not
        what one child fewer would save.
    """
    table = read_figures(COSTS, figures).values
    rows = table[table["measure"].str.endswith(_COST)]
    source = "DfE, Section 251 outturn, by the Local Authority Interactive Tool"
    names_, years, amounts = rows["measure"].tolist(), rows["year"].tolist(), rows["value"].to_numpy(float)
    return [
        {"measure": m.removesuffix(_COST), "amount": float(a), "per": "week", "price_year": y.removesuffix(" (OT)"), "source": source}
        for m, y, a in zip(names_, years, amounts, strict=True)
    ]


def england_series(measure: str | None = None, figures: Path | str | None = None) -> pd.DataFrame:
    """England series by measure and year (to 31 March; ``children_0_17_mid_year`` is the mid-year before).

    Parameters
    ----------
    measure : str, optional
        One measure; by default all.
    figures : path, optional

    Returns
    -------
    pandas.DataFrame
        Columns ``measure``, ``year`` (int), ``value``.

    Raises
    ------
    UnknownNameError
    """
    from jsna_model.errors import unknown_name

    table = read_figures(SERIES, figures).values.astype({"year": int})
    if measure is None:
        return table
    if measure not in set(table["measure"]):
        raise unknown_name("measure of England's series", measure, sorted(set(table["measure"])))
    return table[table["measure"] == measure].reset_index(drop=True)
