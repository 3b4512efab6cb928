"""Inequality of observed rates."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods.inequality import concentration_index, ridits, slope_index

POPULATION = np.array([120.0, 80.0, 150.0, 60.0, 90.0])
VALUES = np.array([21.0, 24.0, 30.0, 29.0, 41.0])
SE = np.array([1.0, 1.5, 0.8, 2.0, 1.2])


def test_the_line_is_that_of_weighted_least_squares() -> None:
    fit = sm.WLS(VALUES, sm.add_constant(ridits(POPULATION)), weights=POPULATION).fit()
    found = slope_index(VALUES, POPULATION, SE)
    assert found.slope.value == pytest.approx(fit.params[1], rel=1e-12)
    assert found.relative.value == pytest.approx((fit.params[0] + fit.params[1]) / fit.params[0], rel=1e-12)


def test_limits_are_those_of_simulated_values() -> None:
    # The way of R PHEindicatormethods `phe_sii`: values drawn from their standard errors, the line fitted again each time.
    rng = np.random.default_rng(5)
    drawn = rng.normal(VALUES, SE, size=(200_000, 5))
    x, w = ridits(POPULATION), POPULATION / POPULATION.sum()
    slope = (drawn * w * (x - w @ x)).sum(1) / (w * (x - w @ x) ** 2).sum()
    start = drawn @ w - slope * (w @ x)
    found = slope_index(VALUES, POPULATION, SE)
    for interval, draws, tolerance in ((found.slope, slope, 0.05), (found.relative, (start + slope) / start, 0.02)):
        assert (interval.lower, interval.upper) == pytest.approx(np.quantile(draws, (0.025, 0.975)), abs=tolerance)


@given(st.floats(0.1, 50), st.floats(-5, 5))
def test_what_a_change_of_unit_does(scale: float, shift: float) -> None:
    first, second = slope_index(VALUES, POPULATION), slope_index(VALUES * scale + shift, POPULATION)
    assert second.slope.value == pytest.approx(first.slope.value * scale)
    assert slope_index(VALUES * scale, POPULATION).relative.value == pytest.approx(first.relative.value)
    back = slope_index(VALUES[::-1], POPULATION[::-1])
    assert back.slope.value == pytest.approx(-first.slope.value)
    assert back.relative.value == pytest.approx(1 / first.relative.value)
    assert concentration_index(VALUES * scale, POPULATION) == pytest.approx(concentration_index(VALUES, POPULATION))


def test_concentration_of_all_in_the_last_person() -> None:
    n = 1000
    assert concentration_index(np.r_[np.zeros(n - 1), 1.0], np.ones(n)) == pytest.approx(1 - 1 / n)
    assert concentration_index(np.ones(5), POPULATION) == pytest.approx(0, abs=1e-12)


def test_a_line_below_zero_has_no_ratio() -> None:
    found = slope_index([0.0, 0.0, 0.0, 0.0, 9.0], np.ones(5), np.ones(5))
    assert found.slope.value > 0
    assert np.isnan(found.relative.value)


def test_every_problem_at_once() -> None:
    with pytest.raises(InputError) as caught:
        slope_index([1.0, np.nan, 2.0], [1.0, 0.0, 2.0], [1.0, -1.0, 1.0], level=95)
    assert len(caught.value.problems) == 4
    with pytest.raises(InputError, match="2 groups"):
        concentration_index([1.0, 2.0], [1.0, 1.0])
