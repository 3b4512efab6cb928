"""compare.html: its data is the result's numbers, rounded and worded already; it runs nothing of others and fetches nothing."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup

import data_sources as src
import jsna_model as jm
import reports
from jsna_model.errors import InputError
from jsna_model.result import Result
from reports import likelihood
from reports.choice_tables import COMPARATOR
from reports.compare_page import comparable, embedded, render_comparison
from reports.demand_tables import service_label
from reports.disclosure import difference, modelled, significant
from reports.table import cell

STUDY: dict[str, Any] = {
    "area": "Rutland",
    "ready": ["early_help_reach", "follow_up", "threshold_up"],
    "early_help": {"families_per_year": 80, "unit_cost": 2000},
    "scenario": [
        {
            "name": "hostile",
            "title": "</script><b>bold</b>",
            "reason": "a title must not become markup",
            "change": [{"parameter": "early_help.reach", "op": "scale", "value": 1.1, "start": "2026-04"}],
        }
    ],
    "decision": {"effect": "looked_after_at_31_march", "thresholds": [10000, 50000], "information": True, "waterfall": True},
}


@pytest.fixture(scope="module")
def chosen() -> Result:
    """The smallest county, with everything that a study can ask for."""
    nouns = src.resolve(jm.Study.of(STUDY))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=60)
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=5), **nouns.comparison)


@pytest.fixture(scope="module")
def page(chosen: Result) -> BeautifulSoup:
    return BeautifulSoup(render_comparison(chosen, status="DRAFT: not approved for publication."), "html.parser")


@pytest.fixture(scope="module")
def data(page: BeautifulSoup) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.find(id="data").text)
    return found


def test_the_embedded_numbers_are_the_results(chosen: Result, data: dict[str, Any]) -> None:
    caseload = chosen.node("demand/caseload")["caseload"].isel(area=0)
    moved = chosen.node("decision/outcomes")["difference"].isel(area=0)
    money = chosen.node("decision/agencies")["cost_by_agency"].isel(area=0)
    for name in ("early_help_reach", "follow_up"):
        for year in ("2026-27", "2029-30"):
            rows = {r[0]: r for r in data["services"][name][year]}
            draws = caseload.sel(scenario=name, year=year, service="child_in_need_at_31_march").values
            row = rows[service_label("child_in_need_at_31_march")]
            low, high = np.quantile(draws, [0.025, 0.975])
            assert row[1:4] == [cell(modelled(v, "service"), "count") for v in (draws.mean(), low, high)]
            change = moved.sel(scenario=name, year=year, service="child_in_need_at_31_march").values
            low, high = np.quantile(change, [0.025, 0.975])
            assert row[4:7] == [cell(difference(v), "difference") for v in (change.mean(), low, high)]
            paid = money.sel(scenario=name, year=year, agency="local authority").values.mean()
            assert data["costs"][name][year][0][1] == cell(significant(paid), "money")


def test_children_are_estimated_by_ward_and_as_rounded_as_in_the_report(chosen: Result, data: dict[str, Any]) -> None:
    ward = chosen.node("need/ward").isel(area=0)
    expected = float(ward["expected"].sel(component="any_risk"))
    code = str(ward["area"].values)
    assert code in {a["code"] for a in data["areas"]}
    assert data["children"][code][0][1] == cell(modelled(expected, "ward"), "count")
    assert len(data["areas"]) == 1 + chosen.node("need/ward").sizes["area"]
    assert not any(a["code"].startswith("E01") for a in data["areas"])


def test_nothing_unrounded_is_in_the_file(data: dict[str, Any]) -> None:
    """Every leaf but a flag is text, and no number in it has more than one decimal place."""

    def leaves(at: Any) -> list[Any]:
        inner = at.values() if isinstance(at, dict) else at if isinstance(at, list) else None
        return [at] if inner is None else [x for v in inner for x in leaves(v)]

    found = leaves(data)
    assert {type(x) for x in found} == {str, bool}
    said = leaves({k: data[k] for k in ("children", "affected", "families", "services", "costs", "summary")})
    assert not [x for x in said if re.search(r"\d\.\d\d", x)]


def test_stress_tests_are_labelled_and_not_costed(data: dict[str, Any]) -> None:
    (test,) = [s for s in data["scenarios"] if s["stress"]]
    assert "Stress test" in test["title"]
    assert not any(data["costs"][test["name"]].values())
    assert all("not a proposal" in text for text in data["summary"][test["name"]].values())
    assert data["services"]["baseline"]["2026-27"][0][4:] == COMPARATOR


def test_no_script_but_its_own_and_nothing_fetched(page: BeautifulSoup, chosen: Result) -> None:
    scripts = page.find_all("script")
    assert [s.get("type") for s in scripts] == ["application/json", None]
    digest = b64encode(sha256(scripts[1].string.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert not page.find_all(["link", "iframe", "img", "object"])
    assert not page.find_all(src=True)
    for forbidden in ("innerHTML", "eval(", "fetch(", "XMLHttpRequest", "document.write"):
        assert forbidden not in scripts[1].string
    assert page.find("b") is None
    assert "<b>bold" in json.loads(embedded({"t": "</script><b>bold</b>"}))["t"]
    assert "</" not in embedded({"t": "</script>"})


def test_without_javascript_all_scenarios_are_there(page: BeautifulSoup, chosen: Result) -> None:
    assert page.find(id="choose").has_attr("hidden")
    table = page.find(id="table-all_scenarios")
    titles = {th.text for th in table.tbody.find_all("th")}
    assert len(titles) == chosen.node("demand/flows").sizes["scenario"]
    for key in ("money", "best", "worth", "movers", "change"):
        found = page.find(id=f"table-{key}")
        assert found.tbody.find_all("tr"), key
        assert "Basis:" in found.caption.text
        assert all(th["scope"] == "col" for th in found.thead.find_all("th"))


def test_every_part_of_a_draft_says_so(chosen: Result, page: BeautifulSoup) -> None:
    assert len(page.find_all(class_="mark")) == len(page.find_all("section"))
    assert "DRAFT" in page.title.text
    assert "DRAFT" not in render_comparison(chosen, draft=False, status="Owner: A.")


def test_stress_tests_are_no_choice(page: BeautifulSoup) -> None:
    assert "Stress test" not in page.find(id="table-best").text.split("Stress tests are not")[0]
    assert "Stress test" not in page.find(id="table-money").tbody.text


def test_it_is_written_where_there_is_something_to_choose(chosen: Result, canterbury: Result, tmp_path: Path) -> None:
    """By default too: see the files of a run folder in tests/unit/test_cli.py."""
    assert comparable(chosen)
    assert [p.name for p in reports.write(chosen, tmp_path / "a", formats=("compare",))] == ["compare.html"]
    assert not comparable(canterbury)
    with pytest.raises(InputError, match="nothing to compare"):
        reports.write(canterbury, tmp_path / "b", formats=("compare",))
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("below", "draws", "said"),
    [(1000, 1000, "very likely"), (960, 1000, "likely"), (975, 1000, "very likely"), (700, 1000, "uncertain"), (550, 1000, "no evidence")],
)
def test_words_are_bound_to_probabilities(below: int, draws: int, said: str) -> None:
    change = np.r_[-np.ones(below), np.ones(draws - below)]
    assert likelihood.direction(change).startswith(said)
    assert likelihood.direction(-change, "lower", "higher").startswith(said)


def test_words_claim_no_more_than_the_draws_support() -> None:
    assert likelihood.direction(-np.ones(20)).startswith("likely fewer (probability over 95%)")
    assert likelihood.direction([np.nan, 1.0]) == "[x]"
    assert likelihood.direction(np.zeros(9)) == likelihood.NO_DIFFERENCE
    assert [least for least, _ in likelihood.WORDS] == sorted((least for least, _ in likelihood.WORDS), reverse=True)
    assert all(f"{least:.0%}" in likelihood.RULE for least, _ in likelihood.WORDS)
