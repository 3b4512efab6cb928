"""Direct local estimates and known totals from a CSV of the user's own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from data_sources.figures_io import file_text
from jsna_model.direct import Direct, check_together
from jsna_model.errors import InputError, Problem, raise_all

COLUMNS = ("area_code", "risk", "value", "lower", "upper", "level", "source")
_TOTAL = {"": False, "no": False, "yes": True}


def load_direct(path: str | Path) -> tuple[Direct, ...]:
    """Read what places know about themselves.

    Parameters
    ----------
    path : path
        CSV in UTF-8 with ``area_code, risk, value, lower, upper, level, source`` and, where wanted, ``total`` (yes or no) and ``policy``
        (whose small totals are suppressed). A value is a share of children with its interval; of a total, children.

    Returns
    -------
    tuple of Direct
        In the order of the file.

    Raises
    ------
    InputError
        Listing every missing column, empty or wrong cell, and area and risk given twice, with row and column.
    """
    path = Path(path)
    reader = csv.DictReader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in reader.fieldnames or ()]
    reader.fieldnames = header
    raise_all(
        Problem(f"no column {c!r}; found {', '.join(header) or 'an empty file'}", f"name the columns {', '.join(COLUMNS)}", path.name, 1, c)
        for c in COLUMNS
        if c not in header
    )
    found: list[Direct] = []
    problems: list[Problem] = []
    for row in reader:
        if not any((cell or "").strip() for cell in row.values() if isinstance(cell, str)):
            continue
        made, wrong = _row({k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}, path.name, reader.line_num)
        problems += wrong
        found += [made] if made else []
    if not found and not problems:
        problems.append(Problem("no rows", "give one row an area and risk", path.name))
    raise_all([*problems, *check_together(found)])
    return tuple(found)


def _row(cells: dict[str, str], file: str, line: int) -> tuple[Direct | None, list[Problem]]:
    problems = [Problem("empty", "fill it in", file, line, c) for c in COLUMNS if not cells.get(c)]
    numbers = {}
    for c in ("value", "lower", "upper", "level"):
        try:
            numbers[c] = float(cells.get(c) or "nan")
        except ValueError:
            problems.append(Problem(f"{cells[c]!r} is not a number", "write 0.22 for 22 per cent, without signs", file, line, c))
    total = cells.get("total", "").lower()
    if total not in _TOTAL:
        problems.append(Problem(f"{total!r}", "write yes or no", file, line, "total"))
    if problems:
        return None, problems
    try:
        return Direct(
            cells["area_code"],
            cells["risk"],
            **numbers,
            source=cells["source"],
            total=_TOTAL[total],
            policy=cells.get("policy") or "dfe_cin",
        ), []
    except InputError as error:
        return None, [Problem(p.found, p.fix, file, line, p.column) for p in error.problems]
