"""What services record: a user's own counts from a CSV, and the published factors at the end of assessment."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_sources.figures_io import CODE, file_text, read_figures
from data_sources.layouts import AUTHORITIES
from jsna_model.conventions import POLICIES, STATUS
from jsna_model.errors import InputError, Problem, nearest, raise_all

if TYPE_CHECKING:
    from jsna_model.population import Population

#: The rule of suppression of a measure for which none is named: that of children's services.
USUAL_POLICY = "dfe_cin"
REQUIRED = ("measure", "count")
PERIODS = ("year", "period")
OPTIONAL = ("unit", "area_code", "source", "note", "published", "policy")
#: A policy of one's own: the counts that are suppressed, and what others are rounded to.
OWN_POLICY = re.compile(r"\d+-\d+(/[1-9]\d*)?")
#: Kinds of area by the start of their code: the authority's own, and finer levels.
WHOLE = ("E06", "E08", "E09", "E10")
FINER = {"E07": "district", "E05": "ward", "E02": "msoa"}
_PERIOD = "give a year (2024), a financial year (2024-25) or a date (2025-03-31)"
_COUNT = "give the whole number counted, without signs or commas; c where it is suppressed; absence is not zero"


@dataclass(frozen=True)
class LocalCount:
    """One count of what a service records, with what it means.

    Parameters
    ----------
    measure, label : str
        Name and words of the measure.
    period : str
        Year, financial year or date.
    count : int or None
        None where absent.
    status : str
        Why it is absent, a symbol of `jsna_model.conventions.STATUS`; empty where present.
    unit : str
        What is counted: children, adults, cases, incidents, episodes, assessments.
    area : str
        ONS code; empty for the whole authority.
    source, note, definition, construct, warning : str
    beside : tuple of str
        Risks of the estimate that it may stand beside, in order of choice.
    own : bool
        Whether it is the user's own and unpublished, so that small numbers are suppressed where shown.
    fitted : bool
        Whether gradients of risks were fitted to counts of this measure.
    policy : str
        Whose rule of suppression its own counts follow: a name of `jsna_model.conventions.POLICIES`, or ``1-9/5``.
    line : int
        Of the file.
    """

    measure: str
    label: str
    period: str
    count: int | None
    status: str
    unit: str
    area: str
    source: str
    note: str
    definition: str
    construct: str
    warning: str
    beside: tuple[str, ...]
    own: bool = True
    fitted: bool = False
    policy: str = USUAL_POLICY
    line: int = field(default=0, compare=False)

    def record(self) -> dict[str, Any]:
        """A plain record, for provenance."""
        return {k: v for k, v in asdict(self).items() if k != "line"} | {"beside": list(self.beside), "basis": "observed"}


def load_local_counts(path: str | Path) -> tuple[LocalCount, ...]:
    """Read a user's own counts of what services record.

    Parameters
    ----------
    path : path
        CSV in UTF-8 with ``measure``, ``year`` or ``period``, ``count`` and, where wanted, ``unit``, ``area_code`` (empty for the whole
        authority; its districts, wards or MSOAs, one of these levels a measure and period), ``source``, ``note``, ``published`` (yes for an
        official total, which is shown and which anyone has; no without it), ``policy`` (whose small counts are suppressed: a name of
        `jsna_model.conventions.POLICIES`, or ``1-9``, or ``1-9/5`` with other counts to the nearest 5; without it, that of the measure).
        Measures are those of ``defaults/local_measures.toml``. An empty count is not available (x); ``c`` and the other symbols are kept.

    Returns
    -------
    tuple of LocalCount
        In the order of the file.

    Raises
    ------
    InputError
        Listing every problem with file, row and column, what was found and what to do.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in next(reader, [])]
    raise_all(_wrong_header(header, path.name))
    rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    found: list[LocalCount] = []
    problems = [] if rows else [Problem("no rows", "give one row a measure and period", path.name)]
    for line, row in rows:
        if len(row) != len(header):
            fix = "put words that hold a comma in double quotes, and write numbers without commas"
            problems.append(Problem(f"{len(row)} cells where the header has {len(header)}", fix, path.name, line))
            continue
        made, wrong = _row(dict(zip(header, (cell.strip() for cell in row), strict=True)), path.name, line)
        problems += wrong
        found += [made] if made else []
    raise_all([*problems, *_wrong_together(found, path.name)])
    return tuple(found)


def placed(counts: Sequence[LocalCount], population: Population, authority: str, file: str) -> tuple[LocalCount, ...]:
    """The counts with the authority's own code left out, once all their areas are found in it.

    Raises
    ------
    InputError
        Listing areas that are not the authority's, more children than live there, and whole-authority counts given twice.
    """
    data = population.data
    inside = data["authority"].values.astype(str) == authority
    children = data["children"].sum("age_band").values
    problems, out = [], []
    for c in counts:
        level = FINER.get(c.area[:3], "")
        here = inside & (data[level].values.astype(str) == c.area) if level in data.coords else inside & (c.area in ("", authority))
        if not here.any():
            problems.append(Problem(f"{c.area} is not in {authority}", "give its areas only, or leave it empty", file, c.line, "area_code"))
        elif c.unit == "children" and (c.count or 0) > children[here].sum():
            found = f"{c.count:,} children of the {children[here].sum():,.0f} who live there"
            problems.append(Problem(found, "check the count and the area", file, c.line, "count"))
        out.append(replace(c, area="" if c.area == authority else c.area))
    raise_all([*problems, *_wrong_together(out, file)])
    return tuple(out)


def recorded_factors(authority: str, figures: Path | str | None = None) -> tuple[LocalCount, ...]:
    """Parental factors recorded at the end of assessment in an authority, year to 31 March 2025, published or of the user's own folder.

    Parameters
    ----------
    authority : str
        Code.
    figures : path, optional
        Folder of replacement figures; what it holds is the user's own and unpublished.
    """
    table, entries = read_figures(AUTHORITIES, figures), _measures()["published"]
    own = figures is not None and (Path(figures) / AUTHORITIES.file).is_file()
    rows = table.values.index[table.values["utla23_code"] == authority]
    if not len(rows):
        raise InputError(str(Problem(f"no row for {authority}", "add it", AUTHORITIES.file, authority, "utla23_code")))
    if table.status is None:
        raise AssertionError("the layout of authorities allows symbols")
    out = []
    for name, entry in entries["measure"].items():
        value, status = float(table.values.loc[rows[0], name]), str(table.status.loc[rows[0], name])
        present = value == value
        if present and not value.is_integer():
            raise InputError(str(Problem(f"{value:g} is not whole", "give the number counted", AUTHORITIES.file, authority, name)))
        out.append(
            LocalCount(
                name,
                entry["label"],
                entries["period"],
                int(value) if present else None,
                "" if present else status or "x",
                entries["unit"],
                "",
                f"the user's own counts ({AUTHORITIES.file}), not published" if own else entries["source"],
                "",
                entry["definition"],
                entry["construct"],
                entries["warning"],
                tuple(entry["beside"]),
                own=own,
                fitted=bool(entry["beside"]),
            )
        )
    return tuple(out)


@lru_cache(maxsize=1)
def _measures() -> dict[str, Any]:
    return tomllib.loads(files("data_sources").joinpath("defaults", "local_measures.toml").read_text(encoding="utf-8"))


def _wrong_header(header: Sequence[str], file: str) -> list[Problem]:
    known = (*REQUIRED, *PERIODS, *OPTIONAL)
    shown = ", ".join(header[:12]) or "an empty file"
    problems = [Problem(f"no column {c!r}; found {shown}", "add the column", file) for c in REQUIRED if c not in header]
    given = [c for c in PERIODS if c in header]
    if len(given) != 1:
        problems.append(Problem(f"{'both year and period' if given else f'no column year or period; found {shown}'}", "give one", file))
    problems += [
        Problem(f"unknown column {h!r}", _instead(h, known, "remove it, or use note"), file, 1, h) for h in header if h not in known
    ]
    twice = sorted({h for h in header if header.count(h) > 1 and h in known})
    return problems + [Problem(f"column {h!r} is there more than once", "keep it once", file, 1, h) for h in twice]


def _instead(name: str, known: Iterable[str], otherwise: str) -> str:
    close = nearest(name, known, 2)
    return f"the nearest is {' or '.join(close)}" if close else otherwise


def _row(cells: Mapping[str, str], file: str, line: int) -> tuple[LocalCount | None, list[Problem]]:
    problems: list[Problem] = []
    shown, policy = cells.get("published", "").lower(), cells.get("policy", "")

    def wrong(column: str, found: str, fix: str) -> None:
        problems.append(Problem(found, fix, file, line, column))

    own = _measures()["own"]
    name, given, area = cells["measure"], cells.get("unit", ""), cells.get("area_code", "")
    column = "period" if "period" in cells else "year"
    period = cells[column]
    entry = own.get(name)
    if entry is None:
        wrong("measure", repr(name) if name else "empty", _instead(name, own, f"give one of {', '.join(own)}"))
    elif given and given not in entry["units"]:
        wrong("unit", f"{given!r} is not a unit of {name}", f"give {' or '.join(entry['units'])}, or leave it empty")
    if not _is_period(period):
        wrong(column, repr(period) if period else "empty", _PERIOD)
    if area and not (CODE.match(area) and area[:3] in (*WHOLE, *FINER)):
        fix = "give the code of the authority, or of its districts, wards or MSOAs; smaller areas are not published"
        wrong("area_code", repr(area), fix)
    count, status, fault = _count(cells["count"])
    if fault:
        wrong("count", fault, _COUNT)
    if shown not in ("", "yes", "no"):
        wrong("published", repr(shown), "write yes for an official total, no for a count of your own")
    if policy and policy not in POLICIES and not OWN_POLICY.fullmatch(policy):
        wrong("policy", repr(policy), f"give {', '.join(POLICIES)}, or the counts to suppress, such as 1-9 or 1-9/5")
    if problems or entry is None:
        return None, problems
    made = LocalCount(
        name,
        entry["label"],
        period.replace("/", "-"),
        count,
        status,
        given or entry["units"][0],
        area,
        cells.get("source") or f"the user's own count ({file})",
        cells.get("note", ""),
        entry["definition"],
        entry["construct"],
        entry["warning"],
        tuple(entry["beside"]),
        own=shown != "yes",
        policy=policy or entry.get("policy", USUAL_POLICY),
        line=line,
    )
    return made, []


def _is_period(text: str) -> bool:
    if re.fullmatch(r"20\d\d", text):
        return True
    if years := re.fullmatch(r"20(\d\d)[-/](\d\d)", text):
        return (int(years[1]) + 1) % 100 == int(years[2])
    try:
        return bool(re.fullmatch(r"20\d\d-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _count(cell: str) -> tuple[int | None, str, str]:
    """Count, symbol and what is wrong with a cell."""
    symbol = cell.lower().removeprefix("[").removesuffix("]")
    if symbol in STATUS and (symbol or not cell):
        return None, symbol or "x", ""
    if re.fullmatch(r"\d+(\.0*)?", cell, re.ASCII):
        return int(float(cell)), "", ""
    if re.fullmatch(r"-\s*[\d.,]+", cell):
        return None, "", f"{cell} is negative"
    if cell.endswith("%"):
        return None, "", f"{cell} is a percentage, not a count"
    whole = not re.fullmatch(r"\d*\.\d+", cell)
    return None, "", f"{cell!r} is not a count" if whole else f"{cell} is not whole: a share, a rate or an estimate"


def _wrong_together(counts: Sequence[LocalCount], file: str) -> list[Problem]:
    """A count given twice; and two levels of finer areas, between which a suppressed count could be worked out."""
    first: dict[tuple[str, ...], int] = {}
    levels: dict[tuple[str, ...], str] = {}
    problems = []
    for c in counts:
        key = (c.measure, c.period, c.unit)
        if (*key, c.area) in first:
            where = f"{c.measure}, {c.period}{f', {c.area}' if c.area else ''} is there already in row {first[*key, c.area]}"
            problems.append(Problem(where, "keep it once", file, c.line, "measure"))
        first.setdefault((*key, c.area), c.line)
        level = FINER.get(c.area[:3], "")
        if level and levels.setdefault(key, level) != level:
            found = f"{c.measure}, {c.period} is there by {levels[key]} and by {level}"
            problems.append(Problem(found, "give one of these levels, so that small counts can be protected", file, c.line, "area_code"))
    return problems
