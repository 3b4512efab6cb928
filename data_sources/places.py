"""What an authority says about places of early help: capacity, minimum, cost, weight and families now, by small area, from a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from data_sources.figures_io import file_text
from jsna_model.errors import Problem, nearest, raise_all

#: Columns of numbers, each of which a file may have.
NUMBERS = ("capacity", "minimum", "unit_cost", "weight", "current")


def load_places(path: str | Path, places: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Read numbers by place.

    Parameters
    ----------
    path : path
        CSV in UTF-8: ``area`` (name or code) and any of ``capacity, minimum, unit_cost, weight, current``. An empty cell says nothing.
    places : mapping of str to str
        Code to name of the places that there are.

    Returns
    -------
    dict of str to dict of str to float
        By column, by code.

    Raises
    ------
    InputError
        For every column that is missing or unknown, place that is not there or given twice, and cell that is no number of zero or more.
    """
    path = Path(path)
    reader = csv.DictReader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in reader.fieldnames or ()]
    reader.fieldnames = header
    wanted = f"name the columns area and some of {', '.join(NUMBERS)}"
    problems = [Problem(f"column {h!r} is not known", wanted, path.name, 1) for h in header if h not in ("area", *NUMBERS)]
    if "area" not in header or not set(header) & set(NUMBERS):
        problems.append(Problem(f"the columns are {', '.join(header) or 'empty'}", wanted, path.name, 1))
    raise_all(problems)
    by_name: dict[str, list[str]] = {}
    for code, name in places.items():
        by_name.setdefault(name.lower(), []).append(code)
    out: dict[str, dict[str, float]] = {column: {} for column in header if column in NUMBERS}
    seen: set[str] = set()
    for row in reader:
        said, line = (row["area"] or "").strip(), reader.line_num
        if not said and not any((v or "").strip() for v in row.values() if isinstance(v, str)):
            continue
        found = [said] if said in places else by_name.get(said.lower(), [])
        if len(found) != 1:
            close = nearest(said, [*places.values(), *places])
            what = f"{len(found)} places are called {said!r}" if found else f"no place is called {said!r}"
            problems.append(Problem(what, f"give the code, or {' or '.join(close) or 'a name'}", path.name, line, "area"))
            continue
        (code,) = found
        if code in seen:
            problems.append(Problem(f"{said!r} is given twice", "keep one row", path.name, line, "area"))
        seen.add(code)
        for column, values in out.items():
            cell = (row.get(column) or "").strip().replace(",", "").removeprefix("£")
            if not cell:
                continue
            try:
                values[code] = float(cell)
            except ValueError:
                problems.append(Problem(f"{cell!r} is not a number", "give a number of zero or more", path.name, line, column))
                continue
            if not 0 <= values[code] < float("inf"):
                problems.append(Problem(f"found {cell}", "give a number of zero or more", path.name, line, column))
    raise_all(problems)
    return {column: values for column, values in out.items() if values}
