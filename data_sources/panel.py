"""A panel of yearly counts for the backtest: a user's own file, or the embedded series of England."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import file_text, read_figures
from data_sources.layouts import SERIES
from jsna_model.conventions import ENGLAND, STATUS
from jsna_model.errors import InputError, Problem, raise_all

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("area_code", "year", "measure", "value", "population")
_CHILDREN = "children_0_17_mid_year"
_MOST = 50  # problems listed; the rest are counted
_VALUE = "give the number without signs or commas; c, x, z or [c] where it is missing"
_POPULATION = "give the children of that year, more than 0; leave it blank where it is not known"
_YEARS = (1900, 2200)  # outside these a year is a slip of the keyboard


def load_panel(path: str | Path) -> pd.DataFrame:
    """Read a panel of counts by area, year and measure.

    Parameters
    ----------
    path : path
        CSV in UTF-8, plain or gzip, or Parquet (with the package pyarrow), with ``area_code, year, measure, value, population``; other
        columns are ignored. A value is zero or more; publishers' symbols (`jsna_model.conventions.STATUS`, bare or in square brackets) and
        blanks are missing values. Years are whole: of a financial year, the one it ends in. A population may be blank or a symbol too
        (`backtest` says what stands for it).

    Returns
    -------
    pandas.DataFrame
        The five columns and ``status`` (the symbol of a missing value, ``x`` for a blank, ``""`` where present), in the file's order.

    Raises
    ------
    InputError
        Listing every problem with file, row and column: columns missing or given twice, rows of other lengths, empty codes, years that are
        not whole, values that are negative or no number, populations not above zero, and an area, year and measure given twice.
    """
    import pandas as pd

    path = Path(path)
    reader = csv.reader(io.StringIO(_text(path)))
    header = [h.strip().lower() for h in next(reader, [])]
    raise_all(_wrong_header(header, path.name))
    at = [header.index(c) for c in COLUMNS]
    rows: list[tuple[str, int, str, float, float, str]] = []
    problems: list[Problem] = []
    first: dict[tuple[str, int, str], int] = {}
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            fix = "put words that hold a comma in double quotes, and write numbers without commas"
            problems.append(Problem(f"{len(cells)} cells where the header has {len(header)}", fix, path.name, line))
            continue
        row, wrong = _row([cells[i].strip() for i in at], path.name, line)
        problems += wrong
        if row is None:
            continue
        if row[:3] in first:
            found = f"{row[2]} of {row[0]} in {row[1]} is in row {first[row[:3]]} too"
            problems.append(Problem(found, "keep one", path.name, line, "area_code"))
        first.setdefault(row[:3], line)
        rows.append(row)
    if not rows and not problems:
        problems.append(Problem("it has a header but no rows", "give one row an area, year and measure", path.name))
    if len(problems) > _MOST:
        problems = [*problems[:_MOST], Problem(f"{len(problems) - _MOST} more problems", "put these right first", path.name)]
    raise_all(problems)
    return pd.DataFrame(rows, columns=[*COLUMNS, "status"])


def england_panel() -> pd.DataFrame:
    """The embedded series of England (DfE 2013 to 2025) as a panel of one area, in the layout of `load_panel`.

    A count of the year to 31 March is over the children of the mid-year before, as DfE's rates are.
    """
    import pandas as pd

    table = read_figures(SERIES).values
    children = table[table["measure"] == _CHILDREN].set_index("year")["value"]
    rows = table[table["measure"] != _CHILDREN]
    years = rows["year"].astype(int)
    return pd.DataFrame(
        {
            "area_code": ENGLAND,
            "year": years,
            "measure": rows["measure"],
            "value": rows["value"],
            "population": (years - 1).map(children),
            "status": "",
        }
    ).reset_index(drop=True)


def _text(path: Path) -> str:
    """The file as the text of a CSV: a table of Parquet is checked as one is, its header being row 1."""
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return file_text(path)
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            str(Problem("reading Parquet needs the package pyarrow", "install it, or save the panel as CSV", path.name))
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(str(Problem(f"it cannot be read as Parquet: {error}", "save it again, or as CSV", path.name))) from None
    named = [n for n in table.index.names if n in COLUMNS]
    return table.reset_index(level=named).to_csv(index=False)


def _wrong_header(header: list[str], file: str) -> list[Problem]:
    fix = f"name the columns {', '.join(COLUMNS)}"
    found = ", ".join(header[:12]) or "an empty file"
    missing = [Problem(f"no column {c!r}; found {found}", fix, file, 1, c) for c in COLUMNS if c not in header]
    return missing + [Problem(f"column {c!r} is there more than once", "keep it once", file, 1, c) for c in COLUMNS if header.count(c) > 1]


def _row(cells: list[str], file: str, line: int) -> tuple[tuple[str, int, str, float, float, str] | None, list[Problem]]:
    area, year_cell, measure, value_cell, population_cell = cells
    pairs = (("area_code", area), ("measure", measure))
    problems = [Problem("empty", "fill it in", file, line, column) for column, cell in pairs if not cell]
    year = _number(year_cell)
    if not (np.isfinite(year) and year == int(year) and _YEARS[0] <= year <= _YEARS[1]):
        fix = "give a whole year, such as 2025 for the year to 31 March 2025"
        problems.append(Problem(f"{year_cell!r} is not a whole year", fix, file, line, "year"))
    status = _symbol(value_cell)
    value = np.nan if status else _number(value_cell)
    if not status and not np.isfinite(value):
        problems.append(Problem(f"{value_cell!r} is not a number", _VALUE, file, line, "value"))
    elif value < 0:
        problems.append(Problem(f"{value_cell} is negative", _VALUE, file, line, "value"))
    population = _number(population_cell)
    absent = _symbol(population_cell)
    if not absent and not population > 0:
        wrong = f"{population_cell!r} is not a number" if np.isnan(population) else f"{population_cell} is not above zero"
        problems.append(Problem(wrong, _POPULATION, file, line, "population"))
    return (None if problems else (area, int(year), measure, float(value), float(population), status)), problems


def _number(cell: str) -> float:
    """The finite number of a cell, else NaN."""
    try:
        value = float(cell)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) and "_" not in cell else np.nan


def _symbol(cell: str) -> str:
    """The publisher's symbol of a missing number, ``x`` for a blank; ``""`` for anything else."""
    inner = cell.lower()
    inner = inner[1:-1] if inner.startswith("[") and inner.endswith("]") else inner
    return "x" if not inner else inner if inner in STATUS else ""
