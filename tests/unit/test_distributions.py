"""Logit-normal intervals, drift and the relevance rule."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods import distributions as d

inside = st.floats(1e-6, 1 - 1e-6)


@given(inside)
def test_expit_undoes_logit(p: float) -> None:
    assert float(d.expit(d.logit(p))) == pytest.approx(p, rel=1e-9)


@given(inside, st.floats(1e-3, 3), st.floats(0.5, 0.999))
def test_interval_of_a_logit_normal_gives_it_back(p: float, sd: float, level: float) -> None:
    half = d.quantile_of(level) * sd
    lower, upper = (float(x) for x in d.expit(d.logit(p) + np.array([-half, half])))
    if lower > 0 and upper < 1:
        mean, found = d.logit_normal_from_interval(p, lower, upper, level)
        assert mean == pytest.approx(float(d.logit(p)))
        assert found == pytest.approx(sd, rel=1e-4)


@given(inside, inside, inside)
def test_median_is_the_value_and_sd_is_not_negative(a: float, b: float, c: float) -> None:
    lower, value, upper = sorted((a, b, c))
    mean, sd = d.logit_normal_from_interval(value, lower, upper, 0.95)
    assert mean == pytest.approx(float(d.logit(value)))
    assert sd >= 0


@given(st.floats(0.01, 0.99), st.floats(50, 1e5), st.floats(1.1, 5))
def test_a_larger_sample_narrows_the_interval(p: float, n: float, factor: float) -> None:
    lower, upper = d.interval_from_sample(p, n)
    inner_lower, inner_upper = d.interval_from_sample(p, n * factor)
    assert lower < inner_lower < p < inner_upper < upper


def test_sample_interval_is_the_delta_method() -> None:
    p, n = 0.221, 4783 / 2
    _, sd = d.logit_normal_from_interval(p, *d.interval_from_sample(p, n), 0.95)
    assert sd == pytest.approx(1 / sqrt(n * p * (1 - p)))


def test_a_limit_at_the_edge_leaves_the_other_side() -> None:
    _, sd = d.logit_normal_from_interval(0.1, 0.0, 0.2, 0.95)
    assert sd == pytest.approx((log(0.2 / 0.8) - log(0.1 / 0.9)) / d.quantile_of(0.95))
    assert d.logit_normal_from_interval(0.9, 0.8, 1.0, 0.95)[1] == pytest.approx(sd)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "level"), [(0, 0, 0.1, 0.95), (0.2, 0.3, 0.4, 0.95), (0.2, 0, 1, 0.95), (0.2, 0.1, 0.3, 95)]
)
def test_intervals_that_say_nothing_are_refused(value: float, lower: float, upper: float, level: float) -> None:
    with pytest.raises(InputError):
        d.logit_normal_from_interval(value, lower, upper, level)


@given(st.floats(0, 50), st.booleans(), st.booleans(), st.booleans())
def test_relevance_adds_in_quadrature(years: float, geography: bool, ages: bool, construct: bool) -> None:
    squared = 0.083**2 * years + 0.05**2 * (geography + ages) + 0.15**2 * construct
    assert d.relevance_sd(years, geography, ages, construct) == pytest.approx(sqrt(squared))


def test_drift_of_a_known_walk() -> None:
    shares = [float(d.expit(x)) for x in (0.0, 0.3, -0.1)]
    assert d.drift_sd([2000, 2001, 2004], shares) == pytest.approx(sqrt((0.3**2 + 0.4**2) / 4))
    with pytest.raises(InputError):
        d.drift_sd([2001, 2000], [0.1, 0.2])


def test_bad_sample_is_refused() -> None:
    with pytest.raises(InputError):
        d.interval_from_sample(0.2, 0)


def test_gradient_is_widened_by_half_of_itself() -> None:
    assert d.widened_gradient_sd(0.6, 0.4) == pytest.approx(0.5)
