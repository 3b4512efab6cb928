"""The page of a case audit: what is shown is suppressed, in words and in tables; the file's problems are said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from data_sources.audit import load_audit
from jsna_model.cli.app import app
from jsna_model.errors import InputError
from jsna_model.methods.audit import exact_count, stratified_share
from reports.audit import render, tables

ROWS = """stratum,cases,question,audited,found
North,200,Lead professional named,30,22
South,120,Lead professional named,20,12
East,60,Lead professional named,20,8
North,200,"Child's voice & views <heard>",30,12
South,120,"Child's voice & views <heard>",20,3
East,60,"Child's voice & views <heard>",20,9
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "audit.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_shares_are_weighted_where_nothing_is_hidden(file: Path) -> None:
    first, second = tables(load_audit(file))[0].rows.to_dict("records")
    x = stratified_share([22, 12, 8], [30, 20, 20], [200, 120, 60])
    assert (first["Share"], first["How strata count"]) == (round(float(x.value) * 100, 1), "weighted by stratum")
    assert (first["Cases: lower"], first["Cases: upper"]) == (round(x.lower * 380), round(x.upper * 380))
    y = exact_count(24, 70, 380)
    assert (second["Share"], second["How strata count"]) == (round(float(y.value) / 380 * 100, 1), "not weighted")


def test_small_numbers_and_what_gives_them_away_are_hidden(file: Path) -> None:
    rows = tables(load_audit(file))[1].rows
    voice = rows[rows["Question"].str.startswith("Child")].set_index("Stratum")
    assert voice.loc["South", ["Found", "Share", "Share: lower"]].tolist() == ["[c]"] * 3
    assert (voice["Found"] == "[c]").sum() >= 2
    shown = tables(load_audit(file), internal=True)[1].rows
    assert 3 in shown["Found"].tolist()
    assert "[c]" not in shown.astype(str).to_numpy()


def test_a_stratum_of_few_cases_is_hidden_with_another(tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    path.write_text("stratum,cases,question,audited,found\nN,90,q,30,10\nE,60,q,20,8\nS,4,q,4,0\n", encoding="utf-8")
    whole, strata = tables(load_audit(path))
    rows = strata.rows.set_index("Stratum")
    assert rows["Cases"].tolist().count("[c]") == 2
    assert rows.loc["S", ["Cases", "Share"]].tolist() == ["[c]", "[c]"]
    assert whole.rows.iloc[0]["Cases"] == 154
    assert whole.rows.iloc[0]["How strata count"] != "weighted by stratum"
    path.write_text("stratum,cases,question,audited,found\nN,90,q,30,3\n", encoding="utf-8")
    (one,) = tables(load_audit(path))
    assert one.rows.iloc[0][["Found", "Share", "Cases: lower"]].tolist() == ["[c]"] * 3


def test_the_page_is_one_accessible_file(file: Path) -> None:
    page = BeautifulSoup(render(load_audit(file)), "html.parser")
    assert page.html["lang"] == "en-GB"
    assert len(page.find_all("table")) == 2
    assert "Child's voice & views <heard>" in page.text
    assert "INTERNAL" not in page.text
    assert "INTERNAL" in render(load_audit(file), internal=True)


def test_every_problem_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    path.write_text(
        "stratum,cases,question,audited,found\nN,20,q,30,5\nN,20,q2,10,11\nN,20,q2,ten,1\nTotal,20,q2,9,1\nS,9,,3,0\nS,9,q,0,0\nS,8,q2,3,1\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as error:
        load_audit(path)
    text = str(error.value)
    assert all(
        p in text for p in ("30 audited of 20", "11 found of 10", "'ten'", "a row of totals", "nothing there", "no case was audited")
    )
    path.write_text("stratum,cases,question,audited,found\nN,20,q,3,1\nN,20,q,3,1\nS,9,q2,3,0\nS,8,q,2,0\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_audit(path)
    assert all(p in str(error.value) for p in ("is on row 2 too", "8 cases, and 9", "no row for 'N'"))


def test_the_command_gives_sizes_and_writes_a_page(file: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["audit", "size", "380", "--see", "10", "--strata", "North=200,South=120,East=60"])
    assert "77 of 380" in run.stdout
    assert "98 of 380" in run.stdout
    done = CliRunner().invoke(app, ["audit", "estimate", str(file), "--out", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    wrong = CliRunner().invoke(app, ["audit", "size", "10", "--strata", "North=200,North=x"])
    assert isinstance(wrong.exception, InputError)
