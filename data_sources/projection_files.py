"""A user's own projection: ONS subnational population projections as published, for whole authorities or for their districts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.layouts import AUTHORITY_CODES
from data_sources.projection_rows import CHILD_AGES, LAYOUT, Reading, choose, folder_names, members, read_rows
from jsna_model.errors import Problem, nearest, raise_all

if TYPE_CHECKING:
    import pandas as pd

_MOST = 50  # problems listed; the rest are counted
_WORDS = {"P": "persons", "F": "females", "M": "males"}


@dataclass(frozen=True)
class Given:
    """What a user's projection says of some authorities.

    Parameters
    ----------
    children : array, shape (authority, year, age), or (authority, year, age, sex) where it was asked for
    years : tuple of int
        From the base year on.
    variant : str
        The one that was read.
    variants : tuple of str
        All that there are.
    notes : tuple of str
        What was put together from what.
    """

    children: np.ndarray
    years: tuple[int, ...]
    variant: str
    variants: tuple[str, ...]
    notes: tuple[str, ...] = ()


def variants_of(path: Path | str) -> tuple[str, ...]:
    """Names of the variants that a file, ZIP or folder holds."""
    found = members(Path(path))
    if len(names := folder_names(found)) > 1:
        return names
    inside = {row[0] for m in found for row in read_rows(m).rows} - {""}
    return tuple(sorted(inside)) or names


def read_projection(
    path: Path | str, authorities: Sequence[str], base_year: int, variant: str = "principal", by_sex: bool = False
) -> Given:
    """Read a user's projection for some upper-tier authorities, put together from districts or predecessors where need be.

    Parameters
    ----------
    path : path
        A CSV (plain or gzip) or XLSX file, a ZIP, or a folder of these. Wide, as ONS publishes them: ``AREA_CODE``, ``SEX``, ``AGE_GROUP``
        and a column for each year. Long: ``code``, ``year``, ``age``, ``population``, and ``sex`` and ``variant`` where there are several;
        or ``age_0`` to ``age_17`` in the place of the last two. Other columns are left alone; so are a ``COMPONENT`` other than
        Population, ages from 18, and sums over authorities.
    authorities : sequence of str
        Codes of April 2023.
    base_year : int
        Years before it are left out.
    variant : str
        The name of its folder or ZIP, or the word in column ``variant``, in lower case with underscores. ``principal`` also takes the
        only one.
    by_sex : bool
        Whether females and males are wanted apart.

    Returns
    -------
    Given

    Raises
    ------
    UnknownNameError
        For a variant that is not there, with the nearest.
    InputError
        Listing what cannot be read, with file, row and column; missing years, ages, sexes and areas; sums that do not agree.
    """
    path = Path(path)
    found = members(path)
    variants = folder_names(found)
    chosen = choose(variant, variants, path.name) if len(variants) > 1 else variants[0]
    reading = Reading()
    for member in found:
        if member.variant == chosen:
            read_rows(member, reading)
    inside = tuple(sorted({row[0] for row in reading.rows} - {""}))
    if len(variants) == 1:
        variants = inside or variants
        chosen = choose(variant, variants, path.name)
        reading.rows = [row for row in reading.rows if row[0] in ("", chosen)]
    _raise([*reading.problems, *_wrong_years(reading, base_year, path.name)], path.name)
    years = tuple(range(base_year, max(reading.years) + 1))
    table = _table(reading, path.name, base_year)
    children, notes = _authorities(_Cells(table, years, path.name), authorities, by_sex)
    return Given(children, years, chosen, variants, notes)


def _wrong_years(reading: Reading, base: int, file: str) -> list[Problem]:
    years = sorted(reading.years)
    if not years:
        return [] if reading.problems else [Problem("no rows of children by single year of age", LAYOUT, file)]
    every = f"give every year from {base}; none is made up"
    if years[0] > base:
        found = f"it starts in {years[0]}, after the base year {base}"
        return [
            Problem(found, f"give a projection that covers {base}, so that it can be held against the estimates", file, 1, str(years[0]))
        ]
    if base not in years:
        return [Problem(f"it runs {years[0]} to {years[-1]}, without the base year {base}", every, file, 1)]
    gaps = [str(y) for y in range(base, years[-1]) if y not in reading.years]
    return [Problem(f"no year {', '.join(gaps)} between {base} and {years[-1]}", every, file, 1, gaps[0])] if gaps else []


def _table(reading: Reading, file: str, first: int) -> pd.DataFrame:
    """Cells from the first year on: a row for each code, sex, age and year, each once."""
    import pandas as pd

    table = pd.DataFrame(reading.rows, columns=["variant", "code", "sex", "age", "year", "value", "file", "line"])
    table = table[table["year"] >= first]
    key = ["code", "sex", "age", "year"]
    again = table[table.duplicated(key)].drop_duplicates(["code", "sex", "age"])
    before = table.drop_duplicates(key).merge(again, on=key, suffixes=("", "_again"))
    problems = []
    for row in before.to_dict("records"):
        found = f"{row['code']}, {_WORDS[row['sex']]}, age {row['age']}, {row['year']} is there already in {row['file']}, row {row['line']}"
        problems.append(Problem(found, "keep it once", row["file_again"], row["line_again"]))
    _raise(problems, file)
    return table


class _Cells:
    """Cells of a file by code and sex, as arrays (year, age); NaN where missing."""

    def __init__(self, table: pd.DataFrame, years: Sequence[int], file: str) -> None:
        self.years, self.file = years, file
        self.lines = {str(code): (str(f), int(n)) for code, f, n in table.drop_duplicates("code")[["code", "file", "line"]].to_numpy()}
        self.codes = set(self.lines)
        self.sexes = set(table["sex"])
        self._held: dict[tuple[str, str], np.ndarray] = {}
        for (code, sex), part in table.groupby(["code", "sex"]):
            cells = np.full((len(years), CHILD_AGES), np.nan)
            cells[part["year"].to_numpy(int) - years[0], part["age"].to_numpy(int)] = part["value"]
            self._held[str(code), str(sex)] = cells

    @property
    def all_persons(self) -> tuple[str, ...]:
        """Sexes that together are everybody."""
        return ("P",) if "P" in self.sexes else ("F", "M")

    def sum(self, codes: Sequence[str], sexes: Sequence[str]) -> tuple[np.ndarray, list[Problem]]:
        """Children over codes, (year, age, sex), and what is missing."""
        out, problems = np.zeros((len(self.years), CHILD_AGES, len(sexes))), []
        for code in codes:
            for j, sex in enumerate(sexes):
                cells = self._held.get((code, sex))
                if cells is None:
                    problems.append(Problem(f"no {_WORDS[sex]} of {code}", "add the rows", self.file, code, "sex"))
                    continue
                out[..., j] += cells
                if np.isnan(cells).any():
                    problems.append(Problem(f"{code} lacks {self._lacks(cells)}", "give every age 0 to 17 in every year", self.file, code))
        return out, problems

    def _lacks(self, cells: np.ndarray) -> str:
        """What is missing, in words: ages in every year, or the first few cells."""
        absent = np.isnan(cells)
        if whole := [str(a) for a in np.flatnonzero(absent.all(0))]:
            return f"age {', '.join(whole)} in every year"
        first = [f"age {a} in {self.years[t]}" for t, a in np.argwhere(absent)[:3]]
        more = int(absent.sum()) - len(first)
        return ", ".join(first) + (f" and {more} more cells" if more else "")


@lru_cache(maxsize=1)
def _codes() -> pd.DataFrame:
    return read_figures(AUTHORITY_CODES).values


@lru_cache(maxsize=256)
def _vintages(authority: str) -> list[tuple[str, ...]]:
    """Sets of codes, each of which makes up an authority: itself, what it was or became whole, then its parts, the latest first."""
    own = _codes()[_codes()["utla23_code"] == authority]
    parts = own[own["kind"] == "part"]
    years = range(int(parts["last"].max()), int(parts["first"].min()) - 1, -1)
    dated = [tuple(sorted(parts.loc[(parts["first"] <= y) & (parts["last"] >= y), "code"])) for y in years]
    return list(dict.fromkeys([(authority,), *((c,) for c in own.loc[own["kind"] == "whole", "code"]), *dated]))


def _authorities(cells: _Cells, authorities: Sequence[str], by_sex: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """Children of each authority, and notes on what was put together from what; everything that is missing at once."""
    problems = _strangers(cells)
    if by_sex and not {"F", "M"} <= cells.sexes:
        found = "it has persons only" if "P" in cells.sexes else "it has one sex only"
        problems.append(Problem(found, "give females and males, or leave by_sex out", cells.file, column="sex"))
        _raise(problems, cells.file)
    sexes = ("F", "M") if by_sex else cells.all_persons
    out, notes, counties = [], [], 0
    for authority in authorities:
        vintages = _vintages(authority)
        codes = next((v for v in vintages if set(v) <= cells.codes), ())
        if not codes:
            problems.append(_absent(authority, vintages, cells))
            continue
        values, missing = cells.sum(codes, sexes)
        problems += missing or _sums(cells, authority, codes, vintages, values.sum(-1))
        out.append(values if by_sex else values.sum(-1))
        if past := _past(authority, codes):
            notes.append(f"{authority} from codes of other years: {', '.join(past)}")
        elif codes != (authority,):
            counties += 1
    _raise(problems, cells.file)
    if counties:
        notes.append(f"{counties} counties summed from their districts")
    return np.stack(out), tuple(notes)


def _past(authority: str, codes: Sequence[str]) -> tuple[str, ...]:
    """All the codes, where one of them is not of April 2023."""
    table = _codes().set_index("code")
    latest = table.loc[table["kind"] == "part", "last"].max()
    old = [c for c in codes if c != authority and (table["kind"][c] == "whole" or table["last"][c] < latest)]
    return tuple(codes) if old else ()


def _strangers(cells: _Cells) -> list[Problem]:
    """Codes that were never an authority's; counties abolished since are left to their districts."""
    known = {*_codes()["code"], *_codes()["utla23_code"]}
    problems = []
    for code in sorted(c for c in cells.codes - known if not c.startswith("E10")):
        close = nearest(code, known, 1)
        hint = f"; the nearest is {close[0]}" if close else ""
        found = f"{code} was no authority of England in 2016 to 2025"
        problems.append(Problem(found, f"take it out or put it right{hint}", *cells.lines[code], "code"))
    return problems


def _absent(authority: str, vintages: Sequence[tuple[str, ...]], cells: _Cells) -> Problem:
    """An authority that the file does not have; of the sets that would make it up, what the nearest one lacks."""
    some = [v for v in vintages if set(v) & cells.codes]
    lacking = sorted(set(min(some, key=lambda v: len(set(v) - cells.codes))) - cells.codes) if some else []
    known = {*_codes()["code"], *_codes()["utla23_code"]}
    old = sorted(c for c in cells.codes - known if c.startswith("E10"))
    found = f"no {authority}" + (f"; of the districts that make it up, {', '.join(lacking)} are missing" if lacking else "")
    found += f"; rows of a county that was divided since ({', '.join(old)}) cannot stand for its parts" if old else ""
    return Problem(found, "add it, or all the districts or predecessors that make it up", cells.file, authority, "code")


def _sums(cells: _Cells, authority: str, codes: tuple[str, ...], vintages: Sequence[tuple[str, ...]], whole: np.ndarray) -> list[Problem]:
    """Where a county's rows are not the sum of its districts', or persons not that of the sexes, if the file holds both."""
    districts = next((v for v in vintages if codes == (authority,) and len(v) > 1 and set(v) <= cells.codes), ())
    problems = _off(cells, authority, whole, districts, cells.all_persons, f"its {len(districts)} districts") if districts else []
    if {"P", "F", "M"} <= cells.sexes:
        persons, missing = cells.sum(codes, ("P",))
        problems += missing or _off(cells, authority, persons[..., 0], codes, ("F", "M"), "its females and males")
    return problems


def _off(cells: _Cells, authority: str, whole: np.ndarray, codes: Sequence[str], sexes: Sequence[str], what: str) -> list[Problem]:
    """A problem where a whole and the sum of its parts differ by more than rounding each to a whole child can make them."""
    parts, missing = cells.sum(codes, sexes)
    total = parts.sum(-1)
    gap = np.abs(whole - total)
    if missing or not (gap > 0.5 * (len(codes) * len(sexes) + 1)).any():
        return missing
    t, a = (int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
    found = f"{authority} has {whole[t, a]:,.1f} aged {a} in {cells.years[t]}, and {what} together {total[t, a]:,.1f}"
    return [Problem(found, "find which is right and leave the other out", cells.file, authority, str(cells.years[t]))]


def _raise(problems: Sequence[Problem], file: str) -> None:
    """At most `_MOST` problems, the rest counted."""
    if len(problems) > _MOST:
        problems = [*problems[:_MOST], Problem(f"{len(problems) - _MOST} more problems", "put these right first", file)]
    raise_all(problems)
