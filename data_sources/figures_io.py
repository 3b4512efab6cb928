"""Strict reading of figures: every problem at once, with file, line, column, what was found and what to do."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jsna_model.conventions import STATUS
from jsna_model.errors import InputError, Problem, raise_all

if TYPE_CHECKING:
    import pandas as pd

#: An ONS (GSS) code of England or Wales.
CODE = re.compile(r"^[EW]\d{8}$")
_SYMBOLS = tuple(s for s in STATUS if s)
_MOST = 50  # problems listed; the rest are counted


@dataclass(frozen=True)
class Layout:
    """What a figures file must hold; other columns are left alone.

    Parameters
    ----------
    file : str
        Name in the figures folder.
    codes : tuple of str
        Columns of ONS codes.
    text : tuple of str
        Columns of words, which may be blank.
    counts : tuple of str
        Numbers, zero or more.
    numbers : tuple of str
        Numbers of either sign.
    key : tuple of str
        Columns that together name a row once.
    symbols : bool
        Whether publishers' symbols (`jsna_model.conventions.STATUS`) may stand for a number.
    """

    file: str
    codes: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    symbols: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All the columns that must be there."""
        return (*self.codes, *self.text, *self.counts, *self.numbers)


@dataclass(frozen=True)
class Table:
    """A table that was read: values, and the symbol of each number that is absent (``""`` where present; None without symbols)."""

    values: pd.DataFrame
    status: pd.DataFrame | None


def figure_path(file: str, figures: Path | str | None = None) -> Traversable:
    """Where a figures file is: in a folder of the user's, else embedded.

    Parameters
    ----------
    file : str
    figures : path, optional
        Folder with replacements, named as the embedded files; a ``.csv.gz`` may be given as ``.csv``. What it does not hold is embedded.

    Returns
    -------
    Traversable

    Raises
    ------
    InputError
        Where there is no such folder, it holds none of the figures, or a name in it is nearly that of a figures file.
    """
    embedded = files("data_sources").joinpath("figures")
    if figures is None:
        return embedded.joinpath(file)
    folder = Path(figures)
    known = {name: p.name for p in embedded.iterdir() for name in (p.name, p.name.removesuffix(".gz"))}
    if not folder.is_dir():
        raise InputError(str(Problem("there is no such folder of figures", "check the path", str(folder))))
    there = [p.name for p in folder.iterdir() if p.name.endswith((".csv", ".csv.gz"))]
    fix = "name a replacement as the file that it replaces"
    close = {name: get_close_matches(name, known, 1, 0.85) for name in there if name not in known}
    raise_all(Problem(f"{name} is not a figures file; the nearest is {near[0]}", fix, str(folder)) for name, near in close.items() if near)
    if not set(there) & set(known):
        raise InputError(str(Problem("it holds none of the figures files", fix, str(folder))))
    own = next((name for name in (file, file.removesuffix(".gz")) if name in there), None)
    return folder / own if own else embedded.joinpath(file)


def read_figures(layout: Layout, figures: Path | str | None = None) -> Table:
    """Read one of the figures, embedded or the user's; kept in memory, so do not change what it returns.

    Raises
    ------
    InputError
        Listing every problem.
    """
    path = figure_path(layout.file, figures)
    stamp = (path.stat().st_mtime_ns, path.stat().st_size) if isinstance(path, Path) else (0, 0)
    return _kept(layout, None if figures is None else str(figures), stamp)


@lru_cache(maxsize=32)
def _kept(layout: Layout, figures: str | None, stamp: tuple[int, int]) -> Table:
    return read_table(figure_path(layout.file, figures), layout)


def read_table(path: Traversable | Path | str, layout: Layout) -> Table:
    """Read a CSV (UTF-8, plain or gzip) against a layout.

    Parameters
    ----------
    path : path
    layout : Layout

    Returns
    -------
    Table
        Number columns as float64, others as words; rows in the file's order.

    Raises
    ------
    InputError
        Listing missing columns, words in number columns, negative counts, codes that are no ONS code, rows given twice, with the
        file's line (the header is line 1).
    """
    path = Path(path) if isinstance(path, str) else path
    text = file_text(path)
    table = None if layout.symbols else _fast(text, layout)
    return table or _careful(text, layout, path.name)


def file_text(path: Traversable | Path) -> str:
    """The text of a CSV in UTF-8 (a byte-order mark is dropped), plain or gzip.

    Raises
    ------
    InputError
        Where it is absent, cannot be opened, or is not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(str(Problem("there is no such file", "check the path", file=str(path)))) from None
    except OSError as error:
        raise InputError(str(Problem(f"it cannot be read: {error.strerror}", "close it elsewhere or check the path", str(path)))) from None
    try:
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (UnicodeDecodeError, OSError, EOFError):
        fix = "save it as 'CSV UTF-8 (comma delimited)'"
        raise InputError(str(Problem("it is not a CSV in UTF-8", fix, file=path.name))) from None


def _fast(text: str, layout: Layout) -> Table | None:
    """Read a clean file quickly; None where anything at all is out of order, so that `_careful` says what."""
    import pandas as pd

    numbers = (*layout.counts, *layout.numbers)
    dtype = {**dict.fromkeys((*layout.codes, *layout.text), str), **dict.fromkeys(numbers, float)}
    try:
        header = next(csv.reader(io.StringIO(text)), [])
        values = pd.read_csv(io.StringIO(text), dtype=dtype, keep_default_na=False)
        ragged = list(values.columns) != header or not isinstance(values.index, pd.RangeIndex)
        values = values[list(layout.columns)]
    except (ValueError, KeyError):
        return None
    figures = values[list(numbers)].to_numpy()
    clean = (
        len(values) > 0
        and not ragged
        and bool(np.isfinite(figures).all())
        and not bool((values[list(layout.counts)].to_numpy() < 0).any())
        and all(bool(values[c].str.fullmatch(CODE.pattern).all()) for c in layout.codes)
        and not bool(values.isna().any(axis=None))
        and not (layout.key and bool(values.duplicated(list(layout.key)).any()))
    )
    return Table(values, None) if clean else None


def _careful(text: str, layout: Layout, name: str) -> Table:
    import pandas as pd

    reader = csv.reader(io.StringIO(text))
    header = [h.strip() for h in next(reader, [])]
    missing = [c for c in layout.columns if c not in header]
    twice = sorted({h for h in header if h and header.count(h) > 1})
    problems = [Problem(f"no column {c!r}; found {', '.join(header[:12]) or 'an empty file'}", "add the column", name) for c in missing]
    problems += [Problem(f"column {h!r} is there more than once", "keep it once", name, 1, h) for h in twice]
    raise_all(problems)
    rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError(str(Problem("it has a header but no rows", "add the figures", file=name)))
    columns: dict[str, list[str]] = {c: [] for c in layout.columns}
    places = [(c, header.index(c)) for c in layout.columns]
    for line, row in rows:
        if len(row) != len(header):
            fix = "put names that hold a comma in double quotes"
            problems.append(Problem(f"{len(row)} cells where the header has {len(header)}", fix, name, line))
        for c, i in places:
            columns[c].append(row[i].strip() if i < len(row) else "")
    lines = [line for line, _ in rows]
    values: dict[str, object] = dict(columns)
    status: dict[str, list[str]] = {}
    for c in layout.codes:
        problems += _wrong_codes(columns[c], lines, c, name)
    for c in (*layout.counts, *layout.numbers):
        read = [_number(cell, layout.symbols) for cell in columns[c]]
        values[c] = np.array([v for v, _ in read], dtype=float)
        status[c] = [s if s in STATUS else "" for _, s in read]
        problems += _wrong_numbers(columns[c], read, lines, c, name, c in layout.counts, layout.symbols)
    problems += _wrong_keys([tuple(columns[k][i] for k in layout.key) for i in range(len(rows))], lines, layout.key, name)
    if len(problems) > _MOST:
        more = Problem(f"{len(problems) - _MOST} more problems", "put these right first", name)
        problems = [*problems[:_MOST], more]
    raise_all(problems)
    return Table(pd.DataFrame(values), pd.DataFrame(status) if layout.symbols else None)


def _number(cell: str, symbols: bool) -> tuple[float, str]:
    """The value of a cell and its symbol; a symbol that is not in STATUS says what is wrong."""
    try:
        value = float(cell)
        return (value, "") if np.isfinite(value) and "_" not in cell else (np.nan, "word")
    except ValueError:
        pass
    inner = cell.lower()
    if inner.startswith("[") and inner.endswith("]"):
        inner = "x" if inner[1:-1].startswith("note") else inner[1:-1]
    if symbols and inner in _SYMBOLS:
        return np.nan, inner
    return np.nan, "word" if cell else "blank"


def _wrong_codes(cells: Sequence[str], lines: Sequence[int], column: str, name: str) -> list[Problem]:
    fix = "give an ONS code such as E06000042"
    wrong = [(cell, n) for cell, n in zip(cells, lines, strict=True) if not CODE.match(cell)]
    return [Problem(f"{cell!r} is not an ONS code", fix, name, n, column) for cell, n in wrong]


def _wrong_numbers(
    cells: Sequence[str],
    read: Sequence[tuple[float, str]],
    lines: Sequence[int],
    column: str,
    name: str,
    count: bool,
    symbols: bool,
) -> list[Problem]:
    fix = "give a number without commas" + (f" or one of the symbols {', '.join(_SYMBOLS)}" if symbols else "")
    problems = []
    for cell, (value, mark), n in zip(cells, read, lines, strict=True):
        if mark == "blank":
            problems.append(Problem("the cell is empty", fix + "; absence is not zero", name, n, column))
        elif mark == "word":
            problems.append(Problem(f"{cell!r} is not a number", fix, name, n, column))
        elif count and value < 0:
            problems.append(Problem(f"{cell} is negative", "give zero or more", name, n, column))
    return problems


def _wrong_keys(keys: Sequence[tuple[str, ...]], lines: Sequence[int], columns: tuple[str, ...], name: str) -> list[Problem]:
    if not columns:
        return []
    first: dict[tuple[str, ...], int] = {}
    problems = []
    for key, n in zip(keys, lines, strict=True):
        if key in first:
            found = f"{', '.join(key)} is there already in row {first[key]}"
            problems.append(Problem(found, "keep it once", name, n, ", ".join(columns)))
        first.setdefault(key, n)
    return problems
