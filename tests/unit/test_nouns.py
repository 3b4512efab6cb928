"""Errors, scenarios, overlaps, pathways and populations refuse what they cannot hold."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import jsna_model as jm
from jsna_model.conventions import DIMS, VARIABLES, in_order, validate
from jsna_model.errors import InputError, JsnaError, LabelError, MeasureError, Problem, nearest, raise_all, unknown_name
from jsna_model.scenario import Change, month_index
from tests import examples


def test_problems_are_raised_together_and_name_their_place() -> None:
    raise_all([])
    problems = [Problem("'x' is not a number", "give one", "a.csv", 7, "children"), Problem("b", "c")]
    with pytest.raises(InputError) as caught:
        raise_all(problems)
    assert "2 problems" in str(caught.value)
    assert "a.csv, row 7, column children: 'x' is not a number. give one." in str(caught.value)
    assert issubclass(LabelError, JsnaError)


def test_the_nearest_name_is_suggested() -> None:
    assert nearest("kent", ["Kent", "Kensington and Chelsea"])[0] == "Kent"
    assert "Milton Keynes" in str(unknown_name("area", "Milton Kenes", ["Milton Keynes"], "jsna areas"))


@given(st.permutations(DIMS))
def test_dimensions_have_one_order(dims: list[str]) -> None:
    assert in_order(dims) == (list(dims) == list(DIMS))


def test_every_registered_variable_keeps_the_order() -> None:
    for name, variable in VARIABLES.items():
        assert in_order(variable.dims), name
        assert variable.additive_over | variable.optional <= set(variable.dims), name


def test_validate_reports_every_failure() -> None:
    data = xr.Dataset(
        {"children": (("age_band", "area"), np.ones((1, 2))), "unheard_of": ("area", [1.0, 2.0])},
        coords={"area": ["A", "A"], "age_band": ["1_4"]},
    )
    with pytest.raises(LabelError) as caught:
        validate(data)
    assert len(caught.value.problems) == 3


def test_sums_over_what_does_not_add_up_are_refused() -> None:
    from jsna_model.conventions import require_additive

    require_additive("affected", ["area", "age_band"])
    with pytest.raises(MeasureError, match="counted twice"):
        require_additive("affected", ["risk"])


def test_changes_ramp_from_start_to_full() -> None:
    change = Change("x", "scale", 2.0, "2027-01", "2027-04")
    months = month_index("2026-12") + np.arange(6)
    assert change.apply(np.ones((6, 1)), months)[:, 0].tolist() == [1.0, 1.25, 1.5, 1.75, 2.0, 2.0]
    assert Change("x", "set", 5.0, "2027-02").apply(np.ones((6, 1)), months)[:, 0].tolist() == [1, 1, 5, 5, 5, 5]


def test_a_scenario_reports_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        jm.Scenario("Bad name", changes=(Change("x", "divide", 2, "2027-13"), Change("y", "scale", -1, "2028-01", "2027-01")))
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    "build",
    [
        lambda: jm.Overlap.from_odds_ratios(("a", "b"), (2.0, 3.0)),
        lambda: jm.Overlap.from_odds_ratios(("a", "b"), (0.0,)),
        lambda: jm.Overlap.from_joint(("a", "b", "c"), {"000": 0.5}),
        lambda: jm.Overlap.bounds(("a", "b"), strength=0.5),
    ],
)
def test_overlaps_that_make_no_sense_are_refused(build: object) -> None:
    with pytest.raises(InputError):
        build()  # type: ignore[operator]


def test_an_overlap_from_a_joint_gives_the_joint_back() -> None:
    cells = {"000": 0.60, "100": 0.10, "010": 0.09, "110": 0.04, "001": 0.07, "101": 0.03, "011": 0.02, "111": 0.05}
    overlap = jm.Overlap.from_joint(("a", "b", "c"), cells)
    from jsna_model.methods.joint import pattern_probabilities

    p = [sum(v for k, v in cells.items() if k[i] == "1") for i in range(3)]
    odds = np.exp(overlap.log_odds_ratios)
    found = pattern_probabilities(p, odds[:3], higher_order=odds[3:])
    assert np.allclose(found, [cells[format(i, "03b")[::-1]] for i in range(8)], atol=1e-12)


def test_patterns_are_named_in_index_order() -> None:
    assert jm.Overlap.independent(("a", "b")).patterns() == ("none", "a", "b", "a+b")


def test_evidence_outside_its_range_reports_all() -> None:
    with pytest.raises(InputError) as caught:
        examples.evidence("x", 22.1, lower=0.3, upper=0.2, level=95.0)
    text = str(caught.value)
    assert "22.1" in text
    assert "swap them" in text
    assert "0.95" in text


def test_populations_refuse_negative_missing_and_duplicate() -> None:
    good = examples.population(6, 1).data
    negative = good.copy(deep=True)
    negative["children"][0, 0] = -1
    negative["children"][1, 0] = np.nan
    with pytest.raises(InputError) as caught:
        jm.Population(negative, "lsoa", "synthetic")
    assert len(caught.value.problems) == 2
    twice = good.isel(area=[0, 0, 1])
    with pytest.raises(LabelError, match="E01000000"):
        jm.Population(twice, "lsoa", "synthetic")


def test_a_pathway_asks_for_sound_early_help() -> None:
    pathway = examples.pathway()
    with pytest.raises(InputError, match="families_per_year"):
        pathway.with_early_help(0)
    known = pathway.with_early_help(500, 1800, 2.0)
    assert known.early_help_supplied
    assert known.parameter("early_help.reach").value == 500
    assert not pathway.early_help_supplied
