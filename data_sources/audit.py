"""A case audit from a CSV: what was asked of each stratum's cases, and in how many it was found."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_sources.figures_io import file_text
from jsna_model.errors import Problem, raise_all

COLUMNS = ("stratum", "cases", "question", "audited", "found")
_NUMBERS = ("cases", "audited", "found")


@dataclass(frozen=True)
class Audited:
    """One question asked of one stratum's cases.

    Parameters
    ----------
    stratum, question : str
    cases, audited, found : int
        All cases of the stratum, those audited, and those of them in which it was found.
    line : int
        Of the file.
    """

    stratum: str
    cases: int
    question: str
    audited: int
    found: int
    line: int = 0


def load_audit(path: str | Path) -> tuple[Audited, ...]:
    """Read a case audit.

    Parameters
    ----------
    path : path
        CSV in UTF-8 with ``stratum, cases, question, audited, found``: one row a question and stratum. Every question is asked of every
        stratum, and at least one case of each is audited: what was not sampled cannot be estimated.

    Returns
    -------
    tuple of Audited
        In the order of the file.

    Raises
    ------
    InputError
        Listing every problem with file, row and column, what was found and what to do.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in next(reader, [])]
    missing = [c for c in COLUMNS if c not in header]
    raise_all(Problem("there is no such column", f"name the columns {', '.join(COLUMNS)}", path.name, 1, c) for c in missing)
    rows, problems = [], []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            fix = "put words that hold a comma in double quotes, and write numbers without commas"
            problems.append(Problem(f"{len(row)} cells where the header has {len(header)}", fix, path.name, reader.line_num))
            continue
        made, wrong = _row({h: c.strip() for h, c in zip(header, row, strict=True)}, path.name, reader.line_num)
        problems += wrong
        rows += [made] if made else []
    if not rows and not problems:
        problems.append(Problem("no rows", "give one row a question and stratum", path.name))
    raise_all([*problems, *_together(rows, path.name)])
    return tuple(rows)


def _row(cells: dict[str, str], file: str, line: int) -> tuple[Audited | None, list[Problem]]:
    problems = [Problem("nothing there", "give a name", file, line, c) for c in ("stratum", "question") if not cells[c]]
    if cells["stratum"].lower() == "total":
        problems.append(Problem("a row of totals", "leave it out: totals are worked out from the strata", file, line, "stratum"))
    numbers = {}
    for column in _NUMBERS:
        if cells[column].isascii() and cells[column].isdigit():
            numbers[column] = int(cells[column])
        else:
            fix = "give the whole number counted; absence is not zero: leave the row out"
            problems.append(Problem(f"{cells[column]!r} is not a whole number", fix, file, line, column))
    if len(numbers) == len(_NUMBERS):
        if numbers["audited"] > numbers["cases"]:
            found = f"{numbers['audited']} audited of {numbers['cases']} cases"
            problems.append(Problem(found, "check both", file, line, "audited"))
        if numbers["found"] > numbers["audited"]:
            problems.append(Problem(f"{numbers['found']} found of {numbers['audited']} audited", "check both", file, line, "found"))
        if numbers["audited"] == 0:
            fix = "audit at least one case of each stratum, or join it with another"
            problems.append(Problem("no case was audited", fix, file, line, "audited"))
    return (None, problems) if problems else (Audited(cells["stratum"], question=cells["question"], line=line, **numbers), [])


def _together(rows: Sequence[Audited], file: str) -> list[Problem]:
    """Rows given twice, strata whose cases differ, and questions not asked of a stratum."""
    problems = []
    seen: dict[tuple[str, str], int] = {}
    size: dict[str, tuple[int, int]] = {}
    for r in rows:
        key = (r.question, r.stratum)
        if key in seen:
            problems.append(Problem(f"{r.question!r} of {r.stratum!r} is on row {seen[key]} too", "keep one of them", file, r.line))
        first, line = size.setdefault(r.stratum, (r.cases, r.line))
        if r.cases != first:
            problems.append(Problem(f"{r.stratum!r} has {r.cases} cases, and {first} on row {line}", "check both", file, r.line, "cases"))
        seen.setdefault(key, r.line)
    for question in dict.fromkeys(r.question for r in rows):
        absent = [s for s in size if (question, s) not in seen]
        if absent:
            found = f"{question!r} has no row for {', '.join(repr(s) for s in absent)}"
            problems.append(Problem(found, "ask it of every stratum: what was not sampled cannot be estimated", file))
    return problems
