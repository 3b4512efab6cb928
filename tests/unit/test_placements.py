"""Placements: shares of the user's own, what contradicts what by line, children by placement, and what a placement costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
from data_sources.decision import counted_twice, with_own_costs
from jsna_model.errors import InputError
from jsna_model.pathway import STOCKS
from jsna_model.placements import PLACEMENTS, Placements
from jsna_model.study import Study

SHARES = {"foster_care": 0.7, "childrens_home": 0.1, "other": 0.2}
GIVEN = {"area": "Rutland", "draws": 20, "years": 2, "placements": {"source": "SSDA903", "date": "2025-03-31", **SHARES}}


def read(folder: Path, text: str) -> Study:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return Study.read(path)


def test_every_contradiction_at_once_with_its_line(tmp_path: Path) -> None:
    text = """area = "Rutland"
[placements]
date = "31 March"
foster_care = 0.6
foster_own = 0.2
childrens_home = 0.1
foster_carre = 0.1
[unit_costs.adoption]
amount = 10.0
price_year = "2025-26"
source = "x"
"""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    found = {(p.column, p.row): p for p in caught.value.problems}
    assert set(found) == {
        ("placements.date", 3),
        ("placements.foster_care", 4),
        ("placements.foster_carre", 7),
        ("unit_costs.adoption", 8),
        ("placements", 2),
    }
    assert "foster_care" in found["placements.foster_carre", 7].fix
    said = str(caught.value)
    assert "add up to 0.9" in said
    assert "no source" in said
    assert "no share of looked-after children is in adoption" in said


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"source": "x", "date": "2025-03-31"}, "no placement has a share"),
        ({"source": "x", "foster_care": 0.6, "other": 0.4}, "no date"),
        ({"source": "x", "date": "2025-03-31", "foster_care": 0.6, "other": 0.38}, r"add up to 0\.98.*nothing is rescaled"),
        ({"source": "x", "date": "2025-03-31", "foster_care": "most", "other": 0.4}, r"placements\.foster_care"),
        ({"published": True}, "no placement has a share"),
        ({"source": "x", "date": "2025-03-31", "foster_care": 68, "other": 0.32}, r"placements\.foster_care: found 68(?!.*add up)"),
        ({"source": "x", "date": "2025-03-31", "foster_care": -0.1, "other": 1.1}, "2 problems"),
    ],
)
def test_shares_that_cannot_be_are_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.of({"area": "Rutland", "placements": table})


def test_a_study_is_written_and_read_back(tmp_path: Path) -> None:
    for values in (GIVEN, {"area": "Rutland"}):
        study = Study.of(values)
        assert Study.read(study.write(tmp_path / "study.toml")) == study
    assert Study.of({"area": "Rutland"}).placements.build() is None
    assert Study.of(GIVEN).placements.build() == Placements(SHARES, "SSDA903", "2025-03-31")


@pytest.mark.parametrize("layout", ["", "early_help_and_cin"])
def test_children_by_placement_add_up_to_those_looked_after(layout: str) -> None:
    """In three states and in a layout, draw by draw and in every scenario; at the shares given."""
    nouns = src.resolve(Study.of(GIVEN | {"layout": layout}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=20)
    found = jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=2)
    placed = found.node("demand/placements")["placed"]
    care = found.node("demand/caseload")["caseload"].sel(service=STOCKS[2])
    assert list(placed["component"].values) == [n for n in PLACEMENTS if n in SHARES]
    assert np.allclose(placed.sum("component").transpose(*care.dims), care, rtol=1e-12)
    assert np.allclose(placed.sel(component="childrens_home").transpose(*care.dims), 0.1 * care, rtol=1e-12)
    assert found.provenance["pathway"]["placements"]["source"] == "SSDA903"


def test_without_shares_there_are_no_placements() -> None:
    assert src.load_pathway("Rutland").placements is None


def test_a_placement_costs_its_share_of_the_change_in_care() -> None:
    """By hand: 0.1 of the child-weeks that [unit_costs.looked_after] would be spent on, at ten times the price, is as much."""
    prices = {"price_year": "2024-25", "source": "ledger"}
    of = {"childrens_home": {"amount": 5000.0, **prices}, "homes": {"amount": 500.0, "of": "childrens_home", "agency": "NHS", **prices}}
    of["looked_after"] = {"amount": 500.0, **prices}
    study = Study.of(GIVEN | {"unit_costs": of})
    assert not list(counted_twice(study))
    nouns = src.resolve(study)
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=20)
    more = jm.Scenario("more", reason="test").scale("care.start_rate", 1.3, "2025-04")
    found = jm.compare(jm.project(now, nouns.projection, nouns.pathway, [more], years=2))
    cost = found.node("decision/costs")["cost_difference"].sel(scenario="more")
    whole = cost.sel(service="looked_after").values
    assert (whole > 0).all()
    assert np.allclose(cost.sel(service="childrens_home").values, whole, rtol=1e-12)
    assert np.allclose(cost.sel(service="homes").values, 0.1 * whole, rtol=1e-12)


def test_the_published_average_holds_placements_already() -> None:
    own = {"childrens_home": {"amount": 5000.0, "price_year": "2024-25", "source": "ledger"}}
    (problem,) = counted_twice(Study.of(GIVEN | {"unit_costs": own}))
    assert "looked_after" in problem.found
    priced = with_own_costs(src.load_pathway("Rutland"), Study.of({"area": "Rutland"}))
    assert {c.share for c in priced.unit_costs} == {1.0}
