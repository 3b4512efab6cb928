"""Read evidence from TOML: every problem of a file at once, each with file, entry and field."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

from jsna_model.errors import InputError, Problem, nearest
from jsna_model.evidence import Construct, Evidence, Relevance, Variation

Table = Mapping[str, Any]

#: What a file may hold; `common` gives fields that every entry shares.
TABLES = ("publication", "common", "evidence", "share", "conversion", "quoted")
DISTANCES = ("geography", "ages", "construct")

_NUMBERS = ("value", "lower", "upper", "level", "year", "group_correlation")
_GROUPS: dict[str, type] = {"construct": Construct, "relevance": Relevance, "variation": Variation}
_REQUIRED = tuple(f.name for f in fields(Evidence) if f.default is MISSING and f.default_factory is MISSING)
_KNOWN = tuple(f.name for f in fields(Evidence))


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises
    ------
    InputError
        Where there is no such file, it is not UTF-8, or it is not TOML; the message has the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(str(Problem("no such file", "check the path", str(path)))) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(str(Problem(f"cannot be read as TOML: {error}", "correct it, in UTF-8", str(path)))) from None


def read_entries(content: Table, file: str) -> tuple[list[Evidence], list[Problem]]:
    """Every entry of a parsed file that can be used, and every problem of those that cannot.

    Parameters
    ----------
    content : mapping
        Parsed TOML.
    file : str
        Its name, for messages.

    Returns
    -------
    entries : list of Evidence
    problems : list of Problem
    """
    found: list[Evidence] = []
    problems = [_unknown(name, TABLES, file, None, "table") for name in content if name not in TABLES]
    common, rows = content.get("common", {}), content.get("evidence", [])
    if not isinstance(common, dict):
        return [], [*problems, Problem(f"{common!r} is not a table", "write [common]", file, column="common")]
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        return [], [*problems, Problem("no [[evidence]] entries", "write one [[evidence]] table an estimate", file, column="evidence")]
    seen: set[str] = set()
    for index, row in enumerate(rows, 1):
        merged = {**common, **row}
        key = merged.get("key")
        place = key if isinstance(key, str) and key else index
        if place in seen:
            problems.append(Problem(f"key {place!r} occurs twice", "give each entry its own key", file, index, "key"))
        seen.add(str(place))
        made, wrong = _entry(merged, file, place)
        problems += wrong
        if made is not None:
            found.append(made)
    return found, problems


def _entry(row: dict[str, Any], file: str, place: str | int) -> tuple[Evidence | None, list[Problem]]:
    """One entry, or its problems; checks that need several fields run on whatever fields are sound."""
    problems = [_unknown(name, _KNOWN, file, place, "field") for name in row if name not in _KNOWN]
    problems += [Problem("missing", "give this field", file, place, name) for name in _REQUIRED if name not in row]
    values: dict[str, Any] = {}
    for name in (n for n in _KNOWN if n in row):
        value, wrong = _field(name, row[name], row)
        problems += [Problem(found, fix, file, place, name + column) for column, found, fix in wrong]
        if not wrong:
            values[name] = value
    if "status" in values and values["status"] != "seen":
        problems.append(
            Problem(f"status is {values['status']!r}", "use only figures seen in their source, and mark them 'seen'", file, place, "status")
        )
    stand_in = {n: v for n, v in _stand_ins().items() if n not in values}
    try:
        made = Evidence(**{**stand_in, **values})
    except InputError as error:
        problems += [replace(p, file=file, row=place) for p in error.problems if p.column not in stand_in and not _odd(p, stand_in)]
        return None, problems
    return (None if problems else made), problems


def _odd(problem: Problem, stand_in: Table) -> bool:
    """Whether a complaint about the order of value and limits comes from a stand-in."""
    return not problem.found.startswith(f"{problem.column} is ") and bool({"value", "lower", "upper"} & set(stand_in))


def _stand_ins() -> dict[str, Any]:
    """Harmless values for fields that are missing or wrong, so that the rest can still be checked."""
    return {
        **dict.fromkeys(_REQUIRED, ""),
        "value": 0.5,
        "lower": 0.0,
        "upper": 1.0,
        "level": 0.95,
        "year": 2000.0,
        "ages": (0, 17),
        "construct": Construct("", "", "", ""),
        "relevance": Relevance(0.0, 0.0, ""),
        "variation": Variation(0.0, 0.0, 0.0, 0.0, 0.0, ""),
    }


Wrong = list[tuple[str, str, str]]  # (column suffix, found, fix)


def _field(name: str, value: Any, row: Table) -> tuple[Any, Wrong]:
    if name in _GROUPS:
        return _group(name, value, row)
    if name == "ages":
        sound = isinstance(value, list) and len(value) == 2 and all(type(a) is int for a in value)
        if not sound or not 0 <= value[0] <= value[1]:
            return None, [("", f"ages is {value!r}", "give first and last single year of age, such as [0, 17]")]
        return tuple(value), []
    return _scalar(value, number=name in _NUMBERS)


def _scalar(value: Any, number: bool, at_least: float | None = None) -> tuple[Any, Wrong]:
    if not number:
        return value, [] if isinstance(value, str) else [("", f"{value!r} is not text", "put it in quotes")]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return value, [("", f"{value!r} is not a number", "give a finite number, without quotes or a percent sign")]
    if at_least is not None and value < at_least:
        return value, [("", f"{value!r} is below {at_least:g}", "give a standard deviation of at least 0")]
    return float(value), []


def _group(name: str, value: Any, row: Table) -> tuple[Any, Wrong]:
    """Construct, relevance or variation, from its table."""
    kind = _GROUPS[name]
    if not isinstance(value, dict):
        return None, [("", f"{value!r} is not a table", f"write [evidence.{name}]")]
    table = dict(value)
    wrong: Wrong = []
    if name == "relevance" and "distances" in table:
        table, wrong = _by_rule(table, row)
    names = [f.name for f in fields(kind)]
    wrong += [(f".{n}", "missing", "give this field") for n in names if n not in table]
    for n, v in list(table.items()):
        if n not in names:
            close = nearest(n, names)
            wrong.append((f".{n}", "unknown field", f"did you mean {close[0]!r}?" if close else f"use {', '.join(names)}"))
            continue
        text = name == "construct" or n in ("reason", "source")
        table[n], bad = _scalar(v, number=not text, at_least=0 if n.endswith("sd") else None)
        wrong += [(f".{n}", found, fix) for _, found, fix in bad]
    return (None, wrong) if wrong else (kind(**table), [])


def _by_rule(table: dict[str, Any], row: Table) -> tuple[dict[str, Any], Wrong]:
    """Relevance whose sd follows from the distances named (`relevance_sd`); its mean is 0 unless given."""
    from jsna_model.methods.distributions import REFERENCE_YEAR, relevance_sd  # here, so that importing the package stays light

    names = table.pop("distances")
    if not isinstance(names, list) or not all(n in DISTANCES for n in names):
        return {"sd": 0.0, "mean": 0.0, **table}, [(".distances", f"{names!r}", f"give a list of any of {', '.join(DISTANCES)}")]
    year, wrong = _scalar(row.get("year", REFERENCE_YEAR), number=True)
    sd = 0.0 if wrong else relevance_sd(REFERENCE_YEAR - year, **dict.fromkeys(names, True))
    extra: Wrong = [(".sd", "given as well as distances", "give one of the two")] if "sd" in table else []
    return {"mean": 0.0, **table, "sd": sd}, extra


def _unknown(name: str, known: tuple[str, ...], file: str, place: str | int | None, what: str) -> Problem:
    close = nearest(name, known)
    fix = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
    return Problem(f"unknown {what} {name!r}", fix.rstrip("."), file, place, name)


def records(content: Table, table: str) -> Iterator[dict[str, Any]]:
    """Rows of one array of tables, as plain dictionaries."""
    yield from (dict(r) for r in content.get(table, []))
