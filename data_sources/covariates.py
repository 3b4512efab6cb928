"""Covariates of small areas beyond deprivation, for all of England: embedded ones, and a user's own file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import file_text
from data_sources.footprint import LSOA_COLUMNS, unknown_lsoa
from data_sources.layouts import BAND_COLUMNS
from jsna_model.conventions import STATUS
from jsna_model.errors import InputError, Problem, raise_all, unknown_name

if TYPE_CHECKING:
    import pandas as pd

#: Covariates that the embedded LSOA table holds, and its columns: a share of households (Census 2021), and 1 in rural areas (RUC 2021).
EMBEDDED = {"social_rented_share": "social_rented_share_2021", "rural_share": "rural"}


def with_covariates(
    table: pd.DataFrame, names: Sequence[str], file: Path | str | None, impute: bool
) -> tuple[pd.DataFrame, list[str], str]:
    """The LSOA table of England with a column for each covariate.

    Parameters
    ----------
    table : pandas.DataFrame
        All of England's LSOAs, with ``utla23_code`` and children by band.
    names : sequence of str
        Covariates that are wanted; none with a file means all of the file's.
    file : path, optional
        CSV with ``lsoa21_code`` and a column for each covariate; every LSOA of England exactly once.
    impute : bool
        Whether empty cells take the mean over children of their authority; where it has none, of England.

    Returns
    -------
    table : pandas.DataFrame
    names : list of str
        Columns that were added.
    note : str
        What was filled in, for the source line; empty where nothing was.

    Raises
    ------
    UnknownNameError
        For a covariate that is neither embedded nor in the file.
    InputError
        Every problem of the file at once.
    """
    if isinstance(names, str):
        raise InputError(f"covariates is {names!r}; give names in a list, [{names!r}], and a file as covariate_file.")
    names = [name.casefold() for name in names]
    own = None if file is None else _read(Path(file), table["lsoa21_code"], names)
    wanted = sorted(dict.fromkeys(names)) or ([] if own is None else sorted(str(c) for c in own.columns))
    taken = {"deprivation", *map(str, table.columns)} - set(EMBEDDED)
    where = None if file is None else Path(file).name
    fix = "call it something else, or leave it out: deprivation is always there, as the IMD 2025 decile"
    raise_all(Problem(f"{name!r} is a column of the package's own", fix, where, None, name) for name in wanted if name in taken)
    table, notes = table.copy(), []
    problems = []
    for name in wanted:
        if own is not None and name in own:
            values = own[name].to_numpy(float)
        elif name in EMBEDDED:
            values = table[EMBEDDED[name]].to_numpy(float)
        else:
            raise unknown_name("covariate", name, [*EMBEDDED, *([] if own is None else own.columns)])
        absent = np.isnan(values)
        if absent.any():
            gone = table["lsoa21_code"].to_numpy(str)[absent]
            if not impute:
                listed = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
                fix = "fill them in, or ask for impute=True (impute_covariates in study.toml), which takes the mean of the authority"
                problems.append(Problem(f"no value for {listed}", fix, where, None, name))
                continue
            values = _imputed(values, absent, table)
            notes.append(f"{name} of {len(gone)} LSOAs filled with the mean of their authority over children")
        table[name] = values
    raise_all(problems)
    return table, wanted, "; ".join(notes)


def _imputed(values: np.ndarray, absent: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Missing values replaced by the mean over children of the authority's others; of England's where it has none."""
    weight = np.where(absent, 0.0, table[list(BAND_COLUMNS)].sum(axis=1).to_numpy(float))
    _, group = np.unique(table["utla23_code"].to_numpy(str), return_inverse=True)
    known = np.where(absent, 0.0, values)
    total, children = np.bincount(group, weight * known), np.bincount(group, weight)
    if not children.sum():
        raise InputError("a covariate has no value anywhere. Give its values, or leave it out.")
    mean = np.where(children > 0, total / np.where(children > 0, children, 1.0), total.sum() / children.sum())
    return np.where(absent, mean[group], values)


def _read(path: Path, lsoas: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """A user's covariates, one row for each of `lsoas` in their order; NaN where a cell is empty or holds a publisher's symbol."""
    import pandas as pd

    reader = csv.reader(io.StringIO(file_text(path)))
    header = [h.strip().casefold() for h in next(reader, [])]
    code = next((c for c in LSOA_COLUMNS if c in header), None)
    columns = [h for h in header if h in names] if names else [h for h in header if h and h not in LSOA_COLUMNS]
    problems = [Problem(f"column {h!r} is there twice", "keep one", path.name, 1, h) for h in dict.fromkeys(columns) if header.count(h) > 1]
    if code is None:
        problems.append(Problem(f"no column 'lsoa21_code'; found {', '.join(header[:8]) or 'an empty file'}", "name it so", path.name, 1))
    if not columns and not set(names) & set(EMBEDDED):
        problems.append(Problem("no column of a covariate", "give a column of numbers, named as in the evidence", path.name, 1))
    raise_all(problems)
    assert code is not None
    place = {c: i for i, c in enumerate(lsoas)}
    values = np.full((len(place), len(columns)), np.nan)
    at, cells = header.index(code), [header.index(c) for c in columns]
    first: dict[str, int] = {}
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        line, found = reader.line_num, row[at].strip() if at < len(row) else ""
        if found not in place:
            problems.append(unknown_lsoa(found, place.keys(), "England", path.name, line, code))
            continue
        if found in first:
            problems.append(Problem(f"{found} is there already in row {first[found]}", "keep it once", path.name, line, code))
        first.setdefault(found, line)
        for i, cell in enumerate(cells):
            text = row[cell].strip() if cell < len(row) else ""
            number = _number(text)
            if number is None:
                fix = "give a number, without % or thousands separators"
                problems.append(Problem(f"{text!r} is not a number", fix, path.name, line, columns[i]))
            else:
                values[place[found], i] = number
    missing = [c for c in place if c not in first]
    if missing:
        listed = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        what = f"{len(missing)} of England's {len(place)} LSOAs (2021) are missing: {listed}"
        problems.append(Problem(what, "add them: a covariate is standardised over all of England", path.name, None, code))
    for i, column in enumerate(columns):
        high = np.nanmax(values[:, i], initial=0.0)
        if column.endswith("_share") and (high > 1 or np.nanmin(values[:, i], initial=0.0) < 0):
            what = f"{column} goes up to {high:g}" if high > 1 else f"{column} is below zero somewhere"
            problems.append(Problem(what, "give a share from 0 to 1: divide percentages by 100", path.name, None, column))
    if len(problems) > 50:
        problems = [*problems[:50], Problem(f"{len(problems) - 50} more problems", "put these right first", path.name)]
    raise_all(problems)
    return pd.DataFrame(values, columns=columns)


def _number(text: str) -> float | None:
    """A number, NaN where the cell is empty or holds a symbol of absence; None where it is neither."""
    if not text or text.strip("[]") in STATUS:
        return float("nan")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
