"""How much an observed rate differs across deprivation: slope and relative index of inequality, and concentration index.

For observed data only. On what this package models from deprivation they would give back the gradient that was assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from jsna_model.errors import Problem, raise_all
from jsna_model.methods.rates import Interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inequality:
    """Absolute and relative gap across the whole population.

    Parameters
    ----------
    slope : Interval
        Slope index: value at the last end of the scale less that at the first, in the unit of the values.
    relative : Interval
        Relative index: value at the last end over that at the first. NaN where the line falls to zero or below within the population.
    """

    slope: Interval
    relative: Interval


def ridits(population: ArrayLike) -> Array:
    """Place of each group on the scale from 0 to 1: the share of people before it, and half its own.

    Parameters
    ----------
    population : array_like, shape (n,)
        In the order of the scale.

    Examples
    --------
    >>> ridits([10, 30, 60])
    array([0.05, 0.25, 0.7 ])
    """
    share = np.asarray(population, dtype=float)
    share = share / share.sum()
    return np.asarray(np.cumsum(share) - share / 2)


def slope_index(values: ArrayLike, population: ArrayLike, se: ArrayLike | None = None, level: float = 0.95) -> Inequality:
    """Slope and relative index of inequality over groups in order, such as deciles of deprivation.

    The values are regressed on `ridits` by least squares weighted by population: ``SII = b``, ``RII = (a + b) / a`` for the line
    ``a + b x`` (Pamuk 1985, Popul. Stud. 39:17-31; Mackenbach and Kunst 1997, Soc. Sci. Med. 44:757-771; Low and Low 2004,
    J. Public Health 26:390-395). Limits come from the standard errors of the values, independent and normal: exactly for b, which is
    linear in them, and for the logarithm of the RII by the delta method. The scatter about the line is not in them.

    Parameters
    ----------
    values : array_like, shape (n,)
        Observed rates, from one end of the scale to the other: from least to most deprived, a slope above 0 says more where deprived.
    population : array_like, shape (n,)
        People in each group, above zero.
    se : array_like, shape (n,), optional
        Standard errors; without them the limits are NaN.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    Inequality

    Raises
    ------
    InputError
        For fewer than three groups, shapes that differ, what is missing, people of zero or less; all problems at once.

    Examples
    --------
    >>> found = slope_index([10.0, 12.0, 14.0, 16.0, 18.0], [100, 100, 100, 100, 100], [1, 1, 1, 1, 1])
    >>> round(found.slope.value, 6), round(found.relative.value, 6), round(found.slope.lower, 3)
    (10.0, 2.111111, 6.901)
    """
    y, n, s = _checked(values, population, se, level)
    x, w = ridits(n), n / n.sum()
    centre = w * (x - w @ x)
    of_slope = centre / (centre @ x)  # b = of_slope @ y
    of_start = w - of_slope * (w @ x)  # a = of_start @ y
    slope, start = float(of_slope @ y), float(of_start @ y)
    z = -float(ndtri((1 - level) / 2))
    half = z * float(np.sqrt((of_slope**2) @ s**2))
    end = start + slope
    if start <= 0 or end <= 0:
        return Inequality(Interval(slope, slope - half, slope + half), Interval(np.nan, np.nan, np.nan))
    ratio = end / start
    wide = z * float(np.sqrt((((of_start + of_slope) / end - of_start / start) ** 2) @ s**2))
    return Inequality(
        Interval(slope, slope - half, slope + half), Interval(ratio, float(ratio * np.exp(-wide)), float(ratio * np.exp(wide)))
    )


def concentration_index(values: ArrayLike, population: ArrayLike) -> float:
    """Concentration index over groups in order: 0 where all have alike, −1 or 1 where the first or last has all.

    ``C = 2 / mu sum_i w_i h_i R_i - 1`` with `ridits` R, population shares w and mean mu (Kakwani, Wagstaff and van Doorslaer 1997,
    J. Econometrics 77:87-103). Inequality within groups is not in it.

    Parameters
    ----------
    values : array_like, shape (n,)
        Observed rates, zero or more, from one end of the scale to the other.
    population : array_like, shape (n,)

    Raises
    ------
    InputError
        As `slope_index`, and for values below zero or all zero.

    Examples
    --------
    >>> round(concentration_index([1.0, 1.0, 4.0], [100, 100, 100]), 4)
    0.3333
    """
    y, n, _ = _checked(values, population, None, 0.95)
    if (y < 0).any() or not y.any():
        raise_all([Problem("values are below zero, or all zero", "give rates of zero or more, one above zero")])
    w = n / n.sum()
    return float(2 * (w * y) @ ridits(n) / (w @ y) - 1)


def _checked(values: ArrayLike, population: ArrayLike, se: ArrayLike | None, level: float) -> tuple[Array, Array, Array]:
    """The inputs as arrays, or every problem with them."""
    y, n = np.asarray(values, dtype=float), np.asarray(population, dtype=float)
    s = np.full(y.shape, np.nan) if se is None else np.asarray(se, dtype=float)
    problems = []
    if y.ndim != 1 or n.shape != y.shape or s.shape != y.shape:
        problems.append(Problem(f"shapes are {y.shape}, {n.shape}, {s.shape}", "give one number for each group, in one order"))
    elif len(y) < 3:
        problems.append(Problem(f"there are {len(y)} groups", "give three or more"))
    if not np.isfinite(y).all():
        problems.append(Problem("a value is missing or not finite", "leave no group out: the scale is of everybody. Merge groups instead"))
    if not (np.isfinite(n) & (n > 0)).all():
        problems.append(Problem("people of zero or less, or missing", "give people above zero; merge empty groups"))
    if se is not None and not (np.isfinite(s) & (s >= 0)).all():
        problems.append(Problem("a standard error is below zero or missing", "give zero or more, or no standard errors at all"))
    if not 0 < level < 1:
        problems.append(Problem(f"level is {level}", "give a level above 0 and below 1, such as 0.95"))
    raise_all(problems)
    return y, n, s
