"""Neighbours and surveyed units in small-area models: limits, agreement with simpler models, and errors."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from jsna_model.errors import InputError
from jsna_model.methods.small_area import benchmark, spatial_fay_herriot, unit_level


def ring(m: int) -> np.ndarray:
    W = np.zeros((m, m))
    for i in range(m):
        W[i, (i - 1) % m] = W[i, (i + 1) % m] = 0.5
    return W


def areas(m: int = 40, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(m), rng.normal(size=m)])
    D = rng.uniform(0.05, 0.3, m)
    return X @ [1.0, 0.5] + rng.normal(0, 0.6, m) + rng.normal(0, np.sqrt(D)), X, D


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_correlation_maximises_the_likelihood(method: str) -> None:
    y, X, D = areas()
    W = ring(40)
    found = spatial_fay_herriot(y, X, D, W, method=method)

    def value(A: float, rho: float) -> float:
        M = np.eye(40) - rho * W
        V = A * np.linalg.inv(M.T @ M) + np.diag(D)
        Vi = np.linalg.inv(V)
        info = X.T @ Vi @ X
        r = y - X @ np.linalg.solve(info, X.T @ Vi @ y)
        out = -0.5 * (np.linalg.slogdet(V)[1] + r @ Vi @ r)
        return out - (0.5 * np.linalg.slogdet(info)[1] if method == "reml" else 0.0)

    A, rho = found.area_variance, found.spatial_correlation
    best = value(A, rho)
    assert all(
        value(A * a, r) <= best + 1e-9 for a in (0.9, 0.99, 1, 1.01, 1.1) for r in (rho - 0.05, rho - 0.005, rho, rho + 0.005, rho + 0.05)
    )
    assert all(value(a, r) <= best + 1e-9 for a in np.geomspace(0.01, 3, 12) for r in np.linspace(-0.95, 0.95, 13))


def test_no_area_variance_leaves_the_correlation_unknown() -> None:
    _, X, D = areas()
    found = spatial_fay_herriot(X @ [1.0, 0.5], X, D, ring(40))
    assert found.area_variance == 0
    assert np.isnan(found.spatial_correlation)
    np.testing.assert_allclose(found.estimate, X @ [1.0, 0.5], atol=1e-9)


def test_every_problem_with_proximities_and_data() -> None:
    y, X, D = areas()
    W = ring(40)
    W[3] *= 2
    with pytest.raises(InputError) as caught:
        spatial_fay_herriot(y, X, np.where(np.arange(40) == 5, 0, D), W)
    assert len(caught.value.problems) == 2
    assert "row 3" in str(caught.value)
    with pytest.raises(InputError, match="own neighbour"):
        spatial_fay_herriot(y, X, D, np.eye(40))
    with pytest.raises(InputError, match="use fay_herriot"):
        spatial_fay_herriot(y, X, D, np.zeros((40, 40)))


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_unit_level_agrees_with_statsmodels(method: str) -> None:
    rng = np.random.default_rng(8)
    area = rng.integers(0, 30, 400)
    X = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = X @ [2.0, 1.0] + rng.normal(0, 0.7, 30)[area] + rng.normal(0, 1.5, 400)
    found = unit_level(y, X, area, np.tile(X.mean(0), (30, 1)), method=method)
    fit = sm.MixedLM(y, X, area).fit(reml=method == "reml", method="bfgs", gtol=1e-9)
    assert found.loglik == pytest.approx(fit.llf, abs=1e-6)
    assert found.area_variance == pytest.approx(float(np.asarray(fit.cov_re)[0, 0]), rel=1e-3)
    np.testing.assert_allclose(found.beta, fit.fe_params, rtol=1e-4)


def test_an_area_nobody_was_asked_in_has_its_covariates() -> None:
    found = unit_level([1.0, 2.0, 4.0, 6.0, 8.0, 9.0], np.ones((6, 1)), [0, 0, 1, 1, 2, 2], np.ones((4, 1)), [9, 9, 9, 9])
    assert found.estimate[3] == pytest.approx(found.beta[0])
    assert found.mse[3] > found.mse[:3].max()
    everyone = unit_level([1.0, 2.0, 4.0, 6.0, 8.0, 9.0], np.ones((6, 1)), [0, 0, 1, 1, 2, 2], np.ones((3, 1)), [2, 2, 2])
    np.testing.assert_allclose(everyone.estimate, [1.5, 5.0, 8.5])
    np.testing.assert_allclose(everyone.mse, 0, atol=1e-15)


def test_unit_level_mean_squared_error_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(1)
    area = np.repeat(np.arange(30), rng.integers(2, 12, 30))
    X = np.column_stack([np.ones(len(area)), rng.normal(size=len(area))])
    means = np.column_stack([np.ones(30), rng.normal(0, 0.3, 30)])
    squares, stated = np.zeros(30), np.zeros(30)
    for _ in range(300):
        v = rng.normal(0, 0.8, 30)
        found = unit_level(X @ [1.0, 1.0] + v[area] + rng.normal(0, 1.2, len(area)), X, area, means)
        squares += (found.estimate - means @ [1.0, 1.0] - v) ** 2 / 300
        stated += found.mse / 300
    assert (stated / squares).mean() == pytest.approx(1, abs=0.06)


def test_unit_level_refuses() -> None:
    with pytest.raises(InputError, match="two surveyed units"):
        unit_level([1.0, 2.0, 3.0], np.ones((3, 1)), [0, 1, 2], np.ones((3, 1)))
    with pytest.raises(InputError, match="below the units surveyed"):
        unit_level([1.0, 2.0, 3.0], np.ones((3, 1)), [0, 0, 1], np.ones((2, 1)), [1, 5])
    with pytest.raises(InputError, match="not a row of means"):
        unit_level([1.0, 2.0, 3.0], np.ones((3, 1)), [0, 0, 7], np.ones((2, 1)))


def test_benchmarking_meets_the_total_and_moves_the_uncertain() -> None:
    t, w, mse = np.array([0.1, 0.2, 0.4]), np.array([0.5, 0.3, 0.2]), np.array([0.01, 0.01, 0.04])
    for kind, q in (("ratio", None), ("difference", None), ("difference", mse)):
        assert w @ benchmark(t, w, 0.25, kind, q) == pytest.approx(0.25)  # type: ignore[arg-type]
    even, uneven = (benchmark(t, w, 0.25, "difference", q) - t for q in (None, mse))
    assert uneven[2] / uneven[1] == pytest.approx(4 * even[2] / even[1])
    with pytest.raises(InputError) as caught:
        benchmark(t, w * 0, np.nan, "raking")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 3
