"""Forecast models against statsmodels, scores against closed forms and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.tsa.holtwinters import Holt
from statsmodels.tsa.statespace.structural import UnobservedComponents

from jsna_model.methods.forecast_models import common_change, damped_trend, last_observed, library, local_level, pooled_mean
from jsna_model.methods.forecast_scores import crps_of_quantiles, interval_score, mase, persistence_interval, two_way_errors, wape

SERIES = np.log([520.0, 548, 531, 600, 655, 640, 610, 702, 688, 720, 741, 699, 705])


@pytest.mark.parametrize("ratio", [0.5, 2.0])
@pytest.mark.parametrize("gaps", [(), (4,), (5, 6, 12)])
def test_the_local_level_is_that_of_statsmodels(ratio: float, gaps: tuple[int, ...]) -> None:
    y = SERIES.copy()
    y[list(gaps)] = np.nan
    model = UnobservedComponents(y[1:], "local level")
    # after the first value the level is known with the variance of one observation; one step ahead adds that of the walk
    model.ssm.initialize_known(np.array([y[0]]), np.array([[ratio + 1.0]]))
    filtered = model.filter([ratio, 1.0]).filtered_state[0]
    np.testing.assert_allclose(local_level(y[None], ratio)[0, 1:], filtered, rtol=1e-10)


@pytest.mark.parametrize(("alpha", "beta", "phi"), [(0.9, 0.5, 0.8), (0.5, 0.2, 0.9)])
def test_the_damped_trend_is_that_of_statsmodels(alpha: float, beta: float, phi: float) -> None:
    model = Holt(SERIES[1:], damped_trend=True, initialization_method="known", initial_level=SERIES[0], initial_trend=0.0)
    fit = model.fit(smoothing_level=alpha, smoothing_trend=beta, damping_trend=phi, optimized=False)
    np.testing.assert_allclose(damped_trend(SERIES[None], alpha, beta, phi, 5)[0, -1], fit.forecast(5), rtol=1e-10)


def test_without_noise_the_local_level_is_persistence() -> None:
    np.testing.assert_array_equal(local_level(SERIES[None], 0.0)[0], SERIES)


def test_the_latest_value_and_its_age() -> None:
    value, age = last_observed(np.array([[np.nan, 3.0, np.nan, np.nan, 4.0]]))
    np.testing.assert_array_equal(value, [[np.nan, 3, 3, 3, 4]])
    np.testing.assert_array_equal(age, [[0, 0, 1, 2, 0]])


def test_areas_that_come_and_go_do_not_move_the_common_level() -> None:
    rise = np.linspace(0, 0.5, 6)
    y = np.vstack([rise, rise + 3, rise - 2])
    y[1, 3:] = np.nan
    y[2, :2] = np.nan
    np.testing.assert_allclose(common_change(y), rise, atol=1e-12)


def test_partial_pooling_by_hand() -> None:
    """Two areas, two years: own means 0 and 1, s² = 0.02, tau² = 0.5 - 0.01."""
    y = np.array([[-0.1, 0.1], [0.9, 1.1]])
    kept = 0.49 / (0.49 + 0.01)
    # between: ((0.5² + 0.5²) - 2 * 0.01 * (1 - 1/2)) / (2 - 1) = 0.49
    np.testing.assert_allclose(pooled_mean(y)[:, -1], [0.5 - 0.5 * kept, 0.5 + 0.5 * kept], rtol=1e-12)


def test_a_model_that_has_nothing_to_go_on_says_persistence() -> None:
    y = np.array([[1.0, np.nan, np.nan], [np.nan] * 3])
    _, add = library(y, np.exp(y), 3)
    np.testing.assert_allclose(add, 0.0, atol=1e-12)


def test_crps_of_a_normal() -> None:
    """Gneiting & Raftery 2007, p. 367: ``sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))``."""
    n, mu, sigma = 20_000, 3.0, 2.0
    grid = norm.ppf((np.arange(n) + 0.5) / n, mu, sigma)
    y = np.array([-1.0, 2.5, 3.0, 9.0])
    z = (y - mu) / sigma
    exact = sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(crps_of_quantiles(y, np.broadcast_to(grid, (4, n))), exact, rtol=2e-4)


def test_crps_of_a_sample_is_that_of_its_step_function() -> None:
    """``mean |x - y| - mean |x - x'| / 2`` (properscoring's crps_ensemble), for equally likely sorted values."""
    x, y = np.array([1.0, 2.0, 4.0, 9.0]), 3.0
    exact = np.mean(np.abs(x - y)) - np.mean(np.abs(x[:, None] - x)) / 2
    assert crps_of_quantiles(np.array([y]), x[None])[0] == pytest.approx(exact)


def test_errors_by_hand() -> None:
    actual, forecast = np.array([100.0, 40.0, 60.0]), np.array([110.0, 40.0, 45.0])
    assert wape(actual, forecast) == pytest.approx(25 / 200)
    assert mase(actual, forecast, np.array([5.0, 8.0, 10.0])) == pytest.approx((2 + 0 + 1.5) / 3)
    assert mase(actual, forecast, np.array([5.0, 0.0, np.nan])) == pytest.approx(2.0)
    np.testing.assert_allclose(interval_score(np.array([5.0, 12.0, -1.0]), np.zeros(3), np.full(3, 10.0), 0.95), [10, 90, 50])


def test_persistence_intervals_by_hand() -> None:
    value = np.array([[100.0, 110.0, 99.0, 120.0]])
    limits = persistence_interval(value, 2, (0.8,))
    changes = np.log([1.1, 0.9])
    np.testing.assert_allclose(limits[0, 2, 0, :, 0], 99 * np.exp(np.quantile(changes, [0.1, 0.9])))
    np.testing.assert_allclose(limits[0, 2, 1, :, 0], 99 * np.exp(np.log([0.99, 0.99])))
    np.testing.assert_allclose(limits[0, 1, 1, :, 0], 110 * np.exp(np.log([1.1, 1.1]) * np.sqrt(2)))


def test_the_bootstrap_sees_blocks() -> None:
    """Rows of an authority that all hit or all miss: the error is that of authorities, sqrt(p (1 - p) / areas), not of rows."""
    rng = np.random.default_rng(5)
    area, year = np.repeat(np.arange(50), 200), np.zeros(10_000, dtype=np.int64)
    hit = (np.arange(50) < 40)[area].astype(float)

    def resample(_: int, blocks: int) -> np.ndarray:
        return rng.multinomial(blocks, np.full(blocks, 1 / blocks), 2000).astype(float)

    assert two_way_errors(area, year, hit, resample) == pytest.approx(np.sqrt(0.8 * 0.2 / 50), rel=0.06)
