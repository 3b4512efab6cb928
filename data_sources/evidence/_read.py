"""Read evidence from TOML: every problem of a file at once, each with file, line, entry and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from math import nan
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from data_sources.evidence._schema import (
    Assumed,
    ConstructPart,
    ConversionPart,
    Entry,
    Publication,
    QualityPart,
    RelevancePart,
    VariationPart,
)
from jsna_model.errors import InputError, Problem, nearest
from jsna_model.evidence import UNITS, Construct, Conversion, Evidence, Quality, Relevance, Source

Table = Mapping[str, Any]
#: Meanings of the known terms, by field.
Terms = Mapping[str, Mapping[str, str]]
#: Line of every key.
Lines = Mapping[tuple[str | int, ...], int]

#: What a file may hold; `common` gives fields that every entry shares, `terms` adds to the vocabulary.
TABLES = ("publication", "terms", "common", "evidence", "series", "conversion", "quoted")
_CONSTRUCT = tuple(f.name for f in fields(Construct))
_LEVEL = 0.95


def read_entries(content: Table, lines: Lines, path: Path, terms: Terms) -> tuple[list[Evidence], list[Problem]]:
    """Every entry of a file that can be used, and every problem of those that cannot.

    Parameters
    ----------
    content : mapping
        The parsed file.
    lines : mapping of path to line
        Of its text (`jsna_model.toml_lines.key_lines`).
    path : Path
        For messages; its stem is the default `data_group`.
    terms : mapping of field to mapping of term to meaning
        Known before this file, which may add its own.

    Returns
    -------
    entries : list of Evidence
    problems : list of Problem
    """
    file = str(path)
    problems = [_unknown(name, TABLES, "table", file, lines.get((name,)) or lines.get((name, 0))) for name in content if name not in TABLES]
    publication, wrong = _publication(content, file, lines)
    problems += wrong
    own = own_terms(content)
    known = {name: {**terms.get(name, {}), **own.get(name, {})} for name in {*terms, *own}}
    common = content.get("common", {})
    if not isinstance(common, dict):
        return [], [*problems, Problem(f"{common!r} is not a table", "write [common]", file, column="common")]
    rows = list(rows_of(content))
    if not rows and "quoted" not in content:
        return [], [*problems, Problem("no [[evidence]] entries", "write one [[evidence]] table an estimate", file, column="evidence")]
    found: list[Evidence] = []
    seen: dict[str, str] = {}
    for number, (table, index, row) in enumerate(rows, 1):
        merged = {"data_group": path.stem, **common, **row}
        key = merged.get("key")
        name = key if isinstance(key, str) and key else f"entry {number}"
        here = place(lines, file, table, index, "key")
        if name in seen:
            problems.append(Problem(f"key {name!r} occurs twice, first at {seen[name]}", "give each entry its own key", here, name, "key"))
        seen.setdefault(name, here)
        made, wrong = _entry(merged, publication, known, name)
        problems += [replace(p, file=place(lines, file, table, index, *(p.column or "key").split(".")), row=name) for p in wrong]
        if made is not None:
            found.append(made)
    return found, problems


def own_terms(content: Table) -> dict[str, dict[str, str]]:
    """The vocabulary that a file adds."""
    terms = content.get("terms", {})
    return {k: v for k, v in terms.items() if isinstance(v, dict)} if isinstance(terms, dict) else {}


def _publication(content: Table, file: str, lines: Lines) -> tuple[Publication | None, list[Problem]]:
    table = content.get("publication")
    where = lines.get(("publication",))
    if not isinstance(table, dict):
        names = ", ".join(Publication.model_fields)
        return None, [Problem("no [publication]", f"give one, with {names}", file, column="publication")]
    try:
        return Publication(**table), []
    except ValidationError as error:
        found = [_problem(e, Publication, f"{file}:{where}" if where else file, None) for e in error.errors()]
        return None, [replace(p, column=f"publication.{p.column}") for p in found]


def rows_of(content: Table) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Entries as written, and those that a series stands for, each with its table and place in it."""
    for i, row in enumerate(_tables(content, "evidence")):
        yield "evidence", i, dict(row)
    for i, row in enumerate(_tables(content, "series")):
        given = {k: v for k, v in row.items() if k not in ("values", "year_offset", "year_notes")}
        for year, value in row.get("values", {}).items():
            notes = " ".join(n for n in (row.get("notes", ""), row.get("year_notes", {}).get(year, "")) if n)
            yield (
                "series",
                i,
                {
                    **given,
                    "key": f"{row.get('key')}-{year}",
                    "label": f"{row.get('label')}, {year}",
                    "value": value,
                    "period": str(row.get("period", "{year}")).replace("{year}", year),
                    "year": float(year) + row.get("year_offset", 0.0),
                    "notes": notes,
                },
            )


def _tables(content: Table, name: str) -> list[dict[str, Any]]:
    rows = content.get(name, [])
    return [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []


def _entry(row: dict[str, Any], publication: Publication | None, terms: Terms, place: str) -> tuple[Evidence | None, list[Problem]]:
    """One entry, or its problems; checks that need several fields run on whatever fields are sound."""
    problems: list[Problem] = []
    sound = dict(row)
    while True:
        try:
            entry = Entry(**sound)
            break
        except ValidationError as error:
            problems += [_problem(e, Entry, None, place) for e in error.errors()]
            bad = {str(e["loc"][0]) for e in error.errors()}
            sound = {**{k: v for k, v in sound.items() if k not in bad}, **{k: v for k, v in _STAND_INS.items() if k in bad}}
    unsound = {p.column for p in problems}
    problems += _term_problems(entry, terms, unsound)
    lacking = {str(c) for c in unsound if c in ("value", "lower", "upper", "unit")}
    try:
        made = _build(entry, publication)
    except InputError as error:
        # A complaint that rests on a value that could not be read says nothing.
        problems += [p for p in error.problems if not lacking]
        if not error.problems and not problems:
            problems.append(Problem(str(error), "correct it", None, place, "value"))
        return None, problems
    return (None if problems or publication is None else made), problems


_STAND_INS: dict[str, Any] = {
    "key": "?", "label": "?", "numerator": "?", "denominator": "?", "geography": "England", "period": "?", "year": 2024.5,
    "construct": dict.fromkeys(_CONSTRUCT, "not applicable"),
}  # fmt: skip


def _term_problems(entry: Entry, terms: Terms, unsound: set[str | None]) -> list[Problem]:
    """Terms that the vocabulary does not have, with the nearest that it has."""
    used = {"geography": entry.geography} | ({"topic": entry.topic} if entry.topic else {})
    if not any(c and c.startswith("construct") for c in unsound):
        used |= {name: getattr(entry.construct_, name) for name in _CONSTRUCT}
    found = []
    for name, term in used.items():
        known = terms.get(name, {})
        if term not in known:
            close = nearest(term, known)
            hint = f"did you mean {' or '.join(repr(c) for c in close[:2])}? If it is new, define" if close else "define"
            column = f"construct.{name}" if name in _CONSTRUCT else name
            fix = f'{hint} it under [terms.{name}]: "{term}" = "what it means"'
            found.append(Problem(f"unknown {name} {term!r}", fix, None, None, column))
    return found


def _build(entry: Entry, publication: Publication | None) -> Evidence:
    value, lower, upper, level, basis = _interval(entry)
    plain = {
        name: getattr(entry, name)
        for name in (
            "key", "label", "topic", "unit", "distribution", "numerator", "denominator", "ages", "geography", "period", "year",
            "data_group", "group_correlation", "nested_in", "risk", "set_name", "replaces", "notes", "statement", "status",
        )
    }  # fmt: skip
    optional: dict[str, Any] = {}
    if entry.relevance is not None:
        optional["relevance"] = _relevance(entry.relevance, entry.year)
    if entry.variation is not None:
        optional["variation"] = entry.variation.noun()
    if entry.quality is not None:
        optional["quality"] = Quality(entry.quality.grade, tuple(entry.quality.reasons))
    return Evidence(
        **plain,
        value=value,
        lower=lower,
        upper=upper,
        level=level,
        sample_size=_or_nan(entry.sample_size),
        interval_basis=basis,
        construct=Construct(**entry.construct_.model_dump()),
        source=_source(entry, publication),
        conversions=tuple(Conversion(**c.model_dump()) for c in entry.conversions),
        contradicts=tuple(entry.contradicts),
        **optional,
    )


def _or_nan(x: float | None) -> float:
    return nan if x is None else float(x)


def _interval(entry: Entry) -> tuple[float, float, float, float, str]:
    """Value, limits, level and basis: as given, from the sample, assumed by rule, or judged."""
    value = _or_nan(entry.value)
    if entry.judgements:
        return _judged(entry)
    if entry.lower is not None or entry.upper is not None or entry.value is None:
        return value, _or_nan(entry.lower), _or_nan(entry.upper), _or_nan(entry.level), entry.interval_basis
    from jsna_model.methods.distributions import interval_from_sample  # here, so that importing the package stays light

    a = entry.assumed
    if a is not None and a.factor is not None:
        return value, value / a.factor, value * a.factor, _LEVEL, f"assumed: a factor of {a.factor:g} either way; {a.reason}"
    if a is not None and a.effective_sample is not None:
        basis = f"assumed: as a sample of {a.effective_sample:,.0f} would give; {a.reason}"
        return value, *interval_from_sample(value, a.effective_sample), _LEVEL, basis
    if entry.sample_size is not None and entry.unit == "share":
        effect = f", design effect {entry.design_effect:g} (assumption)" if entry.design_effect != 1 else ", as a simple random sample"
        limits = interval_from_sample(value, entry.sample_size / entry.design_effect)
        return value, *limits, _LEVEL, f"from the sample: {entry.sample_size:,.0f}{effect}"
    return value, nan, nan, nan, entry.interval_basis


def _judged(entry: Entry) -> tuple[float, float, float, float, str]:
    """Value and limits of the pooled judgements, each named with its role and its reason."""
    from jsna_model.methods.elicitation import pool_judgements

    if entry.value is not None or entry.lower is not None or entry.upper is not None:
        raise InputError("", [Problem("a value or limits beside judgements", "give one or the other", None, entry.key, "judgements")])
    scale: Any = UNITS.get(entry.unit, "identity")
    try:
        quantiles = [{float(q): x for q, x in j.quantiles.items()} for j in entry.judgements]
        pooled = pool_judgements(quantiles, scale, _LEVEL)
    except ValueError as error:
        raise InputError("", [Problem(str(error), 'write quantiles as { "0.05" = 0.02, ... }', None, entry.key, "judgements")]) from None
    except InputError as error:
        found = [replace(p, column="judgements", found=f"{p.row}: {p.found}" if p.row else p.found) for p in error.problems]
        raise InputError("", found) from None
    said = "; ".join(f"{j.role} ({', '.join(f'{q}: {x:g}' for q, x in j.quantiles.items())}): {j.reason}" for j in entry.judgements)
    between = f"{pooled.between:.0%} of the variance between them"
    basis = f"assumed: judgement of {len(entry.judgements)}, pooled with equal weights, {between}: {said}"
    return pooled.value, pooled.lower, pooled.upper, _LEVEL, basis


def _relevance(part: RelevancePart, year: float) -> Relevance:
    from jsna_model.methods.distributions import REFERENCE_YEAR, relevance_sd

    names = part.distances
    sd = part.sd if names is None else relevance_sd(abs(REFERENCE_YEAR - year), **dict.fromkeys(names, True))
    return Relevance(part.mean, float(sd or 0.0), part.reason)


def _source(entry: Entry, publication: Publication | None) -> Source:
    if publication is None:
        return Source("", "", "", entry.where, "", "", "", "")
    citation = f"{publication.citation}, {entry.where}" if entry.where else publication.citation
    return Source(
        citation=citation,
        where=entry.where,
        url=publication.url if entry.url is None else entry.url,
        read_in=entry.read_in or publication.read_in,
        **{n: getattr(publication, n) for n in ("producer", "title", "published", "licence")},
    )


_FIXES = {
    "string_type": "put it in quotes",
    "float_type": "give a finite number, without quotes or a percent sign",
    "finite_number": "give a finite number",
    "string_too_short": "say what it is",
    "model_type": "write a table",
    "model_attributes_type": "write a table",
}


def _problem(error: Any, model: type[BaseModel], file: str | None, row: str | None) -> Problem:
    """One complaint of the schema in the package's own words."""
    column = ".".join(str(p) for p in error["loc"])
    top, kind = str(error["loc"][0]) if error["loc"] else "", error["type"]
    if kind == "missing":
        return Problem("missing", "give this field", file, row, column)
    if kind == "extra_forbidden":
        name = str(error["loc"][-1])
        names = [f.alias or n for n, f in model.model_fields.items()] if len(error["loc"]) == 1 else list(_fields_of(top))
        return replace(_unknown(name, names, "field", file, None), row=row, column=column)
    if top == "status":
        return Problem(f"status is {error['input']!r}", "use only figures seen in their source, and mark them 'seen'", file, row, column)
    if kind == "relevance":
        column = "relevance.sd" if "sd" in error["input"] else "relevance.distances"
    elif top == "relevance" and "distances" in column:
        column = "relevance.distances"
    fix = _FIXES.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    return Problem(f"found {error['input']!r}", fix, file, row, column)


def _fields_of(top: str) -> Iterable[str]:
    kinds: dict[str, type[BaseModel]] = {
        "construct": ConstructPart, "variation": VariationPart, "relevance": RelevancePart, "assumed": Assumed,
        "quality": QualityPart, "conversions": ConversionPart,
    }  # fmt: skip
    return kinds[top].model_fields if top in kinds else ()


def _unknown(name: str, known: Iterable[str], what: str, file: str | None, line: int | None) -> Problem:
    known = list(known)
    close = nearest(name, known)
    fix = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
    return Problem(f"unknown {what} {name!r}", fix.rstrip("."), f"{file}:{line}" if line else file, None, name)


def place(lines: Lines, file: str, *path: str | int) -> str:
    """``file:line`` of a field, by its path; of its entry's key or header where it is not written there."""
    entry = path[:2]
    around = path[:3]  # the inline table that a part of it stands in
    known = next((p for p in (path, around, (*entry, "key"), entry) if p in lines), None)
    return f"{file}:{lines[known]}" if known else file
