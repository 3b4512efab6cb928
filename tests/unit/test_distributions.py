"""Logit-normal, beta and log-normal intervals, drift and the relevance rule."""

from dataclasses import FrozenInstanceError
from math import exp, inf, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from jsna_model.errors import InputError
from jsna_model.methods import distributions as d

inside = st.floats(1e-6, 1 - 1e-6)
levels = st.sampled_from([0.5, 0.68, 0.8, 0.9, 0.95, 0.99, 0.999])


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


def tails(level: float) -> np.ndarray:
    """Probabilities of the two limits of a central interval."""
    return np.array([(1 - level) / 2, (1 + level) / 2])


@settings(deadline=None)
@given(inside, inside, inside, levels)
def test_beta_has_both_limits_and_reports_the_gap(a: float, b: float, c: float, level: float) -> None:
    lower, value, upper = sorted((a, b, c))
    assume(upper - lower > 1e-6)
    fitted = d.beta_from_interval(value, lower, upper, level)
    assert special.betaincinv(*fitted.parameters, tails(level)) == pytest.approx([lower, upper], abs=1e-6)
    assert special.betainc(*fitted.parameters, [lower, upper]) == pytest.approx(tails(level), abs=1e-6)
    assert special.betainc(*fitted.parameters, fitted.median) == pytest.approx(0.5, abs=1e-9)
    assert fitted.gap == fitted.median - value
    assert lower < fitted.median < upper
    without = d.beta_from_interval(None, lower, upper, level)
    assert (without.parameters, without.gap) == (fitted.parameters, None)


@settings(deadline=None)
@given(st.floats(0.05, 1e4), st.floats(0.05, 1e4), levels)
def test_interval_of_a_beta_gives_it_back(a: float, b: float, level: float) -> None:
    lower, upper = (float(x) for x in special.betaincinv(a, b, tails(level)))
    assume(1e-6 < lower < upper < 1 - 1e-6)
    assert d.beta_from_interval(None, lower, upper, level).parameters == pytest.approx((a, b), rel=1e-5)


@settings(deadline=None)
@given(inside, inside, levels)
def test_beta_of_the_complement_is_the_beta_turned_round(a: float, b: float, level: float) -> None:
    lower, upper = sorted((a, b))
    assume(upper - lower > 1e-5)
    left, right = d.beta_from_interval(None, lower, upper, level), d.beta_from_interval(None, 1 - upper, 1 - lower, level)
    assert left.parameters == pytest.approx(right.parameters[::-1], rel=1e-4)


def test_an_interval_too_narrow_to_solve_is_refused_not_fudged() -> None:
    with pytest.raises(InputError, match=r"too narrow.*split_logit_normal"):
        d.beta_from_interval(None, 0.1739512559411365, 0.17395126454412643, 0.95)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_sample_is_jeffreys(n: int, share: float) -> None:
    events = round(share * n)
    fitted = d.beta_from_sample(events, n)
    assert fitted.parameters == (events + 0.5, n - events + 0.5)
    assert 0 < fitted.median < 1
    assert fitted.gap == fitted.median - events / n
    assert abs(fitted.gap) < 1 / n


def test_jeffreys_interval_by_the_arcsine_law() -> None:
    """No data leave beta(1/2, 1/2), whose distribution function is ``2 / pi asin(sqrt(x))``; a thinned sample need not be whole."""
    fitted = d.beta_from_sample(0, 1e-300)
    assert fitted.median == pytest.approx(0.5)
    assert special.betaincinv(*fitted.parameters, 0.025) == pytest.approx(np.sin(np.pi / 2 * 0.025) ** 2)
    assert d.beta_from_sample(10 / 1.5, 100 / 1.5).parameters == pytest.approx((10 / 1.5 + 0.5, 90 / 1.5 + 0.5))


@pytest.mark.parametrize(("events", "n"), [(1, 0), (-1, 10), (11, 10), (1, inf), (nan, 10), (1, nan)])
def test_samples_that_cannot_be_are_refused(events: float, n: float) -> None:
    with pytest.raises(InputError, match="events in a sample"):
        d.beta_from_sample(events, n)


@given(inside, inside, inside, levels)
def test_split_has_its_median_and_both_limits(a: float, b: float, c: float, level: float) -> None:
    lower, value, upper = sorted((a, b, c))
    assume(lower < value < upper)
    fitted = d.split_logit_normal(value, lower, upper, level)
    assume(min(fitted.parameters[1:]) > 0)  # neighbouring floating-point numbers may share a logit
    found = d.split_logit_normal_quantile(np.insert(tails(level), 1, 0.5), fitted.parameters)
    assert found == pytest.approx([lower, value, upper], abs=1e-6)
    assert fitted.median == pytest.approx(value, abs=1e-6)
    assert fitted.gap == pytest.approx(0, abs=1e-12)


@given(st.floats(-5, 5), st.floats(0.01, 3), st.floats(0.01, 3))
def test_split_quantiles_rise_from_0_to_1_and_keep_their_shape(mean: float, below: float, above: float) -> None:
    u = np.linspace(0, 1, 101)
    found = d.split_logit_normal_quantile(u, (mean, below, above))
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0, 1)
    assert d.split_logit_normal_quantile(u.reshape(1, 101, 1), (mean, below, above)).shape == (1, 101, 1)
    even = d.split_logit_normal_quantile(u, (mean, below, below))
    assert even == pytest.approx(d.expit(mean + below * special.ndtri(u)))  # equal sds: the logit-normal


def test_split_agrees_with_the_logit_normal_where_that_is_exact() -> None:
    lower, upper = (float(x) for x in d.expit([-1.5, -0.5]))
    mean, sd = d.logit_normal_from_interval(float(d.expit(-1)), lower, upper, 0.95)
    assert d.split_logit_normal(float(d.expit(-1)), lower, upper, 0.95).parameters == pytest.approx((mean, sd, sd))


@pytest.mark.parametrize("u", [1.5, -0.1, nan, [0.5, 97.5]])
def test_quantiles_of_what_is_no_probability_are_refused(u: float) -> None:
    with pytest.raises(InputError, match="outside"):
        d.split_logit_normal_quantile(u, (0.0, 1.0, 1.0))


@pytest.mark.parametrize("parameters", [(0.0, 1.0), (nan, 1.0, 1.0), (0.0, 0.0, 1.0), (0.0, 1.0, inf)])
def test_parameters_that_make_no_split_are_refused(parameters: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="mean, sd_below, sd_above"):
        d.split_logit_normal_quantile(0.5, parameters)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 100), st.floats(0, 1), levels)
def test_log_normal_has_both_limits_and_reports_the_gap(lower: float, ratio: float, where: float, level: float) -> None:
    upper = lower * ratio
    value = min(max(lower * ratio**where, lower), upper)
    fitted = d.log_normal_from_interval(value, lower, upper, level)
    mean, sd = fitted.parameters
    assert np.exp(mean + sd * special.ndtri(tails(level))) == pytest.approx([lower, upper], rel=1e-9)
    assert fitted.median == pytest.approx(sqrt(lower * upper))
    assert fitted.median == exp(mean)
    assert fitted.gap == fitted.median - value
    assert d.log_normal_from_interval(None, lower, upper, level).gap is None


@pytest.mark.parametrize(
    ("value", "lower", "upper", "level"),
    [
        (0.2, 0.3, 0.1, 0.95),
        (0.2, 0.0, 0.3, 0.95),
        (0.2, 0.3, 0.4, 0.95),
        (0.2, 0.1, 0.3, 95),
        (nan, 0.1, 0.3, 0.95),
        (0.2, nan, 0.3, 0.95),
    ],
)
@pytest.mark.parametrize("fit", [d.beta_from_interval, d.split_logit_normal, d.log_normal_from_interval])
def test_no_distribution_is_fitted_to_a_wrong_interval(fit: object, value: float, lower: float, upper: float, level: float) -> None:
    assert callable(fit)
    with pytest.raises(InputError):
        fit(value, lower, upper, level)


@pytest.mark.parametrize("fit", [d.beta_from_interval, d.split_logit_normal])
def test_percentages_are_told_from_shares(fit: object) -> None:
    assert callable(fit)
    with pytest.raises(InputError, match=r"22 per cent as 0\.22"):
        fit(22, 20, 24, 0.95)


def test_a_value_that_is_its_own_limit_cannot_be_split() -> None:
    with pytest.raises(InputError, match="is also a limit"):
        d.split_logit_normal(0.1, 0.1, 0.2, 0.95)
    assert d.beta_from_interval(0.1, 0.1, 0.2, 0.95).gap == pytest.approx(0.05, abs=0.01)  # a beta reports it instead


def test_several_faults_of_an_interval_come_together() -> None:
    with pytest.raises(InputError) as caught:
        d.log_normal_from_interval(5.0, -1.0, 2.0, 0.95)
    assert len(caught.value.problems) == 2


def test_a_fit_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        d.beta_from_sample(1, 2).median = 0.1  # type: ignore[misc]
