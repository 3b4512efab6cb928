"""Every table of a report as a tidy csv: numbers as numbers, shorthand in columns of its own, notes by number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.disclosure import FEW, is_absent
from reports.exports import safe_text
from reports.report import Report
from reports.table import NUMERIC, SHORTHAND, Column, Table

if TYPE_CHECKING:
    import pandas as pd

#: What a number is in, where its label does not say so.
UNITS = {"percent": "%", "money": "£"}
_MARK = re.compile(r"\[(\w+)\]\s*")


def render_csv(report: Report) -> dict[str, bytes]:
    """Every table of a report as csv, with ``contents.csv``, ``notes.csv`` and ``shorthand.csv`` beside them.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict of str to bytes
        By file name: UTF-8 with a byte order mark, one row a row of the table. Shorthand is bare (``c``, not ``[c]``) and in a column
        beside its own, whose cell is then empty; ``low`` also stands for "fewer than 10". The last columns are the basis of the numbers
        and the numbers of the notes, those of the workbook.
    """
    import pandas as pd

    notes = list(dict.fromkeys(n for t in report.tables for n in t.notes))
    made = {f"{t.key}.csv": _tidy(t, notes) for t in report.tables}
    draft = "draft, not approved for publication" if report.draft else "approved"
    about = [
        (f"{t.key}.csv", t.title, t.basis, t.interval, t.construct, t.source, _numbers(t, notes), draft, report.classification)
        for t in report.tables
    ]
    heads = ["File", "Title", "Basis", "Interval", "Construct", "Source", "Notes", "Status", "Classification"]
    made["contents.csv"] = pd.DataFrame(about, columns=heads)
    made["notes.csv"] = pd.DataFrame([(f"note {i}", n) for i, n in enumerate(notes, 1)], columns=["Note", "Text"])
    made["shorthand.csv"] = pd.DataFrame(
        [*((k.strip("[]"), v) for k, v in SHORTHAND.items() if k != "[low]"), ("low", f"rounds to zero, or {FEW}")],
        columns=["Shorthand", "Meaning"],
    )
    return {name: written(table) for name, table in made.items()}


def written(table: pd.DataFrame) -> bytes:
    """A table as csv that Excel reads as it is: UTF-8 with a byte order mark, and nothing that a spreadsheet would run."""
    import pandas as pd

    # column by column as objects: a whole number beside an empty cell would become 3.0
    safe = pd.DataFrame({c: pd.Series([safe_text(v) for v in table[c]], dtype=object) for c in table.columns}, columns=table.columns)
    csv: str = safe.to_csv(index=False, lineterminator="\r\n")
    return csv.encode("utf-8-sig")


def _tidy(table: Table, notes: list[str]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, list[object]] = {}
    for column in table.columns:
        values, marks = zip(*(_parted(v, column) for v in table.rows[column.label]), strict=True) if len(table.rows) else ((), ())
        label = f"{column.label} ({unit})" if (unit := UNITS.get(column.kind)) and unit not in column.label else column.label
        columns[label] = list(values)
        if any(marks):
            columns[f"{column.label}: shorthand"] = list(marks)
    size = len(table.rows)
    columns["Basis of the table"] = [table.basis] * size
    columns["Notes"] = [_numbers(table, notes)] * size
    return pd.DataFrame(columns, dtype=object)


def _parted(value: object, column: Column) -> tuple[object, str]:
    """A cell as its number or words, and its shorthand."""
    if isinstance(value, str):
        if column.kind in NUMERIC and value == FEW:
            return None, "low"
        found = _MARK.match(value)
        if found and f"[{found[1]}]" in SHORTHAND:
            return value[found.end() :] or None, found[1]
        return value, ""
    return (None, "x") if is_absent(value) else (value, "")


def _numbers(table: Table, notes: list[str]) -> str:
    return " ".join(f"[note {i + 1}]" for i in sorted({notes.index(n) for n in table.notes}))
