"""Table: one displayed table, with everything that has to stand beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reports import disclosure, words

if TYPE_CHECKING:
    import pandas as pd

NUMERIC = ("count", "difference", "percent", "rate", "money", "year")

#: Symbols in cells and what they say, of those that the Analysis Function recommends; [c] covers what a publisher suppressed and what is here.
SHORTHAND = {
    "[c]": "suppressed",
    "[e]": "estimated",
    "[f]": "forecast or projected",
    "[low]": "rounds to zero",
    "[u]": "low reliability",
    "[x]": "not available",
    "[z]": "not applicable",
}
SHORTHAND_LINE = f"Some cells hold shorthand: {', '.join(f'{k} {v}' for k, v in SHORTHAND.items())}."

MAY_NOT_SUM = "Numbers are rounded one by one, so figures may not sum."


@dataclass(frozen=True)
class Column:
    """A column: its label and kind, one of ``text`` or `NUMERIC`."""

    label: str
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """A table as it is displayed: cells are rounded and suppressed already.

    Parameters
    ----------
    key : str
        Short stable name, e.g. ``"named_risks"``.
    title : str
        What the table shows, where and when.
    source, construct, basis, interval : str
        Provenance of its numbers; `basis` in words, from `jsna_model.conventions.BASES`.
    columns : tuple of Column
        In order; the first one labels the row.
    rows : pandas.DataFrame
        Columns as labelled; cells are numbers as displayed, or words.
    notes : tuple of str
    kind : str
        Group of the report that it belongs to.
    brief : tuple of int, optional
        Rows that documents show; the workbook shows all.
    brief_title : str
        What the rows of `brief` are, e.g. "first and last years".
    in_documents : bool
        Whether the page and the document show it at all.
    document_columns : tuple of str
        Labels of the columns that documents show; all of them where empty.
    """

    key: str
    title: str
    source: str
    construct: str
    basis: str
    interval: str
    columns: tuple[Column, ...]
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    kind: str = "need"
    brief: tuple[int, ...] | None = field(default=None)
    brief_title: str = ""
    in_documents: bool = True
    document_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        labels = [c.label for c in self.columns]
        if list(self.rows.columns) != labels:
            raise ValueError(f"table {self.key}: columns {list(self.rows.columns)} are not those declared, {labels}")

    @property
    def subtitle(self) -> str:
        """Basis, interval, construct and source in one line."""
        parts = [f"Basis: {self.basis}.", f"Interval: {self.interval}."]
        if self.construct:
            parts.append(f"Construct: {self.construct.rstrip('.')}.")
        return " ".join([*parts, f"Source: {self.source.rstrip('.')}."])

    @property
    def shown(self) -> Table:
        """The table as documents show it."""
        table = self
        if self.brief is not None and len(self.brief) < len(self.rows):
            more = f"All {len(self.rows)} rows are in the workbook."
            title = f"{self.title}: {self.brief_title}" if self.brief_title else self.title
            table = replace(table, title=title, rows=self.rows.iloc[list(self.brief)], notes=(more, *self.notes), brief=None)
        if self.document_columns:
            kept = tuple(c for c in self.columns if c.label in self.document_columns)
            table = replace(table, columns=kept, rows=table.rows[[c.label for c in kept]], document_columns=())
        return table

    def cells(self) -> list[list[str]]:
        """Cells as text, row by row."""
        return [
            [cell(value, column.kind) for value, column in zip(row, self.columns, strict=True)] for row in self.rows.itertuples(index=False)
        ]


def frame(columns: Sequence[Column], records: Sequence[Sequence[object]]) -> pd.DataFrame:
    """Rows of a table from records in the order of its columns."""
    import pandas as pd

    return pd.DataFrame([list(r) for r in records], columns=[c.label for c in columns], dtype=object)


def plain(value: object) -> str:
    """Any JSON-ready value as short text; absence is said in words.

    Examples
    --------
    >>> plain(None), plain(0.25), plain([1, 2]), plain({"a": 1}), plain("")
    ('not stated', '0.25', '1, 2', 'a 1', 'not stated')
    """
    if value is None or value == "" or disclosure.is_absent(value):
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) > 9999 else str(value)
    if isinstance(value, dict):
        return "; ".join(f"{k} {plain(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(v) for v in value)
    return str(value)


def cell(value: object, kind: str) -> str:
    """One cell as text.

    Examples
    --------
    >>> cell(4300, "count"), cell(12.3, "percent"), cell(-45, "money"), cell("[c]", "count"), cell(2035, "year")
    ('4,300', '12.3%', '−£45', '[c]', '2035')
    """
    if isinstance(value, str):
        return value
    if disclosure.is_absent(value):
        return disclosure.ABSENT
    if not isinstance(value, (int, float)):
        raise TypeError(f"a cell holds {value!r}; give a displayed number or words")
    if kind == "year":
        return str(value)
    if kind == "money":
        return f"{words.MINUS if value < 0 else ''}£{abs(value):,}"
    text = words.number(value)
    if kind == "difference" and value > 0:
        text = f"+{text}"
    return f"{text}%" if kind == "percent" else text
