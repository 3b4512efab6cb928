"""From adults to children: co-residence, children per adult, and two affected adults in one household.

Every function takes floats or arrays that broadcast, and returns arrays of the broadcast shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.distributions import quantile_of

Array = NDArray[np.float64]


def pairs_to_children(pairs: ArrayLike, both: ArrayLike) -> Array:
    """Children with at least one affected adult, from child-adult pairs: ``pairs - both``.

    A child of two affected adults makes two pairs and is one child. Low and high concordance of the two adults share the same pairs.

    Parameters
    ----------
    pairs : array_like
        Child-adult pairs: each affected adult counted once for each child lived with.
    both : array_like
        Children with two affected adults; at most half of the pairs.

    Returns
    -------
    ndarray
        Children.

    Raises
    ------
    InputError
        For a negative number, or more than half of the pairs.

    References
    ----------
    Pryce et al. 2017, Estimates of alcohol dependence in England: 207,617 + 14,390 and 189,119 + 32,887 are the same pairs.

    Examples
    --------
    >>> float(pairs_to_children(222_007, 14_390))
    207617.0
    """
    pairs, both = np.asarray(pairs, dtype=np.float64), np.asarray(both, dtype=np.float64)
    if np.any(both < 0) or np.any(2 * both > pairs):
        raise InputError("Children with two affected adults must be at least 0 and at most half of the pairs.")
    return pairs - both


def children_exposed(
    adult_prevalence: ArrayLike, adults: ArrayLike, coresident_share: ArrayLike, children_per_adult: ArrayLike, both_share: ArrayLike = 0.0
) -> Array:
    """Children who live with at least one affected adult, from adult prevalence.

    ``adult_prevalence * adults * coresident_share * children_per_adult * (1 - both_share)``.

    Parameters
    ----------
    adult_prevalence : array_like
        Proportion of adults affected.
    adults : array_like
        Number of adults.
    coresident_share : array_like
        Proportion of affected adults who live with dependent children (now, not ever-parents).
    children_per_adult : array_like
        Children in the household per such adult.
    both_share : array_like
        Children with two affected adults as a proportion of child-adult pairs, at most one half.

    Returns
    -------
    ndarray
        Children.

    Raises
    ------
    InputError
        Listing every argument outside its range.
    """
    limits = {
        "adult_prevalence": (adult_prevalence, 1.0),
        "adults": (adults, np.inf),
        "coresident_share": (coresident_share, 1.0),
        "children_per_adult": (children_per_adult, np.inf),
        "both_share": (both_share, 0.5),
    }
    values = {name: np.asarray(x, dtype=np.float64) for name, (x, _) in limits.items()}
    raise_all(
        Problem(f"{name} is {values[name]}", f"give numbers from 0 to {top}")
        for name, (_, top) in limits.items()
        if not np.all((values[name] >= 0) & (values[name] <= top))
    )
    pairs = values["adult_prevalence"] * values["adults"] * values["coresident_share"] * values["children_per_adult"]
    return pairs_to_children(pairs, values["both_share"] * pairs)


def shares_from_concordance(prevalence: ArrayLike, two_adult_share: ArrayLike, odds_ratio: ArrayLike) -> tuple[Array, Array]:
    """Shares of children with at least one affected adult, and with two, when two adults' conditions are associated.

    With per-adult prevalence p, two co-resident adults for a share t of children (one for the rest) and odds ratio w, the probability
    q that both of two adults are affected solves ``q (1 - 2p + q) = w (p - q)**2``, that is
    ``q = 2 w p**2 / (S + sqrt(S**2 - 4 w (w - 1) p**2))`` with ``S = 1 + 2 (w - 1) p``. Then ``both = t q`` and
    ``at least one = t (2p - q) + (1 - t) p``.

    Parameters
    ----------
    prevalence, two_adult_share : array_like
        In [0, 1].
    odds_ratio : array_like
        Above 0; 1 is independence.

    Returns
    -------
    at_least_one, both : ndarray
        Shares of children; ``at_least_one + both = p (1 + t)`` whatever the odds ratio.

    Raises
    ------
    InputError

    References
    ----------
    Plackett 1965, A class of bivariate distributions, JASA 60:516-522.

    Examples
    --------
    >>> one, both = shares_from_concordance(0.1, 1.0, 1.0)
    >>> round(float(one), 4), round(float(both), 4)
    (0.19, 0.01)
    """
    p, t, w = (np.asarray(x, dtype=np.float64) for x in (prevalence, two_adult_share, odds_ratio))
    problems = [
        Problem(f"{name} is {x}", "give proportions from 0 to 1")
        for name, x in (("prevalence", p), ("two_adult_share", t))
        if not np.all((x >= 0) & (x <= 1))
    ]
    if not np.all((w > 0) & np.isfinite(w)):
        problems.append(Problem(f"odds_ratio is {w}", "give positive, finite numbers"))
    raise_all(problems)
    s = 1 + 2 * (w - 1) * p
    root = np.sqrt(np.maximum(s**2 - 4 * w * (w - 1) * p**2, 0.0))
    q = 2 * w * p**2 / (s + root)
    return t * (2 * p - q) + (1 - t) * p, t * q


def concordance_odds_ratio(at_least_one: ArrayLike, both: ArrayLike, two_adult_share: ArrayLike) -> Array:
    """Odds ratio between two co-resident adults that published shares of children imply; inverse of `shares_from_concordance`.

    ``p = (at_least_one + both) / (1 + t)``, ``q = both / t``, ``w = q (1 - 2p + q) / (p - q)**2``.

    Parameters
    ----------
    at_least_one, both : array_like
        Shares of children.
    two_adult_share : array_like
        Share t of children with two co-resident adults, in (0, 1].

    Raises
    ------
    InputError
        Where no odds ratio gives these shares.
    """
    one, two, t = (np.asarray(x, dtype=np.float64) for x in (at_least_one, both, two_adult_share))
    if not np.all((t > 0) & (t <= 1)):
        raise InputError(f"two_adult_share is {t}; give proportions above 0 and at most 1.")
    p, q = (one + two) / (1 + t), two / t
    if not np.all((q > 0) & (q < p) & (1 - 2 * p + q > 0)):
        raise InputError(f"No odds ratio gives {one} with at least one and {two} with both where {t} have two adults.")
    ratio: Array = q * (1 - 2 * p + q) / (p - q) ** 2
    return ratio


def log_sd_from_range(lower: float, upper: float, level: float = 0.95) -> float:
    """Sd of a logarithm whose central interval runs from `lower` to `upper`: ``log(upper / lower) / (2 z)``.

    Raises
    ------
    InputError
        Unless ``0 < lower <= upper`` and the level lies inside (0, 1).
    """
    if not 0 < lower <= upper < float("inf"):
        raise InputError(f"range {lower} to {upper}; give positive limits in order.")
    return log(upper / lower) / (2 * quantile_of(level))


def lognormal_product(centres: Sequence[float], log_sds: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Product of independent factors and its interval, variances added on the log scale (delta method; exact for lognormal factors).

    ``value = prod(centres)``, limits ``value * exp(-+ z sqrt(sum(log_sds**2)))``.

    Parameters
    ----------
    centres : sequence of float
        Medians of the factors, above 0.
    log_sds : sequence of float
        Sds of their logarithms, one for each.

    Returns
    -------
    value, lower, upper : float

    Raises
    ------
    InputError
    """
    if len(centres) != len(log_sds) or not all(c > 0 for c in centres) or not all(s >= 0 for s in log_sds):
        raise InputError("Give positive centres, and for each one a log sd of at least 0.")
    value = exp(sum(log(c) for c in centres))
    half = quantile_of(level) * sqrt(sum(s**2 for s in log_sds))
    return value, value * exp(-half), value * exp(half)
