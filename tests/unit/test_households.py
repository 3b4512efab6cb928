"""Conversion of adults to children, against Pryce et al. 2017."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods import households as h

CHILDREN_2014 = 11_535_489
LOW, HIGH = (207_617, 14_390), (189_119, 32_887)  # concordance: children with at least one, with both (ALC-23 to ALC-25)


@pytest.mark.parametrize(("at_least_one", "both"), [LOW, HIGH])
def test_pryce_pairs(at_least_one: int, both: int) -> None:
    pairs = at_least_one + both
    assert abs(pairs - 222_007) <= 1
    assert float(h.pairs_to_children(222_007, both)) == pytest.approx(at_least_one, abs=1)


def test_pryce_chain_from_adults() -> None:
    """595,131 adults, 20.2% with children, 1.84 children each: 222,007 pairs."""
    found = h.children_exposed(0.01393, 595_131 / 0.01393, 120_419 / 595_131, 222_007 / 120_419, 14_390 / 222_007)
    assert float(found) == pytest.approx(207_617, abs=1)


@pytest.mark.parametrize("two_adults", [0.6, 0.75, 0.9])
def test_both_pryce_totals_are_one_prevalence_with_two_odds_ratios(two_adults: float) -> None:
    ratios = []
    for counts in (LOW, HIGH):
        one, both = (c / CHILDREN_2014 for c in counts)
        ratio = h.concordance_odds_ratio(one, both, two_adults)
        prevalence = (one + both) / (1 + two_adults)
        back = h.shares_from_concordance(prevalence, two_adults, ratio)
        np.testing.assert_allclose(back, (one, both), rtol=1e-10)
        ratios.append(float(ratio))
    assert 1 < ratios[0] < ratios[1]


@given(st.floats(0, 0.999999), st.floats(0, 1), st.floats(1e-4, 1e4))
def test_pairs_do_not_depend_on_concordance(p: float, t: float, ratio: float) -> None:
    one, both = h.shares_from_concordance(p, t, ratio)
    assert float(one + both) == pytest.approx(p * (1 + t), abs=1e-12)
    assert -1e-12 <= float(both) <= t * p + 1e-12
    assert float(one) <= 1 + 1e-9


@given(st.floats(0.001, 0.5), st.floats(0.05, 1), st.floats(0.1, 100), st.floats(1.01, 10))
def test_more_concordance_means_fewer_children(p: float, t: float, ratio: float, factor: float) -> None:
    assert float(h.shares_from_concordance(p, t, ratio * factor)[0]) < float(h.shares_from_concordance(p, t, ratio)[0])


@given(st.floats(0.001, 0.6), st.floats(0.05, 1), st.floats(0.05, 200))
def test_odds_ratio_round_trip(p: float, t: float, ratio: float) -> None:
    one, both = h.shares_from_concordance(p, t, ratio)
    assume(both / t < p * (1 - 1e-3))
    assert float(h.concordance_odds_ratio(one, both, t)) == pytest.approx(ratio, rel=1e-4)


def test_arrays_broadcast() -> None:
    one, both = h.shares_from_concordance(np.full((2, 1), 0.1), np.array([0.5, 0.7, 1.0]), 3.0)
    assert one.shape == both.shape == (2, 3)


def test_every_bad_argument_is_named() -> None:
    with pytest.raises(InputError, match=r"(?s)3 problems.*adult_prevalence.*coresident_share.*both_share"):
        h.children_exposed(1.2, 10, -0.1, 2, 0.6)
    with pytest.raises(InputError, match="half of the pairs"):
        h.pairs_to_children(10, 6)
    with pytest.raises(InputError, match="odds_ratio"):
        h.shares_from_concordance(0.1, 0.5, 0)
    with pytest.raises(InputError, match="No odds ratio"):
        h.concordance_odds_ratio(0.1, 0.2, 0.5)
    with pytest.raises(InputError):
        h.concordance_odds_ratio(0.1, 0.01, 0)


def test_lognormal_product() -> None:
    sd = h.log_sd_from_range(0.5, 2.0)
    value, lower, upper = h.lognormal_product([2.0, 3.0], [sd, 0.0])
    assert (value, lower, upper) == pytest.approx((6.0, 3.0, 12.0))
    for bad in (([1.0], []), ([0.0], [0.1]), ([1.0], [-0.1])):
        with pytest.raises(InputError):
            h.lognormal_product(*bad)
    with pytest.raises(InputError):
        h.log_sd_from_range(2.0, 1.0)
