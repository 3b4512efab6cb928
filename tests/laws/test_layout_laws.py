"""Laws 5, 11 and 12 for the projection with a layout, on a synthetic pathway; steady need and rates reproduce the base year."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest

import jsna_model as jm
from data_sources.pathway_layout import load_layout
from jsna_model.draws import process_noise
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.layout import OPEN, STATES, compile_layout
from jsna_model.methods.network import Rates
from jsna_model.methods.stock_flow import imbalance, simulate
from jsna_model.pathway import FLOWS, STOCKS, Pathway
from jsna_model.result import Result
from jsna_model.verbs.layout_rates import base_rates
from jsna_model.verbs.layout_run import Outcome, Setup, compiled, run_layout, with_layout
from tests import examples
from tests.oracle import Setting, lives

VALUES = {n: p.value for n, p in load_layout().items()}
SAME = jm.Scenario("same", reason="t")
HUBS = jm.Scenario("hubs", reason="t").add("early_help.reach", 20, "2026-04", "2027-04")
QUICK = jm.Scenario("quick", reason="t").scale("early_help.closure_rate", 1.5, "2026-04")


def pathway(**changes: float) -> Pathway:
    return replace(examples.pathway(), layout=load_layout(changes))


def setup(draws: int = 3, years: int = 3, scale: float = 1.0, still: bool = True, **changes: float) -> Setup:
    """One authority with steady need, and no uncertainty of parameters where `still`."""
    base = examples.pathway()
    counts = {str(s): scale * float(v) for s, v in base.observed["observed"].isel(area=0).to_series().items()}
    values = VALUES | changes
    ages = np.ones(19)
    ages[[0, 18]] = 0.5
    patterns = np.array([0.8, 0.1, 0.07, 0.03])
    children = np.broadcast_to((ages * 700)[None, :, None, None] * patterns[:, None], (years + 1, 19, 4, draws))
    need = children * 4.0 ** np.array([0, 1, 1, 2])[:, None]
    found = base_rates(counts, values, need[0].sum(1).mean(-1))
    own = with_layout(base, found, load_layout(changes))
    if still:
        own = replace(own, parameters={n: replace(p, sd=0.0, yearly_sd=0.0) for n, p in own.parameters.items()})
    return Setup("E06000000", counts, found, values, need, children.sum(1), children[:, :, 1:].sum((1, 2)), own, "2025-04", 5)


def total(outcome: Outcome, state: str) -> np.ndarray:
    return outcome.closing[:, list(STATES).index(state)]


def test_steady_need_and_rates_reproduce_the_base_year() -> None:
    """Every published flow and stock comes back, but for ends, which a steady state sets equal to starts (the inverse test)."""
    given = setup()
    assert given.base.discrepancy == {}
    found = run_layout(given, [jm.Scenario("baseline")]).published
    for name in (*FLOWS, *STOCKS):
        want = given.counts[{"child_in_need_ended": "child_in_need_started", "looked_after_ceased": "looked_after_started"}.get(name, name)]
        assert np.allclose(found[name], want, rtol=0.005), name


def test_the_first_year_opens_with_the_published_stocks() -> None:
    outcome = run_layout(setup(), [jm.Scenario("baseline")])
    names = list(STATES)
    assert np.allclose(outcome.opening[0, [names.index(s) for s in OPEN]].sum(0), 420, rtol=1e-12)
    noisy = run_layout(setup(), [jm.Scenario("baseline")], noise=True)
    assert np.array_equal(noisy.opening, np.floor(noisy.opening))
    assert np.allclose(noisy.opening[0, [names.index(s) for s in OPEN]].sum(0), 420, atol=1.001)


@pytest.mark.parametrize("noise", [True, False])
def test_law_12_and_law_5(noise: bool) -> None:
    outcome = run_layout(setup(still=False), [jm.Scenario("baseline"), SAME, HUBS], noise=noise, family_help_from="2027-04")
    assert imbalance(outcome.opening, outcome.entries, outcome.exits, outcome.closing) < 1e-9
    assert np.allclose(outcome.opening[1:], outcome.closing[:-1], rtol=1e-12)
    for values in (outcome.closing, *outcome.published.values(), *outcome.flow.values()):
        assert np.array_equal(values[..., 0, :], values[..., 1, :])
        assert np.array_equal(values[0, ..., 0, :], values[0, ..., 2, :])
    assert not np.array_equal(outcome.closing[..., 0, :], outcome.closing[..., 2, :])


def test_process_noise_has_the_mean_of_expected_flows() -> None:
    """On many draws, within four and a half standard errors; the model is linear but for who is not yet known."""
    given = setup(draws=320)
    noisy = run_layout(given, [jm.Scenario("baseline")], noise=True)
    plain = run_layout(given, [jm.Scenario("baseline")])
    for name in (*FLOWS, *STOCKS):
        a, b = noisy.published[name][:, 0], plain.published[name][:, 0]
        assert np.all(np.abs(a.mean(-1) - b.mean(-1)) < 4.5 * a.std(-1) / np.sqrt(320) + 0.01 * b.mean(-1)), name
    # Siblings enter together: referrals vary more than Poisson ones would.
    assert noisy.published["referrals"].var() > 1.2 * 600


def test_a_full_early_help_makes_a_queue_and_infinite_places_do_not() -> None:
    free = run_layout(setup(years=4), [jm.Scenario("baseline")])
    full = run_layout(setup(years=4, **{"early_help.places": 60.0}), [jm.Scenario("baseline")])
    huge = run_layout(setup(years=4, **{"early_help.places": 1e8}), [jm.Scenario("baseline")])
    assert (free.waiting_months == 0).all()
    assert np.array_equal(free.closing, huge.closing)
    assert (total(full, "early_help")[-1] <= 60 + 1e-9).all()
    assert (total(full, "early_help_waiting")[-1] > 10).all()
    assert (full.waiting_months[-1] > 0.5).all()
    assert (full.flow["early_help_dropped_out"][-1] > 0).all()


def test_fewer_families_are_taken_alike_from_every_way_into_early_help() -> None:
    cut = jm.Scenario("cut", reason="t").scale("early_help.reach", 0.4, "2025-04")
    found = run_layout(setup(years=2), [jm.Scenario("baseline"), cut])
    accepted = found.flow["early_help_accepted"][0].mean(-1)
    assert accepted[1] / accepted[0] == pytest.approx(0.4, abs=0.03)
    assert found.flow["closed_without_help"][0, 1].mean() > 1.5 * found.flow["closed_without_help"][0, 0].mean()


@pytest.mark.parametrize(("effect", "low", "high"), [(0.0, 0.99, 1.01), (-1.0, 0.9, 0.996), (1.0, 1.004, 1.3)])
def test_early_help_after_a_closed_referral_changes_returns_by_its_effect_alone(effect: float, low: float, high: float) -> None:
    """Whoever is followed up returns as others do times the ratio of the effect: nothing falls by construction."""
    given = setup(years=4)
    names = {n: 0.0 for n in given.pathway.parameters if n.startswith("early_help.effect.")} | {"early_help.effect.re_referral": effect}
    own = {n: replace(given.pathway.parameters[n], value=v) for n, v in names.items()}
    given = replace(given, pathway=replace(given.pathway, parameters={**given.pathway.parameters, **own}))
    followed = jm.Scenario("followed", reason="t").set("referral.follow_up_share", 0.5, "2025-04")
    found = run_layout(given, [jm.Scenario("baseline"), followed])
    ratio = found.flow["re_referral"][-1, 1].mean() / found.flow["re_referral"][-1, 0].mean()
    assert low < ratio < high, ratio
    # Detection: some of those in early help step up, so that assessments do not fall.
    stepped = found.flow["early_help_stepped_up"][-1].mean(-1)
    assert stepped[1] > stepped[0]


@pytest.mark.parametrize("noise", [True, False])
def test_returns_after_no_help_are_part_of_all_returns(noise: bool) -> None:
    """All of the recently closed come back at one hazard, so that those closed without help are of returns what they are of closures."""
    found = run_layout(setup(draws=20, years=3), [jm.Scenario("baseline")], noise=noise).flow
    part, whole = (found[n].mean(-1) for n in ("returned_after_no_help", "re_referral"))
    assert (part < whole).all()
    closed = sum(found[n].mean(-1) for n in ("closed_without_help", "assessed_closed_without_help"))
    # Steady rates: their share of returns is their share of closures; those who step down to early help or reach 18 are left in the latter.
    share = closed / (closed + found["episode_ended"].mean(-1))
    assert np.allclose(part / whole, share, atol=0.12)


def test_what_happens_while_waiting_changes_what_comes_after() -> None:
    calm = run_layout(setup(years=4, **{"early_help.places": 40.0}), [jm.Scenario("baseline")])
    worse = run_layout(setup(years=4, **{"early_help.places": 40.0, "early_help.waiting_step_up": 5.0}), [jm.Scenario("baseline")])
    assert (worse.flow["early_help_stepped_up"][-1] > 1.3 * calm.flow["early_help_stepped_up"][-1]).all()


def test_the_change_to_family_help_moves_children_and_few_flows() -> None:
    apart = run_layout(setup(years=4), [jm.Scenario("baseline")])
    one = run_layout(setup(years=4), [jm.Scenario("baseline")], family_help_from="2027-04")
    assert np.array_equal(apart.closing[:2], one.closing[:2])
    assert (total(one, "early_help")[2:] == 0).all()
    assert (total(one, "child_in_need")[2:] == 0).all()
    for state in ("early_help", "child_in_need"):
        assert np.allclose(one.exits[2, list(STATES).index(state)], total(apart, state)[1], rtol=1e-12)
    for name in (*FLOWS, *STOCKS):
        if name != "child_in_need_ended":  # step-downs are within the service now, and not ends of an episode
            assert np.allclose(one.published[name][2:], apart.published[name][2:], rtol=0.05), name


def test_counts_that_cannot_be_are_refused_all_at_once() -> None:
    counts = dict(setup().counts) | {"looked_after_at_31_march": 400.0, "referrals_no_further_action": 900.0}
    with pytest.raises(InputError, match="2 problems"):
        base_rates(counts, VALUES, np.ones(19))


def test_more_plans_than_conferences_are_named() -> None:
    counts = dict(setup().counts) | {"child_protection_plan_started": 80.0}
    found = base_rates(counts, VALUES, np.ones(19))
    assert "make no shares" in found.notes[0]
    assert found.rates["conference.plan_share"] == 1


def test_projecting_with_a_layout_gives_what_reports_read(result: Result) -> None:
    scenarios = [HUBS, QUICK]
    plain = jm.project(result, examples.projection(result), examples.pathway(), [HUBS], years=3)
    found = jm.project(result, examples.projection(result), pathway(), scenarios, years=3)
    for path in ("demand/flows", "demand/caseload", "demand/population", "demand/observed"):
        assert set(plain.node(path).data_vars) == set(found.node(path).data_vars), path
    states = found.node("demand/states")
    assert imbalance(*(states[v].values for v in ("opening", "entries", "exits", "closing"))) < 1e-9
    extra = found.node("demand/pathway")
    assert {"pathway_flow", "pathway_flow_affected", "waiting_months"} == set(extra.data_vars)
    flows = extra["pathway_flow_affected"]
    assert bool(((flows <= extra["pathway_flow"] + 1e-9) | flows.isnull()).all())
    assert flows.sel(service="referral").notnull().all()
    assert flows.sel(service="early_help_admitted").isnull().all()
    closed = found.node("demand/closed")["closed_without_help"].sum(("age_band", "pattern"))
    counted = extra["pathway_flow"].sel(scenario="baseline")
    assert np.allclose(closed, counted.sel(service=["closed_without_help", "assessed_closed_without_help"]).sum("service"), rtol=1e-12)
    known = found.node("demand/known")
    assert np.allclose(known["affected_any"].values, found.node("demand/population")["affected_projected"].values, rtol=1e-12)
    assert list(known["year"].values) == ["2024-25", *extra["year"].values]
    for part, whole in (("known_affected", "known_children"), ("known_two_or_more", "known_affected")):
        assert bool((known[part] <= known[whole] + 1e-9).all())
    opening = known["known_children"].isel(year=0)
    assert np.allclose(
        opening.sel(service="looked_after"),
        found.node("demand/observed")["observed"].sel(service="looked_after_at_31_march", area=opening["area"]).values[None, :, None],
    )
    layout = found.provenance["pathway"]["layout"]
    assert layout["layout"] == "early_help_and_cin"
    assert set(layout["rates"]) == {"E06000000", "E06000001"}
    jm.compare(found)


def test_a_scenario_may_change_what_the_layout_holds_and_only_that(result: Result) -> None:
    projection = examples.projection(result)
    wrong = jm.Scenario("wrong", reason="t").scale("early_help.closure_rates", 2, "2026-04")
    with pytest.raises(UnknownNameError, match=r"early_help\.closure_rate"):
        jm.project(result, projection, pathway(), [wrong], years=2)
    with pytest.raises(UnknownNameError):
        jm.project(result, projection, examples.pathway(), [QUICK], years=2)
    with pytest.raises(InputError, match="process noise needs a layout"):
        jm.project(result, projection, examples.pathway(), years=2, process_noise=True)


@pytest.mark.parametrize(
    ("parameter", "by", "count", "low", "high"),
    [
        ("referral.rate", 1.2, "referrals", 1.15, 1.25),
        ("front_door.acceptance", 0.5, "child_in_need_started", 0.6, 0.95),
        # Who is not found in need was assessed all the same: enquiries from assessments stay, and those from children in need are fewer.
        ("front_door.acceptance", 0.5, "referrals_assessed_not_in_need", 1.05, 1.6),
        ("front_door.acceptance", 0.5, "section_47_enquiries", 0.8, 0.999),
        ("front_door.acceptance", 0.5, "looked_after_started", 0.8, 0.999),
        ("plan.start_rate", 1.5, "child_protection_plan_started", 1.35, 1.55),
        ("plan.end_rate", 1.5, "child_protection_plan_at_31_march", 0.6, 0.9),
        ("care.start_rate", 1.5, "looked_after_started", 1.35, 1.55),
        ("care.end_rate", 1.5, "looked_after_at_31_march", 0.6, 0.95),
        ("in_need.closure_rate", 1.5, "child_in_need_at_31_march", 0.7, 0.95),
        ("section_47.rate", 1.1, "section_47_enquiries", 1.08, 1.12),
        ("section_47.rate", 1.1, "child_protection_plan_started", 0.98, 1.02),
        ("conference.rate", 1.1, "initial_child_protection_conferences", 1.08, 1.12),
        ("conference.rate", 1.1, "child_protection_plan_started", 0.98, 1.02),
        ("child_in_need.care_rate", 2.0, "looked_after_started", 1.2, 1.4),
    ],
)
def test_scenarios_of_either_kind_move_what_they_name(parameter: str, by: float | None, count: str, low: float, high: float) -> None:
    plain = jm.Scenario("change", reason="t")
    change = plain.set(parameter, 0.3, "2025-04") if by is None else plain.scale(parameter, by, "2025-04")
    found = run_layout(setup(years=2), [jm.Scenario("baseline"), change]).published[count]
    ratio = float((found[1, 1] / found[1, 0]).mean())
    assert low < ratio < high, ratio


def test_shares_that_a_scenario_takes_above_one_are_refused() -> None:
    more = jm.Scenario("more", reason="t").scale("conference.rate", 4, "2025-04")
    with pytest.raises(InputError, match=r"section_47\.conference_share goes"):
        run_layout(setup(years=1), [jm.Scenario("baseline"), more])


def test_the_layout_runs_as_individual_children_do() -> None:
    """All 17 states at calibrated rates, a small authority, two years: mean and variance of every state, siblings entering together."""
    given, layout = setup(scale=0.2), compile_layout("early_help_and_cin")
    rates, names = given.base.rates, list(STATES)
    hazards: dict[str, dict[str | None, float]] = {s: {} for s in names}
    for r in layout.routes:
        hazards[r.origin][r.to] = hazards[r.origin].get(r.to, 0.0) + float(r.value(rates))
    entering = {r: float(r.value(rates)) for r in layout.entries if r.to is not None}
    streams: dict[str, float] = {}
    for r, mean in entering.items():
        streams[str(r.to)] = streams.get(str(r.to), 0.0) + mean
    opening = {"child_in_need": 25, "plan_0_3": 3, "looked_after": 14, "closed_3_12": 30, "early_help": 20, "assessment": 5}
    setting = Setting(
        hazards,
        streams.pop("assessment"),
        "assessment",
        24,
        streams,
        opening=opening,
        dispersion=2.0,
        queue="early_help_waiting",
        service="early_help",
        places=25,
    )
    truth = lives(setting, 120)
    draws = 1500
    stock = np.zeros((len(names), 1, 1, draws))
    for state, n in opening.items():
        stock[names.index(state)] = n
    network = replace(layout.network, at_18={})
    cell = np.ones((1, 1, 1))
    moving = Rates(
        tuple(float(r.value(rates)) * cell for r in layout.routes),
        tuple(float(r.value(rates)) * cell for r in layout.events),
        tuple(float(r.value(rates)) * cell for r in layout.entries),
        {"early_help": np.asarray(25.0)},
    )
    noise = process_noise(3, "layout oracle", draws)
    *_, last = simulate(network, stock, repeat(moving, 24), noise=noise, dispersion=2.0, kernel=compiled(noise=True))
    for i, state in enumerate(names):
        x, y = np.array(truth[state])[:, -1], last.closing[i, 0]
        assert abs(x.mean() - y.mean()) <= 4 * np.sqrt(x.var() / x.size + y.var() / y.size) + 1e-9, (state, x.mean(), y.mean())
        if y.mean() > 1:
            assert 0.55 < x.var() / y.var() < 1.6, (state, x.var(), y.var())
