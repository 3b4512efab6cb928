"""The profile of a small place and the partnership's annual report say the numbers of the report, and what was not supplied."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

import jsna_model as jm
from jsna_model.cli.app import app
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.result import Result
from reports import partnership, profile
from reports.content import DRAFT
from reports.content import build as chapter
from reports.page import render_page
from reports.view import View


def test_a_profile_says_the_numbers_of_the_report(rutland: Result) -> None:
    made = profile.build(rutland, "oakham south")
    table, whole = made.table("profile"), chapter(rutland).table("by_ward")
    assert table is not None
    assert whole is not None
    ward = whole.rows[whole.rows["Ward"] == "Oakham South"].iloc[0]
    row = table.rows.iloc[0]
    assert row[["Estimated children", "Lower limit", "Upper limit", "Estimated share"]].tolist() == (
        ward[["Estimated children", "Lower limit", "Upper limit", "Estimated share"]].tolist()
    )
    page = BeautifulSoup(render_page(made), "html.parser")
    assert DRAFT in page.text
    assert "modelled, not counted" in page.text
    assert made.title == "Children living with parental risks: Oakham South (Rutland)"
    ages = made.table("profile_ages")
    assert ages is not None
    assert len(ages.rows) == 5


def test_a_profile_is_of_one_area_that_may_be_published(rutland: Result, canterbury: Result) -> None:
    with pytest.raises(UnknownNameError, match="Oakham South"):
        profile.build(rutland, "Oakham Suth")
    with pytest.raises(InputError, match="LSOA"):
        profile.build(rutland, str(rutland.node("need/lsoa")["area"].values[0]))
    district = profile.build(canterbury, "Canterbury")
    assert district.subtitle == "Profile of a district"
    code = str(View.of(rutland).node("msoa")["area"].values[0])
    assert profile.build(rutland, code).subtitle == "Profile of an MSOA"


def test_the_annual_report_is_blank_where_nothing_was_supplied(rutland: Result) -> None:
    text = {"childs_voice": "Seen alone in 40 of 52.\n\n- at home", "fathers": "=1+1 & more"}
    study = jm.Study.of({"area": "Rutland", "publication": {"owner": "A", "approver": "B", "review_date": "2027-06-30"}})
    made = partnership.build(rutland, study, text)
    table = made.table("answers")
    assert table is not None
    reported = table.rows.set_index("Subject")["Reported"]
    assert reported["The child's voice"] == reported["Fathers and male carers included"] == "yes"
    assert (reported == "not supplied").sum() == len(partnership.ASKED) - 2
    page = render_page(made)
    assert page.count("Not supplied. ") == len(partnership.ASKED) - 2
    assert "=1+1 &amp; more" in page
    assert "DRAFT" not in page
    assert made.table("key_figures") is not None


def test_the_commands_write_what_is_asked_for(rutland: Result, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    rutland.save(run / "result.nc")
    jm.Study.of({"area": "Rutland"}).write(run / "study.toml")
    done = CliRunner().invoke(app, ["profile", str(run), "--area", "E05012643", "--out", str(tmp_path / "o.html")])
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "o.docx").exists()
    done = CliRunner().invoke(app, ["partnership", str(run), "--out", str(tmp_path / "early.help")])
    assert done.exit_code == 0, done.output
    assert {p.name for p in tmp_path.glob("early*")} == {"early.help.html", "early.help.docx"}
    wrong = CliRunner().invoke(app, ["partnership", str(tmp_path), "--out", str(tmp_path / "x")])
    assert isinstance(wrong.exception, InputError)


def test_a_run_folder_keeps_a_document_that_was_edited(rutland: Result, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    rutland.save(run / "result.nc")
    jm.Study.of({"area": "Rutland"}).write(run / "study.toml")
    (run / "manifest.json").write_text("{}", encoding="utf-8")
    (run / "report.docx").write_bytes(b"edited")
    done = CliRunner().invoke(app, ["report", str(run), "--to", "docx"])
    assert done.exit_code == 0, done.output
    assert "the new one is report-new.docx" in done.output
    assert (run / "report.docx").read_bytes() == b"edited"
    assert {p.name for p in run.iterdir()} == {"report.docx", "report-new.docx", "result.nc", "study.toml", "manifest.json"}
