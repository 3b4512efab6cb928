"""The study as an Excel form: written, filled, read and checked like study.toml."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

import data_sources as src
from data_sources.form import CHANGES, COSTED, COSTS, FIELDS
from jsna_model.cli.app import app
from jsna_model.errors import InputError
from jsna_model.study import PATHS, Benefit, EarlyHelp, PlacementShares, Publication, Study
from jsna_model.study_decision import Decision, OwnCost


def form(folder: Path, changes: list[tuple[Any, ...]] = [], **cells: Any) -> Path:  # noqa: B006
    """A form for Rutland, with cells of sheet Study by key, and rows of sheet Scenarios."""
    path = src.write_form(folder / "form.xlsx", "Rutland", src.load_pathway("Rutland"))
    book = load_workbook(path)
    rows = {cell.value: cell.row for cell in book["Study"]["A"]}
    for key, value in cells.items():
        book["Study"].cell(rows[key.replace("__", ".")], 3, value)
    for number, row in enumerate(changes, 2):
        for column, value in enumerate(row, 1):
            book["Scenarios"].cell(number, column, value)
    book.save(path)
    return path


HUBS = ("hubs", "Family hubs", "Board paper 12", "early_help.reach", "scale", 1.25, "2027-04", "2029-03")


def test_an_empty_form_is_the_usual_study(tmp_path: Path) -> None:
    assert src.read_form(form(tmp_path)) == Study.of({"area": "Rutland"})


def test_a_filled_form_is_the_same_study_as_toml(tmp_path: Path) -> None:
    path = form(
        tmp_path,
        [HUBS, ("hubs", None, None, "referral.follow_up_share", "set", 0.2, date(2027, 4, 1), None)],
        early_help__families_per_year=800,
        early_help__unit_cost=2000.5,
        set="wider_exposure",
        publication__review_date=date(2027, 3, 31),
        publication__owner="A. Person",
        draws=200,
    )
    (tmp_path / "study.toml").write_text(
        """
area = "Rutland"
set = "wider_exposure"
draws = 200
[early_help]
families_per_year = 800
unit_cost = 2000.5
[publication]
owner = "A. Person"
review_date = "2027-03-31"
[[scenario]]
name = "hubs"
title = "Family hubs"
reason = "Board paper 12"
[[scenario.change]]
parameter = "early_help.reach"
op = "scale"
value = 1.25
start = "2027-04"
full_by = "2029-03"
[[scenario.change]]
parameter = "referral.follow_up_share"
op = "set"
value = 0.2
start = "2027-04"
""",
        encoding="utf-8",
    )
    assert src.read_study(path) == src.read_study(tmp_path / "study.toml")


def test_placements_of_a_form_are_those_of_toml(tmp_path: Path) -> None:
    cells = {
        "placements__source": "SSDA903",
        "placements__date": date(2025, 3, 31),
        "placements__foster_care": 0.7,
        "placements__other": 0.3,
    }
    shares = {"source": "SSDA903", "date": "2025-03-31", "foster_care": 0.7, "other": 0.3, "published": True}
    found = src.read_form(form(tmp_path, **cells, placements__published="yes"))
    assert found == Study.of({"area": "Rutland", "placements": shares})
    (tmp_path / "again").mkdir()
    with pytest.raises(InputError, match=r"add up to 0\.8.*|row Study!C\d+, column placements\.foster_care"):
        src.read_form(form(tmp_path / "again", **(cells | {"placements__other": 0.1})))


def test_every_problem_names_its_cell(tmp_path: Path) -> None:
    changes = [(*HUBS[:4], "double", "many", "next year", None), (None, *HUBS[1:]), ("follow", "", "", *HUBS[3:])]
    path = form(tmp_path, changes[:1] + changes[2:], draws="lots", early_help__unit_cost=-5, early_help__families_per_year=10)
    with pytest.raises(InputError) as error:
        src.read_form(path)
    said = str(error.value)
    rows = {key: i for i, key in enumerate(FIELDS, 2)}
    for part in (
        f"row Study!C{rows['draws']}",
        f"row Study!C{rows['early_help.unit_cost']}",
        "row Scenarios!E2",
        "row Scenarios!F2",
        "row Scenarios!G2",
        "row Scenarios!A3, column scenario.1.reason",
    ):
        assert part in said, part
    (tmp_path / "again").mkdir()
    with pytest.raises(InputError, match="Scenarios!A3"):
        src.read_form(form(tmp_path / "again", changes[:2]))


def test_nothing_is_overwritten_and_other_files_are_refused(tmp_path: Path) -> None:
    path = form(tmp_path)
    with pytest.raises(InputError, match="is there already"):
        src.write_form(path, "Rutland", src.load_pathway("Rutland"))
    other = tmp_path / "other.xlsx"
    other.write_text("not a workbook", encoding="utf-8")
    for wrong in (other, tmp_path / "absent.xlsx"):
        with pytest.raises(InputError, match="cannot be read as an Excel form"):
            src.read_form(wrong)


def test_the_form_has_every_key_of_a_study() -> None:
    tables = {"early_help": EarlyHelp, "benefit": Benefit, "publication": Publication, "decision": Decision, "placements": PlacementShares}
    keys = {("set" if k == "set_name" else k) for k in Study.model_fields if k not in tables}
    keys |= {f"{name}.{k}" for name, table in tables.items() for k in table.model_fields}
    by_service = {f"decision.{k}": COSTED for k in ("optimism_bias", "cashable", "fixed", "cost_uncertainty")}
    for table, services in by_service.items():
        keys = (keys - {table}) | {f"{table}.{s}" for s in services}
    keys = (keys - {"unit_costs"}) | {
        f"unit_costs.{s}.{k}"
        for s in ("social_work", "looked_after")
        for k in OwnCost.model_fields
        if k in ("amount", "price_year", "source", "agency")
    }
    elsewhere = {"schema_version", "parameters", "reasons", "scenario"}
    assert set(FIELDS) <= keys
    assert keys - set(FIELDS) - elsewhere == {"overlap", "impute_covariates", "publication.internal"}, "say why a key is not on the form"
    assert set(OwnCost.model_fields) <= set(COSTS), "every key of a unit cost is on the sheet of costs"
    assert set(PATHS) <= set(FIELDS)
    assert set(CHANGES) >= {"name", "reason", "parameter", "op", "value", "start", "full_by"}


def test_commands_take_the_form(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    runner = CliRunner()
    assert runner.invoke(app, ["form", str(path), "--area", "Rutland"]).exit_code == 0
    found = runner.invoke(app, ["check", str(path)])
    assert found.exit_code == 0
    assert "sound" in found.output


def test_groups_and_costs_of_a_form(tmp_path: Path) -> None:
    """A change for a group and unit costs by transition, as a study has them; what is wrong is named by its cell."""
    change = ("young", "Young", "Board", "need.affected", "scale", 0.9, "2027-04", None, None, "0-4", None, "domestic_abuse_last_year")
    path = form(tmp_path, [change])
    book = load_workbook(path)
    costs = book["Costs"]
    rows = [
        ("section_47_enquiries", 900, "2024-25", "ledger", "police", None, None, 0.1, 0.4, 0.2),
        ("nhs_care", 20, "2024-25", "ICB", "NHS", "looked_after_at_31_march", None, None, None, None),
    ]
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row, 1):
            costs.cell(number, column, value)
    book.save(path)
    (tmp_path / "study.toml").write_text(
        """
area = "Rutland"
[[scenario]]
name = "young"
title = "Young"
reason = "Board"
[[scenario.change]]
parameter = "need.affected"
op = "scale"
value = 0.9
start = "2027-04"
group = { age = "0-4", risk = "domestic_abuse_last_year" }
[unit_costs]
section_47_enquiries = { amount = 900, price_year = "2024-25", source = "ledger", agency = "police" }
nhs_care = { amount = 20, price_year = "2024-25", source = "ICB", agency = "NHS", of = "looked_after_at_31_march" }
[decision]
cashable = { section_47_enquiries = 0.1 }
fixed = { section_47_enquiries = 0.4 }
cost_uncertainty = { section_47_enquiries = 0.2 }
""",
        encoding="utf-8",
    )
    study = Study.read(tmp_path / "study.toml")
    assert src.read_form(path) == study
    pathway = src.resolve(study).pathway
    assert {c.service: (c.agency, c.of) for c in pathway.unit_costs}["nhs_care"] == ("NHS", "looked_after_at_31_march")
    costs.cell(2, 5, "Police")
    costs.cell(3, 6, "looked_after")
    costs.cell(2, 9, 0.95)
    book["Scenarios"].cell(2, 10, date(2026, 9, 5))
    book.save(path)
    with pytest.raises(InputError) as caught:
        src.read_form(path)
    assert "Scenarios!J2" in str(caught.value)
    book["Scenarios"].cell(2, 10, "4-0")
    book.save(path)
    with pytest.raises(InputError) as caught:
        src.read_form(path)
    for part in ("Costs!E2", "'police'", "Costs!F3", "looked_after_at_31_march", "Costs!I2", "Scenarios!I2"):
        assert part in str(caught.value), part


def test_what_is_found_after_reading_names_the_cell(tmp_path: Path) -> None:
    """A cost that would be counted twice, a price year without deflators, a scenario that cannot be: by cell, as in study.toml by line."""
    change = ("young", "Young", "Board", "early_help.reach", "scale", 0.9, "2027-04", None, None, "0-4")
    path = form(tmp_path, [change], decision__price_year="2026-27")
    book = load_workbook(path)
    for column, value in enumerate(("section_47_enquiries", 900, "2024-25", "ledger"), 1):
        book["Costs"].cell(2, column, value)
    book.save(path)
    rows = {cell.value: cell.row for cell in book["Study"]["A"]}
    said = str(CliRunner().invoke(app, ["check", str(path)]).exception)
    for part in (f"Study!C{rows['decision.price_year']}", "Costs!A2", "social_work holds"):
        assert part in said, part
    book["Costs"].delete_rows(2)
    book["Study"].cell(rows["decision.price_year"], 3).value = None
    book.save(path)
    said = str(CliRunner().invoke(app, ["check", str(path)]).exception)
    assert "Scenarios!I2" in said
    assert "not known by age" in said


def test_text_in_cells_of_numbers(tmp_path: Path) -> None:
    """A number that Excel holds as text is that number; words are refused, each with its cell."""
    path = form(tmp_path, [], draws="50", early_help__families_per_year="80", years=5.0)
    study = src.read_form(path)
    assert (study.draws, study.years, study.early_help.families_per_year) == (50, 5, 80.0)
    path.unlink()
    wrong = form(tmp_path, [], draws="a thousand", early_help__unit_cost="£2,000", decision__cashable__looked_after="20%")
    with pytest.raises(InputError) as caught:
        src.read_form(wrong)
    assert [p.column for p in caught.value.problems] == ["draws", "early_help.unit_cost", "decision.cashable.looked_after"]
    assert all(str(p.row).startswith("Study!C") for p in caught.value.problems)
