"""A user's own counts in a report: each source's policy, what is known already, and what cannot be protected is left out alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import data_sources as src
import jsna_model as jm
from data_sources.local import LocalCount
from jsna_model.conventions import POLICIES as NAMED
from jsna_model.direct import Direct
from jsna_model.errors import InputError
from jsna_model.result import Result
from reports import profile
from reports.content import build
from reports.exports import estimates
from reports.own_counts import protect, protect_known
from reports.page import render_page
from reports.policies import POLICIES, of_service, strictest
from reports.suppression import UnprotectableError
from reports.view import View

CODE = "E06000017"
BASE = {"measure": "m", "label": "Cases", "period": "2024", "unit": "cases", "own": True, "status": "", "area": ""}


def observed(**counts: float) -> xr.Dataset:
    names = list(counts)
    return xr.Dataset(
        {
            "observed": (("area", "service"), [list(counts.values())]),
            "status": (("area", "service"), [[""] * len(names)]),
        },
        coords={"area": [CODE], "service": names},
    )


def shown(data: xr.Dataset) -> dict[str, float]:
    return {str(k): float(v) for k, v in data["observed"].sel(area=CODE).to_series().items()}


def own(result: Result, **counts: float) -> Result:
    """The result as if its service counts were the user's own."""
    node = result.node("demand/observed").copy(deep=True)
    for service, n in counts.items():
        node["observed"].loc[{"area": CODE, "service": service}] = n
    tree = xr.DataTree.from_dict(result.nodes("need", "demand", "decision") | {"demand/observed": node})
    return Result(tree, {**result.provenance, "pathway": {**result.provenance["pathway"], "published": False}})


def test_policies_have_one_list_of_names() -> None:
    assert set(POLICIES) == set(NAMED)
    assert of_service("looked_after_at_31_march") == "dfe_cla"
    assert of_service("referrals") == "dfe_cin"
    assert strictest(("dfe_cin", "1-9", "nhs")).high == 9


def test_what_is_published_already_is_shown_and_known() -> None:
    counts = {"child_in_need_started": 3.0, "referrals_no_further_action": 20.0, "referrals_assessed_not_in_need": 7.0, "referrals": 30.0}
    alone = shown(protect(observed(**counts), CODE))
    assert np.isnan(alone["child_in_need_started"])
    official = shown(protect(observed(**counts), CODE, {"child_in_need_started": 3.0}))
    assert official == counts  # a small count that anyone can look up is no secret
    known = {"referrals": 30.0, "referrals_no_further_action": 20.0}
    both = shown(protect(observed(**counts), CODE, known))
    assert [s for s, n in both.items() if np.isnan(n)] == ["child_in_need_started", "referrals_assessed_not_in_need"]
    with pytest.raises(UnprotectableError, match="child_in_need_started cannot be protected"):
        protect(observed(**counts), CODE, {**known, "referrals_assessed_not_in_need": 7.0})


def test_what_a_fitted_output_shows_is_known_too() -> None:
    """The output shows 5 to 8: the five in one cell could be worked out to within 3, and no other cell can help it."""
    assert np.isnan(
        shown(protect(observed(looked_after_ceased=5.0), CODE, bounds={"looked_after_ceased": (0.0, 9.0)}))["looked_after_ceased"]
    )
    with pytest.raises(UnprotectableError):
        protect(observed(looked_after_ceased=5.0), CODE, bounds={"looked_after_ceased": (5.0, 8.0)})


def test_each_record_follows_its_own_policy() -> None:
    rows = [
        BASE | {"measure": "treatment", "count": 7, "policy": "nhs"},
        BASE | {"measure": "treatment 2", "count": 12, "policy": "nhs"},
        BASE | {"measure": "police", "count": 7},
        BASE | {"measure": "own", "count": 8, "policy": "1-9/5"},
    ]
    assert [r["count"] for r in protect_known(rows)[0]] == [None, 10, 7, None]


def test_an_official_total_counts_against_the_areas() -> None:
    rows = [BASE | {"count": 12, "own": False}, BASE | {"count": 3, "area": "a"}, BASE | {"count": 9, "area": "b"}]
    found, refused = protect_known(rows)
    assert [r["count"] for r in found] == [12, None, None]
    assert not refused
    found, refused = protect_known([rows[0], rows[1], rows[2] | {"own": False}])
    assert [(r["area"], r["count"]) for r in found] == [("", 12), ("b", 9)]
    assert "Cases, 2024: a cannot be protected" in refused[0]


def test_a_file_may_name_policies_and_official_totals(tmp_path: Path) -> None:
    path = tmp_path / "local_counts.csv"
    head = "measure,period,count,area_code,published,policy\n"
    path.write_text(f"{head}marac_cases,2024-25,12,,yes,\nmarac_cases,2024-25,3,E05012633,,1-9/5\n", encoding="utf-8")
    first, second = src.load_local_counts(path)
    assert (first.own, first.policy, second.own, second.policy) == (False, "dfe_cin", True, "1-9/5")
    path.write_text(f"{head}marac_cases,2024-25,12,,perhaps,dfe\n", encoding="utf-8")
    with pytest.raises(InputError, match="2 problems"):
        src.load_local_counts(path)
    path.write_text("measure,period,count\ngp_severe_mental_illness_register,2025-03-31,70\n", encoding="utf-8")
    assert src.load_local_counts(path)[0].policy == "nhs"


def test_a_table_that_cannot_be_protected_is_left_out_and_the_rest_stands(rutland: Result) -> None:
    """Official referrals and outcomes leave one small count open: the section on services says so, and no ratio gives it back."""
    counts = {
        "child_in_need_started": 183.0,
        "referrals_no_further_action": 199.0,
        "referrals_assessed_not_in_need": 3.0,
        "referrals": 385.0,
    }
    given = {k: v for k, v in counts.items() if v != 3.0}
    report = build(own(rutland, **counts).with_provenance(official=given))
    assert "services" not in [s.key for s in report.sections]
    assert report.table("services_now") is None
    html = render_page(report)
    assert "referrals_assessed_not_in_need cannot be protected" in html
    parameters = report.table("parameters")
    assert parameters is not None
    assert "[c]" in set(parameters.rows["Value"])
    protected = build(own(rutland, **counts))
    rows = protected.table("services_now")
    assert rows is not None
    assert (rows.rows.iloc[:, 1] == "[c]").sum() >= 2


def test_records_that_cannot_be_protected_are_left_out_alone(rutland: Result) -> None:
    def row(measure: str, area: str, count: int, is_own: bool) -> dict[str, Any]:
        words = dict.fromkeys(("source", "note", "definition", "construct", "warning"), "synthetic")
        return LocalCount(measure, measure, "2024-25", count, "", "cases", area, beside=(), own=is_own, **words).record()

    known = [
        row("Cases", "", 12, False),
        row("Cases", "E05012633", 3, True),
        row("Cases", "E05012634", 9, False),
        row("Others", "", 40, True),
    ]
    report = build(rutland.with_provenance(known=known))
    table = report.table("known")
    assert table is not None
    assert table.rows["Recorded"].tolist() == [12, 9, 40]
    assert "Known to services, in part: Cases, 2024-25: E05012633 cannot be protected" in render_page(report)


def test_an_estimate_fitted_to_a_small_total_is_suppressed_with_it() -> None:
    """A known total of 4 children in a ward comes back out of the model; so does its share. Others are rounded and flagged only."""
    population = src.load_population("Rutland")
    ward = str(np.unique(population.data["ward"].values.astype(str))[3])
    risk = "alcohol_or_drug_dependency"
    total = Direct(ward, risk, 4.0, 3.5, 4.5, 0.95, "case records", total=True)
    evidence, overlap = src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm")
    now = jm.estimate(population, evidence, overlap, draws=40, local=[total])
    free = jm.estimate(population, evidence, overlap, draws=40)
    view = View.of(now)
    node = view.node("ward").sel(area=ward)
    assert bool(node["hidden"].sel(component=risk))
    assert not bool(node["hidden"].sel(component="any_risk"))
    facts = estimates(view, "ward").set_index(["area_code", "measure"])
    assert facts.loc[(ward, risk), "shorthand"] == "c"
    assert facts.loc[(ward, risk), ["value", "share"]].isna().all()
    table = build(now).table("every_measure_ward")
    assert table is not None
    row = table.rows[(table.rows["Area code"] == ward) & (table.rows["Measure"] == view.measure_label(risk))]
    assert set(row[["Estimated children", "Lower limit", "Upper limit", "Reliability"]].iloc[0]) == {"[c]"}
    assert "hidden" not in View.of(free).node("ward")
    assert not (estimates(View.of(free), "ward")["shorthand"] == "c").any()
    assert "[c]" in render_page(profile.build(now, ward))
