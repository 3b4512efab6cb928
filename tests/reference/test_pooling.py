"""Random-effects pooling against the BCG trials as published, statsmodels, and the restricted likelihood maximised by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

from jsna_model.methods.pooling import Method, random_effects

Array = NDArray[np.float64]

# Colditz GA et al. (1994). Efficacy of BCG vaccine in the prevention of tuberculosis. JAMA 271(9), 698-702; the tables as in R metafor's
# `dat.bcg`: tuberculosis and none among the vaccinated, tuberculosis and none among the others.
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=np.float64,
)


def log_relative_risks() -> tuple[Array, Array]:
    """Log relative risks of the BCG trials and their sampling variances, by the delta method."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def data_sets() -> list[tuple[Array, Array]]:
    """The BCG trials, and made ones from homogeneous to far apart."""
    made = [log_relative_risks()]
    rng = np.random.default_rng(20260)
    for k in (2, 3, 5, 13, 40):
        for tau in (0.0, 0.2, 1.0, 5.0):
            v = rng.uniform(0.01, 1.0, k)
            made.append((rng.normal(3.0, np.sqrt(v + tau**2)), v))
    return made


CASES = data_sets()


def test_log_relative_risks_are_those_of_the_trials() -> None:
    """First, fifth and last as metafor prints them."""
    y, v = log_relative_risks()
    assert [round(float(x), 4) for x in y[[0, 4, 12]]] == [-0.8893, -0.2175, -0.0173]
    assert [round(float(x), 4) for x in v[[0, 4, 12]]] == [0.3256, 0.0512, 0.0714]


def test_reml_gives_the_published_figures() -> None:
    """As R metafor prints them for `rma(yi, vi, data=dat)`.

    Viechtbauer W (2010). Conducting meta-analyses in R with the metafor package. Journal of Statistical Software 36(3), 1-48, whose
    example these trials are. `tau2`, mean, `i2` and Q also stand in the README of metafor (next test).
    """
    pooled = random_effects(*log_relative_risks(), method="reml", knapp_hartung=False)
    assert round(pooled.tau2, 4) == 0.3132
    assert round(pooled.value, 4) == -0.7145
    assert round(pooled.standard_error, 4) == 0.1798
    assert (round(pooled.lower, 4), round(pooled.upper, 4)) == (-1.0669, -0.3622)
    assert round(100 * pooled.i2, 2) == 92.22
    assert round(pooled.q, 4) == 152.2330
    assert (pooled.k, pooled.method) == (13, "reml")


def test_hartung_knapp_gives_the_figures_of_metafor() -> None:
    """README of github.com/wviechtb/metafor (commit 0014f62), `rma(yi, vi, data=dat, test="knha")` and `predict(res, transf=exp)`.

    Its prediction interval, 0.14 to 1.76, has k - 1 degrees of freedom and the scaled standard error: another definition than Higgins's.
    """
    pooled = random_effects(*log_relative_risks(), method="reml")
    assert round(pooled.value, 4) == -0.7145
    assert round(pooled.standard_error, 4) == 0.1808
    assert (round(pooled.lower, 4), round(pooled.upper, 4)) == (-1.1084, -0.3206)
    assert [round(float(x), 2) for x in np.exp([pooled.value, pooled.lower, pooled.upper])] == [0.49, 0.33, 0.73]
    half = stats.t.ppf(0.975, 12) * np.sqrt(pooled.tau2 + pooled.standard_error**2)
    assert [round(float(x), 2) for x in np.exp([pooled.value - half, pooled.value + half])] == [0.14, 1.76]


def test_paule_mandel_of_the_bcg_trials() -> None:
    """Four digits as computed here, confirmed to six by statsmodels below."""
    assert round(random_effects(*log_relative_risks()).tau2, 4) == 0.3181


@pytest.mark.parametrize(("y", "v"), CASES)
def test_paule_mandel_and_hartung_knapp_agree_with_statsmodels(y: Array, v: Array) -> None:
    """Its Newton steps take an overshoot by rounding for the boundary (statsmodels 0.15), so it is not asked for the last digits."""
    oracle = combine_effects(y, v, method_re="iterated", atol=1e-6, maxiter=1000)
    scaled = random_effects(y, v)
    plain = random_effects(y, v, knapp_hartung=False)
    assert scaled.tau2 == pytest.approx(max(oracle.tau2, 0.0), rel=1e-6, abs=1e-12)
    assert scaled.q == pytest.approx(oracle.q, rel=1e-9)
    assert scaled.value == pytest.approx(oracle.mean_effect_re, rel=1e-6)
    assert plain.standard_error == pytest.approx(oracle.sd_eff_w_re, rel=1e-6)
    assert scaled.standard_error == pytest.approx(np.sqrt(oracle.var_hksj_re), rel=1e-6)
    _, normal, _, _ = oracle.conf_int(alpha=0.05, use_t=False)
    _, _, _, by_t = oracle.conf_int(alpha=0.05, use_t=True)
    assert (plain.lower, plain.upper) == pytest.approx(normal, rel=1e-6)
    assert (scaled.lower, scaled.upper) == pytest.approx(by_t, rel=1e-6)


def restricted_likelihood(tau2: float, y: Array, v: Array) -> float:
    """Log density of the residual contrasts of `y`, which do not depend on the mean: the definition, with no weights or profile."""
    k = y.size
    contrasts = np.eye(k - 1, k) - np.eye(k - 1, k, 1)
    return float(stats.multivariate_normal(np.zeros(k - 1), contrasts @ np.diag(v + tau2) @ contrasts.T).logpdf(contrasts @ y))


@pytest.mark.parametrize(("y", "v"), CASES)
def test_reml_is_the_maximum_of_the_restricted_likelihood(y: Array, v: Array) -> None:
    found = random_effects(y, v, method="reml").tau2
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1e3, 300)])
    values = [restricted_likelihood(t, y, v) for t in grid]
    best = int(np.argmax(values))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    solved = optimize.minimize_scalar(lambda t: -restricted_likelihood(t, y, v), bounds=bounds, method="bounded", options={"xatol": 1e-12})
    assert restricted_likelihood(found, y, v) >= max(*values, -solved.fun) - 1e-9
    if best == 0:
        assert found == pytest.approx(0, abs=1e-6)
    else:
        assert found == pytest.approx(solved.x, rel=1e-5)


def test_some_data_sets_lie_on_the_boundary_and_some_do_not() -> None:
    """So that the two comparisons above see both."""
    methods: tuple[Method, ...] = ("paule_mandel", "reml")
    for method in methods:
        zeros = sum(random_effects(y, v, method=method).tau2 == 0 for y, v in CASES)
        assert 0 < zeros < len(CASES)


def test_prediction_interval_is_that_of_higgins() -> None:
    """Higgins, Thompson and Spiegelhalter (2009): mean -+ t_{k-2} sqrt(tau2 + se2), se2 unscaled."""
    y, v = log_relative_risks()
    pooled = random_effects(y, v, level=0.9)
    half = stats.t.ppf(0.95, 11) * np.sqrt(pooled.tau2 + 1 / np.sum(1 / (v + pooled.tau2)))
    assert pooled.prediction_lower == pytest.approx(pooled.value - half, rel=1e-12)
    assert pooled.prediction_upper == pytest.approx(pooled.value + half, rel=1e-12)
