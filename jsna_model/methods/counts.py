"""The noise of a real count: children come in households, and a child is affected or not.

An estimate gives expected children. Given these, a count of `n` children varies more than a binomial one, because children of one home
share what their parents bring: a beta-binomial count of one risk, a Dirichlet-multinomial one of the patterns of several. Randomness comes
in as uniforms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv
from scipy.stats import binom

from jsna_model.errors import InputError, Problem, raise_all

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Dependent children per family with any, United Kingdom 2025: ONS, Families and households, tables 3 and 4 (14.783 / 8.512 million).
CHILDREN_PER_FAMILY = 1.737
#: Intra-household correlation of a risk: 1, because a risk is one of "any adult of the household", so that siblings in one home share it.
HOUSEHOLD_CORRELATION = 1.0
_WHOLE = 1e-6  # a total this near to a whole number is that number


def home_of_a_child(siblings: float) -> float:
    """Mean children in the home of a typical child, where homes have `siblings` on average.

    A large home is met by many of its children: ``E[M^2] / E[M]``, which is ``m + (m - 1) / m`` where the further children of a home are
    Poisson, ``M = 1 + Poisson(m - 1)``. At 1.737 this is 2.16; families with one, two, and three or more children in the shares of 2024
    (3.7, 3.4 and 1.2 million, ONS) give 2.1.

    Examples
    --------
    >>> round(home_of_a_child(1.737), 2), home_of_a_child(1.0)
    (2.16, 1.0)
    """
    return siblings + (siblings - 1) / siblings


def design_effect(siblings: float = CHILDREN_PER_FAMILY, rho: float = HOUSEHOLD_CORRELATION) -> float:
    """Variance of a count over that of a binomial one: ``1 + (m' - 1) rho``.

    ``m'`` is the mean size of home that a child lives in (`home_of_a_child`): with homes of unequal size the plain mean falls short.

    Parameters
    ----------
    siblings : float
        Mean children per household with children, at least 1.
    rho : float
        Correlation of a risk between children of one home, 0 to 1.

    Raises
    ------
    InputError

    References
    ----------
    Kish 1965, Survey Sampling, 5.4 and 11.7.

    Examples
    --------
    >>> round(design_effect(), 2), design_effect(1.0), design_effect(rho=0.0)
    (2.16, 1.0, 1.0)
    """
    problems = []
    if not 1 <= siblings < np.inf:
        problems.append(Problem(f"siblings is {siblings}", "give the mean children per household with children, at least 1"))
    if not 0 <= rho <= 1:
        problems.append(Problem(f"rho is {rho}", "give the correlation within a household, between 0 and 1"))
    raise_all(problems)
    return 1 + (home_of_a_child(siblings) - 1) * rho


def concentration(n: ArrayLike, effect: float) -> Array:
    """Concentration of the Dirichlet (or the beta) that gives a count of `n` children a design effect.

    The variance of a beta-binomial count is ``n p (1 - p) (1 + (n - 1) r)`` with ``r = 1 / (1 + a)``, so that
    ``r = (effect - 1) / (n - 1)`` and ``a = 1 / r - 1``. Where fewer children live than in one home, ``r`` is 1: all are affected or none.

    Returns
    -------
    ndarray, shape of `n`
        From 0 (all or none) to infinity (binomial).

    Examples
    --------
    >>> concentration([1, 2, 101], 2.0).tolist()
    [inf, 0.0, 99.0]
    """
    n = np.asarray(n, dtype=float)
    r = np.where(n > 1, np.minimum(1.0, (effect - 1) / np.maximum(n - 1, 1e-300)), 0.0)
    with np.errstate(divide="ignore"):
        result: Array = np.where(r > 0, 1 / r - 1, np.inf)
    return result


def round_to_total(values: Array, u: Array) -> Counts:
    """Whole numbers, each less than 1 from its value and on average equal to it, that keep the total: systematic rounding.

    ``n_i = floor(c_i + u) - floor(c_(i-1) + u)`` with `c` the running total. A total that is whole (to 1e-6) is kept exactly; another
    becomes one of the two whole numbers beside it.

    Parameters
    ----------
    values : ndarray, shape (area, ...)
        Not negative.
    u : ndarray, shape (...)
        Uniforms in [0, 1).

    Returns
    -------
    ndarray of int, shape (area, ...)

    Raises
    ------
    InputError
        For values that are negative or not finite.

    References
    ----------
    Tillé 2006, Sampling Algorithms, 7.1 (systematic sampling with unequal probabilities); Cox 1987, JASA 82:520-524 (controlled rounding).

    Examples
    --------
    >>> round_to_total(np.array([[0.4], [1.4], [0.2]]), np.array([0.7])).ravel().tolist()
    [1, 1, 0]
    """
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InputError("a number of children is negative or not finite; it cannot be rounded.")
    running = np.cumsum(values, axis=0)
    near = np.rint(running)
    running = np.where(np.abs(running - near) < _WHOLE, near, running)
    whole = np.floor(running + u)
    return np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1])).astype(np.int64)


def beta_binomial(n: ArrayLike, p: ArrayLike, a: ArrayLike, u_share: ArrayLike, u_count: ArrayLike) -> Counts:
    """Beta-binomial counts by inverse distribution functions: a share ``Beta(a p, a (1 - p))``, then a binomial count.

    Monotone in `p`: with the same uniforms and `a`, a greater `p` never gives a smaller count.

    Parameters
    ----------
    n, p, a, u_share, u_count : array_like, shapes that broadcast
        Children, probability, concentration (0 for all or none, infinity for a binomial count), and two uniforms in (0, 1).

    Returns
    -------
    ndarray of int

    References
    ----------
    Skellam 1948, J. R. Stat. Soc. B 10:257-261.

    Examples
    --------
    >>> beta_binomial(10, 0.3, [0.0, 5.0, np.inf], 0.6, 0.5).tolist()
    [0, 3, 3]
    """
    n, p, a, u_share, u_count = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (n, p, a, u_share, u_count)))
    share = np.where(a > 0, p, u_share > 1 - p).astype(float)
    spread = (a > 0) & np.isfinite(a) & (p > 0) & (p < 1)
    share[spread] = betaincinv(a[spread] * p[spread], a[spread] * (1 - p[spread]), u_share[spread])
    count = np.where(share >= 1, n, 0.0)
    some = (n > 0) & (share > 0) & (share < 1)
    count[some] = binom.ppf(u_count[some], n[some], share[some])
    return count.astype(np.int64)


def dirichlet_multinomial(n: ArrayLike, p: Array, a: ArrayLike, u_share: Array, u_count: Array) -> Counts:
    """Dirichlet-multinomial counts: patterns one by one, each a beta-binomial count of the children that are left.

    Parameters
    ----------
    n : array_like, shape (...)
        Children.
    p : ndarray, shape (pattern, ...)
        Probabilities; they sum to 1.
    a : array_like, shape (...)
        Concentration.
    u_share, u_count : ndarray, shape (pattern - 1, ...)
        Uniforms in (0, 1).

    Returns
    -------
    ndarray of int, shape (pattern, ...)
        Sums to `n`.

    References
    ----------
    Mosimann 1962, Biometrika 49:65-82.
    """
    left = np.broadcast_to(np.asarray(n, dtype=np.int64), p.shape[1:])
    rest = np.cumsum(p[::-1], axis=0)[::-1]
    out = np.empty(p.shape, dtype=np.int64)
    for k in range(len(p) - 1):
        share = np.divide(p[k], rest[k], out=np.zeros(p.shape[1:]), where=rest[k] > 0)
        with np.errstate(invalid="ignore"):
            remaining = np.asarray(a) * rest[k]
        out[k] = beta_binomial(left, share, np.where(rest[k] > 0, remaining, 0.0), u_share[k], u_count[k])
        left = left - out[k]
    out[-1] = left
    return out
