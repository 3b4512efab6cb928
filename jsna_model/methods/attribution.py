"""Attribution of a variance to its sources: Shapley values of what varies together on common draws."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError

Array = NDArray[np.float64]

#: Groups of draws that the standard error is found from, each left out in turn.
GROUPS = 20


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
