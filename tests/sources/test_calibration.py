"""Rates pooled over all authorities, on published counts: what is told by an authority's own, what by the others, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit, logit

import data_sources as src
import jsna_model as jm
from benchmarks.calibration import PRIORS, RESULTS, fit_table, identified
from data_sources.pathway_layout import load_layout
from jsna_model.errors import InputError
from jsna_model.result import Result
from jsna_model.verbs.calibrate import ENDS, FLOWS, STOCKS, YearCounts, check_counts, panel_counts, pooled, year_counts
from jsna_model.verbs.decision_sources import inputs
from jsna_model.verbs.decisions import groups
from jsna_model.verbs.layout_posterior import rate_draws
from jsna_model.verbs.layout_rates import base_rates
from jsna_model.verbs.project import LAYOUT_NEEDS, _counts
from tests import examples
from tests.laws.test_layout_laws import HUBS, SAME

PATHWAY = src.load_pathway("England")
VALUES = {n: p.value for n, p in load_layout().items()}
FITS = pooled(PATHWAY.observed, VALUES["entries.dispersion"])
AGES = np.array([0.5, *[1.0] * 17, 0.5])


def year(area: str, draws: int = 400, seed: int = 1) -> tuple[YearCounts, dict[str, float]]:
    filled, _ = _counts(PATHWAY, area, LAYOUT_NEEDS)
    return year_counts(PATHWAY.observed, area, filled, FITS, seed, draws), filled


def changed(area: str, **counts: float) -> xr.Dataset:
    data = PATHWAY.observed.copy(deep=True)
    for name, value in counts.items():
        data["observed"].loc[{"area": area, "service": name}] = value
    return data


def estimated(draws: int) -> Result:
    return jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=draws)


def test_a_large_authority_keeps_its_own_counts() -> None:
    """Milton Keynes: the sd of a count is about that of an over-dispersed count, and the data tell every rate."""
    found, counts = year("E06000042", 4000)
    for flow in FLOWS:
        assert found.point[flow.count] == pytest.approx(counts[flow.count], rel=0.03), flow.count
        assert found.draws[flow.count].mean() == pytest.approx(found.point[flow.count], rel=0.01)
        assert found.learned[flow.count]["identified"]
    assert found.draws["referrals"].std() == pytest.approx(np.sqrt(VALUES["entries.dispersion"] * counts["referrals"]), rel=0.05)
    for part, whole in (("re_referrals", "referrals"), ("initial_child_protection_conferences", "section_47_enquiries")):
        assert (found.draws[part] < found.draws[whole]).all()
    assert found.notes == ()


def test_draws_are_by_name_and_place() -> None:
    """Law 5: the same seed gives the same draws, however many are drawn."""
    few, many = year("E06000042", 10)[0], year("E06000042", 30)[0]
    assert all(np.array_equal(few.draws[n], many.draws[n][:10]) for n in few.draws)
    assert not np.array_equal(few.draws["referrals"], year("E06000042", 10, seed=2)[0].draws["referrals"])


def test_the_smallest_authorities_are_pooled_and_say_so() -> None:
    for area, few in (("E09000001", "section_47_enquiries"), ("E06000053", "referrals_no_further_action")):
        found, _ = year(area)
        assert found.learned[few]["data"] == "suppressed"
        assert any(note.startswith(few) and "153 authorities" in note for note in found.notes)
        for flow in STOCKS:
            if np.isnan(float(PATHWAY.observed["observed"].sel(area=area, service=flow.count))):
                assert found.point[flow.count] <= 5
    city = year("E09000001")[0]
    assert city.learned["initial_child_protection_conferences"]["data"] == "prior only"
    assert city.learned["initial_child_protection_conferences"]["contraction"] == pytest.approx(0, abs=1e-6)
    # 15 started, of 847 children: unaccompanied children, unlike any other authority; left as they are, and named.
    assert not city.learned["looked_after_started"]["pooled"]
    assert city.point["looked_after_started"] == pytest.approx(15, abs=1)
    assert any("not pooled" in note for note in city.notes)
    assert year("E06000053")[0].point["looked_after_started"] == 0  # does not apply


def test_what_is_suppressed_is_one_to_five() -> None:
    """England's count (rounded to 10) less all that is published leaves 3.1 for each of the eight that are hidden."""
    row = PATHWAY.observed["observed"].sel(service="referrals_no_further_action")
    left = float(row.sel(area="E92000001")) - float(row.drop_sel(area="E92000001").sum())
    hidden = int(np.isnan(row).sum())
    assert 1 <= (left - 5) / hidden <= (left + 5) / hidden <= 5
    counts = panel_counts(PATHWAY.observed, FLOWS[2])
    assert (counts.known & ~counts.exact).sum() == hidden
    # England's rate, which stood in before, would be thirty times too many.
    assert year("E06000003")[0].point["referrals_no_further_action"] < 6


@pytest.mark.parametrize("area", ["E06000042", "E06000065", "E10000016"])
def test_rates_of_a_draw_are_those_of_its_own_steady_state(area: str) -> None:
    """The chord steps against least squares from the start, for draws out to two sd; a reorganised authority, and one unlike others."""
    found, _ = year(area, 60)
    base = base_rates(found.point, VALUES, AGES)
    moved = rate_draws(base, found.point, found.draws, VALUES, AGES)
    assert {"contact.rate", "referral.no_further_action_share", "care.leave_rate", "plan.end_rate_6_12"} <= set(moved)
    for i in (int(np.argmax(found.draws["child_protection_plan_started"])), int(np.argmin(found.draws["referrals"]))):
        exact = base_rates(found.point | {n: float(v[i]) for n, v in found.draws.items()}, VALUES, AGES).rates
        for name in ("contact.rate", "care.leave_rate", "plan.end_rate_6_12", "child_in_need.closure_rate", "closed.re_referral_rate_3_12"):
            assert base.rates[name] * np.exp(moved[name][i]) == pytest.approx(exact[name], rel=0.02), name


def test_a_known_volume_of_early_help_does_not_follow_referrals() -> None:
    found, _ = year("E06000042", 20)
    known = VALUES | {"early_help.per_referral": 1000 / found.point["referrals"]}
    base = base_rates(found.point, known, AGES)
    fixed = rate_draws(base, found.point, {"referrals": found.draws["referrals"]}, known, AGES, 1000.0)
    follows = rate_draws(base, found.point, {"referrals": found.draws["referrals"]}, known, AGES)
    assert fixed["early_help.request_rate"].std() < follows["early_help.request_rate"].std()


def test_a_projection_draws_its_rates() -> None:
    """Laws 5 and 12 with a panel; stocks of 31 March open every draw; more spread than at point rates, about the same mean."""
    result = estimated(24)
    projection = examples.projection(result)
    point = replace(examples.pathway(), layout=load_layout())
    drawn = replace(point, panel=PATHWAY.observed)
    runs = [jm.project(result, projection, p, [SAME, HUBS], years=2) for p in (point, drawn)]
    flows = [r.node("demand/flows")["flow"].isel(area=0, year=0) for r in runs]
    assert np.array_equal(flows[1].sel(scenario="baseline"), flows[1].sel(scenario="same"))
    one = [f.sel(scenario="baseline", service="child_protection_plan_started") for f in flows]
    assert float(one[1].mean()) == pytest.approx(float(one[0].mean()), rel=0.15)
    assert float(np.log(one[1]).std()) > float(np.log(one[0]).std())
    open_ = [r.node("demand/states")["opening"].isel(area=0, year=0).sel(scenario="baseline").sum("state") for r in runs]
    assert open_[1].shape == open_[0].shape
    again = jm.project(result, projection, drawn, [HUBS], years=2).node("demand/flows")["flow"].isel(area=0, year=0)
    assert np.array_equal(again.sel(scenario="hubs"), flows[1].sel(scenario="hubs"))
    layout = runs[1].provenance["pathway"]["layout"]
    assert layout["pooled"]["referrals"]["areas"] == 153
    assert layout["learned"]["E06000001"]["referrals"]["identified"]
    assert runs[0].provenance["pathway"]["layout"]["pooled"] == {}
    # What the year's counts do not tell is a source of variance of its own: the streams that its rates were drawn with.
    first, second = (inputs(r, "E06000001", {}) for r in runs)
    assert "calibration" not in first
    flows_drawn = list(layout["learned"]["E06000001"])
    assert second["calibration"].shape == (len(flows_drawn), 24)
    plans = runs[1].node("demand/expected")["expected_count"].isel(year=0).sel(scenario="baseline", area="E06000001")
    named = groups(runs[1], "E06000001", True)
    assert list(named["base_year_rate"]) == [f"base_year_rate.{f}" for f in flows_drawn]
    assert "base_year_rate" not in groups(runs[0], "E06000001", True)
    cared = plans.sel(service="looked_after_started").values
    assert np.corrcoef(second["calibration"][flows_drawn.index("looked_after_started")], cared)[0, 1] > 0.6


def test_counts_that_cannot_be_are_named_all_at_once() -> None:
    data = changed("E06000042", looked_after_at_31_march=90_000, re_referrals=5000, section_47_enquiries=-1)
    with pytest.raises(InputError, match="4 problems") as caught:
        check_counts(data)
    for text in (
        "Milton Keynes: section_47_enquiries is -1",
        "327 children on a plan and 90,000 looked after are more than the 2,713 in need",
        "90,000 looked after of",
        "5,000 re-referrals of 3,346 referrals",
    ):
        assert text in str(caught.value)
    result, pathway = estimated(4), examples.pathway()
    wrong = pathway.observed.copy(deep=True)
    wrong["observed"].loc[{"service": "child_protection_plan_at_31_march"}] = 1e6
    with pytest.raises(InputError, match="2 problems"):  # each of two authorities, and England's row is left aside
        jm.project(result, examples.projection(result), replace(pathway, observed=wrong), years=1)


def test_plans_above_conferences_are_kept_and_named() -> None:
    data = changed("E06000042", child_protection_plan_started=600)
    filled, _ = _counts(PATHWAY, "E06000042", LAYOUT_NEEDS)
    found = year_counts(data, "E06000042", filled | {"child_protection_plan_started": 600.0}, FITS, 1, 5)
    assert (found.draws["child_protection_plan_started"] == 600).all()
    assert any("is no share" in note for note in found.notes)


def test_what_does_not_reconcile_is_named_with_a_layout() -> None:
    seen, unseen = (src.load_pathway(a, layout="early_help_and_cin").notes for a in ("Milton Keynes", "Middlesbrough"))
    assert any("children in need: over 12 years, the published stock ends each year -6." in n for n in seen)
    assert sum("its own history not having been seen" in n for n in unseen) == 2
    assert not any("not carried on" in n and "discrepancy" in n for n in src.load_pathway("Milton Keynes").notes)


def test_the_committed_table_is_that_of_the_figures() -> None:
    """Counts of all authorities lie in 90% intervals made from all authorities' rates about nine times in ten."""
    import pandas as pd

    # Shares take longer: their fit is checked through the draws above.
    flows = tuple(f for f in (*FLOWS, *STOCKS, *ENDS) if f.scale == "log")
    again, beyond = fit_table(flows)
    table = pd.read_csv(RESULTS / "calibration_fit.csv")
    kept = table[table["flow"].isin([f.count for f in flows])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, kept, atol=0.002, check_dtype=False)
    assert (table["authorities"] + table["prior_only"] == 153).all()
    weighted = float((table["coverage_90_left_out"] * table["authorities"]).sum() / table["authorities"].sum())
    assert weighted == pytest.approx(0.9, abs=0.02)
    assert {"Kent", "City of London"} <= set(beyond["area_name"])


def test_factors_identify_products_and_not_their_parts() -> None:
    import pandas as pd

    table = pd.read_csv(RESULTS / "calibration_products.csv")
    again = identified(PRIORS[:1])
    same = ["prior_sd_ratio", "prior_recording_times", "prior_sd_recording"]
    kept = table[(table[same] == list(PRIORS[0])).all(axis=1)].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, kept, atol=0.002, check_dtype=False)
    assert (table["contraction_product"] > 0.99).all()
    # Which part is narrowed follows from the priors; the two together are not, at most one.
    assert ((table["contraction_ratio"] > 0.5) & (table["contraction_recording"] > 0.5)).sum() == 0
    assert (kept["contraction_ratio"] < 0.5).all()
    assert (table["contraction_interactions"] == 0).all()


def test_a_draw_that_closes_more_referrals_than_are_decided_keeps_shares_below_one() -> None:
    """A share known from the pool alone is drawn up to nearly all referrals; emergencies and births are referrals too, and not decided."""
    found, _ = year("E06000042", 2)
    point = found.point
    draws = {n: np.full(2, point[n]) for n in found.draws}
    draws["referrals_no_further_action"] = np.array([point["referrals_no_further_action"], 0.97 * point["referrals"]])
    draws["referrals_assessed_not_in_need"] = np.array([point["referrals_assessed_not_in_need"], 0.01 * point["referrals"]])
    base = base_rates(point, VALUES, AGES)
    moved = rate_draws(base, point, draws, VALUES, AGES)
    names = ("referral.early_help_share", "referral.no_further_action_share")
    total = sum(expit(logit(base.rates[n]) + moved[n]) for n in names)
    assert total[0] == pytest.approx(sum(base.rates[n] for n in names), rel=1e-2)
    assert 0.9 < total[1] < 1


def test_one_authority_without_a_share_does_not_stop_the_pool() -> None:
    """437 conferences of 307 enquiries were published for one authority: it is named where it acts, and the others are pooled."""
    data = changed("E06000042", initial_child_protection_conferences=2000)
    flow = next(f for f in FLOWS if f.count == "initial_child_protection_conferences")
    fits = pooled(data, VALUES["entries.dispersion"], (flow,))
    assert fits[flow.count].areas == FITS[flow.count].areas - 1
    filled, _ = _counts(PATHWAY, "E06000042", LAYOUT_NEEDS)
    own = year_counts(data, "E06000042", filled | {flow.count: 2000.0}, FITS | fits, 1, 5)
    assert any("is no share" in note or "more than" in note for note in own.notes)
