"""A case audit as tables and a page: each stratum as found, and what it says about all cases. Small numbers are suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from jsna_model.methods.audit import exact_count, stratified_share
from jsna_model.methods.rates import Interval
from reports import words
from reports.disclosure import SUPPRESSED, decimal
from reports.report import Block, Bullets, Report, Section
from reports.suppression import suppress
from reports.table import Column, Table, frame

LEVEL = 0.95
EXACT = "95% exact interval of a finite population (hypergeometric)"
WHY = (
    "Ofsted found in 2015 that the audit of early help was not well established: just over a quarter of the cases had been audited, some audits "
    "looked at process only, and few partnerships had tested how thresholds were applied to early help (Early help: whose responsibility?, "
    "paragraphs 53 to 55 and 64). An audit of a sample says something about all cases, within a margin that this page gives."
)


class Row(Protocol):
    """A question asked of a stratum's cases (`data_sources.audit.Audited`)."""

    @property
    def stratum(self) -> str:
        """Name of the stratum."""

    @property
    def question(self) -> str:
        """What was asked."""

    @property
    def cases(self) -> int:
        """All cases of the stratum."""

    @property
    def audited(self) -> int:
        """Cases audited."""

    @property
    def found(self) -> int:
        """Audited cases in which it was found."""


def tables(rows: Sequence[Row], internal: bool = False, source: str = "the case audit") -> list[Table]:
    """Results of an audit: each stratum, and all cases.

    Parameters
    ----------
    rows : sequence of Row
    internal : bool
        Show small numbers; not for publication.
    source : str

    Returns
    -------
    list of Table
        ``audit_all`` and, where there are several strata, ``audit_strata``.
    """
    questions = list(dict.fromkeys(r.question for r in rows))
    strata: list[list[object]] = []
    whole: list[list[object]] = []
    for question in questions:
        of = [r for r in rows if r.question == question]
        shown = _shown(of, internal)
        for r in of if len(of) > 1 else ():
            found, audited = shown[r.stratum]["found"], shown[r.stratum]["audited"]
            x = exact_count(r.found, r.audited, r.cases, LEVEL)
            size = shown[r.stratum]["cases"]
            strata.append([question, r.stratum, size, audited, found, *_share(x, r.cases, found if size != SUPPRESSED else size)])
        cases, total = sum(r.cases for r in of), shown["Total"]["found"]
        # A weighted share would help to work out what is suppressed in a stratum; one of the totals alone says no more than they do.
        plain = len(of) > 1 and any(SUPPRESSED in row.values() for row in shown.values())
        x = _unweighted(of) if plain else _weighted(of)
        first = [question, shown["Total"]["cases"], shown["Total"]["audited"], total]
        how = "[z]" if total == SUPPRESSED or len(of) == 1 else "not weighted" if plain else "weighted by stratum"
        whole.append([*first, *_share(x, cases, total), *_cases(x, total), how])
    out = [_all(whole, len({r.stratum for r in rows}) > 1, source, internal)]
    return [*out, _strata(strata, source, internal)] if strata else out


def build(rows: Sequence[Row], internal: bool = False, title: str = "", source: str = "the case audit") -> Report:
    """The page of an audit; see `tables`."""
    found = tables(rows, internal, source)
    status = "INTERNAL: shows small numbers; not for publication." if internal else "Small numbers are suppressed."
    read = (
        "A share is of the audited cases, weighted by the cases of each stratum where there are several and none is suppressed.",
        "The interval holds the share of all cases in 95 of 100 audits like this one, if the audited cases were drawn at random. It says "
        "nothing about cases that were left out on purpose, or about what auditors did not agree on.",
        "The chances are of each stratum and question alone. With many questions, some intervals will miss.",
    )
    sections = (
        Section("what", "What the audit found", (WHY, _headlines(found[0]), found[0])),
        *([Section("strata", "Each stratum", (found[1],))] if len(found) > 1 else []),
        Section("reading", "How to read it", (Bullets(read),)),
    )
    return Report(title or "Case audit", "What audited cases say about all cases", internal, status, sections, tuple(found))


def render(rows: Sequence[Row], internal: bool = False, title: str = "", source: str = "the case audit") -> str:
    """The page of an audit as one HTML file."""
    from reports.page import render_page

    return render_page(build(rows, internal, title, source))


def lines(table: Table) -> list[str]:
    """The table of all cases as lines of text, for a terminal."""
    return [
        f"{r['Question']}: {_said(r)}; found in {r['Found']} of {r['Audited']} audited, of {r['Cases']} cases."
        for r in table.rows.to_dict("records")
    ]


def _headlines(table: Table) -> Block:
    return Bullets(tuple(f"{words.upper_first(str(r['Question']))}: {_said(r)}." for r in table.rows.to_dict("records")))


def _said(row: dict[Any, Any]) -> str:
    """A share and its interval in words."""
    if isinstance(row["Share"], str):
        return "suppressed, because few cases are behind it"
    return f"{row['Share']}% of cases, likely between {row['Share: lower']}% and {row['Share: upper']}%"


def _shown(of: Sequence[Row], internal: bool) -> dict[str, dict[str, int | str]]:
    """Found, not found and audited by stratum with their total, suppressed together, and all cases; found and not found weigh the same."""
    import pandas as pd

    names = [r.stratum for r in of]
    counts = pd.DataFrame({"found": [r.found for r in of], "not found": [r.audited - r.found for r in of]}, index=names)
    counts["audited"] = counts.sum(axis=1)
    cases = pd.DataFrame({"cases": [r.cases for r in of]}, index=names)
    total = "Total" if len(of) > 1 else None
    if total:
        counts.loc[total], cases.loc[total] = counts.sum(), cases.sum()
    if not internal:
        counts, cases = suppress(counts, total_row=total, total_column="audited"), suppress(cases, total_row=total, total_column=None)
    out = counts.astype(object).join(cases.astype(object))
    if not total:
        out = pd.concat([out, out.rename(index={names[0]: "Total"})])
    return {str(i): {str(c): v if isinstance(v, str) else int(v) for c, v in row.items()} for i, row in out.iterrows()}


def _unweighted(of: Sequence[Row]) -> Interval:
    """All cases as if they were one stratum, as cases."""
    return exact_count(sum(r.found for r in of), sum(r.audited for r in of), sum(r.cases for r in of), LEVEL)


def _weighted(of: Sequence[Row]) -> Interval:
    """Share of all cases by stratum, as cases."""
    x = stratified_share([r.found for r in of], [r.audited for r in of], [r.cases for r in of], LEVEL)
    cases = sum(r.cases for r in of)
    return Interval(x.value * cases, x.lower * cases, x.upper * cases)


def _share(x: Interval, cases: int, found: object) -> list[float | str]:
    """Share and limits in per cent; a suppressed count would be given back by them."""
    return [SUPPRESSED] * 3 if found == SUPPRESSED else [decimal(float(v) / cases, 100) for v in (x.value, x.lower, x.upper)]


def _cases(x: Interval, found: object) -> list[int | str]:
    return [SUPPRESSED] * 2 if found == SUPPRESSED else [round(float(x.lower)), round(float(x.upper))]


_SHARE = (Column("Share", "percent"), Column("Share: lower", "percent"), Column("Share: upper", "percent"))
_NOTES = (
    "Counts of 1 to 5 (cases, found or not found) are [c], with what would give them away; their shares too.",
    "Limits are out to whole cases.",
)
_PLAIN = (
    "Not weighted: a count of some stratum is suppressed, and the weighted share would give it away. The share then leans to strata of which a "
    "larger part was audited; its interval is exact for a sample shared out in proportion."
)


def _all(records: list[list[object]], several: bool, source: str, internal: bool) -> Table:
    columns = (
        Column("Question"), Column("Cases", "count"), Column("Audited", "count"), Column("Found", "count"), *_SHARE,
        Column("Cases: lower", "count"), Column("Cases: upper", "count"), Column("How strata count"),
    )  # fmt: skip
    method = (
        "95% interval on the effective sample of the strata (Cochran 1977, chapter 5; Korn and Graubard 1998)" if several else f"{EXACT}"
    )
    return Table(
        "audit_all", "What the audited cases say about all cases", source, "as the audit's question", "estimated from audited cases", method,
        columns, frame(columns, records), () if internal else (*_NOTES, *([_PLAIN] if several else [])), kind="audit",
    )  # fmt: skip


def _strata(records: list[list[object]], source: str, internal: bool) -> Table:
    columns = (
        Column("Question"), Column("Stratum"), Column("Cases", "count"), Column("Audited", "count"), Column("Found", "count"), *_SHARE,
    )  # fmt: skip
    return Table(
        "audit_strata", "What was found in each stratum", source, "as the audit's question", "estimated from audited cases", EXACT,
        columns, frame(columns, records), () if internal else _NOTES, kind="audit",
    )  # fmt: skip
