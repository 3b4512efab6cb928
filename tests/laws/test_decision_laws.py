"""Decisions on a synthetic pathway: what is paired, conserved, undefined or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.methods.allocation import allocate
from jsna_model.methods.economics import evpi, net_benefit
from jsna_model.pathway import UnitCost
from jsna_model.result import Result
from tests import examples

EFFECT = "looked_after_at_31_march"
THRESHOLDS = [0.0, 50_000.0, 200_000.0]


def scenarios() -> list[jm.Scenario]:
    return [
        jm.Scenario("idle", reason="test"),
        jm.Scenario("hubs", reason="test").add("early_help.reach", 20, "2026-04"),
        jm.Scenario("more", reason="test").add("early_help.reach", 60, "2026-04"),
        jm.Scenario("strict", reason="test", stress_test=True).scale("front_door.acceptance", 0.5, "2027-04"),
    ]


@pytest.fixture(scope="module")
def now() -> Result:
    return jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=200)


@pytest.fixture(scope="module")
def future(now: Result) -> Result:
    pathway = examples.pathway().with_early_help(200, unit_cost=1500)
    return jm.project(now, examples.projection(now), pathway, scenarios(), years=4)


@pytest.fixture(scope="module")
def choice(future: Result) -> Result:
    schedule = src.load_discount_schedule("green_book_2026")
    shares = {"looked_after": 0.25}
    return jm.compare(future, discount=schedule, effect=EFFECT, thresholds=THRESHOLDS, information=True, waterfall=True, cashable=shares)


def test_a_scenario_with_no_change_differs_by_exactly_zero(choice: Result) -> None:
    for path in ("decision/outcomes", "decision/costs", "decision/agencies", "decision/choice"):
        node = choice.node(path)
        for name, values in node.data_vars.items():
            if "draw" in values.dims:
                assert (values.sel(scenario="idle").fillna(0) == 0).all(), (path, name)
    quadrant = choice.node("decision/plane")["quadrant"].sel(scenario="idle")
    assert (quadrant == 0.25).all()


def test_what_was_there_stays_as_it_was(future: Result, choice: Result) -> None:
    plain = jm.compare(future)
    for path in ("decision/outcomes", "decision/costs"):
        assert plain.node(path).equals(choice.node(path))
    assert "decision/choice" not in plain.nodes("decision")
    assert plain.node("decision/agencies").attrs["discounting"] == "not discounted"
    costs = plain.node("decision/costs")["cost_difference"].sum(["year", "service"]).values
    np.testing.assert_allclose(plain.node("decision/agencies")["present_value"].sum("agency").values, costs, rtol=1e-12)


def test_present_values_by_hand(choice: Result) -> None:
    costs = choice.node("decision/costs")["cost_difference"].sel(scenario="more").isel(area=1, draw=3)
    factors = 1.035 ** -np.arange(4.0)
    expected = (costs.sum("service").values * factors).sum()
    agencies = choice.node("decision/agencies").sel(scenario="more").isel(area=1, draw=3)
    assert float(agencies["present_value"].sum()) == pytest.approx(expected, rel=1e-12)
    assert "Green Book" in choice.node("decision/agencies").attrs["discounting"]
    cashable = agencies["cashable_difference"].sum("agency").values
    np.testing.assert_allclose(cashable, costs.sel(service="looked_after").values * 0.25, rtol=1e-12)
    count = choice.node("demand/expected")["expected_count"].sel(service=EFFECT).isel(area=1, draw=3)  # without process noise
    looked_after = (count.sel(scenario="more") - count.sel(scenario="baseline")).values
    opening = np.concatenate([[0.0], looked_after[:-1]])
    gained = choice.node("decision/choice")["effect_difference"].sel(scenario="more").isel(area=1, draw=3)
    assert float(gained) == pytest.approx(-((opening + looked_after) / 2 * factors).sum(), rel=1e-12)


def test_the_choice_is_among_proposals_and_adds_up(choice: Result) -> None:
    node, curve = choice.node("decision/choice"), choice.node("decision/acceptability")
    assert [str(s) for s in node["scenario"].values] == ["baseline", "idle", "hubs", "more"]
    np.testing.assert_allclose(curve["probability_best"].sum("scenario"), 1, atol=1e-12)
    assert (curve["most_expected"].sum("scenario") == 1).all()
    np.testing.assert_allclose(choice.node("decision/plane")["quadrant"].sum("component"), 1, atol=1e-12)
    for a in range(2):
        cost, gained = (node[v].isel(area=a).values for v in ("net_cost", "effect_difference"))
        np.testing.assert_allclose(curve["evpi"].isel(area=a), evpi(net_benefit(cost, gained, THRESHOLDS)), rtol=1e-12)
        # a twin of the comparator is best as often as it is
        best = curve["probability_best"].isel(area=a)
        np.testing.assert_array_equal(best.sel(scenario="idle"), best.sel(scenario="baseline"))


def test_information_is_within_bounds_and_in_the_right_place(choice: Result) -> None:
    curve = choice.node("decision/acceptability")
    for i, k in enumerate(THRESHOLDS):
        node = choice.node(f"decision/information/at_{k:g}")
        most = curve["evpi"].isel(component=i)
        assert (node["evppi"] >= 0).all()
        assert (node["evppi"] <= most + 1e-9).all()
        assert (node["evppi_error"] >= 0).all()
        found = node["evppi"].isel(area=0).drop_sel(component="all of these")
        assert str(found["component"].values[found.values.argmax()]) == "early_help.effect"
    moved = choice.node("decision/tornado").sel(scenario="more").isel(area=0)
    swing = abs(moved["at_high"] - moved["at_low"])
    assert str(swing["component"].values[swing.values.argmax()]).startswith("early_help.effect.")


def test_information_about_groups_of_the_users_own(future: Result) -> None:
    gain = jm.compare(future, effect=EFFECT).node("decision/choice")["effect_difference"].sel(scenario="more").isel(area=0).values
    named = {"all that matters": gain, "nothing": np.arange(200.0) % 7}
    found = jm.compare(future, effect=EFFECT, thresholds=np.array([1e7]), information=named)
    node = found.node("decision/information/at_10000000").isel(area=0)
    most = float(found.node("decision/acceptability")["evpi"].isel(area=0, component=0))
    assert float(node["evppi"].sel(component="all that matters")) > 0.9 * most
    assert float(node["evppi"].sel(component="nothing")) < 0.1 * most


def test_the_change_adds_up_exactly_per_draw(future: Result, choice: Result) -> None:
    parts = choice.node("decision/change")["change_part"]
    assert [str(c) for c in parts["component"].values] == ["population", "need", "pathway", "scenario", "interaction"]
    flows = future.node("demand/flows")["flow"].isel(year=-1)
    observed = future.node("demand/observed")["observed"]
    for service in ("referrals", "child_in_need_started", "looked_after_started"):
        base = observed.sel(service=service, area=flows["area"].values)
        total = base + parts.sel(service=service).sum("component", skipna=False)
        np.testing.assert_allclose(total.transpose(*flows.sel(service=service).dims), flows.sel(service=service), rtol=1e-12)
    stock = future.node("demand/caseload")["caseload"].isel(year=-1).sel(service=EFFECT)
    total = observed.sel(service=EFFECT, area=stock["area"].values) + parts.sel(service=EFFECT).sum("component")
    np.testing.assert_allclose(total.transpose(*stock.dims), stock, rtol=1e-12)
    paired = choice.node("decision/outcomes")["difference"].isel(year=-1)
    np.testing.assert_allclose(parts.sel(component="scenario").transpose(*paired.dims), paired, atol=1e-12)
    assert (parts.sel(scenario="baseline", component="scenario") == 0).all()
    # What factors do together is small beside what they do: demand does not follow the random drift of need, and no part holds it.
    mean = abs(parts.sel(service="referrals", scenario="baseline").mean("draw"))
    assert (mean.sel(component="interaction") < 0.1 * mean.sel(component="population")).all()


def test_it_is_saved_and_read_again(choice: Result, tmp_path: Path) -> None:
    found = Result.load(choice.save(tmp_path / "result.nc"))
    assert found.data.equals(choice.data)
    assert found.node("decision/change").attrs == choice.node("decision/change").attrs


def test_the_answer_is_the_same_again(future: Result, choice: Result) -> None:
    again = jm.compare(
        future,
        discount=src.load_discount_schedule("green_book_2026"),
        effect=EFFECT,
        thresholds=THRESHOLDS,
        information=True,
        waterfall=True,
        cashable={"looked_after": 0.25},
    )
    assert again.equals(choice)


def test_break_even_and_payback(future: Result, choice: Result) -> None:
    """At its break-even cost early help costs nothing on balance; payback is where the discounted sum of savings passes zero."""
    money, plain = choice.node("decision/agencies"), choice.node("decision/choice")
    most = money["break_even_cost"].sel(scenario="more")
    assert money["break_even_cost"].sel(scenario="idle").isnull().all()
    factors = (1.035 ** -np.arange(4.0))[:, None, None]
    families = (choice.node("decision/outcomes")["families_helped"].sel(scenario="more") * factors).sum("year")
    np.testing.assert_allclose(plain["net_cost"].sel(scenario="more"), families * (1500 - most), rtol=1e-9, atol=1e-6)
    node = choice.node("demand/expected")["expected_count"]
    fewer = (node.sel(scenario="baseline") - node.sel(scenario="more")).transpose("service", "year", "area", "draw")
    weeks = 365.25 / 7
    unit = {c["service"]: c["amount"] for c in choice.provenance["pathway"]["unit_costs"]}
    helped = choice.node("demand/expected")["expected_families_helped"]
    yearly = -1500 * (helped.sel(scenario="more") - helped.sel(scenario="baseline")).values
    for service, stock in (("social_work", "child_in_need_at_31_march"), ("looked_after", EFFECT)):
        at_end = fewer.sel(service=stock).values
        yearly = yearly + (at_end + np.concatenate([np.zeros_like(at_end[:1]), at_end[:-1]])) / 2 * weeks * unit[service]
    yearly = yearly * factors
    found = plain["payback"].sel(scenario="more").values
    np.testing.assert_array_equal(np.isnan(found), yearly.sum(0) < 0)
    dearer = jm.compare(future, optimism_bias={"early_help": 0.5}).node("decision/costs")["cost_difference"]
    usual = choice.node("decision/costs")["cost_difference"]
    np.testing.assert_allclose(dearer.sel(service="early_help"), usual.sel(service="early_help") * 1.5, rtol=1e-12)
    assert dearer.sel(service="looked_after").equals(usual.sel(service="looked_after"))
    with pytest.raises(InputError, match="optimism bias of early_help is -1"):
        jm.compare(future, optimism_bias={"early_help": -1})
    with pytest.raises(UnknownNameError, match="early_help"):
        jm.compare(future, optimism_bias={"early_halp": 0.1})


def test_each_agency_pays_its_own(now: Result) -> None:
    costs = (
        UnitCost("looked_after", 2000.0, "week", "2024-25", "synthetic"),
        UnitCost("social_work", 170.0, "week", "2024-25", "synthetic"),
        UnitCost("early_help", 1500.0, "family helped", "2024-25", "synthetic", agency="health"),
    )
    pathway = replace(examples.pathway(), unit_costs=costs)
    found = jm.compare(jm.project(now, examples.projection(now), pathway, [scenarios()[2]], years=2), cashable={"early_help": 1.0})
    by_service, money = found.node("decision/costs")["cost_difference"], found.node("decision/agencies")
    assert [str(a) for a in money["agency"].values] == ["local authority", "health"]
    helped = by_service.sel(service="early_help").values
    np.testing.assert_array_equal(money["cost_by_agency"].sel(agency="health").values, helped)
    others = by_service.sel(service=["looked_after", "social_work"]).sum("service").values
    np.testing.assert_allclose(money["cost_by_agency"].sel(agency="local authority").values, others, rtol=1e-12)
    assert (money["cashable_difference"].sel(agency="local authority") == 0).all()
    np.testing.assert_array_equal(money["cashable_difference"].sel(agency="health").values, helped)


def test_prices_of_one_year(now: Result) -> None:
    old = (UnitCost("looked_after", 2000.0, "week", "2022-23", "synthetic"), UnitCost("social_work", 170.0, "week", "2024-25", "synthetic"))
    pathway = replace(examples.pathway(), unit_costs=old)
    future = jm.project(now, examples.projection(now), pathway, [scenarios()[1]], years=2)
    index = {"2022-23": 90.0, "2024-25": 100.0, "2026-27": 104.0}
    with pytest.raises(InputError, match=r"prices of 2022-23, 2024-25.*one price year"):
        jm.compare(future)
    with pytest.raises(InputError, match="give deflators"):
        jm.compare(future, price_year="2024-25")
    with pytest.raises(InputError, match="does not reach 2022-23"):
        jm.compare(future, price_year="2024-25", deflators={"2024-25": 100.0})
    with pytest.raises(InputError) as error:
        jm.compare(future, price_year="2030-31", deflators={"2023-24": 100.0}, optimism_bias={"looked_after": -1})
    text = str(error.value)
    for part in (
        "4 problems",
        "does not reach 2022-23",
        "does not reach 2024-25",
        "does not reach 2030-31",
        "optimism bias of looked_after",
    ):
        assert part in text, part
    bare = jm.project(now, examples.projection(now), replace(pathway, unit_costs=()), [scenarios()[1]], years=2)
    with pytest.raises(InputError, match="no unit costs"):
        jm.compare(bare, cashable={"looked_after": 0.2})
    found = jm.compare(future, price_year="2026-27", deflators=index).node("decision/costs")
    usual = jm.compare(future, price_year="2024-25", deflators=index).node("decision/costs")
    np.testing.assert_allclose(found["cost_difference"], usual["cost_difference"] * 1.04, rtol=1e-12)
    assert found.attrs["price_year"] == "2026-27"
    one = jm.compare(jm.project(now, examples.projection(now), examples.pathway(), [scenarios()[1]], years=2)).node("decision/costs")
    ratio = usual["cost_difference"].sel(service="looked_after", scenario="hubs") / one["cost_difference"].sel(
        service="looked_after", scenario="hubs"
    )
    np.testing.assert_allclose(ratio.isel(year=-1), 2000 / 0.9 / 2100, rtol=1e-12)


def test_a_choice_that_cannot_be_made_says_all_that_is_missing(now: Result, future: Result) -> None:
    free = jm.project(now, examples.projection(now), examples.pathway(), [scenarios()[1]], years=2)
    with pytest.raises(InputError) as error:
        jm.compare(free, thresholds=[-5, 3, 3], information=True)
    text = str(error.value)
    for part in ("4 problems", "without an effect", "a threshold of -5", "each once", "look free"):
        assert part in text, part
    with pytest.raises(InputError, match="no unit costs"):
        jm.compare(
            jm.project(now, examples.projection(now), replace(examples.pathway(), unit_costs=()), [scenarios()[0]], years=2), effect=EFFECT
        )
    with pytest.raises(InputError, match="information is valued at a threshold"):
        jm.compare(future, effect=EFFECT, information=True)
    with pytest.raises(UnknownNameError, match="looked_after_at_31_march"):
        jm.compare(future, effect="looked_after_at_31_mars")
    with pytest.raises(UnknownNameError, match="hubs"):
        jm.compare(future, to="hub")
    with pytest.raises(InputError, match="cashable share of looked_after is 3"):
        jm.compare(future, cashable={"looked_after": 3})
    with pytest.raises(UnknownNameError, match="looked_after"):
        jm.compare(future, cashable={"looked_aftr": 0.3})
    with pytest.raises(InputError, match="before the base year"):
        jm.compare(future, discount=0.035, discount_base="2030-31")


def test_places_of_early_help_go_where_they_reach_most(now: Result) -> None:
    """Need by ward in every draw, straight from a result: within the budget, and no fewer than by children or as now."""
    need = now.draws("any_risk", "ward")
    children = now.summary("any_risk", by="area", level="ward")["children"].to_numpy()
    found = allocate(need.values, 60_000, 1500, 12, 1, children_per_unit=1.8, population=children, current=np.arange(need.sizes["area"]))
    assert found.best.units.shape == (need.sizes["area"],)
    assert found.best.spent <= 60_000
    for other in (found.by_population, found.by_current):
        assert other is not None
        assert other.value <= found.best.value
        assert other.units.sum() == found.best.units.sum() == 40


def test_process_noise_does_not_move_a_decision(now: Result) -> None:
    """With rates that walk by themselves or without: the same EVPI, EVPPI, frontier and payback; what may happen differs."""
    walking = examples.pathway().with_early_help(200, unit_cost=1500)
    still = replace(walking, parameters={n: replace(p, yearly_sd=0.0) for n, p in walking.parameters.items()})
    asked = {"effect": EFFECT, "thresholds": THRESHOLDS, "information": True}
    one, two = (jm.compare(jm.project(now, examples.projection(now), p, scenarios()[:2], years=3), **asked) for p in (walking, still))
    for path in ("choice", "plane", "acceptability", "tornado", "information/at_50000"):
        node = one.node(f"decision/{path}")
        if path != "information/at_50000":
            assert node.attrs["process_noise"] == "averaged out"
        assert node.identical(two.node(f"decision/{path}")), path
    assert one.node("decision/agencies")["break_even_cost"].identical(two.node("decision/agencies")["break_even_cost"])
    assert not one.node("decision/outcomes").equals(two.node("decision/outcomes"))
    without = jm.project(now, examples.projection(now), walking, scenarios()[:2], years=3, average_noise=False)
    assert jm.compare(without).node("decision/outcomes").equals(one.node("decision/outcomes"))
    with pytest.raises(InputError, match="average_noise=True"):
        jm.compare(without, effect=EFFECT)


def test_the_mean_of_the_walk_stands_for_the_mean_over_walks() -> None:
    """On many walks of the same parameters: the run at the mean of the walk is their mean, but for curvature of a hundredth or so."""
    now = jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=1500)
    pathway = examples.pathway().with_early_help(200, unit_cost=1500)
    fixed = replace(pathway, parameters={n: replace(p, sd=0.0) for n, p in pathway.parameters.items()})
    future = jm.project(now, examples.projection(now), fixed, [scenarios()[2]], years=4)
    walked = future.node("demand/caseload")["caseload"].sel(service=EFFECT).isel(year=-1)
    mean = future.node("demand/expected")["expected_count"].sel(service=EFFECT).isel(year=-1)
    error = walked.std("draw") / np.sqrt(1500)
    assert (abs(walked.mean("draw") - mean.mean("draw")) < 4 * error + 0.015 * mean.mean("draw")).all()
    gained, expected = (x.sel(scenario="more") - x.sel(scenario="baseline") for x in (walked, mean))
    error = gained.std("draw") / np.sqrt(1500)
    assert (abs(gained.mean("draw") - expected.mean("draw")) < 4 * error + 0.02 * abs(expected.mean("draw"))).all()


def test_whole_children_do_not_move_a_decision() -> None:
    """In a layout, children drawn one by one change what may happen and not what is decided."""
    now = jm.estimate(src.load_population("Rutland"), src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=40)
    pathway = src.load_pathway("Rutland", layout="early_help_and_cin").with_early_help(80, unit_cost=2000)
    more = jm.Scenario("more", reason="test").add("early_help.reach", 20, "2026-04")
    one, two = (
        jm.compare(
            jm.project(now, src.load_projection("Rutland"), pathway, [more], years=2, process_noise=noise), effect=EFFECT, thresholds=[5e4]
        )
        for noise in (False, True)
    )
    for path in ("choice", "acceptability"):
        assert one.node(f"decision/{path}").identical(two.node(f"decision/{path}")), path
    assert not one.node("decision/outcomes").equals(two.node("decision/outcomes"))


def test_costs_by_transition_and_by_who_pays(now: Result) -> None:
    """An enquiry costs each time, a placement change so often a child-year, a stock by the week; fixed and marginal add up."""
    costs = (
        UnitCost("section_47_enquiries", 900.0, "enquiry", "2024-25", "synthetic"),
        UnitCost("assessments", 500.0, "assessment", "2024-25", "synthetic"),
        UnitCost("placement_change", 3000.0, "change", "2024-25", "synthetic", of="looked_after_at_31_march", times=0.4),
        UnitCost("health_of_children_in_care", 20.0, "week", "2024-25", "synthetic", agency="NHS", of="looked_after_at_31_march"),
        UnitCost("early_help", 1500.0, "family helped", "2024-25", "synthetic"),
    )
    pathway = replace(examples.pathway(), unit_costs=costs)
    future = jm.project(now, examples.projection(now), pathway, [scenarios()[2]], years=2)
    shares = {"section_47_enquiries": 0.3, "health_of_children_in_care": 1.0}
    found = jm.compare(future, fixed=shares, cost_uncertainty={"early_help": 0.2})
    money, moved = found.node("decision/costs")["cost_difference"], found.node("decision/outcomes")["difference"]
    np.testing.assert_allclose(money.sel(service="section_47_enquiries"), 900 * moved.sel(service="section_47_enquiries"), rtol=1e-12)
    assessed = moved.sel(service=["referrals_assessed_not_in_need", "child_in_need_started"]).sum("service")
    np.testing.assert_allclose(money.sel(service="assessments"), 500 * assessed, rtol=1e-12, atol=1e-9)
    first = moved.sel(service=EFFECT).isel(year=0) / 2
    np.testing.assert_allclose(money.sel(service="placement_change").isel(year=0), first * 0.4 * 3000, rtol=1e-12, atol=1e-9)
    by_week = first * 20 * 365.25 / 7
    np.testing.assert_allclose(money.sel(service="health_of_children_in_care").isel(year=0), by_week, rtol=1e-12, atol=1e-9)
    helped = money.sel(service="early_help", scenario="more").isel(year=1, area=0).values
    families = found.node("decision/outcomes")["families_helped"].sel(scenario="more").isel(year=1, area=0)
    each = helped / families.values
    assert each.std() / each.mean() == pytest.approx(0.2, rel=0.2)
    assert each.mean() == pytest.approx(1500, rel=0.06)
    node = found.node("decision/agencies")
    assert node.attrs["not_costed"] == "schools, police, voluntary sector, justice"
    both = node["fixed_difference"] + node["marginal_difference"]
    split = money.sel(service="section_47_enquiries").values
    np.testing.assert_allclose(both.sel(agency="local authority"), split, rtol=1e-12)
    np.testing.assert_allclose(node["marginal_difference"].sel(agency="local authority"), 0.7 * split, rtol=1e-12)
    assert (node["marginal_difference"].sel(agency="NHS") == 0).all()
    with pytest.raises(InputError) as error:
        jm.compare(future, fixed={"assessments": 0.8, "early_help": 2}, cashable={"assessments": 0.3}, cost_uncertainty={"early_help": -1})
    for part in ("3 problems", "0.3 is cashable and 0.8 is fixed", "fixed share of early_help is 2", "uncertainty of early_help"):
        assert part in str(error.value), part
    with pytest.raises(UnknownNameError, match="assessments"):
        jm.compare(future, fixed={"assessment": 0.5})
    odd = replace(pathway, unit_costs=(UnitCost("placements", 3000.0, "change", "2024-25", "synthetic", of="looked_after_at_31_marsh"),))
    with pytest.raises(InputError, match="such as looked_after_at_31_march"):
        jm.compare(jm.project(now, examples.projection(now), odd, [scenarios()[2]], years=2))


def test_a_scenario_whose_cost_is_not_known_is_no_choice(now: Result) -> None:
    """Less need at no price would be best at any threshold; with a cost of its own, a year in force, it is weighed like the others."""
    pathway = examples.pathway().with_early_help(200, unit_cost=1500)
    less = jm.Scenario("less", reason="t").scale("need.affected", 0.8, "2026-10", "2027-03")
    future = jm.project(now, examples.projection(now), pathway, [*scenarios(), less], years=4)
    plain = jm.compare(future, effect=EFFECT, thresholds=THRESHOLDS)
    assert [str(s) for s in plain.node("decision/choice")["scenario"].values] == ["baseline", "idle", "hubs", "more"]
    assert plain.node("decision/choice").attrs["without_cost"] == "less"
    own = UnitCost("outreach", 60_000, "a year in force", "2024-25", "t", agency="NHS", of="less")
    costed = jm.project(
        now, examples.projection(now), replace(pathway, unit_costs=(*pathway.unit_costs, own)), [*scenarios(), less], years=4
    )
    found = jm.compare(costed, effect=EFFECT, thresholds=THRESHOLDS)
    assert "less" in found.node("decision/choice")["scenario"].values
    assert found.node("decision/choice").attrs["without_cost"] == ""
    spent = found.node("decision/agencies")["cost_by_agency"].sel(agency="NHS")
    # Nothing in 2025-26; from October 2026 a ramp of six months, of which 1/6 to 6/6 have come; then all of it.
    expected = 60_000 * np.array([0.0, 3.5 / 12, 1.0, 1.0])
    np.testing.assert_allclose(spent.sel(scenario="less").isel(area=0).mean("draw"), expected, rtol=1e-12)
    assert not spent.sel(scenario=["idle", "hubs", "more", "baseline"]).values.any()
    against = jm.compare(costed, to="less").node("decision/agencies")["cost_by_agency"].sel(agency="NHS", scenario="baseline")
    np.testing.assert_allclose(against.isel(area=0).mean("draw"), -expected, rtol=1e-12)
    with pytest.raises(InputError, match="spent on 'lesser'"):
        jm.compare(jm.project(now, examples.projection(now), replace(pathway, unit_costs=(replace(own, of="lesser"),)), [less], years=2))
