"""The workbook: cover, contents, notes, and one marked-up table a sheet."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter

from reports.report import Report
from reports.table import SHORTHAND_LINE, Table, cell

WIDTHS = (10, 60)  # narrowest and widest column, in characters
FORMATS = {
    "count": "#,##0",
    "difference": "+#,##0;-#,##0;0",
    "percent": '0.0"%"',
    "rate": "#,##0.0",
    "money": "£#,##0;-£#,##0",
    "year": "0",
}


@dataclass(frozen=True)
class _Sheet:
    name: str
    table: Table
    notes: tuple[int, ...]


def render_workbook(report: Report) -> bytes:
    """Every table of the report as a spreadsheet that meets the Analysis Function's checklist.

    Parameters
    ----------
    report : Report

    Returns
    -------
    bytes
    """
    texts = list(dict.fromkeys(n for t in report.tables for n in t.notes))
    sheets = [_Sheet(f"Table_{i}", t, tuple(sorted({texts.index(n) + 1 for n in t.notes}))) for i, t in enumerate(report.tables, 1)]
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False, "strings_to_urls": False})
    fixed = datetime(2000, 1, 1)  # the same bytes on every run; the manifest holds the time
    book.set_properties(
        {"title": report.title, "subject": report.subtitle, "author": "jsna_model", "comments": report.status, "created": fixed}
    )
    book.set_custom_property("Language", "en-GB")
    styles = _styles(book)
    _cover(book, report, styles)
    _contents(book, report, sheets, styles)
    _notes(book, texts, sheets, styles)
    for sheet in sheets:
        _table(book, sheet, report, styles)
    book.worksheets()[0].activate()
    book.close()
    return _in_english(buffer)


def _in_english(saved: io.BytesIO) -> bytes:
    """The same workbook with its language among the properties, which the library cannot set."""
    out = io.BytesIO()
    with ZipFile(saved) as before, ZipFile(out, "w", ZIP_DEFLATED) as after:
        for part in before.infolist():
            content = before.read(part)
            if part.filename == "docProps/core.xml":
                content = content.replace(b"</cp:coreProperties>", b"<dc:language>en-GB</dc:language></cp:coreProperties>")
            after.writestr(part, content)
    return out.getvalue()


def _styles(book: Any) -> dict[str, Any]:
    font = {"font_name": "Arial", "font_size": 11, "valign": "top"}
    styles = {
        "title": book.add_format({**font, "font_size": 16, "bold": True}),
        "heading": book.add_format({**font, "font_size": 13, "bold": True}),
        "text": book.add_format({**font, "text_wrap": True}),
        "line": book.add_format(font),
        "link": book.add_format({**font, "font_color": "#1D70B8", "underline": 1}),
        "header": book.add_format({**font, "bold": True, "text_wrap": True, "bottom": 1}),
    }
    for kind, pattern in FORMATS.items():
        styles[kind] = book.add_format({**font, "num_format": pattern, "align": "right"})
        styles[f"{kind} header"] = book.add_format({**font, "bold": True, "text_wrap": True, "bottom": 1, "align": "right"})
    return styles


def _cover(book: Any, report: Report, styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Cover")
    sheet.set_column(0, 0, 100)
    lines = [
        report.subtitle,
        report.status,
        "Estimates are modelled, not counted. Numbers are rounded one by one, so figures may not sum.",
        SHORTHAND_LINE,
        "Contains public sector information licensed under the Open Government Licence v3.0.",
    ]
    sheet.write_string(0, 0, report.title, styles["title"])
    for i, line in enumerate(lines, 1):
        sheet.write_string(i, 0, line, styles["text"])


def _contents(book: Any, report: Report, sheets: list[_Sheet], styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Contents")
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, "Contents", styles["title"])
    sheet.write_string(1, 0, f"This sheet has one table: the {len(sheets)} tables of this workbook. {_mark(report)}", styles["line"])
    rows = [("Notes", "Notes"), *((s.name, s.table.title) for s in sheets)]
    sheet.add_table(2, 0, 2 + len(rows), 1, _options("Contents_table", ["Sheet", "What it holds"], styles, ["header", "header"]))
    for i, (name, title) in enumerate(rows, 3):
        sheet.write_url(i, 0, f"internal:'{name}'!A1", styles["link"], name, f"Go to {name}")
        sheet.write_string(i, 1, title, styles["text"])


def _notes(book: Any, texts: list[str], sheets: list[_Sheet], styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Notes")
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 110)
    sheet.set_column(2, 2, 40)
    sheet.write_string(0, 0, "Notes", styles["title"])
    sheet.write_string(1, 0, "This sheet has one table: the notes of this workbook.", styles["line"])
    texts = texts or ["There are no notes."]
    sheet.add_table(2, 0, 2 + len(texts), 2, _options("Notes_table", ["Note", "Text", "Tables"], styles, ["header"] * 3))
    for i, text in enumerate(texts, 1):
        used = ", ".join(s.name for s in sheets if i in s.notes) or "none"
        for column, value in enumerate((f"[note {i}]", text, used)):
            sheet.write_string(2 + i, column, value, styles["text"])


def _table(book: Any, sheet: _Sheet, report: Report, styles: dict[str, Any]) -> None:
    page, table = book.add_worksheet(sheet.name), sheet.table
    marks = " ".join(f"[note {n}]" for n in sheet.notes)
    lines = [
        f"This sheet has one table. {_mark(report)}{f' Notes: {marks}, on the Notes sheet.' if marks else ''}",
        table.subtitle,
        SHORTHAND_LINE,
    ]
    page.write_string(0, 0, f"{sheet.name.replace('_', ' ')}: {table.title}", styles["title"])
    for i, line in enumerate(lines, 1):
        page.write_string(i, 0, line, styles["line"])
    top = len(lines) + 1
    headers = ["header" if c.kind == "text" else f"{c.kind} header" for c in table.columns]
    rows = list(table.rows.itertuples(index=False))
    page.add_table(top, 0, top + len(rows), len(table.columns) - 1, _options(sheet.name, [c.label for c in table.columns], styles, headers))
    for i, row in enumerate(rows, top + 1):
        for j, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            if isinstance(value, (int, float)) and not isinstance(value, bool) and column.kind != "text" and value == value:
                page.write_number(i, j, value, styles[column.kind])
            else:
                page.write_string(i, j, cell(value, column.kind), styles["text" if column.kind == "text" else column.kind])
    for j, column in enumerate(table.columns):
        longest = max([len(str(r[j])) for r in rows] + [len(column.label) // 2])
        page.set_column(j, j, min(max(longest + 2, WIDTHS[0]), WIDTHS[1]))


def _options(name: str, headers: list[str], styles: dict[str, Any], header_styles: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "style": None,
        "autofilter": False,
        "columns": [{"header": h, "header_format": styles[s]} for h, s in zip(headers, header_styles, strict=True)],
    }


def _mark(report: Report) -> str:
    return "DRAFT, not approved for publication." if report.draft else ""
