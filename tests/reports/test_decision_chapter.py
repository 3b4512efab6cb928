"""The decision in the report: figures with headline, description and numbers behind them; and the charts of compare.html."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docx import Document

import jsna_model as jm
import reports
from jsna_model.result import Result
from reports import chapter_decision, content, svg
from reports.choice_tables import choice_tables
from reports.compare_charts import charts
from reports.drawing import Figure
from reports.report import Heading
from reports.view import View


@pytest.fixture(scope="module")
def decided(rutland: Result) -> Result:
    """Rutland with what a choice needs, on its few draws."""
    import data_sources as src

    nouns = src.resolve(jm.Study.of({"area": "Rutland", "early_help": {"families_per_year": 80, "unit_cost": 2000}}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=80)
    young = jm.Scenario("young", "Fewer under-fives affected", "test").scale("need.affected", 0.9, "2026-04", group={"age": "0-4"})
    future = jm.project(now, nouns.projection, nouns.pathway, [*nouns.scenarios, young], years=4)
    asked: dict[str, Any] = {"effect": "looked_after_at_31_march", "thresholds": [1e4, 1e5], "information": True, "waterfall": True}
    choice = jm.compare(future, **asked, sources=True, fixed={"social_work": 0.4}, cost_uncertainty={"early_help": 0.2})
    return choice.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted)


def test_the_chapter_on_scenarios_shows_the_decision(decided: Result) -> None:
    report = content.build(decided)
    (section,) = [s for s in report.sections if s.key == "scenarios"]
    figures = [b for b in section.blocks if isinstance(b, Figure)]
    assert [f.key for f in figures] == ["plane", "acceptability", "tornado", "waterfall"]
    for figure in figures:
        assert len(figure.title) > 10
        assert len(figure.alt) > 60
        assert figure.data is not None
        assert len(figure.data.rows)
        assert figure.data.basis == "scenario"
    assert Heading("Choosing among them") in section.blocks
    (changes,) = [t for t in report.tables if t.key == "scenarios"]
    assert any("for ages 0-4" in str(text) for text in changes.rows["What changes"])
    keys = [t.key for t in report.tables]
    assert len(keys) == len(set(keys))
    assert {"best", "money", "worth", "movers", "uncertainty", "groups", "change"} <= set(keys)


def test_without_a_question_there_is_no_answer(rutland: Result) -> None:
    (section,) = [s for s in content.build(rutland).sections if s.key == "scenarios"]
    assert not [b for b in section.blocks if isinstance(b, Figure)]
    assert Heading("Choosing among them") not in section.blocks


def test_shares_of_uncertainty_and_who_is_not_costed(decided: Result) -> None:
    tables = {t.key: t for t in choice_tables(View.of(decided))}
    rows = tables["uncertainty"].rows
    gain = rows[rows["Of what"] == "Gain in effect"]
    for column in list(rows.columns)[2:]:
        shares = [v for v in gain[column] if not isinstance(v, str)]
        assert not shares or sum(shares) == pytest.approx(100, abs=2.5)  # those below half a percent are left out
    notes = " ".join(tables["money"].notes)
    for agency in ("schools", "NHS", "police", "voluntary sector", "justice"):
        assert agency in notes
    said = " ".join(tables["money"].rows["What"])
    assert "Of it marginal, of social work" in said
    assert "Of it fixed" in said
    assert set(tables["groups"].rows["Scenario"]) == {"Fewer under-fives affected"}
    young = tables["groups"].rows[tables["groups"].rows["What"] == "Children affected"]
    assert list(young["Difference"])[2:] == [0, 0, 0]
    assert min(list(young["Difference"])[:2]) < 0


def test_documents_hold_the_figures(decided: Result, tmp_path: Path) -> None:
    reports.write(decided, tmp_path, formats=("html", "docx"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = "\n".join(p.text for p in Document(str(tmp_path / "report.docx")).paragraphs)
    for part in ("Choosing among them", "Best most often at £100,000", "the largest part of the change in children in need"):
        assert part in page
        assert part in text


def test_charts_are_drawn_from_what_is_displayed(decided: Result) -> None:
    """One of each caseload and scenario, differences, costs, plane and acceptability; keys once; no coordinate that is not a number."""
    made = charts(View.of(decided))
    keys = [c.key for c in made]
    assert len(keys) == len(set(keys))
    assert {"plane", "acceptability", "fan-baseline-looked_after_at_31_march", "moved-young-looked_after_at_31_march"} <= set(keys)
    assert "cost-young-local_authority" in keys
    for chart in made:
        assert not re.search(r'="[^"]*(nan|inf)[^"]*"', re.sub(r'(id|aria-labelledby)="[^"]*"', "", chart.drawing)), chart.key
        assert all(len(row) == len(chart.heads) for row in chart.rows)
    assert all(len(c.rows) == 4 for c in made if c.scenario)


def test_marks_of_axes() -> None:
    for low, high in ((0, 0), (-1, 0), (0, 1e-2), (-37.5, 912), (-2.4e6, 3.1e6)):
        marks = svg.ticks(low, high)
        assert marks[0] <= low <= high <= marks[-1]
        assert 2 <= len(marks) <= 8
        assert np.allclose(np.diff(marks), marks[1] - marks[0])
    assert chapter_decision.TABLES[0] == "best"
