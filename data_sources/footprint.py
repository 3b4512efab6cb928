"""A user's own areas: a file that puts every LSOA of an area into one locality."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from data_sources.figures_io import CODE, file_text
from jsna_model.errors import InputError, Problem, nearest, raise_all

if TYPE_CHECKING:
    import pandas as pd

#: Names of the column of LSOA codes.
LSOA_COLUMNS = ("lsoa21_code", "lsoa_code", "lsoa21cd")


def read_footprint(path: Path | str, lsoas: pd.Series, area_name: str) -> pd.Series:
    """The locality of each LSOA.

    Parameters
    ----------
    path : path
        CSV in UTF-8 with ``lsoa21_code`` (or ``lsoa_code``) and ``locality``; other columns are left alone.
    lsoas : pandas.Series
        The LSOA codes of the area: each must be there exactly once.
    area_name : str
        For messages.

    Returns
    -------
    pandas.Series
        Localities, indexed and ordered as `lsoas`.

    Raises
    ------
    InputError
        Listing unknown codes, LSOAs that are missing or there twice, and empty names.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in next(reader, [])]
    code_column = next((c for c in LSOA_COLUMNS if c in header), None)
    problems = []
    for column, there in (("lsoa21_code", code_column is not None), ("locality", "locality" in header)):
        if not there:
            found = f"no column {column!r}; found {', '.join(header[:8]) or 'an empty file'}"
            problems.append(Problem(found, "name the columns lsoa21_code and locality", path.name, 1))
    raise_all(problems)
    if code_column is None:
        raise AssertionError("checked above")
    at, named = header.index(code_column), header.index("locality")
    known = set(lsoas)
    first: dict[str, int] = {}
    place: dict[str, str] = {}
    spelt: dict[str, str] = {}
    for row in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in row):
            continue
        code = row[at].strip() if at < len(row) else ""
        name = " ".join(row[named].split()) if named < len(row) else ""
        if code not in known:
            problems.append(unknown_lsoa(code, known, area_name, path.name, line, code_column))
        elif code in first:
            problems.append(Problem(f"{code} is there already in row {first[code]}", "keep it once", path.name, line, code_column))
        if not name:
            problems.append(Problem("the locality is empty", "give it a name", path.name, line, "locality"))
        other = spelt.setdefault(name.casefold(), name)
        if other != name:
            problems.append(Problem(f"{name!r} is also spelt {other!r}", "spell a locality one way", path.name, line, "locality"))
        first.setdefault(code, line)
        place.setdefault(code, name)
    missing = sorted(known - set(first))
    if missing:
        listed = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        problems.append(
            Problem(f"{len(missing)} of {len(known)} LSOAs of {area_name} are missing: {listed}", "add them", path.name, None, code_column)
        )
    if len(problems) > 50:
        problems = [*problems[:50], Problem(f"{len(problems) - 50} more problems", "put these right first", path.name)]
    raise_all(problems, InputError)
    return lsoas.map(place)


#: The last LSOA code that ONS gave out for 2011; those of 2021 go on from there.
_LAST_OF_2011 = "E01033768"


def unknown_lsoa(code: str, known: Collection[str], area_name: str, file: str, line: int, column: str) -> Problem:
    """What is wrong with a code that is not among the 2021 LSOAs of an area: of another vintage, another kind, or misspelt."""
    if code.startswith(("E02", "E05", "E06", "E07", "E08", "E09", "E10")) and CODE.match(code):
        kinds = {"E02": "an MSOA", "E05": "a ward"}
        return Problem(f"{code} is the code of {kinds.get(code[:3], 'an authority')}", "give LSOA 2021 codes (E01...)", file, line, column)
    if not CODE.match(code):
        return Problem(f"{code!r} is not an ONS code", "give an LSOA 2021 code such as E01016710", file, line, column)
    if code.startswith("E01") and code <= _LAST_OF_2011 and area_name == "England":
        what = f"{code} is not an LSOA of 2021; by its number it is one of 2011 that was split or merged"
        return Problem(what, "use 2021 codes: bring the file over with the ONS lookup of LSOAs 2011 to 2021", file, line, column)
    close = nearest(code, known, 1)
    hint = f"; the nearest is {close[0]}" if close else ""
    return Problem(f"{code} is not an LSOA (2021) of {area_name}", f"take it out or put it right{hint}", file, line, column)
