"""Known to services beside what is estimated: units are kept apart, small own counts are not given away, and need is not presumed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

import data_sources as src
from data_sources.local import placed, recorded_factors
from jsna_model.result import Result
from reports.content import Report, build
from reports.document import render_document
from reports.need_tables import NOT_INDEPENDENT, counts
from reports.own_counts import protect_known
from reports.page import render_page
from reports.table import Table
from reports.view import View, interval
from reports.workbook import render_workbook

CODE = "E06000017"
FLOOR = "Estimated and not recorded (floor)"
ROWS = """measure,period,count,unit,area_code,source,note
children_of_parents_in_treatment,2024-25,70,,,Treatment,
marac_children,2024-25,3,,,Police,
marac_cases,2024-25,c,,,Police,
gp_severe_mental_illness_register,2025-03-31,,,,,
early_help_episodes,2024-25,88,,,,
police_domestic_abuse_incidents_with_children,2024-25,143,,,Police,
police_domestic_abuse_incidents_with_children,2024-25,3,,E05012633,Police,
police_domestic_abuse_incidents_with_children,2024-25,12,,E05012634,Police,
police_domestic_abuse_incidents_with_children,2024-25,128,,E05012643,Police,
"""
BENEFIT = {"share": 0.3, "reason": "A review of 84 cases by the board"}


def records(tmp_path: Path, text: str = ROWS) -> list[dict[str, Any]]:
    path = tmp_path / "local_counts.csv"
    path.write_text(text, encoding="utf-8")
    own = placed(src.load_local_counts(path), src.load_population("Rutland"), CODE, path.name)
    return [c.record() for c in (*own, *recorded_factors(CODE))]


@pytest.fixture
def known(rutland: Result, tmp_path: Path) -> Result:
    return rutland.with_provenance(known=records(tmp_path))


def table_of(report: Report, key: str = "known") -> Table:
    table = report.table(key)
    assert table is not None
    return table


def everything(report: Report) -> str:
    """All the words of the three documents."""
    parts = [render_page(report)]
    for made in (render_document(report), render_workbook(report)):
        with ZipFile(io.BytesIO(made)) as file:
            parts += [file.read(n).decode() for n in file.namelist() if n.endswith(".xml")]
    return "\n".join(parts)


def test_each_record_has_its_meaning_and_the_estimate_beside_it(known: Result) -> None:
    rows = table_of(build(known)).rows
    view = View.of(known)
    assert len(rows) == 14
    assert (rows["Basis of the record"] == "observed").all()
    for column in ("Unit counted", "Period", "Definition", "Construct", "Source", "Warnings"):
        assert rows[column].str.len().min() > 0
    first = rows.iloc[0]
    assert first["Beside the estimate of"] == view.label("alcohol_or_drug_dependency")
    assert list(first[["Estimated children", "Lower limit", "Upper limit"]]) == counts(view.need("alcohol_or_drug_dependency"), "authority")
    ward = rows[rows["Area"] == "Oakham South"].iloc[0]
    assert ward["Recorded"] == 128


def test_only_children_are_taken_from_children(known: Result) -> None:
    rows = table_of(build(known)).rows
    view = View.of(known)
    assert (rows.loc[rows["Unit counted"] != "children", FLOOR] == "[z]").all()
    expected = interval(np.maximum(view.draws("alcohol_or_drug_dependency") - 70, 0.0))
    assert [rows.iloc[0][c] for c in (FLOOR, "Floor: lower limit", "Floor: upper limit")] == counts(expected, "authority")
    assert rows.iloc[1][FLOOR] == "[x]"  # of a suppressed count
    assert not any(c.kind in ("percent", "rate") for c in table_of(build(known)).columns)


@pytest.mark.parametrize("name", ["higher_harm", "wider_exposure"])
def test_factors_say_that_they_are_not_independent(name: str) -> None:
    population = src.load_population("Rutland")
    import jsna_model as jm

    evidence = (*src.load_evidence_set(name), *src.default_evidence())
    now = jm.estimate(population, evidence, src.load_overlap(name), draws=20)
    table = table_of(build(now.with_provenance(known=[c.record() for c in recorded_factors(CODE)])))
    rows = table.rows
    assert rows["Warnings"].str.contains("Assessments are not children").all()
    assert rows["Warnings"].str.contains(NOT_INDEPENDENT, regex=False).tolist() == [False, True, True, True, True]
    assert any("assessments are not children" in n.lower() for n in table.notes)
    assert any("not independent" in n for n in table.notes)


def test_small_own_counts_are_not_given_away(known: Result) -> None:
    rows = table_of(build(known)).rows
    police = rows[rows["Recorded by services"].str.startswith("Police")].set_index("Area")["Recorded"]
    assert police.tolist() == [143, "[c]", "[c]", 128]
    assert rows.iloc[1]["Recorded"] == rows.iloc[2]["Recorded"] == "[c]"
    assert rows.iloc[3]["Recorded"] == "[x]"
    assert rows.iloc[4]["Recorded"] == 88


@pytest.mark.parametrize(
    ("total", "parts", "shown"),
    [
        (20, (3, 8, 9), (20, None, None, 9)),
        (19, (3, 8, 7), (19, None, 8, None)),  # one elsewhere: alone, the 3 would be known to be 1 to 4
        (60, (3, 8, 9), (60, None, 8, 9)),
        (12, (6, 8, 9), (12, 6, 8, 9)),
        (10, (3, 8, 9), (10, None, 8, 9)),  # counted in two areas: they do not add up
        (None, (3, 0, 9), (None, None, 0, 9)),
        (3, (3, 0, None), (None, None, 0, None)),
    ],
)
def test_areas_and_their_total_are_protected_together(
    total: int | None, parts: tuple[int | None, ...], shown: tuple[int | None, ...]
) -> None:
    base = {"measure": "m", "period": "2024", "unit": "cases", "own": True, "status": ""}
    rows = [{**base, "area": area, "count": n} for area, n in zip(("", "a", "b", "c"), (total, *parts), strict=True)]
    assert tuple(r["count"] for r in protect_known(rows)[0]) == shown
    published, refused = protect_known([{**r, "own": False} for r in rows])
    assert not refused
    assert [r["count"] for r in published] == [total, *parts]


def test_it_stands_with_what_is_not_known_in_every_document(known: Result) -> None:
    report = build(known)
    section = next(s for s in report.sections if s.key == "not_known")
    assert [b.key for b in section.blocks if isinstance(b, Table)] == ["not_known", "known"]
    title = table_of(report).title
    assert everything(report).count(title) >= 3
    assert len(table_of(report).shown.rows) == 11  # the whole authority; its wards are in the workbook


def test_unmet_need_is_said_only_with_a_share_and_its_reason(known: Result) -> None:
    assert "unmet" not in everything(build(known)).lower()
    with_share = known.with_provenance(benefit=BENEFIT)
    table = table_of(build(with_share), "not_known")
    label, basis, *numbers = table.rows.iloc[-1]
    assert label == "Unmet need: 30.0% of those not known (floor)"
    assert basis == "estimated"
    view = View.of(with_share)
    observed = view.group("demand/observed")
    assert observed is not None
    gap = np.maximum(view.draws("any_risk") - float(observed["observed"].sel(area=CODE, service="child_in_need_at_31_march")), 0)
    assert numbers == counts(interval(gap * 0.3), "authority")
    text = everything(build(with_share))
    assert text.count(BENEFIT["reason"]) >= 3


def test_nothing_recorded_nothing_shown(rutland: Result) -> None:
    assert build(rutland).table("known") is None
