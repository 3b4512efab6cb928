"""Attribution: of a variance to its sources (Shapley values on common draws), of a change to its factors, of an answer to its inputs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.smooth import design, ridge_fit
from jsna_model.methods.tables import table

Array = NDArray[np.float64]

#: Groups of draws that the standard error is found from, each left out in turn.
GROUPS = 20
#: A swing is told from chance where it is more than so many of its standard errors: with 30 inputs, one in 12 runs shows one by mistake.
SWING_ERRORS = 3.0
#: Sources whose sets are all looked at: 2**10 regressions.
MOST_SOURCES = 10
#: Draws for each column of a regression, below which it keeps to straight lines.
DRAWS_A_COLUMN = 8


def coalitions(n: int) -> NDArray[np.bool_]:
    """Every set of `n` sources, shape (2**n, n); row ``S`` holds source *i* where bit *i* of its index is set.

    Examples
    --------
    >>> coalitions(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]
    """
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def shapley_weights(n: int) -> Array:
    """Weights that turn the values of all coalitions into Shapley values, shape (source, coalition).

    ``phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))``, gathered by coalition: where `i` is in ``S`` the weight
    is ``(|S| - 1)! (n - |S|)! / n!``, elsewhere ``-|S|! (n - |S| - 1)! / n!``.

    Parameters
    ----------
    n : int
        Number of sources.

    References
    ----------
    Shapley 1953, A value for n-person games; Owen 2014, SIAM/ASA J. Uncertainty Quantification 2:245-251 (variances).

    Examples
    --------
    >>> shapley_weights(2).tolist()
    [[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]]
    """
    held = coalitions(n)
    size = held.sum(1)
    joins = np.array([factorial(s - 1) * factorial(n - s) / factorial(n) if s else 0.0 for s in size])
    stays = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) if s < n else 0.0 for s in size])
    return np.where(held.T, joins, -stays)


def shapley(values: Array) -> Array:
    """Shapley values of each source; they add up to the value of all sources less that of none.

    Parameters
    ----------
    values : ndarray, shape (2**n, ...)
        Value of each coalition, in the order of `coalitions`.

    Returns
    -------
    ndarray, shape (n, ...)

    Raises
    ------
    InputError
        Where the number of values is not a power of two.

    Examples
    --------
    Two independent sources with variances 3 and 1, and an interaction of 2, which is halved:

    >>> shapley(np.array([0.0, 3.0, 1.0, 6.0])).tolist()
    [4.0, 2.0]
    """
    n = len(values).bit_length() - 1
    if len(values) != 2**n:
        raise InputError(f"{len(values)} values of coalitions; give one for each of the 2**n sets of n sources.")
    result: Array = np.tensordot(shapley_weights(n), values, axes=1)
    return result


def group_moments(values: Array, groups: int = GROUPS) -> tuple[Array, Array]:
    """Sums and sums of squares of consecutive groups of draws, from which variances with any group left out follow.

    Parameters
    ----------
    values : ndarray, shape (..., draw)
        Best as differences from a central value, so that squares lose no digits.
    groups : int
        No more than there are draws.

    Returns
    -------
    sums, squares : ndarray, shape (..., group)
    """
    starts = np.concatenate([[0], np.cumsum(group_sizes(values.shape[-1], groups))[:-1]])
    return np.add.reduceat(values, starts, axis=-1), np.add.reduceat(values**2, starts, axis=-1)


def group_sizes(draws: int, groups: int = GROUPS) -> NDArray[np.int64]:
    """Draws in each group: as equal as can be.

    Examples
    --------
    >>> group_sizes(10, 4).tolist()
    [3, 3, 2, 2]
    """
    groups = min(groups, draws)
    return np.array([draws // groups + (g < draws % groups) for g in range(groups)])


def variances(sums: Array, squares: Array, sizes: NDArray[np.int64]) -> tuple[Array, Array]:
    """Variance of all draws, and with each group left out (divisor ``n - 1``).

    Parameters
    ----------
    sums, squares : ndarray, shape (..., group)
    sizes : ndarray of int, shape (group,)

    Returns
    -------
    variance : ndarray, shape (...)
    left_out : ndarray, shape (..., group)
    """

    def variance(n: NDArray[np.int64], s: Array, q: Array) -> Array:
        return np.maximum(q - s**2 / n, 0.0) / np.maximum(n - 1, 1)

    total = sums.sum(-1, keepdims=True), squares.sum(-1, keepdims=True)
    everything = variance(sizes.sum(keepdims=True), *total)[..., 0]
    return everything, variance(sizes.sum() - sizes, total[0] - sums, total[1] - squares)


def jackknife_error(left_out: Array) -> Array:
    """Standard error of a statistic from its values with each group of draws left out, the last axis.

    ``sqrt((G - 1) / G sum_g (t_g - mean t)^2)``.

    References
    ----------
    Efron and Stein 1981, Ann. Stat. 9:586-596.
    """
    groups = left_out.shape[-1]
    spread = ((left_out - left_out.mean(-1, keepdims=True)) ** 2).sum(-1)
    return np.asarray(np.sqrt((groups - 1) / groups * spread))


# --- change by factor ----------------------------------------------------------------------------------------------------------------

#: What is left when each factor has changed alone: they change together.
INTERACTION = "interaction"


def waterfall(base: ArrayLike, alone: Mapping[str, ArrayLike], horizon: ArrayLike) -> dict[str, Array]:
    """Change from base to horizon, by factor, with what the factors do together under a name of its own.

    A factor's part is what changes where it alone moves to the horizon, ``v({i}) - v(none)``; the interaction is the rest,
    ``v(all) - v(none) - sum of parts``, so that base, parts and interaction add up to the horizon in every draw. Nothing is shared out by
    the order in which factors stand.

    Parameters
    ----------
    base, horizon : array_like, shape (..., draw)
        With no factor changed, and with all.
    alone : mapping of str to array_like, shape (..., draw)
        With one factor at the horizon and the others at the base.

    Returns
    -------
    dict of str to ndarray, shape (..., draw)
        Parts in the order given, then ``interaction``. NaN where an input is.

    Raises
    ------
    InputError
        For no factors, shapes that do not broadcast, and a factor called ``interaction``.

    Examples
    --------
    >>> parts = waterfall([100.0], {"population": [110.0], "need": [150.0]}, [165.0])
    >>> {name: float(part[0]) for name, part in parts.items()}
    {'population': 10.0, 'need': 50.0, 'interaction': 5.0}
    """
    if not alone or INTERACTION in alone:
        raise InputError(f"factors are {list(alone)}; give at least one, and none called {INTERACTION!r}.")
    start, end = np.asarray(base, dtype=float), np.asarray(horizon, dtype=float)
    parts = {name: np.asarray(value, dtype=float) - start for name, value in alone.items()}
    parts[INTERACTION] = end - start - np.sum(list(parts.values()), axis=0)
    return parts


def alone_of_product(base: ArrayLike, factors: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> dict[str, Array]:
    """What `waterfall` takes, where the outcome is a product of factors: ``base * horizon_i / base_i`` for each.

    Parameters
    ----------
    base : array_like, shape (..., draw)
    factors : mapping of str to (array_like, array_like)
        Value of each factor at the base and at the horizon, such as children; children in need per child; referrals per child in need.

    Returns
    -------
    dict of str to ndarray
        Where a factor is zero at the base its part is not defined: NaN, unless it is zero at the horizon too and so has not moved.
    """
    start = np.asarray(base, dtype=float)
    found = {}
    for name, (first, last) in factors.items():
        a, b = np.broadcast_arrays(np.asarray(first, dtype=float), np.asarray(last, dtype=float))
        ratio = np.divide(b, a, out=np.where(b == 0, 1.0, np.nan), where=a != 0)
        found[name] = np.asarray(start * ratio)
    return found


def tornado(inputs: Mapping[str, ArrayLike], outcome: ArrayLike, low: float = 0.1, high: float = 0.9) -> np.recarray[Any, Any]:
    """What moves an answer: its expectation where each input is low and where it is high, the others as uncertain as they are.

    ``E(outcome | input)`` is a smooth regression on the input's draws (`methods.smooth`), read at two quantiles of the input.

    Parameters
    ----------
    inputs : mapping of str to array_like, shape (draw,)
    outcome : array_like, shape (draw,)
        The same draws.
    low, high : float
        Quantiles of each input.

    Returns
    -------
    numpy.recarray, shape (input,)
        Widest first: ``input``, ``at_low``, ``at_high`` (outcome), ``swing`` (their distance), ``rank_correlation`` (Spearman; 0 for an
        input that does not vary), ``share`` of the outcome's variance that the regression explains, degrees of freedom allowed for and
        not below 0, and ``swing_error``, the standard error of the swing (jackknife over groups of draws). Few draws make a swing of an
        input that moves nothing: show no swing within `SWING_ERRORS` of its errors. Inputs that vary together each carry what the other
        does: the bars do not add up.

    Raises
    ------
    InputError
        Listing inputs whose draws do not match, are not finite or are fewer than 20, and quantiles out of order.

    References
    ----------
    Saltelli et al. 2008, Global Sensitivity Analysis: the Primer, ch. 1 and 4.
    """
    from scipy.stats import rankdata

    y = np.asarray(outcome, dtype=float)
    given = {name: np.asarray(x, dtype=float) for name, x in inputs.items()}
    problems = [Problem("there are no inputs", "name at least one")] if not given else []
    if not 0 <= low < high <= 1:
        problems.append(Problem(f"quantiles are {low} and {high}", "give a low one below a high one, such as 0.1 and 0.9"))
    if y.ndim != 1 or y.size < GROUPS or not np.isfinite(y).all():
        problems.append(Problem(f"the outcome has shape {y.shape}", f"give {GROUPS} draws or more, all finite"))
    for name, x in given.items():
        if x.shape != y.shape or not np.isfinite(x).all():
            problems.append(Problem(f"input {name!r} has shape {x.shape}", "give the outcome's draws, all finite"))
    raise_all(problems)
    rows = []
    for name, x in given.items():
        basis = design(x[None])
        fitted = basis @ ridge_fit(basis, y[:, None])[:, 0]
        order = np.argsort(x, kind="stable")
        at = np.quantile(x, [low, high])
        ends = np.interp(at, x[order], fitted[order])
        left_out = []
        for a, b in itertools.pairwise([0, *np.cumsum(group_sizes(len(y)))]):
            kept = np.r_[0:a, b : len(y)]
            without = np.interp(at, x[order], (basis @ ridge_fit(basis[kept], y[kept, None])[:, 0])[order])
            left_out.append(without[1] - without[0])
        moved = np.ptp(x) > 0 and np.ptp(y) > 0
        rank = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]) if moved else 0.0
        left = ((y - fitted) ** 2).sum() / max(len(y) - basis.shape[1], 1)
        share = max(0.0, 1 - left / y.var(ddof=1)) if moved else 0.0
        error = float(jackknife_error(np.array(left_out)))
        rows.append((name, ends[0], ends[1], abs(ends[1] - ends[0]), error, rank, share))
    rows.sort(key=lambda row: -row[3])
    names = ("input", "at_low", "at_high", "swing", "swing_error", "rank_correlation", "share")
    return table(**{n: np.array(column) for n, column in zip(names, zip(*rows, strict=True), strict=True)})


# --- variance of a decision by source ------------------------------------------------------------------------------------------------

#: Variance that a regression on the sources leaves, and that of process noise.
UNEXPLAINED, NOISE = "unexplained", "process_noise"


def variance_by_source(
    sources: Mapping[str, ArrayLike], averaged: ArrayLike, happens: ArrayLike | None = None
) -> dict[str, NDArray[np.float64]]:
    """Variance of outcomes shared out among sources of uncertainty, by Shapley values of what each set of them explains.

    A set *S* is worth ``v(S) = Var E(Y | theta_S)``, by a smooth regression on its parameters (`methods.smooth`), degrees of freedom
    allowed for, and no less than a set within it. The values add up to what all sources explain; the rest of the variance of the averaged
    outcome is ``unexplained``; and what the outcome varies more than its average over process noise is ``process_noise``
    (``Var Y = Var E(Y | theta) + E Var(Y | theta)``). All parts add up to the variance exactly. Sources that vary together share what
    they both explain.

    Parameters
    ----------
    sources : mapping of str to array_like, shape (parameter, draw)
    averaged : array_like, shape (outcome, draw)
        With process noise averaged out.
    happens : array_like, shape (outcome, draw), optional
        With process noise; without it, that is nought.

    Returns
    -------
    dict of str to ndarray, shape (outcome,)
        By source, then ``unexplained`` and ``process_noise``. The last can be below zero by chance where there is little of it.

    Raises
    ------
    InputError
        For draws that do not match, are not finite or are fewer than 20; and for more than ten sources.

    References
    ----------
    Owen 2014, SIAM/ASA J. Uncertainty Quantification 2:245-251; Song, Nelson and Staum 2016, ibid. 4:1060-1083.
    """
    y = np.atleast_2d(np.asarray(averaged, dtype=float)).T  # (draw, outcome)
    seen = y if happens is None else np.atleast_2d(np.asarray(happens, dtype=float)).T
    given = {name: np.atleast_2d(np.asarray(x, dtype=float)) for name, x in sources.items()}
    problems = []
    if len(given) > MOST_SOURCES:
        problems.append(Problem(f"{len(given)} sources", f"put them together into {MOST_SOURCES} or fewer"))
    if seen.shape != y.shape or len(y) < GROUPS or not (np.isfinite(y).all() and np.isfinite(seen).all()):
        problems.append(Problem(f"outcomes have shapes {y.T.shape} and {seen.T.shape}", f"give {GROUPS} draws or more, all finite"))
    for name, x in given.items():
        if x.shape[-1] != len(y) or not np.isfinite(x).all():
            problems.append(Problem(f"source {name!r} has shape {x.shape}", "give the outcome's draws, last, all finite"))
    raise_all(problems)
    total = y.var(axis=0, ddof=1)
    held = coalitions(len(given))
    worth = np.zeros((len(held), y.shape[1]))
    order = sorted(range(len(held)), key=lambda s: int(held[s].sum()))
    for s in order[1:]:
        basis = _basis(np.concatenate([x for x, here in zip(given.values(), held[s], strict=True) if here]))
        left = ((y - basis @ ridge_fit(basis, y)) ** 2).sum(0) / max(len(y) - basis.shape[1], 1)
        within = [worth[s & ~(1 << i)] for i in range(len(given)) if held[s, i]]
        worth[s] = np.maximum(np.clip(total - left, 0.0, total), np.max(within, axis=0))
    parts = dict(zip(given, shapley(worth), strict=True)) if given else {}
    return parts | {UNEXPLAINED: total - worth[-1], NOISE: seen.var(axis=0, ddof=1) - total}


def _basis(parameters: Array) -> Array:
    """Splines and products where the draws can bear them, otherwise straight lines."""
    basis = design(parameters)
    if basis.shape[1] * DRAWS_A_COLUMN <= len(basis):
        return basis
    spread = parameters.std(1, keepdims=True)
    centred = parameters - parameters.mean(1, keepdims=True)
    lines = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.column_stack([np.ones(parameters.shape[1]), *lines])
