"""A council's own template and logo; a document that somebody edited is kept."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from docx import Document

import jsna_model as jm
import reports
from jsna_model.errors import InputError, OutputError
from jsna_model.result import Result
from reports.content import build
from reports.document import render_document
from reports.page import render_page
from reports.report import Report, Section
from reports.template import fingerprint, free_name, untouched
from reports.writer import save

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")

SMALL = Report("A title", "A subtitle", True, "DRAFT", (Section("one", "One", ("A sentence.",)),), ())


@pytest.fixture
def template(tmp_path: Path) -> Path:
    document = Document()
    document.styles["Heading 1"].font.name = "Georgia"
    document.sections[0].header.paragraphs[0].add_run("Exampleshire & Sons")
    document.add_paragraph("text of the template")
    document.save(str(tmp_path / "council.docx"))
    return tmp_path / "council.docx"


def test_a_template_keeps_its_styles_and_header_and_loses_its_text(canterbury: Result, template: Path) -> None:
    made = Document(io.BytesIO(render_document(build(canterbury), template)))
    assert made.styles["Heading 1"].font.name == "Georgia"
    header = [p.text for p in made.sections[0].header.paragraphs]
    assert header[0] == "Exampleshire & Sons"
    assert "DRAFT" in header[1]
    assert all(s.header.is_linked_to_previous for s in list(made.sections)[1:])
    assert "text of the template" not in [p.text for p in made.paragraphs]
    assert len(made.tables) > 5


def test_the_study_names_template_logo_and_words(canterbury: Result, template: Path, tmp_path: Path) -> None:
    logo, own = tmp_path / "logo.png", tmp_path / "words.toml"
    logo.write_bytes(PIXEL)
    own.write_text('[terms]\n"early help" = "family help"\n', encoding="utf-8")
    study = jm.Study.of({"area": "Canterbury", "template": str(template), "logo": str(logo), "vocabulary": str(own)})
    reports.write(canterbury, tmp_path / "out", ("docx", "html"), study)
    made = Document(str(tmp_path / "out" / "report.docx"))
    assert made.styles["Heading 1"].font.name == "Georgia"
    assert made.inline_shapes[0]._inline.docPr.get("descr") == "Logo of the council"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'alt="Logo of the council"' in page
    assert "family help" in page


def test_a_template_without_the_styles_names_them_all(canterbury: Result, template: Path, tmp_path: Path) -> None:
    document = Document(str(template))
    for name in ("Subtitle", "Caption"):
        document.styles[name].delete()
    document.save(str(template))
    with pytest.raises(InputError) as error:
        reports.write(canterbury, tmp_path / "out", ("docx",), template=template)
    assert [p.found for p in error.value.problems] == ["there is no paragraph style 'Subtitle'", "there is no paragraph style 'Caption'"]
    assert not (tmp_path / "out").exists()
    (tmp_path / "not.docx").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="is not a Word document"):
        render_document(build(canterbury), tmp_path / "not.docx")
    with pytest.raises(InputError, match="cannot be read"):
        render_document(build(canterbury), tmp_path / "none.docx")
    with pytest.raises(InputError, match="neither a PNG nor a JPEG"):
        render_page(build(canterbury), tmp_path / "not.docx")


def test_an_edited_document_is_never_overwritten(tmp_path: Path) -> None:
    save(SMALL, tmp_path, ("docx",))
    path = tmp_path / "report.docx"
    assert untouched(path)
    assert Document(str(path)).core_properties.identifier == fingerprint(path.read_bytes())
    assert [p.name for p in save(SMALL, tmp_path, ("docx",))] == ["report.docx"]
    document = Document(str(path))
    document.add_paragraph("A sentence of the author's.")
    document.save(str(path))
    edited = path.read_bytes()
    assert [p.name for p in save(SMALL, tmp_path, ("docx",))] == ["report-new.docx"]
    assert path.read_bytes() == edited
    assert untouched(tmp_path / "report-new.docx")
    (tmp_path / "report-new.docx").write_bytes(edited)
    assert free_name(tmp_path, "report.docx") == "report-new-2.docx"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of folders are not those of POSIX here")
def test_a_folder_that_cannot_be_written_to_is_said(canterbury: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot make"):
        reports.write(canterbury, tmp_path / "file" / "out", ("html",))

    def refused(self: Path, content: bytes) -> int:  # the tests may run as a user who may write anywhere
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(OutputError, match="cannot write to"):
        reports.write(canterbury, tmp_path / "out", ("html",))
    assert list((tmp_path / "out").iterdir()) == []
