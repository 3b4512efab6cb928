"""The Word document: real styles, native tables, text alternatives, en-GB throughout."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from reports.drawing import Figure, png
from reports.report import Block, Bullets, Heading, Report
from reports.table import NUMERIC, SHORTHAND_LINE, Table
from reports.template import fingerprint, open_template, read_logo

LANGUAGE = "en-GB"
BLUE = RGBColor(0x12, 0x43, 0x6D)
RED = RGBColor(0x94, 0x25, 0x14)
GREY = RGBColor(0x38, 0x3F, 0x43)
WIDE = 7  # columns from which a table is set in small type
PORTRAIT, LANDSCAPE = 17.2, 25.9  # cm of text on A4
TALLEST = {False: 20.0, True: 11.0}  # cm of a figure, on a portrait and on a landscape page


def render_document(report: Report, template: str | Path | None = None, logo: str | Path | None = None) -> bytes:
    """The report as a Word document.

    Parameters
    ----------
    report : Report
    template : path, optional
        A council's own Word document, whose styles, page, header and footer are used.
    logo : path, optional
        PNG or JPEG, above the title.

    Returns
    -------
    bytes
        Its property ``identifier`` is the hash of the rest, by which a document that was edited is known (`reports.template`).

    Raises
    ------
    InputError
        For a template without the styles that are used, or a logo that is no picture.
    """
    document = open_template(template)
    picture = read_logo(logo)
    _styles(document, own=template is not None)
    _page(document, report, own=template is not None)
    properties = document.core_properties
    properties.title, properties.language, properties.author = report.title, LANGUAGE, "jsna_model"
    properties.subject, properties.comments = report.subtitle, report.status
    properties.identifier, properties.category = "", report.classification
    if picture is not None:
        shown = document.add_picture(io.BytesIO(picture[0]), height=Cm(1.8))
        shown._inline.docPr.set("descr", "Logo of the council")
    document.add_paragraph(report.title, style="Title")
    document.add_paragraph(report.subtitle, style="Subtitle")
    status = document.add_paragraph(style="Status")
    run = status.add_run(report.status)
    if not report.draft:
        run.font.color.rgb = GREY
    wide = False
    for i, section in enumerate(report.sections):
        if section.wide != wide:
            wide = section.wide
            _turn(document, wide)
        heading = document.add_heading(section.title, level=1)
        heading.paragraph_format.page_break_before = i == 1 and report.sections[0].key == "summary"
        for block, after in zip(section.blocks, (*section.blocks[1:], ""), strict=True):
            text = _block(document, block, LANDSCAPE if wide else PORTRAIT)
            if text is not None and isinstance(after, Figure | Table):
                text.paragraph_format.keep_with_next = True  # it introduces what follows
    document.add_heading("Shorthand", level=1)
    document.add_paragraph(SHORTHAND_LINE)
    properties.identifier = fingerprint(_saved(document))
    return _saved(document)


def _block(document: Any, block: Block, text_width: float) -> Any:
    """Add a block; a paragraph is given back."""
    if isinstance(block, Table):
        _table(document, block.shown, text_width)
    elif isinstance(block, Figure):
        _figure(document, block, TALLEST[text_width == LANDSCAPE])
    elif isinstance(block, Bullets):
        for item in block.items:
            document.add_paragraph(item, style="List Bullet")
    elif isinstance(block, Heading):
        document.add_heading(block.text, level=2)
    else:
        return document.add_paragraph(block)
    return None


def _saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return _undated(buffer)


def _undated(saved: io.BytesIO) -> bytes:
    """The same document with one fixed date on every part, so that it has the same bytes on every run."""
    out = io.BytesIO()
    with ZipFile(saved) as before, ZipFile(out, "w", ZIP_DEFLATED) as after:
        for part in before.infolist():
            after.writestr(ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0)), before.read(part), ZIP_DEFLATED)
    return out.getvalue()


def _styles(document: Any, own: bool) -> None:
    """Fonts, colours and language of the styles that are used; a template's own styles are left as they are."""
    from docx.enum.style import WD_STYLE_TYPE

    styles = document.styles
    for name, size, colour in (
        ()
        if own
        else (
            ("Normal", 11, None),
            ("Title", 20, BLUE),
            ("Subtitle", 13, GREY),
            ("Heading 1", 16, BLUE),
            ("Heading 2", 13, BLUE),
            ("Caption", 10.5, None),
            ("List Bullet", 11, None),
        )
    ):
        style = styles[name]
        style.font.name, style.font.size, style.font.italic = "Arial", Pt(size), False
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for slot in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qn(slot), "Arial")
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme"):
            fonts.attrib.pop(qn(theme), None)
        if colour is not None:
            style.font.color.rgb = colour
    if not own:
        styles["Caption"].font.color.rgb, styles["Caption"].font.bold = RGBColor(0x0B, 0x0C, 0x0C), True
    styles["Caption"].paragraph_format.keep_with_next = True
    for name, size, colour in (("Source", 9, GREY), ("Table text", 9, None), ("Table small", 8, None), ("Status", 11, RED)):
        if name in styles:
            continue
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles["Normal"]
        style.font.size = Pt(size)
        style.paragraph_format.space_after = Pt({"Source": 3}.get(name, 2 if name.startswith("Table") else 6))
        style.font.bold = True if name == "Status" else None
        if colour is not None:
            style.font.color.rgb = colour
    for element in (styles.element, document.settings.element):
        for lang in element.iter(qn("w:lang"), qn("w:themeFontLang")):
            for slot in ("w:val", "w:eastAsia"):
                if slot == "w:val" or lang.get(qn(slot)):
                    lang.set(qn(slot), LANGUAGE)


def _page(document: Any, report: Report, own: bool) -> None:
    """A4, with DRAFT and the classification in the header of each page and page numbers in the footer; those of a template are kept."""
    section = document.sections[0]
    if not own:
        section.orientation, section.page_width, section.page_height = WD_ORIENT.PORTRAIT, Cm(21.0), Cm(29.7)
        section.left_margin = section.right_margin = Cm(1.9)
        section.top_margin = section.bottom_margin = Cm(2.0)
    marks = [*(["DRAFT – not for publication"] if report.draft else []), *([report.classification] if report.classification else [])]
    line = " – ".join([*marks, *([] if own else [report.title])])
    headers = [section.header, *([section.first_page_header] if section.different_first_page_header_footer else [])]
    if document.settings.odd_and_even_pages_header_footer:
        headers.append(section.even_page_header)
    for header in headers if line else ():
        paragraph = header.add_paragraph() if own else header.paragraphs[0]
        run = paragraph.add_run(line)
        run.font.size, run.bold = Pt(9), report.draft
        if report.draft:
            run.font.color.rgb = RED
    if own:
        return
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    footer.add_run("Page ").font.size = Pt(9)
    number = footer.add_run()
    number.font.size = Pt(9)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = text
        number._r.append(mark)


def _turn(document: Any, wide: bool) -> None:
    """Start a page of the other orientation; header and footer go on."""
    from docx.enum.section import WD_SECTION

    section = document.add_section(WD_SECTION.NEW_PAGE)
    if wide != (section.page_width > section.page_height):
        section.page_width, section.page_height = section.page_height, section.page_width
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT


def _figure(document: Any, figure: Figure, tallest: float) -> None:
    document.add_paragraph(figure.title, style="Caption")
    subtitle = document.add_paragraph(figure.subtitle, style="Source")
    subtitle.paragraph_format.keep_with_next = True
    picture = document.add_picture(io.BytesIO(png(figure)), width=Cm(17.0))
    if picture.height > Cm(tallest):
        picture.width, picture.height = round(picture.width * Cm(tallest) / picture.height), Cm(tallest)
    described = picture._inline.docPr
    described.set("descr", figure.alt)
    described.set("title", figure.title)
    document.add_paragraph(f"Source: {figure.source}.", style="Source")


def _table(document: Any, table: Table, text_width: float) -> None:
    """A native table with a repeated header row, a caption and its notes."""
    document.add_paragraph(table.title, style="Caption")
    subtitle = document.add_paragraph(table.subtitle, style="Source")
    subtitle.paragraph_format.keep_with_next = True
    cells = table.cells()
    columns = len(table.columns)
    grid = document.add_table(rows=1 + len(cells), cols=columns)
    grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    _describe(grid, table)
    _rules(grid)
    style = "Table small" if columns >= WIDE else "Table text"
    numeric = [c.kind in NUMERIC for c in table.columns]
    rows = grid.rows
    for cell, column, right in zip(rows[0].cells, table.columns, numeric, strict=True):
        _fill(cell, column.label, style, right, bold=True)
        cell.paragraphs[0].paragraph_format.keep_with_next = True  # no header alone at the foot of a page
    _repeat(rows[0])
    breadths = widths(table, text_width)
    for column, breadth in zip(grid.columns, breadths, strict=True):
        column.width = breadth
    for row, texts in zip(rows, [None, *cells], strict=True):
        _keep_whole(row)
        for cell, breadth in zip(row.cells, breadths, strict=True):
            cell.width = breadth
        if texts is not None:
            for cell, text, right in zip(row.cells, texts, numeric, strict=True):
                _fill(cell, text, style, right)
    last = None
    for note in table.notes:
        last = document.add_paragraph(note, style="Source")
    last = last or document.add_paragraph(style="Source")
    last.paragraph_format.space_after = Pt(12)


def widths(table: Table, text_width: float = PORTRAIT) -> list[Any]:
    """Widths of a table's columns on an A4 page: numbers as wide as they are, words in proportion to a power of their length."""
    cells = table.cells()
    longest = [max([len(r[j]) for r in cells] + [1]) for j in range(len(table.columns))]
    words = [max(len(w) for w in c.label.split()) for c in table.columns]
    bold, plain, pad = (0.18, 0.16, 0.42) if len(table.columns) >= WIDE else (0.2, 0.18, 0.42)
    need = [
        max(1.2, bold * word + pad, plain * size + pad) if c.kind in NUMERIC else max(1.4, bold * word + pad)
        for c, size, word in zip(table.columns, longest, words, strict=True)
    ]
    spare = text_width - sum(need)
    weight = [0.0 if c.kind in NUMERIC else size**0.7 for c, size in zip(table.columns, longest, strict=True)]
    total = sum(weight) or 1.0
    return [Cm(n + max(spare, 0.0) * w / total) for n, w in zip(need, weight, strict=True)]


def _rules(grid: Any) -> None:
    """Thin horizontal rules only."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "B1B4B6")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    layout = grid._tbl.tblPr.find(qn("w:tblLayout"))
    layout.addprevious(borders)


def _fill(cell: Any, text: str, style: str, right: bool, bold: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.style = style
    run = paragraph.add_run(text)
    run.bold = bold or None
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        if not bold:  # a minus sign and its number stay on one line
            cell._tc.get_or_add_tcPr().append(OxmlElement("w:noWrap"))


def _describe(grid: Any, table: Table) -> None:
    """Title and description of the table, for screen readers; first row and first column are headers."""
    properties = grid._tbl.tblPr
    for tag, text in (("w:tblCaption", table.title), ("w:tblDescription", table.subtitle)):
        element = OxmlElement(tag)
        element.set(qn("w:val"), text)
        properties.append(element)


def _repeat(row: Any) -> None:
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _keep_whole(row: Any) -> None:
    mark = OxmlElement("w:cantSplit")
    mark.set(qn("w:val"), "true")
    properties = row._tr.get_or_add_trPr()
    properties.insert(0, mark)
