"""Surveyed children combined with what is known of every area: the unit-level model of Battese, Harter and Fuller."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from jsna_model.errors import Problem, raise_all
from jsna_model.methods.fay_herriot import collinear, places

Array = NDArray[np.float64]

#: Ratios of the two variances at which the score is looked at, beside 0: from negligible to all.
RATIOS = np.geomspace(1e-8, 1e8, 129)


@dataclass(frozen=True, eq=False)
class UnitLevel:
    """What `unit_level` found.

    Parameters
    ----------
    estimate : array, shape (m,)
        Empirical best linear unbiased predictor of each area's mean.
    mse : array, shape (m,)
        Its estimated mean squared error.
    effect : array, shape (m,)
        Predicted area effects.
    beta, beta_se : array, shape (p,)
    area_variance, unit_variance : float
    loglik : float
        Of the method's own likelihood, at its maximum.
    """

    estimate: Array
    mse: Array
    effect: Array
    beta: Array
    beta_se: Array
    area_variance: float
    unit_variance: float
    loglik: float


class _Fit(NamedTuple):
    """Generalised least squares at one ratio of variances: profile likelihood, its score, and what the predictor needs."""

    value: float
    score: float
    beta: Array
    spread: Array
    unit_variance: float


def unit_level(
    outcome: ArrayLike,
    covariates: ArrayLike,
    area: ArrayLike,
    means: ArrayLike,
    population: ArrayLike | None = None,
    method: Literal["reml", "ml"] = "reml",
) -> UnitLevel:
    r"""Means of areas from surveyed units, and from the known means of covariates in every area.

    The model is ``y_dj = x_dj' beta + v_d + e_dj`` with ``v ~ N(0, s_v^2)`` and ``e ~ N(0, s_e^2)``. With ``gamma_d = s_v^2 / (s_v^2 +
    s_e^2 / n_d)``, sample means :math:`\bar y_d, \bar x_d`, population means :math:`\bar X_d` and ``f_d = n_d / N_d``,

    .. math::

        \hat v_d = \gamma_d (\bar y_d - \bar x_d' \hat\beta), \qquad
        \hat{\bar Y}_d = f_d \bar y_d + (\bar X_d - f_d \bar x_d)' \hat\beta + (1 - f_d) \hat v_d,

    and ``f_d = 0`` where no population is given. An area without a surveyed unit has :math:`\bar X_d' \hat\beta`. The mean squared error,
    of what was not surveyed with mean :math:`\bar x_{rd}`, is ``(1 - f)^2 (g1 + g2 + 2 g3) + (N - n) s_e^2 / N^2``,

    .. math::

        g_1 = \gamma s_e^2 / n, \quad g_2 = (\bar x_r - \gamma \bar x)' Q (\bar x_r - \gamma \bar x), \quad
        g_3 = n^{-2} (s_v^2 + s_e^2 / n)^{-3} \mathrm{Var}(s_e^2 \hat s_v^2 - s_v^2 \hat s_e^2).

    Parameters
    ----------
    outcome : array, shape (n,)
        One number a surveyed unit.
    covariates : array, shape (n, p)
        With a column of ones where an intercept is wanted.
    area : array of int, shape (n,)
        Area of each unit, 0 to m − 1.
    means : array, shape (m, p)
        Population means of the covariates, in the same order of columns.
    population : array, shape (m,), optional
        Units in each area; without it, areas are taken as endless.
    method : {"reml", "ml"}

    Returns
    -------
    UnitLevel

    Raises
    ------
    InputError
        Lists every problem.

    Notes
    -----
    One ratio, ``s_v^2 / s_e^2``, is searched; all else has a closed form at it. Its score is looked at over a grid: each fall through zero
    is a mode, found by Brent's method, and 0 is one where the score there is not above zero. A mean of a share is not kept within 0 and 1.

    References
    ----------
    Battese, G. E., Harter, R. M. and Fuller, W. A. (1988). An error-components model for prediction of county crop areas using survey
    and satellite data. Journal of the American Statistical Association 83, 28–36.

    Prasad, N. G. N. and Rao, J. N. K. (1990). The estimation of the mean squared error of small-area estimators. Journal of the
    American Statistical Association 85, 163–171.

    Rao, J. N. K. and Molina, I. (2015). Small Area Estimation, 2nd ed., ch. 7. Wiley.

    Examples
    --------
    >>> found = unit_level([1.0, 2.0, 4.0, 6.0, 8.0, 9.0], np.ones((6, 1)), [0, 0, 1, 1, 2, 2], np.ones((4, 1)))
    >>> found.estimate.round(2)
    array([1.64, 5.  , 8.36, 5.  ])
    """
    y, X, group, Z, N = _checked(outcome, covariates, area, means, population, method)
    m = len(Z)
    n = np.bincount(group, minlength=m).astype(float)
    ratio = _best(y, X, group, n, method)
    fit = _fit(ratio, y, X, group, n, method)
    se2, sv2 = fit.unit_variance, ratio * fit.unit_variance
    some = np.maximum(n, 1)
    ybar = np.bincount(group, y, m) / some
    xbar = np.column_stack([np.bincount(group, column, m) for column in X.T]) / some[:, None]
    gamma = np.where(n > 0, ratio / (ratio + 1 / some), 0.0)
    effect = gamma * (ybar - xbar @ fit.beta)
    f = np.zeros(m) if N is None else n / N
    estimate = f * ybar + (Z - f[:, None] * xbar) @ fit.beta + (1 - f) * effect
    rest = np.divide(Z - f[:, None] * xbar, (1 - f)[:, None], out=np.zeros_like(Z), where=f[:, None] < 1)
    away = rest - gamma[:, None] * xbar
    g1 = np.where(n > 0, gamma * se2 / some, sv2)
    g2 = np.einsum("ij,jk,ik->i", away, fit.spread * se2, away)
    g3 = np.where(n > 0, _of_variances(sv2, se2, n, X.shape[1]) / (some**2 * (sv2 + se2 / some) ** 3), 0.0)
    mse = (1 - f) ** 2 * (g1 + g2 + 2 * g3) + (0.0 if N is None else (N - n) * se2 / N**2)
    return UnitLevel(estimate, mse, effect, fit.beta, np.sqrt(np.diag(fit.spread) * se2), sv2, se2, fit.value)


def _fit(ratio: float, y: Array, X: Array, group: NDArray[np.intp], n: Array, method: str) -> _Fit:
    """Profile over the coefficients and the unit variance at a ratio of the variances."""
    m, (total, p) = len(n), X.shape
    weight = ratio / (1 + n * ratio)  # V^-1 = I - weight * 11' in each area, in units of the unit variance
    sums = np.column_stack([np.bincount(group, column, m) for column in X.T])
    ysum = np.bincount(group, y, m)
    information = X.T @ X - (weight[:, None] * sums).T @ sums
    spread: Array = np.asarray(np.linalg.inv(information), dtype=float)
    beta = spread @ (X.T @ y - sums.T @ (weight * ysum))
    r = y - X @ beta
    rsum = np.bincount(group, r, m)
    squares = float(r @ r - (weight * rsum**2).sum())
    free = total - p if method == "reml" else total
    inner = rsum / (1 + n * ratio)
    u = sums / (1 + n * ratio)[:, None]
    value = -0.5 * (free * (log(2 * pi * squares / free) + 1) + float(np.log1p(n * ratio).sum()))
    score = 0.5 * free * float((inner**2).sum()) / squares - 0.5 * float((n / (1 + n * ratio)).sum())
    if method == "reml":
        value -= 0.5 * float(np.linalg.slogdet(information)[1])
        score += 0.5 * float(np.einsum("ij,jk,ik->", u, spread, u))
    return _Fit(value, score, beta, spread, squares / free)


def _best(y: Array, X: Array, group: NDArray[np.intp], n: Array, method: str) -> float:
    """The ratio of variances at the highest mode over zero or more."""

    def at(ratio: float) -> _Fit:
        return _fit(ratio, y, X, group, n, method)

    grid = [0.0, *RATIOS.tolist()]
    scores = [at(ratio).score for ratio in grid]
    modes = [] if scores[0] > 0 else [0.0]
    for low, high, first, second in zip(grid, grid[1:], scores, scores[1:], strict=False):
        if first > 0 >= second:
            modes.append(float(brentq(lambda ratio: at(ratio).score, low, high, xtol=1e-15, rtol=1e-14)))
    return max(modes or grid[-1:], key=lambda ratio: at(ratio).value)


def _of_variances(sv2: float, se2: float, n: Array, p: int) -> float:
    """Variance of ``s_e^2 sv2_hat - s_v^2 se2_hat``, from the information of the two variances (Rao and Molina 2015, section 7.2.2)."""
    n = n[n > 0]
    a = se2 + n * sv2
    vv = 0.5 * float((n**2 / a**2).sum())
    ee = 0.5 * float(((n - 1) / se2**2 + 1 / a**2).sum())
    ve = 0.5 * float((n / a**2).sum())
    cov = np.linalg.inv(np.array([[vv, ve], [ve, ee]]))
    return float(se2**2 * cov[0, 0] + sv2**2 * cov[1, 1] - 2 * se2 * sv2 * cov[0, 1])


def _checked(
    outcome: ArrayLike, covariates: ArrayLike, area: ArrayLike, means: ArrayLike, population: ArrayLike | None, method: str
) -> tuple[Array, Array, NDArray[np.intp], Array, Array | None]:
    """The inputs as arrays, or every problem with them."""
    y, X, Z = (np.asarray(a, dtype=float) for a in (outcome, covariates, means))
    code = np.asarray(area)
    problems: list[Problem] = []
    if method not in ("reml", "ml"):
        problems.append(Problem(f"method is {method!r}", 'use "reml" or "ml"'))
    if y.ndim != 1 or X.ndim != 2 or Z.ndim != 2 or code.shape != y.shape or len(X) != len(y) or X.shape[1] != Z.shape[1]:
        found = f"outcome {y.shape}, covariates {X.shape}, area {code.shape}, means {Z.shape}"
        raise_all([*problems, Problem(f"shapes do not fit: {found}", "give (n,), (n, p), (n,) and (m, p)")])
    for name, array in {"outcome": y, "covariates": X, "means": Z}.items():
        bad = np.flatnonzero(~np.isfinite(array if array.ndim == 1 else array.sum(axis=1)))
        if len(bad):
            problems.append(Problem(f"{name} is missing or not finite in {places(bad)}", "give finite numbers, or leave these units out"))
    whole = code.dtype.kind in "iu"
    bad = np.flatnonzero((code < 0) | (code >= len(Z))) if whole else np.array([], dtype=int)
    if not whole or len(bad):
        problems.append(Problem(f"area is not a row of means {'in ' + places(bad) if whole else '(whole numbers)'}", "count areas from 0"))
    if len(y) <= X.shape[1]:
        problems.append(Problem(f"there are {len(y)} units and {X.shape[1]} covariates", "give more units, or fewer covariates"))
    elif not problems:
        problems += collinear(X, [f"column {j}" for j in range(X.shape[1])])
        if len(np.unique(code)) == len(y):
            problems.append(Problem("no area has two surveyed units", "the two variances cannot be told apart: use fay_herriot"))
    N = None if population is None else np.asarray(population, dtype=float)
    if N is not None and not problems:
        n = np.bincount(code, minlength=len(Z)) if N.shape == (len(Z),) else np.zeros(0)
        bad = np.flatnonzero(~(np.maximum(n, 1) <= N)) if len(n) else np.array([], dtype=int)
        if not len(n) or len(bad):
            found = f"population is below the units surveyed, or missing, in {places(bad)}" if len(n) else f"population is {N.shape}"
            problems.append(Problem(found, f"give units in each of the {len(Z)} areas"))
    raise_all(problems)
    return y, X, code.astype(np.intp), Z, N
