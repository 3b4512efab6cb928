"""The essential points of the Analysis Function's checklist for accessible spreadsheets, read back from a file.

Analysis Function, Making spreadsheets accessible: a brief checklist of the basics; and Releasing statistics in spreadsheets.
"""

from __future__ import annotations

import io

import openpyxl

MARKED = ("Cover", "Contents", "Notes")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def broken(content: bytes) -> list[str]:
    """Every point that a workbook breaks, with its sheet."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    out = []
    if not book.properties.title:
        out.append("the document has no title")
    if book.properties.language != "en-GB":
        out.append(f"the language is {book.properties.language}")
    if tuple(book.sheetnames[:3]) != MARKED:
        out.append(f"the first sheets are {book.sheetnames[:3]}")
    names: list[str] = []
    for sheet in book:
        out += [f"{sheet.title}: {problem}" for problem in _sheet(sheet)]
        names += list(sheet.tables)
    if len(set(names)) != len(names):
        out.append("table names are not unique")
    listed = {row[0].value for row in book["Contents"].iter_rows(min_row=4)}
    out += [f"{name} is not in the contents" for name in book.sheetnames[2:] if name not in listed]
    if book.active.title != "Cover":
        out.append("it does not open at the cover")
    return out


def _sheet(sheet: openpyxl.worksheet.worksheet.Worksheet) -> list[str]:
    out = []
    if not isinstance(sheet["A1"].value, str) or sheet["A1"].font.sz < 14:
        out.append("A1 holds no title")
    if sheet.merged_cells.ranges:
        out.append("cells are merged")
    if sheet.sheet_state != "visible" or any(d.hidden for d in (*sheet.row_dimensions.values(), *sheet.column_dimensions.values())):
        out.append("something is hidden")
    if len(sheet.tables) != (0 if sheet.title == "Cover" else 1):
        out.append(f"{len(sheet.tables)} tables are marked up")
    for table in sheet.tables.values():
        rows = [[c.value for c in row] for row in sheet[table.ref]]
        if len(set(rows[0])) != len(rows[0]) or not all(isinstance(h, str) and h.strip() for h in rows[0]):
            out.append("headers are empty or repeated")
        if any(v is None or v == "" for row in rows for v in row):
            out.append("a table has blank cells")
        if table.autoFilter is not None:
            out.append("a table has filters")
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":
                out.append(f"{cell.coordinate} holds a formula")
            if cell.value is not None and cell.font.name != "Arial":
                out.append(f"{cell.coordinate} is not in Arial")
    wide = [d.width for d in sheet.column_dimensions.values()]
    if not wide or min(wide) < 8:
        out.append("a column has no width")
    return out
