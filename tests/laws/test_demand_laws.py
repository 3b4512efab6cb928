"""Laws 2, 5, 10 and 12 for demand and decisions, on a synthetic pathway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import jsna_model as jm
from jsna_model.errors import InputError, LabelError, UnknownNameError
from jsna_model.methods.stock_flow import imbalance
from jsna_model.pathway import FLOWS, STOCKS, published_stocks
from jsna_model.result import Result
from tests import examples


@pytest.fixture(scope="module")
def future(result: Result) -> Result:
    """Baseline, more early help, and a stress test of the threshold."""
    hubs = jm.Scenario("hubs", "Synthetic hubs", "test").add("early_help.reach", 20, "2026-04", "2027-04")
    strict = jm.Scenario("strict", "Synthetic threshold", "test", stress_test=True).scale("front_door.acceptance", 0.5, "2027-04")
    return jm.project(result, examples.projection(result), examples.pathway(), [hubs, strict], years=6)


def test_law_12_stocks_balance_in_every_state_year_and_draw(future: Result) -> None:
    states = future.node("demand/states")
    opening, entries, exits, closing = (states[v].values for v in ("opening", "entries", "exits", "closing"))
    assert imbalance(opening, entries, exits, closing) < 1e-12
    assert np.allclose(opening[:, 1:], closing[:, :-1], rtol=1e-14)


def test_published_stocks_are_sums_of_states(future: Result) -> None:
    """Child in need at 31 March is every open episode, on a plan and looked after included."""
    mapped = published_stocks(future.node("demand/states")["closing"])
    caseload = future.node("demand/caseload")["caseload"]
    assert mapped.dims == caseload.dims
    assert np.allclose(mapped.values, caseload.values, rtol=1e-12)


def test_episodes_started_are_referrals_less_those_that_ended_there(future: Result) -> None:
    flow = future.node("demand/flows")["flow"]
    ended = flow.sel(service="referrals_no_further_action") + flow.sel(service="referrals_assessed_not_in_need")
    started = flow.sel(service="child_in_need_started")
    assert np.allclose(started.values, (flow.sel(service="referrals") - ended).values, rtol=1e-12)


def test_the_first_year_opens_with_the_published_counts(future: Result) -> None:
    opening = published_stocks(future.node("demand/states")["opening"]).isel(year=0, scenario=0, draw=0)
    observed = examples.pathway().observed["observed"].sel(area=opening["area"].values, service=list(STOCKS))
    assert np.allclose(opening.values, observed.values)


def test_steady_need_and_rates_reproduce_the_base_year() -> None:
    """With need, rates and closing rates held, every flow and stock stays as published (the inverse test)."""
    from jsna_model.verbs.demand_model import run

    pathway = examples.pathway()
    still = {n: replace(p, sd=0.0, yearly_sd=0.0) for n, p in pathway.parameters.items()}
    held = replace(pathway, parameters=still)
    counts = {str(s): float(v) for s, v in pathway.observed["observed"].isel(area=0).to_series().items()}
    demand = run("E06000000", counts, np.ones((4, 3)), np.full(3, 500.0), held, jm.Scenario("baseline"), "2025-04", 1)
    for i, stock in enumerate(STOCKS):
        assert np.allclose(demand.caseload[:, i], counts[stock], rtol=1e-10)
    steady = {"child_in_need_ended": counts["child_in_need_started"], "looked_after_ceased": counts["looked_after_started"]}
    for i, service in enumerate(FLOWS):
        assert np.allclose(demand.flow[:, i], steady.get(service, counts[service]), rtol=1e-10), service


def test_law_5_scenarios_share_their_draws(future: Result) -> None:
    """Before a scenario starts, it equals the baseline exactly; its differences are far less uncertain than its levels."""
    flow = future.node("demand/flows")["flow"]
    first = flow.isel(year=0)
    assert np.array_equal(first.sel(scenario="hubs").values, first.sel(scenario="baseline").values)
    last = flow.isel(year=-1, area=0).sel(service="referrals")
    paired = (last.sel(scenario="hubs") - last.sel(scenario="baseline")).std("draw")
    assert float(paired) < 0.3 * float(last.sel(scenario="baseline").std("draw"))


def test_law_5_adding_a_scenario_changes_no_other(result: Result, future: Result) -> None:
    only = jm.project(result, examples.projection(result), examples.pathway(), years=6)
    assert np.array_equal(only.node("demand/flows")["flow"].values[0], future.node("demand/flows")["flow"].values[0])


def test_a_stricter_threshold_lowers_starts_from_its_month_on(future: Result) -> None:
    started = future.node("demand/flows")["flow"].sel(service="child_in_need_started")
    difference = started.sel(scenario="strict") - started.sel(scenario="baseline")
    assert (difference.sel(year="2026-27") == 0).all()
    assert (difference.sel(year="2027-28") < 0).all()


def test_law_2_labels_match_or_it_raises(result: Result) -> None:
    projection = examples.projection(result)
    short = jm.Population(projection.data.isel(area=[0]), "authority", "synthetic")
    with pytest.raises(LabelError, match="differ from the estimate"):
        jm.project(result, short, examples.pathway())


def test_a_scenario_that_leaves_a_range_is_refused_not_clipped(result: Result) -> None:
    far = jm.Scenario("far", reason="test").set("referral.follow_up_share", 1.5, "2026-04")
    with pytest.raises(InputError, match="nothing is clipped"):
        jm.project(result, examples.projection(result), examples.pathway(), [far])
    typo = jm.Scenario("typo", reason="test").scale("early_help.reech", 2, "2026-04")
    with pytest.raises(UnknownNameError, match=r"early_help\.reach"):
        jm.project(result, examples.projection(result), examples.pathway(), [typo])
    with pytest.raises(InputError) as caught:
        jm.project(result, examples.projection(result), examples.pathway(), [far, typo])
    assert "nothing is clipped" in str(caught.value)
    assert "early_help.reach" in str(caught.value)


def test_one_scenario_may_be_given_by_itself(result: Result) -> None:
    one = jm.Scenario("one", reason="test").add("early_help.reach", 5, "2026-04")
    alone = jm.project(result, examples.projection(result), examples.pathway(), one, years=2)
    assert alone.node("demand/caseload")["scenario"].values.tolist() == ["baseline", "one"]


def test_differences_are_paired_and_the_comparator_is_zero(future: Result) -> None:
    choice = jm.compare(future)
    outcomes, costs = choice.node("decision/outcomes"), choice.node("decision/costs")
    assert (outcomes["difference"].sel(scenario="baseline").fillna(0) == 0).all()
    assert (costs["cost_difference"].sel(scenario="baseline") == 0).all()
    flow = future.node("demand/flows")["flow"]
    expected = flow.sel(scenario="hubs", service="referrals") - flow.sel(scenario="baseline", service="referrals")
    assert np.array_equal(outcomes["difference"].sel(scenario="hubs", service="referrals").values, expected.values)


def test_costs_are_child_years_at_the_unit_cost(future: Result) -> None:
    """By hand for one draw: half the opening and closing difference of each year, times weeks, times pounds a week."""
    costs = jm.compare(future).node("decision/costs")["cost_difference"].sel(service="looked_after", scenario="hubs").isel(area=0, draw=7)
    stock = future.node("demand/caseload")["caseload"].sel(service="looked_after_at_31_march").isel(area=0, draw=7)
    difference = (stock.sel(scenario="hubs") - stock.sel(scenario="baseline")).values
    opening = np.concatenate([[0.0], difference[:-1]])
    assert np.allclose(costs.values, (opening + difference) / 2 * 365.25 / 7 * 2100, rtol=1e-12)


def test_early_help_is_costed_only_where_its_cost_is_known(result: Result) -> None:
    scenario = jm.Scenario("hubs", reason="test").add("early_help.reach", 20, "2026-04")
    projection = examples.projection(result)
    without = jm.compare(jm.project(result, projection, examples.pathway(), [scenario], years=2)).node("decision/costs")
    assert "early_help" not in without["service"].values
    known = examples.pathway().with_early_help(200, unit_cost=1500)
    costed = jm.compare(jm.project(result, projection, known, [scenario], years=2)).node("decision/costs")
    spent = costed["cost_difference"].sel(scenario="hubs", service="early_help", year="2026-27")
    assert np.allclose(spent.values, 20 * 1500)


def test_a_suppressed_count_is_filled_by_name_from_england(result: Result) -> None:
    pathway = examples.pathway()
    observed = pathway.observed.copy(deep=True)
    observed["observed"].loc[{"area": "E06000001", "service": "looked_after_at_31_march"}] = np.nan
    found = jm.project(result, examples.projection(result), replace(pathway, observed=observed), years=1)
    assert found.provenance["pathway"]["not_published"] == {"E06000001": ["looked_after_at_31_march"]}


@settings(max_examples=20, deadline=None)
@given(op=st.sampled_from(["scale", "add", "set"]), value=st.floats(0, 3), ramp=st.integers(0, 3))
def test_law_12_holds_for_any_change(op: str, value: float, ramp: int, small: Callable[[jm.Scenario], xr.Dataset]) -> None:
    scenario = jm.Scenario("any_change", reason="test")
    change = {"scale": scenario.scale, "add": scenario.add, "set": scenario.set}[op]
    states = small(change("care.start_rate", value, "2026-04", f"{2026 + ramp}-10" if ramp else ""))
    assert imbalance(*(states[v].values for v in ("opening", "entries", "exits", "closing"))) < 1e-12
    assert (states["closing"] >= 0).all()


@pytest.fixture(scope="module")
def small(result: Result) -> Callable[[jm.Scenario], xr.Dataset]:
    """Project one scenario for two years and give its states."""
    projection, pathway = examples.projection(result), examples.pathway()
    return lambda scenario: jm.project(result, projection, pathway, [scenario], years=2).node("demand/states")


@pytest.mark.parametrize(
    "change",
    [
        jm.Scenario("x", reason="t").set("early_help.effect.care", -2, "2027-04"),
        jm.Scenario("x", reason="t").set("early_help.children_per_family", 3, "2026-04"),
        jm.Scenario("x", reason="t").set("need.drift", 0.2, "2026-04"),
        jm.Scenario("x", reason="t").add("early_help.reach", 10, "2031-04"),
    ],
)
def test_a_change_that_could_have_no_effect_is_refused(result: Result, change: jm.Scenario) -> None:
    with pytest.raises(InputError, match=r"whole horizon|after the horizon"):
        jm.project(result, examples.projection(result), examples.pathway(), [change], years=5)


@pytest.mark.parametrize(("name", "value", "up"), [("need.drift", 0.1, True), ("early_help.effect.care", -1.0, False)])
def test_the_users_own_parameters_act(result: Result, name: str, value: float, up: bool) -> None:
    pathway = examples.pathway()
    own = replace(pathway, parameters={**pathway.parameters, name: replace(pathway.parameters[name], value=value)})
    scenario = jm.Scenario("hubs", reason="t").add("early_help.reach", 20, "2026-04")
    usual, changed = (
        jm.project(result, examples.projection(result), p, [scenario], years=5)
        .node("demand/flows")["flow"]
        .sel(scenario="hubs", year="2029-30")
        for p in (pathway, own)
    )
    difference = float((changed - usual).sel(service="looked_after_started").mean())
    assert difference > 0 if up else difference < 0


def test_at_unchanged_prevalence_the_expected_share_stays(result: Result) -> None:
    """Drift and projection error keep their mean: the share affected in 2030 is the share now, to within noise."""
    population = jm.project(result, examples.projection(result), examples.pathway(), years=6).node("demand/population")
    share = population["affected_projected"] / population["children_projected"].sum("age_band")
    assert np.allclose(share.isel(year=-1).mean("draw"), share.isel(year=0).mean("draw"), rtol=0.03)
    expected = 0.99**6
    total = population["children_projected"].sum("age_band").mean("draw")
    assert np.allclose(total.isel(year=-1) / total.isel(year=0), expected, rtol=0.03)


def test_what_does_not_apply_is_zero_and_not_englands_rate(result: Result) -> None:
    pathway = examples.pathway()
    observed = pathway.observed.copy(deep=True)
    cells = {"area": "E06000001", "service": ["looked_after_at_31_march", "looked_after_started", "looked_after_ceased"]}
    observed["observed"].loc[cells], observed["status"].loc[cells] = np.nan, "z"
    stock = {"area": "E06000000", "service": "looked_after_at_31_march"}
    observed["observed"].loc[stock], observed["status"].loc[stock] = np.nan, "c"
    found = jm.project(result, examples.projection(result), replace(pathway, observed=observed), years=1)
    caseload = found.node("demand/caseload")["caseload"].sel(service="looked_after_at_31_march", scenario="baseline", year="2025-26")
    assert (caseload.sel(area="E06000001") == 0).all()
    assert 60 < float(caseload.sel(area="E06000000").mean()) < 100  # own starts times England's stock over starts: 80
