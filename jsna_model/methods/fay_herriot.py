"""Direct estimates of areas combined with covariates: the area-level model of Fay and Herriot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log, log10, pi, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr, solve_triangular
from scipy.optimize import brentq

from jsna_model.errors import Problem, raise_all

Array = NDArray[np.float64]

#: Grid values of the area variance per factor of ten at which the score is looked at, so that no mode is missed.
PER_DECADE = 8
#: Most grid values, however far apart the sampling variances are.
MOST_GRID = 200
#: Fisher scoring steps within a bracket before it is left to Brent's method.
MOST_STEPS = 30


@dataclass(frozen=True, eq=False)
class FayHerriot:
    """What `fay_herriot` found.

    Parameters
    ----------
    estimate : array, shape (m,)
        Empirical best linear unbiased predictor of each area.
    mse : array, shape (m,)
        Its estimated mean squared error.
    beta, beta_se : array, shape (p,)
        Coefficients and their standard errors, in the order of the covariates.
    area_variance : float
        Variance of the area effects, zero or more.
    loglik : float
        Full (not restricted) log-likelihood at the estimates, whichever the method.
    shrinkage : array, shape (m,)
        Weight on the direct estimate, 0 to 1: ``estimate = shrinkage * direct + (1 - shrinkage) * synthetic``.
    iterations : int
        Steps to the maximum within its bracket; 0 where the maximum is the boundary.
    """

    estimate: Array
    mse: Array
    beta: Array
    beta_se: Array
    area_variance: float
    loglik: float
    shrinkage: Array
    iterations: int


class _At(NamedTuple):
    """Weighted least squares at one value of the area variance, and the likelihood's value, score and information there."""

    weight: Array
    leverage: Array
    residual: Array
    beta: Array
    beta_se: Array
    value: float
    score: float
    information: float


def fay_herriot(
    direct: ArrayLike, covariates: ArrayLike, sampling_variance: ArrayLike, method: Literal["reml", "ml"] = "reml"
) -> FayHerriot:
    r"""Combine direct estimates of areas with covariates by the Fay–Herriot model.

    The model is ``y_i = x_i' beta + v_i + e_i`` with area effects ``v_i ~ N(0, A)`` and sampling errors ``e_i ~ N(0, D_i)``,
    all independent, and D_i known. With ``w_i = 1 / (A + D_i)``, ``W = diag(w)`` and ``Q = (X' W X)^-1``,

    .. math::

        \hat\beta = Q X' W y, \qquad
        \hat\theta_i = \gamma_i y_i + (1 - \gamma_i) x_i' \hat\beta, \qquad
        \gamma_i = A / (A + D_i).

    A maximises, over A ≥ 0, the profile likelihood (``"ml"``) or the restricted likelihood (``"reml"``):

    .. math::

        l(A) &= -\tfrac12 \sum_i \{\log(A + D_i) + w_i r_i^2\} + c, \qquad r = y - X \hat\beta, \\
        l_R(A) &= l(A) - \tfrac12 \log |X' W X| + c.

    The mean squared error, with ``B_i = D_i / (A + D_i)``, is

    .. math::

        g_{1i} = \gamma_i D_i, \quad
        g_{2i} = B_i^2 x_i' Q x_i, \quad
        g_{3i} = B_i^2 w_i \frac{2}{\sum_j w_j^2}, \quad
        \mathrm{mse}_i = g_{1i} + g_{2i} + 2 g_{3i} - b B_i^2,

    where the bias b of the estimate of A is 0 for REML and ``-tr(Q X' W^2 X) / sum_j w_j^2`` for ML.

    Parameters
    ----------
    direct : array, shape (m,)
        Direct estimate y of each area. An area without one is left out here, and predicted by its covariates times `beta`.
    covariates : array or DataFrame, shape (m, p)
        X, with its column of ones where an intercept is wanted; of full column rank, p < m. A DataFrame's column names are used in errors.
    sampling_variance : array, shape (m,)
        D, above zero.
    method : {"reml", "ml"}
        Likelihood that the area variance maximises.

    Returns
    -------
    FayHerriot

    Raises
    ------
    InputError
        Lists every problem: lengths and indices that differ, values that are missing or not finite, sampling variances of zero
        or less, too few areas, collinear columns (named), an unknown method.

    Notes
    -----
    The likelihood can have more than one mode. Its score is computed at zero and on a logarithmic grid up to a value that no mode
    can exceed, ``max(max D, 2 S / (m - p))`` with S the residual sum of squares of ordinary least squares. Each fall of the score
    through zero is a bracketed mode, found by Fisher scoring kept inside the bracket, else by Brent's method; the highest mode,
    with the boundary 0 where the score there is not above zero, is the estimate. (Two modes nearer than one step of the grid
    count as one.)

    At every A the regression is solved by a QR factorisation of ``W^{1/2} X``, never by normal equations or an m by m matrix,
    so time and memory are linear in areas.

    An area variance of 0 makes every estimate the synthetic one and g1 zero: the mean squared error is then too small.

    References
    ----------
    Fay, R. E. and Herriot, R. A. (1979). Estimates of income for small places: an application of James–Stein procedures to Census
    data. Journal of the American Statistical Association 74, 269–277.

    Prasad, N. G. N. and Rao, J. N. K. (1990). The estimation of the mean squared error of small-area estimators. Journal of the
    American Statistical Association 85, 163–171.

    Datta, G. S. and Lahiri, P. (2000). A unified measure of uncertainty of estimated best linear unbiased predictors in small area
    estimation problems. Statistica Sinica 10, 613–627.

    Rao, J. N. K. and Molina, I. (2015). Small Area Estimation, 2nd ed., ch. 6. Wiley.

    Examples
    --------
    >>> found = fay_herriot([1.0, 2.0, 3.0, 6.0], np.ones((4, 1)), [0.5, 0.5, 0.5, 0.5])
    >>> round(found.area_variance, 4), found.beta.round(4), found.shrinkage.round(4)
    (4.1667, array([3.]), array([0.8929, 0.8929, 0.8929, 0.8929]))
    """
    y, X, D = check_inputs(direct, covariates, sampling_variance, method)
    order = np.argsort(D, kind="stable")  # heaviest rows first keep the factorisation accurate when weights differ greatly
    back = np.argsort(order, kind="stable")
    y, X, D = y[order], X[order], D[order]

    def at(A: float) -> _At:
        return weighted_fit(y, X, D, A, method)

    A, iterations = highest_mode(at, y, X, D)
    best = at(A)
    w, B = best.weight, D * best.weight
    squares = float((w**2).sum())
    bias = -float((w * best.leverage).sum()) / squares if method == "ml" else 0.0
    g2 = B**2 * best.leverage / w
    g3 = B**2 * w * 2 / squares
    mse = A * B + g2 + 2 * g3 - bias * B**2
    return FayHerriot(
        estimate=(y - B * best.residual)[back],
        mse=mse[back],
        beta=best.beta,
        beta_se=best.beta_se,
        area_variance=A,
        loglik=-0.5 * float((log(2 * pi) - np.log(w) + w * best.residual**2).sum()),
        shrinkage=(A * w)[back],
        iterations=iterations,
    )


def check_inputs(direct: ArrayLike, covariates: ArrayLike, sampling_variance: ArrayLike, method: str) -> tuple[Array, Array, Array]:
    """The inputs as arrays of numbers, or every problem with them."""
    problems: list[Problem] = []
    if method not in ("reml", "ml"):
        problems.append(Problem(f"method is {method!r}", 'Use "reml" or "ml"'))
    raw = {"direct": direct, "covariates": covariates, "sampling_variance": sampling_variance}
    arrays: dict[str, Array] = {}
    for name, given in raw.items():
        dimensions = 2 if name == "covariates" else 1
        try:
            array = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            problems.append(Problem(f"{name} holds values that are not numbers", "Give numbers only"))
            continue
        if array.ndim != dimensions:
            shape = "one row per area and one column per covariate" if dimensions == 2 else "one value per area"
            problems.append(Problem(f"{name} has {array.ndim} dimensions, not {dimensions}", f"Give {shape}"))
            continue
        arrays[name] = array
        bad = np.flatnonzero(~np.isfinite(array if dimensions == 1 else array.sum(axis=1)))
        if len(bad):
            fix = "Give finite numbers, or leave these areas out and predict them from their covariates and beta"
            problems.append(Problem(f"{name} is missing or not finite in {places(bad)}", fix))
    if "sampling_variance" in arrays:
        bad = np.flatnonzero(arrays["sampling_variance"] <= 0)
        if len(bad):
            value = float(arrays["sampling_variance"][bad[0]])
            fix = "Give variances above zero (squared standard errors); smooth them first where a survey found no variation"
            problems.append(Problem(f"sampling_variance is zero or negative in {places(bad)}, first {value:g}", fix))
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {n}" for name, n in lengths.items())
        problems.append(Problem(f"The numbers of areas differ: {found}", "Give one row per area in each, in one order"))
    else:
        indices: dict[str, Any] = {n: g.index for n, g in raw.items() if n in arrays and hasattr(g, "index") and hasattr(g, "shape")}
        first = next(iter(indices), "")
        for name, index in indices.items():
            if not index.equals(indices[first]):
                problems.append(Problem(f"{name} and {first} have different indices", "Give the same areas in the same order"))
    if "covariates" in arrays:
        X = arrays["covariates"]
        m, p = X.shape
        if not p:
            problems.append(Problem("covariates has no columns", "Give at least a column of ones"))
        elif m <= p:
            problems.append(Problem(f"There are {m} areas and {p} covariates", "Give more areas than covariates, or fewer covariates"))
        elif np.isfinite(X).all():
            labels = getattr(covariates, "columns", None)  # of a DataFrame
            names = [f"column {j}" for j in range(p)] if labels is None else [repr(c) for c in labels]
            problems.extend(collinear(X, names))
    raise_all(problems)
    return arrays["direct"], arrays["covariates"], arrays["sampling_variance"]


def places(rows: NDArray[np.integer], most: int = 5) -> str:
    """Rows in words, counted from 0."""
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return f"row{'s' * (len(rows) > 1)} {', '.join(str(int(i)) for i in rows[:most])}{more} (counted from 0)"


def collinear(X: Array, names: list[str]) -> list[Problem]:
    """Each column that is zero, or a combination of others, by a pivoted QR factorisation of the columns at length one."""
    top = np.abs(X).max(axis=0)
    problems = [Problem(f"Covariate {names[j]} is zero everywhere", "Leave it out") for j in np.flatnonzero(top == 0)]
    kept = np.flatnonzero(top > 0)
    if not len(kept):
        return problems
    Z = X[:, kept] / top[kept]
    Z = Z / np.sqrt((Z**2).sum(axis=0))
    R, pivot = qr(Z, mode="r", pivoting=True)
    size = np.abs(np.diag(R))
    rank = int((size > 10 * max(Z.shape) * np.finfo(float).eps * size[0]).sum())
    if rank == len(kept):
        return problems
    weights = solve_triangular(R[:rank, :rank], R[:rank, rank:])
    for k, j in enumerate(pivot[rank:]):
        others = sorted(int(kept[i]) for i in pivot[:rank][np.abs(weights[:, k]) > 1e-6])
        found = f"Covariate {names[kept[j]]} is a combination of {', '.join(names[i] for i in others)}"
        problems.append(Problem(found, "Leave one of them out"))
    return problems


def weighted_fit(y: Array, X: Array, D: Array, A: float, method: str) -> _At:
    """Weighted least squares at A, with the (restricted) likelihood up to a constant, its score and its expected information."""
    w = 1 / (A + D)
    root = np.sqrt(w)
    scale = np.sqrt((w[:, None] * X**2).sum(axis=0))
    Q, R, pivot = qr(root[:, None] * X / scale, mode="economic", pivoting=True)
    fit = Q.T @ (root * y)
    residual = y - (Q @ fit) / root
    leverage = (Q**2).sum(axis=1)
    beta, beta_se = np.empty(len(scale)), np.empty(len(scale))
    beta[pivot] = solve_triangular(R, fit)
    beta_se[pivot] = np.sqrt((solve_triangular(R, np.eye(len(R))) ** 2).sum(axis=1))
    value = 0.5 * float((np.log(w) - w * residual**2).sum())
    score = float(((w * residual) ** 2).sum())
    if method == "ml":
        score -= float(w.sum())
        information = float((w**2).sum())
    else:  # P = W^{1/2} (I - QQ') W^{1/2}: tr P, and tr PP
        value -= float(np.log(np.abs(np.diag(R))).sum() + np.log(scale).sum())
        score -= float((w * (1 - leverage)).sum())
        information = float((w**2 * (1 - 2 * leverage)).sum() + ((Q.T * w @ Q) ** 2).sum())
    return _At(w, leverage, residual, beta / scale, beta_se / scale, value, score / 2, information / 2)


def highest_mode(at: Callable[[float], _At], y: Array, X: Array, D: Array) -> tuple[float, int]:
    """The area variance at the highest mode over zero or more, and the steps that it took."""
    low, high = float(D.min()), float(D.max())
    m, p = X.shape
    top = np.abs(X).max(axis=0)
    Q, _ = qr(X / top, mode="economic")
    spread = float(((y - Q @ (Q.T @ y)) ** 2).sum())
    first, last = low / 1000, 1.001 * max(high, 2 * spread / (m - p))
    count = min(ceil(PER_DECADE * log10(last / first)) + 1, MOST_GRID)
    grid = [0.0, *np.geomspace(first, last, count).tolist()]
    scores = [at(A).score for A in grid]
    modes = [] if scores[0] > 0 else [(0.0, 0)]
    for k in range(len(grid) - 1):
        if scores[k] > 0 >= scores[k + 1]:
            modes.append(_mode(at, grid[k], grid[k + 1], low))
    return max(modes, key=lambda mode: at(mode[0]).value)


def _mode(at: Callable[[float], _At], low: float, high: float, unit: float) -> tuple[float, int]:
    """The root of the score between `low`, where it is above zero, and `high`, where it is not; and the steps taken."""
    tiny = 4 * np.finfo(float).eps * unit
    A = sqrt(low * high) if low else high / 2
    for step in range(1, MOST_STEPS + 1):
        here = at(A)
        low, high = (A, high) if here.score > 0 else (low, A)
        new = A + here.score / here.information if here.information > 0 else -1.0
        if abs(new - A) <= 1e-12 * A + tiny and new >= 0:
            return new, step
        A = new if low < new < high else (low + high) / 2
    root, report = brentq(lambda A: at(A).score, low, high, xtol=tiny, rtol=1e-14, full_output=True)
    return float(root), MOST_STEPS + int(report.iterations)
