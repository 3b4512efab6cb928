"""Rows of a projection's files: CSV, XLSX, ZIP or folder, wide or long, cell by cell with what is wrong."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

from data_sources.figures_io import CODE, file_text
from jsna_model.errors import InputError, Problem, UnknownNameError, unknown_name

CHILD_AGES = 18
LAYOUT = "give AREA_CODE, SEX, AGE_GROUP and a column for each year, or code, year, sex, age and population"
_ENDINGS = (".csv", ".csv.gz", ".xlsx")
_COLUMNS = {
    "code": ("area_code", "code", "geography_code", "lad_code", "utla23_code"),
    "age": ("age_group", "age"),
    "sex": ("sex", "gender"),
    "component": ("component",),
    "year": ("year", "projected_year"),
    "value": ("population", "value", "obs_value"),
    "variant": ("variant",),
}
_SEX = {"persons": "P", "p": "P", "all": "P", "total": "P", "females": "F", "female": "F", "f": "F", "males": "M", "male": "M", "m": "M"}
#: What ONS calls the folders of its 2022-based release; any other folder or file is called by its own name.
_VARIANTS = {"": "principal", "5yr": "five_year_migration", "migcat": "migration_category", "migcat23": "migration_category_2023"}
#: Codes of England, regions, combined and health areas, and of other countries: sums of others, or not asked for.
_OTHER = re.compile(r"^(E92|E11|E12|E13|E38|E39|E40|E47|E54|[KNSW])\w*$")
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class Member:
    """One file, plain or in a ZIP, with the name of its variant."""

    path: Traversable
    variant: str


@dataclass
class Reading:
    """Cells of single years of childhood (variant, code, sex, age, year, value, file, line), and what was wrong on the way."""

    rows: list[tuple[str, str, str, int, int, float, str, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    years: set[int] = field(default_factory=set)


def members(path: Path) -> list[Member]:
    """The files that a path holds, with the variants that they are named after.

    Raises
    ------
    InputError
        Where it is absent, or holds nothing that could be read.
    """
    if not path.exists():
        raise InputError(str(Problem("there is no such file", "check the path", str(path))))
    walked = list(_walk(path, False))
    found = [Member(inside, _variant(inside.name if len(walked) > 1 else "", folder, nested)) for inside, folder, nested in walked]
    if not found:
        fix = f"give a file that ends in {', '.join(_ENDINGS)}, a ZIP of such files, or a folder of them"
        raise InputError(str(Problem("there is nothing in it that could be a projection", fix, str(path))))
    return found


def _walk(path: Path, nested: bool) -> Iterator[tuple[Traversable, str, bool]]:
    """Files with the name of their folder or ZIP, and whether that is inside what was given."""
    if path.is_dir():
        for inside in sorted(path.iterdir()):
            if not _left_over(inside.name) and (inside.is_dir() or inside.name.lower().endswith((*_ENDINGS, ".zip"))):
                yield from _walk(inside, inside.is_dir() or nested)
    elif path.suffix.lower() == ".zip":
        try:
            names = sorted(n for n in zipfile.ZipFile(path).namelist() if n.lower().endswith(_ENDINGS) and not _left_over(n))
        except zipfile.BadZipFile:
            raise InputError(str(Problem("it is not a ZIP", "download it again", str(path)))) from None
        for name in names:
            folder = name.split("/")[-2] if "/" in name else path.stem
            yield zipfile.Path(path, name), folder, "/" in name or nested
    else:
        yield path, path.parent.name, nested


def _left_over(name: str) -> bool:
    """Whether a file is one that Excel or macOS leaves beside the real ones."""
    return name.startswith("__MACOSX") or name.split("/")[-1].startswith((".", "~$"))


def _variant(file: str, folder: str, nested: bool) -> str:
    """A file's variant: from its folder's name, where ONS or the user gave it one, else from its own; a lone file has none."""
    stem = re.sub(r"\.(csv|csv\.gz|xlsx)$", "", file.lower())
    own = re.sub(r"\d{4}|snpp|population|persons|females|males|[^a-z0-9]+", " ", stem).strip()
    published = re.fullmatch(r"\d{4}snpppopulation(?:syoa)?(\w*)", folder.lower())
    if published:
        return _VARIANTS.get(published[1], _word(published[1]))
    return _word(folder) if nested else _word(own) if own else "unnamed"


def _word(text: str) -> str:
    """A variant's name in lower case with underscores, without the words projection and variant at its end."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return re.sub(r"(_(projection|variant))+$", "", plain) or "unnamed"


def folder_names(found: Sequence[Member]) -> tuple[str, ...]:
    """Names of the variants of some files, in order."""
    return tuple(sorted({m.variant for m in found}))


def choose(wanted: str, known: Sequence[str], file: str) -> str:
    """The variant meant: by name, or the only one where the principal is asked for.

    Raises
    ------
    UnknownNameError
        With the nearest, and all that there are.
    """
    name = _word(wanted)
    if name in known:
        return name
    if name == "principal" and len(known) == 1:
        return known[0]
    held = "one variant, which it does not name: leave variant out" if tuple(known) == ("unnamed",) else f"{', '.join(known)}: name one"
    raise UnknownNameError(f"{unknown_name(f'variant of {file}', wanted, known)} It holds {held}.")


def read_rows(member: Member, into: Reading | None = None) -> Reading:
    """Add a file's children to a reading, with everything that is wrong with them."""
    reading = Reading() if into is None else into
    file, rows = member.path.name, _lines(member)
    top = _header([row for _, row in rows])
    if top is None:
        shown = ", ".join(rows[0][1][:8]) if rows else "an empty file"
        reading.problems.append(Problem(f"no header of a projection; found {shown}", LAYOUT, file, 1))
        return reading
    columns = _Columns(rows[top][1], file, reading)
    if not columns.wide and (columns.at["year"] < 0 or (columns.at["value"] < 0 and not columns.single)):
        reading.problems.append(Problem(f"no years; found {', '.join(columns.header[:8])}", LAYOUT, file, rows[top][0]))
        return reading
    for line, row in rows[top + 1 :]:
        if any(cell.strip() for cell in row):
            columns.take([cell.strip() for cell in row], line)
    columns.finish()
    return reading


def _lines(member: Member) -> list[tuple[int, list[str]]]:
    """Rows of a file as words, with their numbers."""
    if member.path.name.lower().endswith(".xlsx"):
        return list(enumerate(_sheet(member), 1))
    reader = csv.reader(io.StringIO(file_text(member.path)))
    return [(reader.line_num, row) for row in reader]


def _sheet(member: Member) -> list[list[str]]:
    """The first sheet with the columns of a projection, else the first of all."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        fix = "install openpyxl (pip install openpyxl), or save the sheet as 'CSV UTF-8 (comma delimited)'"
        raise InputError(str(Problem("reading .xlsx needs the package openpyxl, which is absent", fix, member.path.name))) from None
    try:
        book = load_workbook(io.BytesIO(member.path.read_bytes()), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError):
        raise InputError(str(Problem("it is not an XLSX workbook", "save it again as .xlsx, or as CSV", member.path.name))) from None
    sheets = [[["" if c is None else str(c) for c in row] for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    return next((rows for rows in sheets if _header(rows) is not None), sheets[0])


def _header(rows: Sequence[Sequence[str]]) -> int | None:
    """Which of the first rows names the columns: workbooks have titles above them."""
    for i, row in enumerate(rows[:20]):
        plain = {_plain(cell) for cell in row}
        if plain & set(_COLUMNS["code"]) and (plain & set(_COLUMNS["age"]) or "age_0" in plain):
            return i
    return None


def _plain(cell: str) -> str:
    """A column's name in lower case with underscores; a year that a workbook holds as 2024.0 is 2024."""
    return re.sub(r"\s+", "_", cell.strip().lower()).removesuffix(".0")


class _Columns:
    """Where the columns of one file are; takes its rows one by one."""

    def __init__(self, header: Sequence[str], file: str, reading: Reading) -> None:
        self.header, self.file, self.reading = [_plain(cell) for cell in header], file, reading
        self.at = {name: next((self.header.index(h) for h in known if h in self.header), -1) for name, known in _COLUMNS.items()}
        self.wide = [(i, int(h)) for i, h in enumerate(self.header) if _YEAR.fullmatch(h)]
        self.single = [(i, int(h[4:])) for i, h in enumerate(self.header) if re.fullmatch(r"age_\d+", h) and int(h[4:]) < CHILD_AGES]
        self.grouped: list[tuple[int, str]] = []
        self.reading.years |= {year for _, year in self.wide}

    def wrong(self, line: int, column: int, found: str, fix: str) -> None:
        self.reading.problems.append(Problem(found, fix, self.file, line, self.header[column]))

    def take(self, cells: list[str], line: int) -> None:
        """Add a row's cells, or what is wrong with it."""
        if len(cells) > len(self.header) and any(cells[len(self.header) :]):
            found = f"{len(cells)} cells where the header has {len(self.header)}"
            self.reading.problems.append(Problem(found, "put words that hold a comma in double quotes", self.file, line))
            return
        cells += [""] * (len(self.header) - len(cells))
        at, code = self.at, cells[self.at["code"]]
        if _OTHER.match(code) or (at["component"] >= 0 and _plain(cells[at["component"]]) != "population"):
            return
        if not CODE.match(code):
            self.wrong(line, at["code"], f"{code!r} is not an ONS code", "give the code of an authority such as E06000042")
            return
        age = 0 if self.single else self._age(cells[at["age"]], line)
        if age is None:
            return
        sex = _SEX.get(cells[at["sex"]].lower()) if at["sex"] >= 0 else "P"
        if sex is None:
            self.wrong(line, at["sex"], f"{cells[at['sex']]!r} is not a sex", "give persons, females or males")
            return
        variant = _word(cells[at["variant"]]) if at["variant"] >= 0 else ""
        for column, a, year in self._places(cells, age, line):
            value, fault = _number(cells[column])
            if fault:
                self.wrong(line, column, fault, "give a number, zero or more, without commas or signs")
            else:
                self.reading.rows.append((variant, code, sex, a, year, value, self.file, line))

    def _places(self, cells: Sequence[str], age: int, line: int) -> list[tuple[int, int, int]]:
        """Column, age and year of each number in a row."""
        if self.wide:
            return [(column, age, year) for column, year in self.wide]
        word = cells[self.at["year"]].removesuffix(".0")
        if not _YEAR.fullmatch(word):
            self.wrong(line, self.at["year"], f"{cells[self.at['year']]!r} is not a year", "give a year such as 2024")
            return []
        self.reading.years.add(int(word))
        if self.single:
            return [(column, a, int(word)) for column, a in self.single]
        return [(self.at["value"], age, int(word))]

    def _age(self, cell: str, line: int) -> int | None:
        """A single year of childhood; None for what is none, with a problem where it should be one."""
        word = cell.lower()
        if re.fullmatch(r"\d{1,3}(\.0)?", word):
            return int(float(word)) if float(word) < CHILD_AGES else None
        group = re.fullmatch(r"(\d+)\s*(?:-|–|to)\s*\d+", word)
        if group and int(group[1]) < CHILD_AGES:
            self.grouped.append((line, cell))
        elif not group and word not in ("all ages", "all", "total") and not re.fullmatch(r"\d+\s*(and over|\+|plus)", word):
            self.wrong(line, self.at["age"], f"{cell!r} is not an age", "give a single year such as 0, or 'All ages'")
        return None

    def finish(self) -> None:
        """Name groups of ages once."""
        if self.grouped:
            found = f"{len(self.grouped)} rows are of groups of ages such as {self.grouped[0][1]!r}"
            fix = "give single years of age"
            self.wrong(self.grouped[0][0], self.at["age"], found, fix)


def _number(cell: str) -> tuple[float, str]:
    """A value, or what is wrong with it."""
    try:
        value = float(cell)
    except ValueError:
        return 0.0, f"{cell!r} is not a number" if cell else "the cell is empty; absence is not zero"
    if not np.isfinite(value) or "_" in cell:
        return 0.0, f"{cell!r} is not a number"
    return value, f"{cell} is negative" if value < 0 else ""
