"""Areas: names and codes of authorities, districts, regions and England, found as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from data_sources.figures_io import CODE, read_figures
from data_sources.layouts import LSOA, NAMES
from jsna_model.conventions import ENGLAND
from jsna_model.errors import InputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

_ORDER = ("authority", "district", "region", "england")
_TITLES = ("metropolitan borough", "county council", "city council", "borough council", "district council", "council", "borough of",
           "london borough of", "royal borough of", "city of", "county of", "county", "the")  # fmt: skip


@dataclass(frozen=True)
class Area:
    """An area that can be asked for.

    Parameters
    ----------
    code, name : str
    level : {"authority", "district", "region", "england"}
    authorities : tuple of str
        Codes of the upper-tier authorities that it covers, or, for a district, of its county.
    """

    code: str
    name: str
    level: str
    authorities: tuple[str, ...]


def areas(text: str | None = None) -> pd.DataFrame:
    """Areas that can be asked for: 153 upper-tier authorities, districts of counties, nine regions and England.

    Parameters
    ----------
    text : str, optional
        Keep areas whose name, authority, region or code holds it, ignoring case and punctuation.

    Returns
    -------
    pandas.DataFrame
        Columns ``code``, ``name``, ``level``, ``authority``, ``authority_name``, ``region``, ``region_name``; authorities first.

    Examples
    --------
    >>> areas("milton")["code"].tolist()
    ['E06000042']
    """
    table = _areas()
    if not text:
        return table.copy()
    wanted = _plain(text)
    where = ["name", "authority_name", "code"]
    held = table[where].apply(lambda column: column.map(_plain).str.contains(wanted, regex=False))
    return table[held.any(axis=1)].reset_index(drop=True)


_KINDS = {
    "E01": "an LSOA", "E02": "an MSOA", "E05": "a ward", "E06": "a unitary authority", "E07": "a district",
    "E08": "a metropolitan district",
    "E09": "a London borough", "E10": "a county", "E12": "a region",
}  # fmt: skip


def find_area(name_or_code: str) -> Area:
    """The area with a name or code, ignoring case and punctuation.

    An authority wins over a district or region of the same name. ``"Bristol"`` finds *Bristol, City of*; the first words of a name
    will do where they are the first words of no other.

    Parameters
    ----------
    name_or_code : str

    Returns
    -------
    Area

    Raises
    ------
    UnknownNameError
        With the nearest names.
    InputError
        Where several areas are meant equally well, listing them.

    Examples
    --------
    >>> find_area("bristol").code
    'E06000023'
    """
    wanted = _plain(str(name_or_code))
    table = _areas()
    for column, key in (("code", _plain), ("name", _plain), ("name", _bare)):
        hits = table[table[column].map(key) == key(wanted)]
        if len(hits):
            return _only(hits[hits["level"] == hits["level"].iloc[0]], name_or_code)
    starts = table[table["name"].map(_bare).str.startswith(_bare(wanted) + " ")] if len(wanted) > 2 else table[:0]
    if len(starts):
        return _only(starts, name_or_code)
    code = str(name_or_code).strip().upper()
    if CODE.match(code):
        kind = _KINDS.get(code[:3])
        if kind in ("an LSOA", "an MSOA", "a ward"):
            raise InputError(f"{code} is the code of {kind}. Give its authority, and --level for the detail; jsna areas lists all.")
        what = f"{code} is the code of {kind}" if kind else f"{code} is an ONS code"
        raise InputError(
            f"{what}, and not one of April 2023 (upper tier) or 2024 (lower tier), which the figures use: it is of another vintage, "
            "abolished or newer, or not in England. Look for the name of the council there today: jsna areas TEXT."
        )
    raise unknown_name("area", str(name_or_code), table["name"], see="jsna areas")


def _only(hits: pd.DataFrame, asked: str) -> Area:
    if len(hits) > 1:
        options = "; ".join(f"{r.name_} ({r.level}, {r.code})" for r in hits.rename(columns={"name": "name_"})[:8].itertuples())
        more = f"; and {len(hits) - 8} more" if len(hits) > 8 else ""
        raise InputError(f"{asked!r} could mean {options}{more}. Give the full name or the code.")
    row = hits.iloc[0]
    return Area(str(row["code"]), str(row["name"]), str(row["level"]), _authorities(str(row["code"]), str(row["level"])))


def _authorities(code: str, level: str) -> tuple[str, ...]:
    table = _areas()
    upper = table[table["level"] == "authority"]
    if level == "authority":
        return (code,)
    if level == "district":
        return (str(table.loc[(table["code"] == code) & (table["level"] == "district"), "authority"].iloc[0]),)
    return tuple(sorted(upper["code"] if level == "england" else upper.loc[upper["region"] == code, "code"]))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]", " ", text.casefold().replace("&", " and ").replace("'", "").replace("’", "")).split())


def _bare(text: str) -> str:
    """A name without the words of its title, so that 'Bristol, City of' and 'City of Bristol Council' meet."""
    plain = f" {_plain(text)} "
    for title in _TITLES:
        padded = f" {title} "
        if plain.strip() != title and (plain.startswith(padded) or plain.endswith(padded)):
            plain = f" {plain.removeprefix(padded).removesuffix(padded).strip()} "
    return plain.strip()


@lru_cache(maxsize=8)
def names(level: str) -> dict[str, str]:
    """Name of each code at a level (``msoa``, ``ward``, ``ltla``, ``utla``, ``region``)."""
    table = read_figures(NAMES).values
    part = table[table["level"] == level]
    return dict(zip(part["code"], part["name"], strict=True))


@lru_cache(maxsize=1)
def region_of() -> dict[str, str]:
    """Region code of each upper-tier authority."""
    table = read_figures(NAMES).values
    part = table[table["level"] == "utla"]
    return dict(zip(part["code"], part["parent"], strict=True))


@lru_cache(maxsize=1)
def _areas() -> pd.DataFrame:
    import pandas as pd

    regions, upper, lower, region = names("region"), names("utla"), names("ltla"), region_of()
    pairs = read_figures(LSOA).values[["ltla24_code", "utla23_code"]].drop_duplicates()
    rows = [(c, n, "authority", c, n, region[c], regions[region[c]]) for c, n in upper.items()]
    for district, county in sorted(pairs.itertuples(index=False)):
        if district != county:
            rows.append((district, lower[district], "district", county, upper[county], region[county], regions[region[county]]))
    rows += [(c, n, "region", "", "", c, n) for c, n in regions.items()]
    rows.append((ENGLAND, "England", "england", "", "", "", ""))
    table = pd.DataFrame(rows, columns=["code", "name", "level", "authority", "authority_name", "region", "region_name"])
    rank = table["level"].map({level: i for i, level in enumerate(_ORDER)})
    return table.assign(rank=rank).sort_values(["rank", "name"], kind="stable").drop(columns="rank").reset_index(drop=True)
