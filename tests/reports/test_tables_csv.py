"""Tidy csv of every table: the numbers of the workbook, shorthand bare and beside them, notes by number."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from jsna_model.cli.app import app
from jsna_model.result import Result
from reports.content import build
from reports.disclosure import FEW
from reports.report import Report
from reports.table import NUMERIC, Column, Table, frame
from reports.tables_csv import render_csv
from reports.writer import write


def read(made: bytes) -> pd.DataFrame:
    assert made.startswith("\ufeff".encode())
    return pd.read_csv(io.BytesIO(made), encoding="utf-8-sig", dtype=object, keep_default_na=False)


@pytest.fixture(scope="module")
def report(rutland: Result) -> Report:
    return build(rutland)


def test_every_table_is_there_whole(report: Report) -> None:
    made = render_csv(report)
    assert set(made) == {f"{t.key}.csv" for t in report.tables} | {"contents.csv", "notes.csv", "shorthand.csv"}
    for table in report.tables:
        rows = read(made[f"{table.key}.csv"])
        assert len(rows) == len(table.rows)
        assert rows["Basis of the table"].eq(table.basis).all()
    contents = read(made["contents.csv"])
    assert contents["Title"].tolist() == [t.title for t in report.tables]
    assert contents["Status"].str.startswith("draft").all()


def test_numbers_are_those_of_the_table_and_shorthand_is_bare(report: Report) -> None:
    made = render_csv(report)
    seen = 0
    for table in report.tables:
        rows = read(made[f"{table.key}.csv"])
        for column in table.columns:
            label = next(c for c in rows.columns if c == column.label or c.startswith(f"{column.label} ("))
            marks = rows.get(f"{column.label}: shorthand")
            for i, value in enumerate(table.rows[column.label]):
                if column.kind not in NUMERIC:
                    continue
                if isinstance(value, str):
                    assert rows[label][i] == ""
                    assert marks is not None
                    assert marks[i] == ("low" if value == FEW else value.strip("[]"))
                    seen += 1
                else:
                    assert float(rows[label][i]) == float(value)
    assert seen > 20
    text = b"".join(v for k, v in made.items() if k != "notes.csv").decode("utf-8-sig")
    assert "[c]" not in text
    assert "[x]" not in text.replace("services_now", "")


def test_notes_are_numbered_as_in_the_workbook(report: Report) -> None:
    made = render_csv(report)
    notes = read(made["notes.csv"]).set_index("Note")["Text"]
    table = next(t for t in report.tables if len(t.notes) > 1)
    given = read(made[f"{table.key}.csv"])["Notes"].iloc[0]
    numbers = [int(n) for n in given.replace("[note ", "").replace("]", "").split()]
    assert numbers == sorted(numbers)
    assert {notes[f"note {n}"] for n in numbers} == set(table.notes)


def test_what_a_spreadsheet_would_run_is_led_by_an_apostrophe() -> None:
    columns = (Column("Ward"), Column("Children", "count"))
    table = Table(
        "t", "T", "s", "", "estimated", "none", columns, frame(columns, [["=1+1", -3], ["O'Brien & Šibenik", FEW], ["[u] low", "[c]"]])
    )
    rows = read(render_csv(Report("T", "S", False, "", (), (table,)))["t.csv"])
    assert rows["Ward"].tolist() == ["'=1+1", "O'Brien & Šibenik", "low"]
    assert rows["Ward: shorthand"].tolist() == ["", "", "u"]
    assert rows["Children"].tolist() == ["-3", "", ""]
    assert rows["Children: shorthand"].tolist() == ["", "low", "c"]


def test_a_run_keeps_its_folder_of_csv_whole(rutland: Result, tmp_path: Path) -> None:
    (folder,) = write(rutland, tmp_path / "one", formats=("csv",))
    assert folder == tmp_path / "one" / "csv"
    out = tmp_path / "run"
    given = ["report", "--area", "Rutland", "--draws", "20", "--quiet", "--out", str(out), "--to", "csv"]
    assert CliRunner().invoke(app, given).exit_code == 0
    before = sorted(p.name for p in (out / "csv").iterdir())
    (out / "csv" / "stale.csv").write_text("old", encoding="utf-8")
    assert CliRunner().invoke(app, ["report", str(out), "--to", "csv", "--quiet"]).exit_code == 0
    assert sorted(p.name for p in (out / "csv").iterdir()) == before
