"""Named conversions: their formulae, the uncertainty that they carry, what they record, and what they refuse."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from math import nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data_sources.evidence as src
from jsna_model import conversions as c
from jsna_model.conversions import Factor
from jsna_model.errors import ConstructError, InputError
from jsna_model.evidence import Evidence, Relevance
from jsna_model.methods.distributions import AGES_SD, GEOGRAPHY_SD, expit, logit, logit_normal_from_interval, quantile_of
from jsna_model.methods.households import children_exposed, concordance_odds_ratio, shares_from_concordance
from tests import examples

Z = quantile_of(0.95)
ONE = Factor(1.0, "taken as known")
#: Pryce et al. 2017: the same child-adult pairs under low and high concordance, and children 0-17 in England in mid-2014.
PRYCE = {"low": (207_617, 14_390), "high": (189_119, 32_887)}
CHILDREN_2014 = 11_535_489


def adult(value: float = 0.05, whose: str = "adult", **changes: Any) -> Evidence:
    made = examples.evidence("synthetic", value, **changes)
    return made.with_(construct=replace(made.construct, whose=whose))


def known(value: float) -> Factor:
    return Factor(value, "synthetic")


def within(value: float, ratio: float) -> Factor:
    return Factor(value, "synthetic", value / ratio, value * ratio)


def mean_sd(e: Evidence) -> tuple[float, float]:
    return logit_normal_from_interval(e.value, e.lower, e.upper, e.level)


# --- factors -------------------------------------------------------------------------------------------------------------------------


def test_a_factor_moves_on_the_log_scale_and_a_share_on_the_logit_scale() -> None:
    ratio, share = Factor(2.0, "synthetic", 1.0, 4.0), Factor(0.5, "synthetic", 0.2, 0.8)
    assert [ratio.at(s) for s in (-Z, 0.0, Z)] == pytest.approx([1.0, 2.0, 4.0])
    assert [share.at(s) for s in (-Z, 0.0, Z)] == pytest.approx([0.2, 0.5, 0.8])
    assert known(3.0).at(5.0) == 3.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, "synthetic"), "positive value"),
        ((nan, "synthetic"), "positive value"),
        ((2.0, "synthetic", 2.5, 3.0), "inside its range"),
        ((2.0, "synthetic", 1.0), "both limits"),
        ((2.0, ""), "name the publication"),
    ],
)
def test_a_factor_that_says_nothing_is_refused(arguments: tuple[float, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Factor(*arguments)


# --- every conversion ----------------------------------------------------------------------------------------------------------------


def convert(name: str, p: float, ratio: float, width: float) -> Evidence:
    """A synthetic share through one conversion, with a range of `width` either way on its main factor."""
    factor = within(ratio, width) if width > 1 else known(ratio)
    interval: dict[str, Any] = {"lower": float(expit(logit(p) - 0.3)), "upper": float(expit(logit(p) + 0.4))}
    steps: dict[str, Callable[[], Evidence]] = {
        "parents": lambda: c.adults_to_parents(adult(p, **interval), factor),
        "coresident": lambda: c.parents_to_coresident(adult(p, "parent", **interval), factor),
        "children": lambda: c.coresident_to_children(adult(p, "co-resident parent", **interval), known(0.2), factor, ONE),
        "england": lambda: c.to_england(adult(p, geography="United Kingdom", **interval), factor),
        "under 18": lambda: c.under_16_to_under_18(adult(p, ages=(0, 15), **interval), known(0.11), factor),
    }
    return steps[name]()


@given(
    st.sampled_from(["parents", "coresident", "children", "england", "under 18"]),
    st.floats(1e-4, 0.3),
    st.floats(0.2, 1.8),
    st.floats(1.0, 1.5),
)
def test_shares_stay_inside_0_and_1_and_inside_their_interval(name: str, p: float, ratio: float, width: float) -> None:
    made = convert(name, p, ratio, width)
    assert 0 < made.lower < made.value < made.upper < 1
    assert made.level == 0.95
    assert made.interval_basis.startswith("assumed: synthetic; then ")
    assert len(made.conversions) == 1
    assert made.conversions[0].source


@given(st.floats(1e-4, 0.5), st.floats(0.5, 0.95), st.floats(0.999, 1.001))
def test_a_ratio_of_1_without_uncertainty_changes_no_distribution(p: float, level: float, skew: float) -> None:
    start = adult(p, lower=p * 0.7, upper=p * 1.4 * skew, level=level)
    for made in (
        c.adults_to_parents(start, ONE),
        c.to_england(start.with_(geography="Great Britain"), ONE),
        c.under_16_to_under_18(start.with_(ages=(0, 15)), known(0.11), ONE),
    ):
        assert mean_sd(made) == pytest.approx(mean_sd(start), rel=1e-9, abs=1e-12)


@given(st.floats(0.001, 0.3), st.floats(1.01, 1.6))
def test_uncertainty_of_a_factor_only_widens(p: float, width: float) -> None:
    start = adult(p)
    known_sd, wider = mean_sd(c.adults_to_parents(start, known(1.2)))[1], mean_sd(c.adults_to_parents(start, within(1.2, width)))[1]
    assert wider > known_sd


def monte_carlo(function: Callable[..., object], start: Evidence, *factors: Factor) -> tuple[float, float, float]:
    """Median and 95% limits of the same inputs, drawn: each from the distribution that the delta method takes it to have."""
    rng = np.random.default_rng(20)
    n = 200_000
    mean, sd = mean_sd(start)
    drawn = [expit(mean + sd * rng.standard_normal(n))]
    for f in factors:
        lower, upper = f.limits
        forward, back = (logit, expit) if upper < 1 else (np.log, np.exp)
        spread = (forward(upper) - forward(lower)) / (2 * Z)
        drawn.append(back(forward(f.value) + spread * rng.standard_normal(n)))
    low, middle, high = np.quantile(np.asarray(function(*drawn)), [0.025, 0.5, 0.975])
    return float(low), float(middle), float(high)


#: The delta method is local: limits agree with a Monte Carlo to 4% of themselves, wide inputs included; centres to 1%.
LIMITS, CENTRE = 0.04, 0.01


def agrees(made: Evidence, simulated: tuple[float, float, float]) -> None:
    low, middle, high = simulated
    assert made.value == pytest.approx(middle, rel=CENTRE)
    assert (made.lower, made.upper) == pytest.approx((low, high), rel=LIMITS)


def test_the_delta_method_agrees_with_a_monte_carlo_of_the_same_inputs() -> None:
    start = adult(0.05, "co-resident parent", lower=0.035, upper=0.07)
    lone, odds, relative = Factor(0.23, "synthetic", 0.18, 0.29), Factor(6.0, "synthetic", 2.0, 18.0), within(1.1, 1.2)
    made = c.coresident_to_children(start, lone, odds, relative)
    agrees(made, monte_carlo(lambda p, s, w, r: shares_from_concordance(p * r, 1 - s, w)[0], start, lone, odds, relative))

    parents = c.adults_to_parents(adult(0.3, lower=0.25, upper=0.36), within(1.3, 1.25))
    agrees(parents, monte_carlo(lambda p, r: p * r, adult(0.3, lower=0.25, upper=0.36), within(1.3, 1.25)))

    young = adult(0.22, ages=(0, 15), lower=0.18, upper=0.26)
    share, ratio = Factor(0.11, "synthetic", 0.1, 0.12), within(1.0, 1.5)
    made = c.under_16_to_under_18(young, share, ratio)
    agrees(made, monte_carlo(lambda p, s, w: (1 - s) * p + s * expit(logit(p) + np.log(w)), young, share, ratio))


def test_a_chain_carries_every_step() -> None:
    parents = c.adults_to_parents(adult(0.04), within(0.9, 1.2))
    coresident = c.parents_to_coresident(parents, within(0.6, 1.5))
    made = c.coresident_to_children(coresident, known(0.23), known(4.0), within(1.05, 1.1))
    assert [s.name for s in made.conversions] == ["adults to parents", "parents to co-resident parents", "co-resident parents to children"]
    assert made.is_share_of_children
    assert not parents.is_share_of_children
    assert made.denominator == "children 0-17"
    assert parents.denominator == "parents, of: synthetic children"
    assert made.value == pytest.approx(float(shares_from_concordance(0.04 * 0.9 * 0.6 * 1.05, 0.77, 4.0)[0]))


def test_what_is_converted_is_nested_in_nothing() -> None:
    made = c.adults_to_parents(adult(nested_in="WIDER", contradicts=("OTHER",)), ONE)
    assert (made.nested_in, made.contradicts) == ("", ())


def test_statements_give_counts_in_full() -> None:
    e = adult(207_617.0, unit="adults", lower=190_000.0, upper=230_000.0)
    made = c.count_to_share(e, Factor(CHILDREN_2014, "ONS mid-2014"), "children 0-17 in England, mid-2014")
    assert made.conversions[0].statement == "207,617 to 0.018 with denominator 11,535,489"
    assert made.conversions[0].source == "denominator: ONS mid-2014"


# --- published figures ---------------------------------------------------------------------------------------------------------------


def test_adults_to_children_reproduces_the_converted_mental_illness_estimate() -> None:
    file = Path(src.__file__).with_name("severe_mental_illness.toml")
    inputs = tomllib.loads(file.read_text(encoding="utf-8"))["conversion"]["MH-07C"]
    prevalence = inputs.pop("adult_prevalence")
    factors: dict[str, Any] = {name: Factor(f["value"], f["source"], f.get("lower"), f.get("upper")) for name, f in inputs.items()}
    start = src.load_evidence("MH-07")[0]
    start = start.with_(
        construct=replace(start.construct, whose="adult"),
        lower=prevalence["lower"],
        upper=prevalence["upper"],
        level=0.95,
        interval_basis=f"assumed: {prevalence['source']}",
    )
    made, published = c.adults_to_children(start, **factors), src.load_evidence("MH-07C")[0]
    exposed = children_exposed(prevalence["value"], *(f.value for n, f in factors.items() if n != "children"))
    assert made.value == pytest.approx(float(exposed) / factors["children"].value, rel=1e-14)
    assert made.value == pytest.approx(published.value, abs=5e-7)  # as published, to six places
    # The catalogue adds variances of logarithms; here shares move on the logit scale.
    assert (made.lower, made.upper) == pytest.approx((published.lower, published.upper), rel=0.03)
    assert made.is_share_of_children
    assert made.ages == published.ages
    assert made.construct == published.construct


@pytest.mark.parametrize("which", PRYCE)
def test_coresident_to_children_reproduces_both_of_pryces_totals(which: str) -> None:
    """The same prevalence of parents makes either total: only the concordance differs."""
    one, both = PRYCE[which]
    lone = 0.23
    prevalence = 222_007 / CHILDREN_2014 / (2 - lone)  # pairs over parents, counted once for each child
    odds = float(concordance_odds_ratio(one / CHILDREN_2014, both / CHILDREN_2014, 1 - lone))
    made = c.coresident_to_children(adult(prevalence, "co-resident parent"), known(lone), known(odds), ONE)
    assert made.value * CHILDREN_2014 == pytest.approx(one, abs=1.5)  # the second pair sums to one less
    assert prevalence * (2 - lone) * CHILDREN_2014 - made.value * CHILDREN_2014 == pytest.approx(both, abs=1.5)


def test_higher_concordance_makes_fewer_children() -> None:
    start = adult(0.0108, "co-resident parent")
    low, high = (c.coresident_to_children(start, known(0.23), known(w), ONE).value for w in (1.0, 100.0))
    assert high < low


def test_old_to_new_questions_with_the_year_in_which_both_were_asked() -> None:
    new, old = src.load_evidence("DA-01-2024N-ALLN", "DA-03")
    ratio = new.value / old.value
    assert ratio == pytest.approx(1.70, abs=0.005)
    spread = float(np.hypot(*(np.log(e.upper / e.lower) / 2 for e in (new, old))))
    factor = Factor(ratio, f"{new.key} over {old.key}", ratio * np.exp(-spread), ratio * np.exp(spread))
    start = src.load_evidence("DA-01-2023-ALL")[0]
    made = c.old_to_new_questions(start, factor)
    assert made.value / start.value == pytest.approx(ratio)
    assert made.construct == replace(start.construct, instrument=new.construct.instrument)
    assert mean_sd(made)[1] > mean_sd(start)[1]
    with pytest.raises(ConstructError, match="'Crime Survey, new questions'; old_to_new_questions needs 'Crime Survey, old questions'"):
        c.old_to_new_questions(made, factor)


# --- counts, places and ages ---------------------------------------------------------------------------------------------------------


def counted(**changes: Any) -> Evidence:
    return adult(200.0, unit="children", **({"lower": 150.0, "upper": 260.0} | changes))


def test_a_known_denominator_divides_value_and_limits() -> None:
    made = c.count_to_share(counted(level=0.9), known(10_000.0), "synthetic children")
    assert (made.value, made.lower, made.upper, made.level) == (0.02, 0.015, 0.026, 0.9)
    assert (made.unit, made.distribution, made.denominator) == ("share", "logit-normal", "synthetic children")


def test_an_uncertain_denominator_is_one_more_factor() -> None:
    sure, made = (c.count_to_share(counted(level=0.9), f, "synthetic") for f in (known(10_000.0), within(10_000.0, 1.2)))
    assert made.value == pytest.approx(sure.value)
    assert made.level == 0.95
    # A share of 2% is near enough an odds for the two variances to add.
    assert mean_sd(made)[1] == pytest.approx(sqrt(mean_sd(sure)[1] ** 2 + (np.log(1.2) / Z) ** 2), rel=0.02)


def test_counts_that_are_not_shares_of_their_population_are_refused() -> None:
    with pytest.raises(ConstructError, match=r"not a proportion\. Check denominator"):
        c.count_to_share(counted(), known(250.0), "too few")
    with pytest.raises(ConstructError, match="needs a count of people"):
        c.count_to_share(adult(), known(10.0), "shares")
    bare = counted(lower=nan, upper=nan, level=nan, interval_basis="none: a complete count")
    assert not c.count_to_share(bare, known(10_000.0), "synthetic").has_interval
    assert c.count_to_share(bare, within(10_000.0, 1.1), "synthetic").has_interval  # all of it from the denominator
    ends = counted(lower=nan, upper=nan, level=nan, interval_basis="none: one end of a range")
    with pytest.raises(ConstructError, match="no interval"):
        c.count_to_share(ends, within(10_000.0, 1.1), "synthetic")


@pytest.mark.parametrize("place", ["United Kingdom", "Great Britain", "England and Wales"])
def test_to_england_moves_the_geography_term_from_relevance_to_the_interval(place: str) -> None:
    start = adult(geography=place, relevance=Relevance(0.0, 0.3, "synthetic."))
    made = c.to_england(start)
    assert made.geography == "England"
    assert made.value == pytest.approx(start.value)
    assert made.relevance.sd == pytest.approx(sqrt(0.3**2 - GEOGRAPHY_SD**2))
    assert "Without the term for geography" in made.relevance.reason
    total = sqrt(mean_sd(start)[1] ** 2 + start.relevance.sd**2)
    assert sqrt(mean_sd(made)[1] ** 2 + made.relevance.sd**2) == pytest.approx(total)
    with pytest.raises(ConstructError, match="'England'; to_england converts the United Kingdom"):
        c.to_england(made)


def test_under_16_to_under_18_mixes_two_ages() -> None:
    start = adult(0.2, ages=(0, 15), relevance=Relevance(0.0, 0.3, "synthetic."))
    made = c.under_16_to_under_18(start, known(0.1), known(2.0))
    assert made.value == pytest.approx(0.9 * 0.2 + 0.1 * float(expit(logit(0.2) + np.log(2.0))))
    assert made.ages == (0, 17)
    assert made.denominator == "children 0-17, from: synthetic children"
    assert made.relevance.sd == pytest.approx(sqrt(0.3**2 - AGES_SD**2))
    with pytest.raises(ConstructError, match="ages 0 to 17; under_16_to_under_18 needs 0 to 15"):
        c.under_16_to_under_18(made, known(0.1))


def test_unstated_relevance_stays_unstated() -> None:
    start = src.load_evidence("ALC-02")[0].with_(geography="United Kingdom")
    made = c.count_to_share(start, Factor(13e6, "synthetic"), "children under 16")
    assert np.isnan(c.to_england(made).relevance.sd) == np.isnan(start.relevance.sd)


# --- refusals ------------------------------------------------------------------------------------------------------------------------

FIVE = (known(1000.0), known(0.2), known(1.8), known(0.1), known(500.0))


@pytest.mark.parametrize(
    ("step", "whose"),
    [
        (lambda e: c.adults_to_parents(e, ONE), "adult"),
        (lambda e: c.parents_to_coresident(e, ONE), "parent"),
        (lambda e: c.coresident_to_children(e, known(0.2), ONE, ONE), "co-resident parent"),
        (lambda e: c.adults_to_children(e, *FIVE), "adult"),
    ],
)
def test_each_starts_from_its_own_people_and_lists_every_problem(step: Callable[[Evidence], Evidence], whose: str) -> None:
    wrong = counted().with_(construct=replace(counted().construct, whose="victim"))
    with pytest.raises(ConstructError) as caught:
        step(wrong)
    assert "convert it to a share first: count_to_share" in str(caught.value)
    assert f"this conversion starts from {whose!r}" in str(caught.value)
    bare = adult(0.05, whose, lower=nan, upper=nan, level=nan, interval_basis="none: one end of a range")
    with pytest.raises(ConstructError, match="give one, or a conservative assumed one"):
        step(bare)


def test_more_than_everybody_is_refused_at_the_centre_and_one_sd_from_it() -> None:
    with pytest.raises(ConstructError, match=r"makes 1\.2 of SYN-synthetic.*Check relative"):
        c.adults_to_parents(adult(0.4, lower=0.35, upper=0.45), known(3.0))
    with pytest.raises(ConstructError, match=r"not a proportion\. Check relative"):
        c.adults_to_parents(adult(0.6, lower=0.55, upper=0.65), within(1.5, 1.5))
