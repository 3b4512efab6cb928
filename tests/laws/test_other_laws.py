"""Laws 1, 3, 11 and 15 for everything that exists so far."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import data_sources as src
import jsna_model as jm
from jsna_model.conventions import BASES, STATUS, in_order
from jsna_model.errors import InputError, LabelError
from jsna_model.result import Result, check_tree
from tests import examples


@pytest.fixture(scope="module")
def choice(result: Result) -> Result:
    scenario = jm.Scenario("hubs", reason="test").add("early_help.reach", 10, "2026-04")
    return jm.compare(jm.project(result, examples.projection(result), examples.pathway(), [scenario], years=2))


def test_law_1_every_variable_of_a_result_is_registered_and_in_order(choice: Result) -> None:
    check_tree(choice.data)
    for path, node in choice.nodes("need", "demand", "decision").items():
        for name, values in node.data_vars.items():
            assert in_order(str(d) for d in values.dims), (path, name)
            assert "draw" not in values.dims[:-1]


def test_law_1_an_unregistered_variable_is_refused() -> None:
    tree = xr.DataTree.from_dict({"need": xr.Dataset({"guess": ("area", [1.0])}, coords={"area": ["a"]})})
    with pytest.raises(LabelError, match="guess"):
        check_tree(tree)


def test_law_3_a_suppressed_count_stays_absent_with_its_status() -> None:
    observed = src.load_services("Isles of Scilly")
    absent = observed["observed"].isnull()
    assert bool(absent.any())
    assert (observed["status"].where(absent, "-") != "").all()
    assert (observed["status"].where(~absent, "") == "").all()
    assert set(np.unique(observed["status"].values)) <= set(STATUS)


def test_law_3_absence_is_not_summed_away(choice: Result) -> None:
    """A sum with a missing part is missing."""
    pathway = examples.pathway()
    observed = pathway.observed.copy(deep=True)
    observed["observed"].loc[{"area": "E06000000", "service": "referrals_no_further_action"}] = np.nan
    from dataclasses import replace

    counts = choice.node("need/authority")
    assert counts["children"].notnull().all()
    result = jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=5)
    found = jm.project(result, examples.projection(result), replace(pathway, observed=observed), years=1)
    flow = found.node("demand/flows")["flow"].sel(area="E06000000")
    assert flow.sel(service="referrals_no_further_action").isnull().all()
    assert flow.sel(service="referrals").notnull().all()


def test_law_11_what_was_assumed_or_replaced_is_in_the_provenance(choice: Result) -> None:
    keys = {row["key"] for row in choice.provenance["assumptions"]}
    assert {"overlap", "area_correlation", "children_correlation", "children_log_sd"} <= keys
    assert {f"relevance/{e.key}" for e in examples.evidence_set()} <= keys
    assert choice.provenance["pathway"]["not_published"] == {}


def test_law_11_a_wrong_deprivation_is_refused_by_name() -> None:
    good = examples.population()
    data = good.data.copy(deep=True)
    data["deprivation"][0], data["deprivation"][1] = np.nan, 55.0
    with pytest.raises(InputError, match=r"2 areas, such as E01000000 \(nan\), E01000001 \(55\)"):
        jm.estimate(jm.Population(data, "lsoa", "synthetic", frame=good.frame), examples.evidence_set(), examples.overlap(), draws=5)


def test_law_15_every_number_says_what_it_rests_on(choice: Result) -> None:
    assert (choice.summary("any_risk")["basis"] == "estimated").all()
    bases = {path: node.attrs.get("basis") for path, node in choice.nodes("demand", "decision").items() if node.data_vars}
    assert all(basis in BASES for basis in bases.values()), bases
    assert bases["demand/observed"] == "observed"
    assert bases["demand/flows"] == "projected"
    assert bases["decision/outcomes"] == "scenario"
