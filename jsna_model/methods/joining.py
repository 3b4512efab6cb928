"""Joining by code, strictly: what stands in the way of one shape for each area, said all at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from jsna_model.errors import Problem

#: Kinds of area by the first three characters of an ONS code, and the year of the codes that the figures use.
KINDS = {
    "E01": ("LSOA", 2021),
    "E02": ("MSOA", 2021),
    "E05": ("ward", 2024),
    "E06": ("unitary authority", 2024),
    "E07": ("district", 2024),
    "E08": ("metropolitan district", 2024),
    "E09": ("London borough", 2024),
    "E10": ("county", 2023),
    "E12": ("region", 2024),
}
#: A year in the name of a column of codes: WD22CD, ward22_code, lsoa2011_code.
_YEAR = re.compile(r"^[A-Za-z]{2,8}_?(?:20)?([12]\d)(?:_?cd|_?code)?$", re.IGNORECASE)


def year_of_column(column: str | None) -> int | None:
    """Year that the name of a column of codes says, if it says one.

    Examples
    --------
    >>> year_of_column("WD22CD"), year_of_column("lsoa11_code"), year_of_column("code")
    (2022, 2011, None)
    """
    found = _YEAR.match(column or "")
    return 2000 + int(found[1]) if found else None


def kind_of(codes: Sequence[str]) -> tuple[str, int | None]:
    """Kind of the areas in words, and the year of the codes that the figures use.

    Examples
    --------
    >>> kind_of(["E05009406"]), kind_of(["X1"])
    (('ward', 2024), ('area', None))
    """
    first = Counter(str(c)[:3] for c in codes).most_common(1)
    return KINDS.get(first[0][0], ("area", None)) if first else ("area", None)


def join_problems(
    wanted: Sequence[str],
    held: Sequence[str],
    *,
    file: str | None = None,
    column: str | None = None,
    over: Sequence[str] = (),
    every: bool = False,
) -> list[Problem]:
    """What stands in the way of joining shapes to areas by code, one shape an area.

    Parameters
    ----------
    wanted : sequence of str
        Codes of the areas.
    held : sequence of str
        Codes of the shapes.
    file, column : str, optional
        Where the shapes' codes are, for the messages; a year in the column's name is compared with that of the figures.
    over : sequence of str
        Codes of shapes that are not wanted and yet lie over the areas: those of another year, mostly.
    every : bool
        Whether a shape of any other area is a problem; by default a file of all England may be given.

    Returns
    -------
    list of Problem
        Empty where every area has one shape.

    Examples
    --------
    >>> join_problems(["E05000001"], ["E05000001", "E05000002"])
    []
    >>> print(join_problems(["E05000001"], ["E05000009"], column="WD22CD")[0])
    column WD22CD: 1 of 1 areas are missing: E05000001. give boundaries of wards of 2024; column WD22CD is of 2022.
    """
    kind, year = kind_of(wanted)
    said = year_of_column(column)
    other = f"; column {column} is of {said}" if said and year and said != year else ""
    of = f"boundaries of {kind}s of {year}" if year and not kind.endswith("y") else "boundaries of the same level and year"
    ask = set(wanted)
    times = Counter(held)
    problems = [Problem(f"{code} has more than one shape", "dissolve it to one", file, code, column) for code in _first(times, ask)]
    missing = [c for c in dict.fromkeys(wanted) if c not in times]
    if missing:
        found = f"{len(missing)} of {len(ask)} areas are missing: {listed(missing)}"
        problems.append(Problem(found, f"give {of}{other}", file, None, column))
    extra = [c for c in dict.fromkeys(over) if c not in ask]
    if extra:
        found = f"{len(extra)} shapes of other codes lie over the areas: {listed(extra)}"
        problems.append(Problem(found, f"they are of another year or level: give {of}{other}", file, None, column))
    rest = [c for c in times if c not in ask and c not in set(extra)]
    if every and rest:
        problems.append(Problem(f"{len(rest)} shapes are of no area of the result: {listed(rest)}", "leave them out", file, None, column))
    return problems


def _first(times: Counter[str], ask: set[str]) -> list[str]:
    return sorted(code for code, n in times.items() if n > 1 and code in ask)[:10]


def listed(codes: Sequence[str], most: int = 10) -> str:
    """The first codes, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return f"{', '.join(codes[:most])}{more}"
