"""Net benefit, acceptability and the value of information. **Strategies first, draws last** (law 1), unlike in most packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.attribution import group_sizes, jackknife_error
from jsna_model.methods.smooth import design, ridge_fit
from jsna_model.methods.tables import table

Array = NDArray[np.float64]

#: Folds of the cross-fitted regression: draw i is in fold i modulo FOLDS, which also suits draws that come sorted.
FOLDS = 10
#: A value of information is shown where the whole sample moves that of its first half by less than this share (issue 6).
STABLE_WITHIN = 0.1
#: More strategies than this, on fewer draws, are axes the wrong way round.
_MANY_STRATEGIES = 100


def net_benefit(cost: ArrayLike, effect: ArrayLike, threshold: ArrayLike) -> Array:
    """Net monetary benefit, ``threshold * effect - cost``.

    Parameters
    ----------
    cost, effect : array_like, shape (strategy, draw)
        Or any shape with strategies first and draws last; levels or differences from a comparator, which give the same decisions.
    threshold : float or array_like, shape (threshold,)
        What one unit of effect is worth, in the money of `cost`. There is no default: it is the user's to say.

    Returns
    -------
    ndarray, shape (strategy, draw), or (strategy, threshold, draw) for several thresholds

    Raises
    ------
    InputError
        For a threshold below zero or not finite.

    References
    ----------
    Stinnett and Mullahy 1998, Med. Decis. Making 18:S68-S80.

    Examples
    --------
    >>> net_benefit([[0.0, 0.0], [100.0, 300.0]], [[0.0, 0.0], [2.0, 1.0]], [0, 200]).tolist()
    [[[0.0, 0.0], [0.0, 0.0]], [[-100.0, -300.0], [300.0, -100.0]]]
    """
    c, e, k = np.asarray(cost, dtype=float), np.asarray(effect, dtype=float), np.asarray(threshold, dtype=float)
    if not (np.isfinite(k).all() and (k >= 0).all() and k.ndim <= 1):
        raise InputError(f"threshold is {threshold!r}; give pounds per unit of effect, zero or more, as one number or a list.")
    if k.ndim:
        c, e, k = c[..., None, :], e[..., None, :], k[:, None]
    result: Array = k * e - c
    return result


def acceptability(net_benefit: ArrayLike) -> Array:
    """Probability that each strategy is best: the share of draws in which it has the most net benefit; ties are shared equally.

    Parameters
    ----------
    net_benefit : array_like, shape (strategy, draw) or (strategy, threshold, draw)
        Strategies first, draws last; transpose what has a row a draw.

    Returns
    -------
    ndarray, shape (strategy,) or (strategy, threshold)
        Adds up to one over strategies.

    Raises
    ------
    InputError
        For values that are not finite, and axes the wrong way round.

    References
    ----------
    van Hout et al. 1994, Health Econ. 3:309-319; Fenwick, Claxton and Sculpher 2001, Health Econ. 10:779-787.

    Examples
    --------
    >>> acceptability([[1, 1, 1, 1], [0, 2, 1, 3]]).tolist()
    [0.375, 0.625]
    """
    values = _checked(net_benefit)
    best = values == values.max(0)
    result: Array = (best / best.sum(0)).mean(-1)
    return result


def acceptability_frontier(net_benefit: ArrayLike) -> tuple[NDArray[np.int64], Array]:
    """The strategy with the most *expected* net benefit, and the probability that it is best, which need not be the highest.

    Parameters
    ----------
    net_benefit : array_like, shape (strategy, draw) or (strategy, threshold, draw)

    Returns
    -------
    best : ndarray of int, shape () or (threshold,)
        Place of the strategy; the first of those that tie.
    probability : ndarray, shape () or (threshold,)

    References
    ----------
    Barton, Briggs and Fenwick 2008, Value in Health 11:886-897.
    """
    values = _checked(net_benefit)
    best = np.asarray(values.mean(-1).argmax(0))
    return best, np.take_along_axis(acceptability(values), best[None], axis=0)[0]


def evpi(net_benefit: ArrayLike) -> Array | float:
    """Expected value of perfect information, ``E max_d NB_d - max_d E NB_d``, per decision.

    Parameters
    ----------
    net_benefit : array_like, shape (strategy, draw) or (strategy, threshold, draw)
        Outcomes with process noise averaged out: noise that no study could take away is no value of information.

    Returns
    -------
    float, or ndarray of shape (threshold,)

    Raises
    ------
    InputError
        As for `acceptability`.

    References
    ----------
    Raiffa and Schlaifer 1961; Claxton 1999, J. Health Econ. 18:341-364.

    Examples
    --------
    >>> evpi([[0, 0, 0, 0], [-4, 2, 4, 6]])
    1.0
    """
    values = _checked(net_benefit)
    found = (values - values[:1]).max(0).mean(-1) - (values - values[:1]).mean(-1).max(0)
    # Exactly zero or more but for rounding, which is taken away.
    found = np.maximum(found, 0.0)
    return float(found) if found.ndim == 0 else found


def evppi(net_benefit: ArrayLike, parameters: ArrayLike, folds: int = FOLDS) -> float:
    """Expected value of perfect information about some parameters, ``E max_d E(NB_d | theta) - max_d E NB_d``, by cross-fitted regression.

    The differences of net benefit from the strategy that is best on average are regressed on the parameters (`methods.smooth`). For each
    fold of the draws the decision is made by regressions that have not seen it, and is valued by the net benefit of the fold itself:
    ``mean_i NB_(d(theta_i))(i) - max_d mean_i NB_d(i)``. On draws that it has not seen no decision rule earns more than the best one, so
    that the estimate does not overstate by fitting noise, as the mean of the maximum of fitted values does. It is bounded by 0 and EVPI.

    Parameters
    ----------
    net_benefit : array_like, shape (strategy, draw)
    parameters : array_like, shape (draw,) or (parameter, draw)
        Draws last, the same draws.
    folds : int

    Returns
    -------
    float
        In the units of net benefit, per decision.

    Raises
    ------
    InputError
        Where draws do not match, are fewer than two a fold, or are not finite.

    References
    ----------
    Strong, Oakley and Brennan 2014, Med. Decis. Making 34:311-326 (regression); Chernozhukov et al. 2018, Econometrics J. 21:C1-C68
    (cross-fitting).
    """
    values, theta = _matched(net_benefit, parameters)
    return _bounded(_worth(values, _decisions(values, theta, folds)), values)


def evppi_table(net_benefit: ArrayLike, groups: Mapping[str, ArrayLike], resamples: ArrayLike | None = None) -> np.recarray[Any, Any]:
    """EVPPI of named groups of parameters, how sure it is, and whether it is steady enough to be shown.

    Parameters
    ----------
    net_benefit : array_like, shape (strategy, draw)
    groups : mapping of str to array_like, shape (draw,) or (parameter, draw)
    resamples : array_like of int, shape (resample, draw), optional
        Places of draws, drawn with replacement, for the bootstrap. Without them the standard error is a jackknife over groups of draws,
        which is rough where two strategies are all but equal on average.

    Returns
    -------
    numpy.recarray, shape (group,)
        Highest first: ``group``, ``evppi``, ``standard_error``, ``share`` of EVPI (NaN where that is zero), ``half`` (from the first half
        of the draws), ``unbounded`` (the estimate before the bounds 0 and EVPI), ``stable``: whether the whole sample moves the value of
        its first half by less than `STABLE_WITHIN` of itself. Show what is stable only.

    Raises
    ------
    InputError
        As for `evppi`, and where there are no groups.
    """
    if not groups:
        raise InputError("no parameters to value; name at least one group.")
    rows = []
    for name, parameters in groups.items():
        values, theta = _matched(net_benefit, parameters, fewest=4 * FOLDS)
        half = values.shape[-1] // 2
        chosen = _decisions(values, theta, FOLDS)
        raw = _worth(values, chosen)
        value, first, most = _bounded(raw, values), evppi(values[:, :half], theta[:, :half]), float(evpi(values))
        stable = abs(value - first) < STABLE_WITHIN * value if value > 0 else first == 0
        error = _standard_error(values, chosen, resamples)
        rows.append((name, value, error, value / most if most > 0 else np.nan, first, raw, stable))
    rows.sort(key=lambda row: -row[1])
    names = ("group", "evppi", "standard_error", "share", "half", "unbounded", "stable")
    return table(**{name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})


def _decisions(values: Array, theta: Array, folds: int) -> NDArray[np.int64]:
    """Strategy that the other folds would choose for each draw, knowing its parameters, shape (draw,)."""
    base = int(values.mean(-1).argmax())
    gain = (values - values[base]).T  # (draw, strategy); differences carry less noise than levels
    fold_of = np.arange(len(gain)) % folds
    basis = design(theta)
    chosen = np.full(len(gain), base)
    for fold in range(folds):
        held = fold_of == fold
        expected = basis[held] @ ridge_fit(basis[~held], gain[~held])
        best = expected.argmax(1)
        chosen[held] = np.where(expected[np.arange(len(best)), best] > expected[:, base], best, base)
    return chosen


def _worth(values: Array, chosen: NDArray[np.int64]) -> float:
    """What decisions by draw earn above the one decision that is best on average."""
    return float(values[chosen, np.arange(values.shape[-1])].mean() - values.mean(-1).max())


def _bounded(raw: float, values: Array) -> float:
    return min(max(raw, 0.0), float(evpi(values)))


def _standard_error(values: Array, chosen: NDArray[np.int64], resamples: ArrayLike | None) -> float:
    """Spread of the unbounded estimate over resamples, its decision rule as it is: near the best rule its own error is of second order."""
    n = values.shape[-1]
    if resamples is None:
        ends = np.cumsum(group_sizes(n))
        keeps = [np.r_[0:a, b:n] for a, b in zip(np.r_[0, ends[:-1]], ends, strict=True)]
        return float(jackknife_error(np.array([_worth(values[:, k], chosen[k]) for k in keeps])))
    places = np.asarray(resamples)
    if places.ndim != 2 or places.shape[0] < 2 or places.min(initial=0) < 0 or places.max(initial=0) >= n:
        raise InputError(f"resamples have shape {places.shape}; give places of the {n} draws, shape (resample, draw), two rows or more.")
    return float(np.std([_worth(values[:, p], chosen[p]) for p in places], ddof=1))


def _checked(net_benefit: ArrayLike) -> Array:
    values = np.asarray(net_benefit, dtype=float)
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise InputError(f"net benefit has shape {values.shape}; give (strategy, draw) or (strategy, threshold, draw).")
    if not np.isfinite(values).all():
        raise InputError("net benefit holds values that are not finite; a strategy whose value is not known cannot be compared.")
    if values.shape[0] > max(_MANY_STRATEGIES, values.shape[-1]):
        raise InputError(
            f"net benefit has {values.shape[0]} strategies and {values.shape[-1]} draws: strategies come first and draws last. "
            "Transpose it, if it has a row a draw."
        )
    return values


def _matched(net_benefit: ArrayLike, parameters: ArrayLike, fewest: int = 2 * FOLDS) -> tuple[Array, Array]:
    values, theta = _checked(net_benefit), np.atleast_2d(np.asarray(parameters, dtype=float))
    problems = []
    if values.ndim != 2:
        problems.append(Problem(f"net benefit has shape {values.shape}", "give one threshold at a time, (strategy, draw)"))
    if theta.ndim != 2 or theta.shape[-1] != values.shape[-1]:
        problems.append(
            Problem(f"parameters have shape {theta.shape} and net benefit {values.shape}", "give the same draws, last, of both")
        )
    elif not np.isfinite(theta).all():
        problems.append(Problem("a parameter is not finite in some draws", "leave the parameter out, or give all of its draws"))
    if values.shape[-1] < fewest:
        problems.append(Problem(f"{values.shape[-1]} draws are too few", f"give {fewest} or more"))
    raise_all(problems)
    return values, theta
