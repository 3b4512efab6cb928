"""Smooth regression on draws: natural cubic splines of each parameter, products of pairs, and a ridge chosen by cross-validation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Knots of each parameter's spline, at evenly spaced quantiles with the outer two at 5% and 95% (Harrell 2015, table 2.3).
_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
#: Most parameters whose products of pairs are in the basis: beyond it they would be more than the draws can bear.
_MOST_WITH_PAIRS = 8
#: Ridge penalties tried, as shares of the mean squared singular value.
_RIDGE_GRID = (0.0, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def natural_spline(x: Array) -> Array:
    """Natural cubic spline basis of one variable, without intercept, shape (draw, columns); linear beyond the outer knots.

    ``x`` and ``d_k(x) - d_(K-1)(x)`` with ``d_k = ((x - t_k)_+^3 - (x - t_K)_+^3) / (t_K - t_k)``, of a standardised variable. Where knots
    coincide, as for a variable of few values, only those that differ are used.

    References
    ----------
    Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, 2nd ed., eq. 5.4-5.5.
    """
    spread = x.std()
    if spread == 0:
        return np.zeros((len(x), 0))
    z = (x - x.mean()) / spread
    knots = np.unique(np.quantile(z, _KNOTS))
    if len(knots) < 3:
        return z[:, None]
    cubed = np.maximum(z[:, None] - knots, 0.0) ** 3
    d = (cubed[:, :-1] - cubed[:, -1:]) / (knots[-1] - knots[:-1])
    return np.column_stack([z, d[:, :-1] - d[:, -1:]])


def design(parameters: Array) -> Array:
    """Columns of the regression: intercept, a spline a parameter, products of pairs; standardised but for the intercept.

    Parameters
    ----------
    parameters : ndarray, shape (parameter, draw)

    Returns
    -------
    ndarray, shape (draw, columns)
    """
    parts = [natural_spline(x) for x in parameters]
    varied = [p[:, 0] for p in parts if p.shape[1]]
    if len(varied) <= _MOST_WITH_PAIRS:
        parts += [(a * b)[:, None] for a, b in combinations(varied, 2)]
    columns = np.column_stack([np.ones((parameters.shape[1], 1)), *parts])
    rest = columns[:, 1:] - columns[:, 1:].mean(0)
    spread = rest.std(0)
    columns[:, 1:] = np.divide(rest, spread, out=np.zeros_like(rest), where=spread > 0)
    return columns


def ridge_fit(basis: Array, outcomes: Array) -> Array:
    """Coefficients of each outcome, its ridge penalty chosen by generalised cross-validation; the intercept is not penalised.

    Parameters
    ----------
    basis : ndarray, shape (draw, columns)
        From `design`: the first column is the intercept.
    outcomes : ndarray, shape (draw, outcome)

    Returns
    -------
    ndarray, shape (columns, outcome)

    References
    ----------
    Golub, Heath and Wahba 1979, Technometrics 21:215-223.
    """
    n = len(basis)
    centre, level = basis[:, 1:].mean(0), outcomes.mean(0)
    if basis.shape[1] == 1:
        return level[None]
    x, y = basis[:, 1:] - centre, outcomes - level
    squares, axes = np.linalg.eigh(x.T @ x)  # squares of the singular values
    kept = squares > squares[-1] * 1e-11 if squares[-1] > 0 else np.zeros(len(squares), dtype=bool)
    squares, axes = squares[kept], axes[:, kept]
    seen = axes.T @ (x.T @ y) / np.sqrt(squares)[:, None]  # (component, outcome)
    left = np.maximum((y**2).sum(0) - (seen**2).sum(0), 0.0)
    penalties = np.array(_RIDGE_GRID) * float(squares.mean() if len(squares) else 0.0)
    shrink = squares / (squares + penalties[:, None])  # (penalty, component)
    residual = left + np.einsum("pk,ko->po", (1 - shrink) ** 2, seen**2)
    score = residual / np.maximum(n - 1 - shrink.sum(1), 1.0)[:, None] ** 2
    chosen = shrink[score.argmin(0)].T  # (component, outcome)
    slopes = axes @ (chosen / np.sqrt(squares)[:, None] * seen)
    return np.vstack([level - centre @ slopes, slopes])
