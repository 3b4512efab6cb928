"""The page of linked cases: small numbers and what gives them away are hidden, made-up rows say so, nothing speaks of cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from openpyxl import load_workbook
from typer.testing import CliRunner

from data_sources.linked import load_linked
from jsna_model.cli.app import app
from jsna_model.verbs.escalation import escalation
from reports.escalation import build
from reports.escalation_cells import shown_counts, shown_groups
from tests.unit.test_escalation import RECORDED, case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, as the command writes it, and what the command makes of it."""
    path = tmp_path_factory.mktemp("linked")
    made = CliRunner().invoke(app, ["escalation", "template", str(path / "cases.csv"), "--rows", "150"])
    assert made.exit_code == 0, made.output
    assert "SYNTHETIC" in made.output
    done = CliRunner().invoke(app, ["escalation", "estimate", str(path / "cases.csv"), "--out", str(path / "out")])
    assert done.exit_code == 0, done.output
    return path


def test_made_up_rows_say_so_everywhere(folder: Path) -> None:
    page = BeautifulSoup((folder / "out" / "escalation.html").read_text(encoding="utf-8"), "html.parser")
    for part in (page.title, page.h1, *page.find_all("caption"), *page.find_all("h3", string=re.compile("shares"))):
        assert "SYNTHETIC" in part.get_text(), part
    text = (folder / "out" / "escalation.csv").read_text(encoding="utf-8-sig").splitlines()
    assert all("SYNTHETIC" in line for line in text[1:])
    book = load_workbook(folder / "out" / "escalation.xlsx")
    assert all("SYNTHETIC" in str(book[s]["A1"].value) for s in book.sheetnames if s.startswith("Table"))
    assert "SYNTHETIC" in str(book.worksheets[0]["A1"].value)


def test_the_page_shows_no_small_count_and_claims_no_cause(folder: Path) -> None:
    tables = build(load_linked(folder / "cases.csv")).tables
    assert {t.key for t in tables} >= {"after_early_help", "after_closure", "after_closed_referral"}
    for t in tables:
        for column in ("With the event", "Still followed"):
            assert not any(isinstance(v, int) and 1 <= v <= 5 for v in t.rows[column]), (t.key, column)
        hidden = t.rows["With the event"] == "[c]"
        assert (t.rows.loc[hidden, "Share"] == "[c]").all()
    page = (folder / "out" / "escalation.html").read_text(encoding="utf-8")
    text = BeautifulSoup(page, "html.parser").get_text(" ")
    assert "not what came because of it" in text
    assert not re.search(r"\b(led to|leads to|caused|prevented|thanks to|as a result of|reduced)\b", text)
    assert page.count("<table") == len(tables)


def test_internal_shows_all_and_says_so(folder: Path) -> None:
    report = build(load_linked(folder / "cases.csv"), internal=True)
    assert report.draft
    assert "INTERNAL" in report.status
    assert not any("[c]" in t.rows.astype(str).to_numpy() for t in report.tables)


def test_two_times_do_not_give_away_the_events_between_them() -> None:
    """12 within six months and 15 within twelve would say that three came between."""
    cases = [case(i, events={"plan": 100} if i < 12 else {"plan": 300} if i < 15 else {"plan": 500} if i < 30 else {}) for i in range(80)]
    (whole,) = escalation(cases, RECORDED)
    shown = shown_counts(whole, internal=False)
    six, twelve = (shown["", "", "events", m] for m in (6.0, 12.0))
    assert "[c]" in (six, twelve)
    assert shown["", "", "events", 24.0] == 30
    assert shown_counts(whole, internal=True)["", "", "events", 12.0] == 15


def test_a_small_group_is_hidden_with_another_of_its_grouping() -> None:
    sizes = {"North": 3, "South": 12, "East": 20}
    cases = [
        case(100 * j + i, locality=name, events={"plan": 50} if i < n else {})
        for j, (name, n) in enumerate(sizes.items())
        for i in range(60)
    ]
    (whole,) = escalation(cases, RECORDED)
    groups = escalation(cases, RECORDED, by="locality")
    shown = shown_groups(whole, shown_counts(whole, internal=False), groups, 12.0, internal=False)
    events = {g: shown["locality", g, "events", 12.0] for g in sizes}
    assert events["North"] == "[c]"
    assert list(events.values()).count("[c]") >= 2
    assert shown["", "", "events", 12.0] == 35
    # Cases less those still followed would say it too.
    assert [shown["locality", g, "at_risk", 12.0] for g in sizes].count("[c]") >= 2


def test_no_groups_where_the_total_is_hidden() -> None:
    cases = [case(i, locality="NS"[i % 2], events={"plan": 50} if i < 4 else {}) for i in range(80)]
    (whole,) = escalation(cases, RECORDED)
    shown = shown_counts(whole, internal=False)
    assert shown["", "", "events", 12.0] == "[c]"
    assert shown_groups(whole, shown, escalation(cases, RECORDED, by="locality"), 12.0, internal=False) == {}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("person_id,early_help_start,referral_date,followed_to\na1,2024-01-01,,2025-03-31\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["escalation", "estimate", str(path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "fewer than 10 cases" in (tmp_path / "out" / "escalation.html").read_text(encoding="utf-8")
    again = CliRunner().invoke(app, ["escalation", "template", str(path)])
    assert again.exit_code != 0
    assert "nothing was overwritten" in str(again.exception)


@pytest.mark.browser
def test_axe_finds_no_violation(browser: Any, folder: Path, accessible: Callable[[Any], None]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((folder / "out" / "escalation.html").as_uri())
    accessible(page)
    page.close()
