"""Discount rates by schedule, and a deflator from a file of the user's: HM Treasury's own CSV, or two columns."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data_sources.figures_io import file_text
from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.methods.prices import DiscountSchedule

_YEAR = re.compile(r"^\d{4}-\d{2}$")
_BASE = re.compile(r"(\d{4}-\d{2})\s*=\s*100")
#: How far the index of the base year may be from 100: the series is published to three decimals.
_ROUNDED = 0.001


@dataclass(frozen=True)
class Deflators:
    """A price index by financial year.

    Parameters
    ----------
    index : dict of str to float
        Year, such as ``"2024-25"``, to index; takes the place of a mapping in `jsna_model.methods.prices.reprice`.
    base : str
        Year in which it is 100; empty where the file does not say.
    file : str
    notes : tuple of str
        What the file says above its table, such as the date of its outturn and of its forecasts.
    """

    index: dict[str, float]
    base: str
    file: str
    notes: tuple[str, ...] = ()


@cache
def _schedules() -> dict[str, dict[str, Any]]:
    text = files("data_sources").joinpath("defaults", "discount_rates.toml").read_text(encoding="utf-8")
    return {s["key"]: s for s in tomllib.loads(text)["schedule"]}


def discount_schedules() -> tuple[str, ...]:
    """Keys of the discount schedules that ship."""
    return tuple(_schedules())


def load_discount_schedule(key: str) -> DiscountSchedule:
    """A discount schedule by key; none is the default.

    Parameters
    ----------
    key : str
        One of `discount_schedules`, such as ``"green_book_2026"``.

    Returns
    -------
    DiscountSchedule

    Raises
    ------
    UnknownNameError
    """
    known = _schedules()
    if key not in known:
        raise unknown_name("discount schedule", key, known)
    s = known[key]
    return DiscountSchedule(tuple(s["first_years"]), tuple(s["rates"]), f"{s['title']} ({s['vintage']})", s["source"])


def load_deflators(path: str | Path) -> Deflators:
    """Read a deflator series by financial year.

    Parameters
    ----------
    path : path
        HM Treasury's "GDP deflators at market prices, and money GDP", as CSV in UTF-8 or, where openpyxl is installed, as the workbook:
        the first column headed such as ``2024-25 = 100`` is the deflator. Or two columns headed ``year,index``.

    Returns
    -------
    Deflators

    Raises
    ------
    InputError
        For a workbook that cannot be read, a file without such a column, and every index that is missing, not a number, not above zero or
        of a year given twice, with its row; and where the base year's index is not 100.

    Notes
    -----
    The series is revised four times a year and its last years are forecasts: the file is the user's, and none is embedded.
    """
    path = Path(path)
    rows, (head, at, base) = _found(path)
    problems: list[Problem] = []
    index: dict[str, float] = {}
    for line, row in enumerate(rows[head + 1 :], head + 2):
        years = [cell for cell in row[:at] if cell]
        if not years or not _YEAR.match(years[-1]):
            continue
        year, cell = years[-1], row[at] if at < len(row) else ""
        value = _number(cell)
        if value is None or not 0 < value < float("inf"):
            problems.append(Problem(f"the deflator of {year} is {cell!r}", "give a number above zero", path.name, line))
        elif year in index:
            problems.append(Problem(f"{year} is given twice", "keep one", path.name, line))
        else:
            index[year] = value
    if not index and not problems:
        problems.append(Problem("no financial years such as 2024-25 beside the deflator", "give one row a year", path.name))
    if base in index and abs(index[base] - 100) > _ROUNDED:
        problems.append(
            Problem(f"the deflator of its base year {base} is {index[base]:g}, not 100", "check that no column was moved", path.name)
        )
    raise_all(problems)
    notes = [" ".join(cell for cell in row if cell) for row in rows[:head]]
    return Deflators(index, base, path.name, tuple(n for n in notes if n))


def _found(path: Path) -> tuple[list[list[str]], tuple[int, int, str]]:
    """Rows of the file, or of the first sheet of a workbook that has one, and where the deflator's heading is."""
    for rows in _sheets(path):
        heading = _heading(rows)
        if heading:
            return rows, heading
    fix = "give HM Treasury's file, whose deflator is headed such as '2024-25 = 100', or the columns year,index"
    raise InputError(str(Problem("no deflator by financial year", fix, path.name)))


def _sheets(path: Path) -> Iterator[list[list[str]]]:
    if path.suffix.lower() not in (".xlsx", ".xlsm", ".xls", ".ods"):
        yield [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(file_text(path)))]
        return
    if path.suffix.lower() not in (".xlsx", ".xlsm") or find_spec("openpyxl") is None:
        fix = "save the sheet with the deflators as CSV and give that"
        raise InputError(str(Problem("a workbook that cannot be read here", fix, path.name)))
    load_workbook = import_module("openpyxl").load_workbook

    if not path.is_file():
        raise InputError(str(Problem("there is no such file", "check the path", str(path))))
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            yield [["" if cell is None else str(cell).strip() for cell in row] for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()


def _heading(rows: list[list[str]]) -> tuple[int, int, str] | None:
    """Row and column of the deflator's heading, and its base year."""
    for i, row in enumerate(rows):
        lower = [cell.lower() for cell in row]
        if "year" in lower and "index" in lower:
            return i, lower.index("index"), ""
        for j, cell in enumerate(row):
            found = _BASE.search(cell)
            if found:
                return i, j, found[1]
    return None


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return None
