"""The tables of a study that say how scenarios are compared: read, checked all at once with lines, and handed to `compare`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

import data_sources as src
from data_sources.decision import comparison
from jsna_model.cli.app import app
from jsna_model.errors import InputError, JsnaError
from jsna_model.study import Study
from jsna_model.study_decision import BASE_YEAR

DEFLATORS = "year,index\n2022-23,95\n2023-24,98\n2024-25,100\n2025-26,102\n"
WHOLE = """
area = "Rutland"
draws = 20
deflators = "deflators.csv"
[early_help]
families_per_year = 80
unit_cost = 2000
price_year = "2023-24"
[unit_costs.looked_after]
amount = 1900
price_year = "2022-23"
source = "ledger"
agency = "the trust"
[decision]
discount = "green_book_2026"
price_year = "2025-26"
effect = "looked_after_at_31_march"
thresholds = [10000, 50000]
waterfall = true
[decision.cashable]
looked_after = 0.2
[decision.optimism_bias]
early_help = 0.1
"""


def written(folder: Path, text: str, deflators: str = DEFLATORS) -> Path:
    """A study file with its deflators beside it."""
    (folder / "deflators.csv").write_text(deflators, encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_says_how_scenarios_are_compared(tmp_path: Path) -> None:
    nouns = src.resolve(Study.read(written(tmp_path, WHOLE)))
    costs = {c.service: c for c in nouns.pathway.unit_costs}
    assert (costs["early_help"].price_year, costs["looked_after"].agency) == ("2023-24", "the trust")
    assert costs["looked_after"].per == "looked-after child a week"
    given = nouns.comparison
    assert given["to"] == "baseline"
    assert given["discount"].rates[0] == 0.035
    assert given["deflators"]["2025-26"] == 102
    assert (given["thresholds"], given["cashable"]) == ([10000.0, 50000.0], {"looked_after": 0.2})
    assert "information" not in given


def test_nothing_is_by_default() -> None:
    study = Study.of({"area": "Rutland"})
    assert comparison(study, src.load_pathway("Rutland")) == {"to": "baseline"}


def test_the_base_year_is_the_pathways() -> None:
    assert src.load_pathway("Rutland").base_year == BASE_YEAR


def test_every_contradiction_at_once_with_its_line(tmp_path: Path) -> None:
    """The bad input of the issue: two scenarios with one name, a start after the end, a cost without price year, no such comparator."""
    scenario = """
[[scenario]]
name = "follow_up"
reason = "x"
[[scenario.change]]
parameter = "early_help.reach"
op = "scale"
value = 1.2
start = "2031-04"
"""
    text = (
        'area = "Rutland"\nyears = 5\n[decision]\ncomparator = "basline"\nthresholds = [1, 1]\ninformation = true\n'
        f"[unit_costs.social_work]\namount = 3\nsource = 'x'\n{scenario}"
    )
    with pytest.raises(InputError) as caught:
        Study.read(written(tmp_path, text))
    found = {(p.column, p.row) for p in caught.value.problems}
    assert ("decision.comparator", 4) in found
    assert ("unit_costs.social_work.price_year", 7) in found
    assert ("scenario.0.name", 12) in found
    assert ("scenario.0.change.0.start", 18) in found
    assert {("decision.thresholds", 5), ("decision.information", 6)} <= found
    assert "two scenarios are called 'follow_up'" in str(caught.value)


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"effect": "looked_after_at_31_marsh", "thresholds": [1]}, "looked_after_at_31_march"),
        ({"thresholds": [-1], "effect": "referrals"}, r"decision\.thresholds\.0"),
        ({"discount": 3.5}, "0.035"),
        ({"discount_base": "2025-26"}, "without a discount"),
        ({"cashable": {"looked_after": 20}}, "cashable"),
        ({"cashable": {"school": 0.2}}, "cashable"),
        ({"deflaters": "x"}, "unknown key"),
        ({"deflators": "x"}, "put it at the top of the file"),
    ],
)
def test_bad_decisions_are_refused(decision: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.of({"area": "Rutland", "decision": decision})


def test_deflators_that_do_not_reach_the_price_year_and_what_else_is_missing(tmp_path: Path) -> None:
    text = WHOLE.replace('"2025-26"', '"2030-31"').replace("green_book_2026", "green_book").replace("unit_cost = 2000\n", "")
    with pytest.raises(InputError) as caught:
        src.resolve(Study.read(written(tmp_path, text)))
    said = str(caught.value)
    for part in ("deflators.csv", "2030-31", "green_book_2026", "it would look free", "early_help has no unit cost"):
        assert part in said, part
    text = WHOLE.replace('deflators = "deflators.csv"\n', "")
    with pytest.raises(InputError, match="give deflators"):
        src.resolve(Study.read(written(tmp_path, text)))
    with pytest.raises(InputError, match="prices of several years"):
        src.resolve(Study.read(written(tmp_path, WHOLE.replace('price_year = "2025-26"\n', ""))))


def test_check_says_so_and_init_writes_it(tmp_path: Path) -> None:
    runner = CliRunner()
    path = written(tmp_path, WHOLE.replace('"2025-26"', '"2030-31"'))
    refused = runner.invoke(app, ["check", str(path)])
    assert "study.toml, row 16, column decision.price_year: deflators.csv: the deflator series does not reach" in str(refused.exception)
    path.write_text('area = "Rutland"\nready = ["family_help"]\n[parameters]\n"early_help.effect.care" = -0.2\n', encoding="utf-8")
    lines = [p.row for p in runner.invoke(app, ["check", str(path)]).exception.problems]
    assert lines == [4, 2]
    path.write_text('area = "Rutland"\nready = ["family_help"]\n', encoding="utf-8")
    assert "study.toml, row 2, column ready" in str(runner.invoke(app, ["check", str(path)]).exception)
    assert runner.invoke(app, ["init", str(tmp_path / "new"), "--area", "Rutland"]).exit_code == 0
    text = (tmp_path / "new" / "study.toml").read_text(encoding="utf-8")
    for part in ("[decision]", "# thresholds", "[unit_costs]", 'effects = "sceptical"'):
        assert part in text, part
    assert Study.read(tmp_path / "new" / "study.toml") == Study.of({"area": "Rutland"})
    # Every hint can be taken, and a scenario added, as they stand.
    taken = re.sub(r"^# (?=[\w.\"]+ += )", "", text, flags=re.MULTILINE)
    hub = '[[scenario]]\nname = "hub"\nreason = "x"\n[[scenario.change]]\nparameter = "p"\nop = "add"\nvalue = 1\nstart = "2026-04"\n'
    (tmp_path / "new" / "study.toml").write_text(taken + hub, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Study.read(tmp_path / "new" / "study.toml")
    assert [p.column for p in caught.value.problems] == ["benefit"]  # a share is given and its reason is to be written
    # So can the scenarios that are shown.
    shown = re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE)
    (tmp_path / "new" / "study.toml").write_text(shown, encoding="utf-8")
    assert [s.name for s in Study.read(tmp_path / "new" / "study.toml").scenario] == ["hubs", "under_fives"]
    checked = runner.invoke(app, ["check", str(tmp_path / "new" / "study.toml")])
    assert checked.exit_code == 0, checked.exception
    schema = (tmp_path / "new" / "study.schema.json").read_text(encoding="utf-8")
    assert '"optimism_bias"' in schema


def test_the_form_takes_the_same(tmp_path: Path) -> None:
    (tmp_path / "deflators.csv").write_text(DEFLATORS, encoding="utf-8")
    path = src.write_form(tmp_path / "form.xlsx", "Rutland", src.load_pathway("Rutland"))
    book = load_workbook(path)
    rows = {cell.value: cell.row for cell in book["Study"]["A"]}
    values = {
        "draws": 20, "deflators": "deflators.csv", "early_help.families_per_year": 80, "early_help.unit_cost": 2000,
        "early_help.price_year": "2023-24", "unit_costs.looked_after.amount": 1900, "unit_costs.looked_after.price_year": "2022-23",
        "unit_costs.looked_after.source": "ledger", "unit_costs.looked_after.agency": "the trust", "decision.discount": "green_book_2026",
        "decision.price_year": "2025-26", "decision.effect": "looked_after_at_31_march", "decision.thresholds": "10,000; 50000",
        "decision.waterfall": "yes", "decision.cashable.looked_after": 0.2, "decision.optimism_bias.early_help": 0.1,
    }  # fmt: skip
    for key, value in values.items():
        book["Study"].cell(rows[key], 3, value)
    book.save(path)
    assert src.read_study(path) == Study.read(written(tmp_path, WHOLE))
    book["Study"].cell(rows["decision.comparator"], 3, "hubs")
    book.save(path)
    with pytest.raises(InputError, match=rf"Study!C{rows['decision.comparator']}"):
        src.read_study(path)


def change(
    name: str, parameter: str = "early_help.reach", op: str = "scale", value: object = 1.2, start: str = "2027-04", more: str = ""
) -> str:
    """A scenario of one change, in eight lines, nine with `more`."""
    head = f'[[scenario]]\nname = "{name}"\nreason = "r"\n[[scenario.change]]\n'
    return f'{head}parameter = "{parameter}"\nop = "{op}"\nvalue = {value}\nstart = "{start}"\n{more}'


def refusals(path: Path) -> dict[str | None, object]:
    """Line by key of all that `jsna check` says at once."""
    caught = CliRunner().invoke(app, ["check", str(path)]).exception
    assert isinstance(caught, JsnaError), caught
    return {p.column: p.row for p in caught.problems}


@pytest.mark.parametrize("layout", ["", "early_help_and_cin"])
def test_what_is_found_of_scenarios_has_its_line_and_comes_with_all_else(tmp_path: Path, layout: str) -> None:
    """Range, unknown parameter, group of no such risk, ramp that ends before it starts, unit costs of several years: one error, lines."""
    text = f'area = "Rutland"\nyears = 5\nlayout = "{layout}"\ndraws = 20\n'
    text += change("a", "early_help.rech") + change("b", "referral.follow_up_share", "set", 1.7)
    text += change("c", "need.affected", value=0.9, more='group = { risk = "domestic_abuse" }\n')
    text += '[unit_costs]\nsocial_work = { amount = 250.0, price_year = "2023-24", source = "x" }\n[decision]\ndiscount = "green"\n'
    assert refusals(written(tmp_path, text)) == {
        "scenario.0.change.0.parameter": 9,
        "scenario.1.change.0.value": 19,
        "scenario.2.change.0.group": 29,
        "unit_costs.social_work.price_year": 31,
        "decision.discount": 33,
    }
    also = written(tmp_path, text + '[parameters]\n"referral.follow_up_share" = 3.0\n"no.such" = 1.0\n')
    both = {"parameters.no.such": 36, "parameters.referral.follow_up_share": 35, "scenario.1.change.0.value": 19, "decision.discount": 33}
    assert both.items() <= refusals(also).items()
    ramp = text.replace('start = "2027-04"\n', 'start = "2027-04"\nfull_by = "2026-01"\n', 1)
    assert {"scenario.0.change.0.full_by": 13, "scenario.1.change.0.value": 20}.items() <= refusals(written(tmp_path, ramp)).items()


def test_draws_that_would_leave_a_range_are_found_before_anything_is_run(tmp_path: Path) -> None:
    """The central value, 9.5, is within 10; draws about it are not."""
    text = 'area = "Rutland"\nyears = 5\n' + change("far", "plan.end_rate", "scale", 9.5)
    path = written(tmp_path, text)
    assert refusals(path) == {"scenario.0.change.0.value": 9}
    said = str(CliRunner().invoke(app, ["check", str(path)]).exception)
    assert "takes some draws of plan.end_rate" in said
    assert "nothing is clipped" in said


def test_what_names_nothing_is_refused_with_its_line(tmp_path: Path) -> None:
    """A blank reason, no number, a misspelt agency, a year that is none, a start before the horizon: each in one problem with its line."""
    own = '[unit_costs]\nnhs = {{ amount = 1.0, price_year = "{}", source = "s", agency = "{}", of = "referrals" }}\n'
    cases = [
        (change("a").replace('"r"', '"  "'), {"scenario.0.reason": 4}),
        (change("a", value="nan"), {"scenario.0.change.0.value": 8}),
        (change("a", op="multiply"), {"scenario.0.change.0.op": 7}),
        (change("a", more='group = { age = "19-25" }\n'), {"scenario.0.change.0.group": 10}),
        (change("a", start="2019-04"), {"scenario.0.change.0.start": 9}),
        (own.format("2024-25", "NSH"), {"unit_costs.nhs.agency": 3}),
        (own.format("2024-25", "local authorty"), {"unit_costs.nhs.agency": 3}),
        (own.format("2024-26", "NHS"), {"unit_costs.nhs.price_year": 3}),
    ]
    for text, where in cases:
        assert refusals(written(tmp_path, f'area = "Rutland"\n{text}')) == where, text
    fine = own.format("2024-25", "the trust")
    assert CliRunner().invoke(app, ["check", str(written(tmp_path, f'area = "Rutland"\n{fine}'))]).exit_code == 0
