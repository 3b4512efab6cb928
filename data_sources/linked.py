"""Linked case data from a CSV of the user's own: early help, or a referral closed without a service, and what came after."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from data_sources.figures_io import file_text
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import Problem, nearest, raise_all

#: Columns of events, first ones after the row's start, with the item of DfE's censuses that each is (Children in Need; SSDA903).
EVENTS = {
    "referral_date": "referral (CINReferralDate)",
    "child_in_need_date": "section 17 child in need (CINPlanStartDate)",
    "section_47_date": "section 47 enquiry (S47ActualStartDate)",
    "plan_date": "child protection plan (CPPstartDate)",
    "looked_after_date": "looked after (DECOM of SSDA903)",
}
REQUIRED = ("person_id", "followed_to")
STARTS = ("closed_referral_date", "early_help_start")
OPTIONAL = ("family_id", "locality", "age", "early_help_end", "closure_reason", "ended_by")
COLUMNS = ("person_id", "family_id", "locality", "age", *STARTS, "early_help_end", "closure_reason", *EVENTS, "followed_to", "ended_by")
DATES = (*STARTS, "early_help_end", *EVENTS, "followed_to")
#: Why following ended: because the extract did, or for good.
ENDED = ("extract", "turned_18", "died", "moved_away")
SYNTHETIC = "SYNTHETIC"
_MOST = 50  # problems listed; the rest are counted
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE = "give YYYY-MM-DD, such as 2024-05-31"
_PRIVATE = re.compile(r"name|surname|dob|birth|postcode|address|nhs|upn|phone|email|nino|worker", re.I)
_NAMELESS = "give a pseudonym, such as a row number kept in a key that stays with you"
#: What an identifier must not be: pattern, and what it looks like.
_TELLING = (
    (re.compile(r"[A-HJ-NP-RT-Z]\d{11}[0-9A-HJ-NP-RT-Z]"), "a unique pupil number"),
    (re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]"), "a National Insurance number"),
    (re.compile(r".*@.*"), "an email address"),
    (re.compile(r"(?=.*[a-z]|.*[ ,'])[A-Za-z ,.'\u2019-]{3,}|[A-Z]{4,}"), "a name"),
)
_POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}", re.I)


@dataclass(frozen=True)
class LinkedCase:
    """One start of early help, or one referral closed without a service, and the first events after it.

    Parameters
    ----------
    person, family : str
        Pseudonyms; the family is the person where none is given.
    locality, closure_reason, age_band : str
        Empty where not given.
    closed_referral, early_help_start, early_help_end : date or None
    events : mapping of str to date
        First of each kind after the start, by the names of `EVENTS` without ``_date``; absent where there was none by `followed_to`.
    followed_to : date
        Until when events would be in the file.
    ended_by : str
        One of `ENDED`.
    line : int
        Of the file.
    """

    person: str
    family: str
    locality: str
    closure_reason: str
    age_band: str
    closed_referral: date | None
    early_help_start: date | None
    early_help_end: date | None
    events: Mapping[str, date]
    followed_to: date
    ended_by: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class LinkedData:
    """A file of linked cases.

    Parameters
    ----------
    cases : tuple of LinkedCase
        In the order of the file.
    recorded : tuple of str
        Kinds of events that the file has a column for; of the others nothing is known.
    synthetic : bool
        Whether it is the template, whose rows are made up.
    warnings : tuple of str
        What is not wrong and should be looked at.
    """

    cases: tuple[LinkedCase, ...]
    recorded: tuple[str, ...]
    synthetic: bool
    warnings: tuple[str, ...]


def load_linked(path: str | Path) -> LinkedData:
    """Read linked case data.

    Parameters
    ----------
    path : path
        CSV in UTF-8, a row a start: of early help (``early_help_start``), of a referral closed without a service
        (``closed_referral_date``), or of both where help came after that referral and before any event. ``person_id`` and ``followed_to``
        (the last day of which events are known) are asked for; ``family_id``, ``locality``, ``age`` (at the start), ``early_help_end``,
        ``closure_reason``, ``ended_by`` (`ENDED`) and the dates of `EVENTS` are given where they are recorded. An event is the first of its
        kind on or after the start; an empty date says that there was none; a column that is left out says that it is not known. Dates are
        YYYY-MM-DD.

    Returns
    -------
    LinkedData

    Raises
    ------
    InputError
        Listing every problem with file, row and column, what was found and what to do: dates that are none, have a time of day, or are in
        an order that cannot be; starts given twice; identifiers that look like a name, an NHS number or a unique pupil number.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(file_text(path)))
    header = [h.strip().lower() for h in next(reader, [])]
    raise_all(_wrong_header(header, path.name))
    cases: list[LinkedCase] = []
    problems: list[Problem] = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            fix = "put words that hold a comma in double quotes"
            problems.append(Problem(f"{len(row)} cells where the header has {len(header)}", fix, path.name, reader.line_num))
            continue
        made, wrong = _row(dict(zip(header, (cell.strip() for cell in row), strict=True)), path.name, reader.line_num)
        problems += wrong
        cases += [made] if made else []
    if not cases and not problems:
        problems.append(Problem("no rows", "give one row a start of early help or closed referral", path.name))
    problems += _together(cases, path.name)
    if len(problems) > _MOST:
        problems = [*problems[:_MOST], Problem(f"{len(problems) - _MOST} more problems", "put these right first", path.name)]
    raise_all(problems)
    recorded = tuple(name.removesuffix("_date") for name in EVENTS if name in header)
    return LinkedData(tuple(cases), recorded, cases[0].person.startswith(SYNTHETIC), _warnings(cases, header))


def _wrong_header(header: Sequence[str], file: str) -> list[Problem]:
    shown = ", ".join(header[:12]) or "an empty file"
    out = [Problem(f"no column {c!r}; found {shown}", "add the column", file, 1) for c in REQUIRED if c not in header]
    if not set(STARTS) & set(header):
        out.append(Problem(f"no column {' or '.join(STARTS)}; found {shown}", "add one of them", file, 1))
    if not set(EVENTS) & set(header):
        out.append(Problem(f"no column of events; found {shown}", f"add some of {', '.join(EVENTS)}", file, 1))
    for h in header:
        close = nearest(h, COLUMNS, 1)
        if h in COLUMNS:
            continue
        if _PRIVATE.search(h):
            out.append(Problem("it may say who somebody is", "take the column out: nothing that names anybody is needed", file, 1, h))
        else:
            out.append(Problem("unknown column", f"the nearest is {close[0]}" if close else "take it out", file, 1, h))
    twice = sorted({h for h in header if header.count(h) > 1 and h in COLUMNS})
    return out + [Problem("there more than once", "keep it once", file, 1, h) for h in twice]


def _row(cells: dict[str, str], file: str, line: int) -> tuple[LinkedCase | None, list[Problem]]:
    problems: list[Problem] = []

    def wrong(column: str, found: str, fix: str) -> None:
        problems.append(Problem(found, fix, file, line, column))

    for column in ("person_id", "family_id"):
        if telling := looks_like(cells.get(column, "")):
            # The identifier itself is not shown: messages are copied into emails.
            wrong(column, f"it looks like {telling}", _NAMELESS)
    if not cells["person_id"]:
        wrong("person_id", "nothing there", _NAMELESS)
    if _POSTCODE.fullmatch(cells.get("locality", "")):
        wrong("locality", "it looks like a postcode", "give the name of a locality or the code of a ward")
    age = cells.get("age", "")
    if age and not (age.isascii() and age.isdigit() and int(age) <= 17):
        wrong("age", f"{age!r} is not a whole number from 0 to 17", "give the age in years at the start, or leave it empty")
    ended = cells.get("ended_by", "").lower() or ENDED[0]
    if ended not in ENDED:
        wrong("ended_by", repr(ended), f"give one of {', '.join(ENDED)}, or leave it empty where following goes on to the extract")
    dates: dict[str, date] = {}
    for column in (c for c in DATES if cells.get(c)):
        day, fault = _day(cells[column])
        if fault:
            wrong(column, fault, _DATE)
        elif day:
            dates[column] = day
    if not any(cells.get(c) for c in STARTS):
        wrong(STARTS[1], "no start: neither early help nor a closed referral", f"give {STARTS[1]}, {STARTS[0]}, or both")
    if not cells["followed_to"]:
        wrong("followed_to", "nothing there", "give the last day of which events are known: of the extract, or of leaving")
    problems += _out_of_order(dates, cells, file, line)
    if problems:
        return None, problems
    made = LinkedCase(
        cells["person_id"],
        cells.get("family_id", "") or cells["person_id"],
        cells.get("locality", ""),
        cells.get("closure_reason", ""),
        _band(int(age)) if age else "",
        dates.get("closed_referral_date"),
        dates.get("early_help_start"),
        dates.get("early_help_end"),
        {name.removesuffix("_date"): dates[name] for name in EVENTS if name in dates},
        dates["followed_to"],
        ended,
        line,
    )
    return made, []


def looks_like(identifier: str) -> str:
    """What an identifier that says who somebody is looks like; empty for a pseudonym. NHS numbers are told by the whole file."""
    compact = identifier.strip()
    if compact.upper().startswith(SYNTHETIC):
        return ""
    return next((what for pattern, what in _TELLING if pattern.fullmatch(compact)), "")


def is_nhs_number(identifier: str) -> bool:
    """Whether it is ten digits with the check digit of an NHS number (modulus 11)."""
    digits = re.sub(r"[ -]", "", identifier)
    if not re.fullmatch(r"\d{10}", digits, re.ASCII):
        return False
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return check != 10 and check % 11 == int(digits[9])


def _day(text: str) -> tuple[date | None, str]:
    """A day, and what is wrong with its cell."""
    if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
        return None, f"{text!r} has a time of day, and a time zone can move the day"
    if not _ISO.fullmatch(text):
        return None, f"{text!r} is not a date"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None, f"{text!r} is no day of the calendar"
    return (day, "") if 1990 <= day.year <= 2100 else (None, f"{text!r} is not of our time")


def _band(age: int) -> str:
    """DfE's age band."""
    return next(name for name, (low, high) in AGE_BANDS.items() if low <= age <= high)


def _out_of_order(dates: Mapping[str, date], cells: Mapping[str, str], file: str, line: int) -> list[Problem]:
    out = []

    def before(first: str, second: str, fix: str) -> None:
        if first in dates and second in dates and dates[second] < dates[first]:
            found = f"{dates[second]} is before {first} ({dates[first]})"
            out.append(Problem(found, fix, file, line, second))

    before("closed_referral_date", "early_help_start", "check both; earlier help is a row of its own")
    before("early_help_start", "early_help_end", "check both")
    if "early_help_end" in dates and not cells.get("early_help_start"):
        out.append(Problem("it ended without a start", "give early_help_start", file, line, "early_help_end"))
    if cells.get("closure_reason") and not cells.get("early_help_end"):
        out.append(Problem("a reason, and no early_help_end", "give the date, or leave the reason empty", file, line, "closure_reason"))
    start = "early_help_start" if "early_help_start" in dates else "closed_referral_date"
    both = "early_help_start" in dates and "closed_referral_date" in dates
    fix = "give the first on or after the start" + (
        "; what came before early help goes in a row of the closed referral alone" if both else ""
    )
    for event in EVENTS:
        before(start, event, fix)
    for column in (c for c in DATES if c != "followed_to"):
        if column in dates and "followed_to" in dates and dates[column] > dates["followed_to"]:
            found = f"{dates[column]} is after followed_to ({dates['followed_to']})"
            out.append(Problem(found, "give the date of the extract, or of leaving, until which all are known", file, line, column))
    return out


def _together(cases: Sequence[LinkedCase], file: str) -> list[Problem]:
    """Starts given twice, people of two families, NHS numbers, and synthetic rows among others."""
    out = []
    seen: dict[tuple[str, str, date], int] = {}
    family: dict[str, tuple[str, int]] = {}
    for c in cases:
        for column, day in (("closed_referral_date", c.closed_referral), ("early_help_start", c.early_help_start)):
            if day is None:
                continue
            first = seen.setdefault((column, c.person, day), c.line)
            if first != c.line:
                out.append(Problem(f"this person and {day} are in row {first} too", "keep one of them", file, c.line, column))
        known, line = family.setdefault(c.person, (c.family, c.line))
        if known != c.family:
            out.append(Problem(f"this person is of another family in row {line}", "give one family a person", file, c.line, "family_id"))
    for column, given in (("person_id", {c.person for c in cases}), ("family_id", {c.family for c in cases if c.family != c.person})):
        ten = [x for x in given if re.fullmatch(r"\d{10}", re.sub(r"[ -]", "", x), re.ASCII)]
        # One in eleven numbers of ten digits passes the check by chance.
        valid = sum(map(is_nhs_number, ten))
        if valid > len(ten) / 3:
            out.append(Problem(f"{valid} of {len(ten)} numbers of ten digits are valid NHS numbers", _NAMELESS, file, column=column))
    made_up = sum(c.person.startswith(SYNTHETIC) for c in cases)
    if 0 < made_up < len(cases):
        out.append(Problem(f"{made_up} rows are {SYNTHETIC}, and {len(cases) - made_up} are not", "take the made-up rows out", file))
    return out


def _warnings(cases: Sequence[LinkedCase], header: Sequence[str]) -> tuple[str, ...]:
    out = []
    dated = sum(bool(re.search(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", c.person)) for c in cases)
    if dated > len(cases) / 2:
        out.append("Most person_id hold what may be a date of birth. Use other pseudonyms.")
    if "family_id" not in header:
        out.append("There is no family_id: brothers and sisters count as if they were unrelated, so that intervals may be too narrow.")
    if "ended_by" not in header:
        out.append(
            "There is no ended_by: everybody is taken to have been followed until the extract, and nobody to have turned 18 or died."
        )
    if "age" in header and any(not c.age_band for c in cases):
        out.append(f"{sum(not c.age_band for c in cases)} rows have no age; they are in no age band.")
    last = max(c.followed_to for c in cases)
    early = sum(c.followed_to < last and c.ended_by == ENDED[0] for c in cases)
    if early:
        out.append(f"{early} rows are followed to a day before the last ({last}) with no reason given in ended_by.")
    return tuple(out)
