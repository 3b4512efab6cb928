"""Names that markup, formulas and fonts trip over, through every format; results with parts missing; folders that cannot be written to."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
import xarray as xr
from bs4 import BeautifulSoup
from docx import Document

from jsna_model.errors import OutputError
from jsna_model.result import Result
from jsna_model.study import Study
from reports.content import build
from reports.writer import write

NASTY = ["St Mary's & St John's <North>", "مدينة الأطفال", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", '"quoted", name', "$x_1$"]
TITLE = '=HYPERLINK("x") & O\'Neill <b> ילדים'


@pytest.fixture(scope="module")
def written(rutland: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = rutland.nodes("need", "demand", "decision")
    for level in ("ward", "authority"):
        node = rutland.node(f"need/{level}").copy(deep=True)
        names = [str(n) for n in node["area_name"].values]
        names[: len(NASTY)] = NASTY[: len(names)]
        nodes[f"need/{level}"] = node.assign_coords(area_name=("area", names))
    result = Result(xr.DataTree.from_dict(nodes), dict(rutland.provenance))
    study = Study.of({"area": "Rutland", "title": TITLE, "publication": {"owner": NASTY[0]}})
    folder = tmp_path_factory.mktemp("names")
    write(
        result,
        folder,
        ("html", "docx", "xlsx", "compare", "csv"),
        study,
        text={"views_of_children": f"{NASTY[2]} & <script>alert(1)</script>"},
    )
    return folder


def test_names_are_as_they_are_in_every_format(written: Path) -> None:
    page = BeautifulSoup((written / "report.html").read_text(encoding="utf-8"), "html.parser")
    assert page.h1 is not None
    assert page.h1.text == TITLE
    assert not page.find_all("script")
    heads = {th.text for th in page.find_all("th", scope="row")} | {td.text for td in page.find_all("td")}
    document = Document(str(written / "report.docx"))
    cells = {c.text for t in document.tables for row in t.rows for c in row.cells}
    book = openpyxl.load_workbook(written / "tables.xlsx")
    values = {c.value for sheet in book for row in sheet.iter_rows() for c in row}
    assert not any(c.data_type == "f" for sheet in book for row in sheet.iter_rows() for c in row)
    rows = csv.reader(io.StringIO((written / "csv" / "by_ward.csv").read_text(encoding="utf-8-sig")))
    tidy = {cell for row in rows for cell in row}
    for name in NASTY:
        assert name in heads, name
        assert name in cells
        assert name in values
        assert (f"'{name}" if name[0] in "=+@-" else name) in tidy


def test_what_a_result_lacks_is_left_out_and_named(rutland: Result) -> None:
    need = Result(xr.DataTree.from_dict(rutland.nodes("need")), dict(rutland.provenance))
    report = build(need)
    assert not {"change", "services", "ahead", "scenarios"} & {s.key for s in report.sections}
    gaps = next(s for s in report.sections if s.key == "gaps")
    said = " ".join(item for block in gaps.blocks if hasattr(block, "items") for item in block.items)
    for why in ("nothing is projected in this result", "the result holds no counts of services", "the result compares no scenarios"):
        assert why in said
    kept = {k: rutland.provenance[k] for k in ("draws", "seed", "interval", "evidence", "overlap", "set")}
    assert build(Result(xr.DataTree.from_dict(rutland.nodes("need")), kept)).sections


@pytest.mark.parametrize("where", ["a file", "inside a file"])
def test_a_folder_that_cannot_be_written_to(rutland: Result, tmp_path: Path, where: str) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    out = tmp_path / "taken" if where == "a file" else tmp_path / "taken" / "out"
    with pytest.raises(OutputError, match="Use --out with a folder you may write to"):
        write(rutland, out, formats=("csv",))
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"
