"""The Word document and the workbook meet their conventions (docs in FORMATS: accessible spreadsheets, real styles, en-GB)."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from docx import Document
from docx.oxml.ns import qn

import reports
from jsna_model.errors import InputError, OutputError
from jsna_model.result import Result
from reports.content import Report, build
from reports.document import render_document
from reports.workbook import render_workbook


@pytest.fixture(scope="module")
def report(rutland: Result) -> Report:
    return build(rutland)


@pytest.fixture(scope="module")
def word(report: Report) -> bytes:
    return render_document(report)


@pytest.fixture(scope="module")
def book(report: Report) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(render_workbook(report)))


def test_word_is_in_british_english(word: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        styles, settings = archive.read("word/styles.xml").decode(), archive.read("word/settings.xml").decode()
    assert set(re.findall(r'<w:lang [^>]*w:val="([^"]+)"', styles)) == {"en-GB"}
    assert "en-US" not in re.findall(r"<w:themeFontLang[^>]*>", settings)[0]
    properties = Document(io.BytesIO(word)).core_properties
    assert properties.language == "en-GB"
    assert "Rutland" in properties.title


def test_word_has_native_tables_with_repeated_headers(word: bytes) -> None:
    tables = Document(io.BytesIO(word)).tables
    assert len(tables) > 10
    for table in tables:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))


def test_word_pictures_have_alternatives_and_headings_are_styles(word: bytes, report: Report) -> None:
    document = Document(io.BytesIO(word))
    described = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert len(described) == len(list(report.figures()))
    assert all(text and len(text) > 80 for text in described)
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings[:-1] == [s.title for s in report.sections]


def test_word_says_draft_on_every_page(word: bytes) -> None:
    section = Document(io.BytesIO(word)).sections[0]
    assert section.header.paragraphs[0].text.startswith("DRAFT")
    assert "PAGE" in section.footer._element.xml


def test_workbook_has_cover_contents_notes_and_one_table_a_sheet(book: openpyxl.Workbook, report: Report) -> None:
    assert book.sheetnames == ["Cover", "Contents", "Notes", *(f"Table_{i}" for i in range(1, len(report.tables) + 1))]
    names = []
    for sheet in book.worksheets[1:]:
        assert len(sheet.tables) == 1, sheet.title
        names += list(sheet.tables)
        assert not sheet.merged_cells.ranges
        assert sheet["A1"].value
        assert sheet["A1"].font.name == "Arial"
    assert len(names) == len(set(names))
    assert book.active.title == "Cover"
    assert book.properties.title == report.title


def test_workbook_holds_what_is_displayed(book: openpyxl.Workbook, report: Report) -> None:
    place = [t.key for t in report.tables].index("combinations")
    sheet, table = book[f"Table_{place + 1}"], report.tables[place]
    found = next(iter(sheet.tables.values())).ref
    rows = [[c.value for c in row] for row in sheet[found]]
    assert rows[0] == [c.label for c in table.columns]
    assert rows[1:] == [list(r) for r in table.rows.itertuples(index=False)]
    assert all(v % 10 == 0 for row in rows[1:] for v in row[1:4] if isinstance(v, int))


def test_notes_are_on_the_notes_sheet(book: openpyxl.Workbook, report: Report) -> None:
    notes = {row[0].value: row[1].value for row in book["Notes"].iter_rows(min_row=4)}
    assert set(notes.values()) == {n for t in report.tables for n in t.notes}
    assert "[note 1]" in notes


def test_workbook_bytes_are_the_same_twice(report: Report) -> None:
    assert render_workbook(report) == render_workbook(report)


def test_every_number_carries_its_basis(report: Report) -> None:
    assert {"observed", "estimated", "projected", "scenario"} <= {t.basis for t in report.tables}
    assert all(t.source and t.interval for t in report.tables)


def test_files_are_written_together_or_not_at_all(rutland: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = reports.write(rutland, tmp_path, formats=("xlsx",))
    assert [p.name for p in written] == ["tables.xlsx"]
    before = (tmp_path / "tables.xlsx").read_bytes()

    def locked(self: Path, target: Path) -> Path:
        raise PermissionError(13, "locked", str(target))

    monkeypatch.setattr(Path, "replace", locked)
    with pytest.raises(OutputError, match=r"close tables\.xlsx or use --out"):
        reports.write(rutland, tmp_path, formats=("xlsx",))
    assert [p.name for p in tmp_path.iterdir()] == ["tables.xlsx"]
    assert (tmp_path / "tables.xlsx").read_bytes() == before


def test_unknown_formats_are_refused(rutland: Result, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="odt"):
        reports.write(rutland, tmp_path, formats=("odt",))
    assert list(tmp_path.iterdir()) == []
