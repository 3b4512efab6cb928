"""Distributions on the logit scale: what a published share, its interval and its distance from here and now imply."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, inf, isfinite, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from jsna_model.errors import InputError, Problem, raise_all

Array = NDArray[np.float64]

#: Drift of a national share, logit scale, per square root of a year: Crime Survey, women, years to March 2015 to 2023 (rows DA-01).
DRIFT_SD = 0.083
#: Great Britain, the United Kingdom, or England and Wales, taken for England (assumption).
GEOGRAPHY_SD = 0.05
#: Another range of ages taken for 0-17 (assumption).
AGES_SD = 0.05
#: One adult interviewed per household, or a figure converted from adults (assumption).
CONSTRUCT_SD = 0.15
#: Mid-2024: the date of the population that evidence is carried to.
REFERENCE_YEAR = 2024.5


def logit(p: ArrayLike) -> Array:
    """Log odds, ``log(p / (1 - p))``, of proportions in (0, 1); any shape.

    Examples
    --------
    >>> float(logit(0.5))
    0.0
    """
    values: Array = special.logit(np.asarray(p, dtype=np.float64))
    return values


def expit(x: ArrayLike) -> Array:
    """Proportion whose log odds are `x`, ``1 / (1 + exp(-x))``; any shape.

    Examples
    --------
    >>> float(expit(0.0))
    0.5
    """
    values: Array = special.expit(np.asarray(x, dtype=np.float64))
    return values


def quantile_of(level: float) -> float:
    """Standard normal quantile that bounds a central interval of the given level: 1.96 for 0.95.

    Raises
    ------
    InputError
        Where the level lies outside (0, 1).
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}; give the level of the interval, such as 0.95.")
    return float(special.ndtri((1 + level) / 2))


def logit_normal_from_interval(value: float, lower: float, upper: float, level: float) -> tuple[float, float]:
    """Normal distribution on the logit scale with a published value as its median and the width of its published interval.

    ``mean = logit(value)``, ``sd = (logit(upper) - logit(lower)) / (2 z)``, z the normal quantile of `level`. A limit of exactly 0 or 1
    says nothing on this scale; the other side then gives the sd alone.

    Parameters
    ----------
    value, lower, upper : float
        Proportions, ``lower <= value <= upper``.
    level : float

    Returns
    -------
    mean, sd : float
        On the logit scale.

    Raises
    ------
    InputError
        For a value of 0 or 1, limits that do not enclose it, an interval from 0 to 1, or a level outside (0, 1).

    Examples
    --------
    >>> mean, sd = logit_normal_from_interval(0.5, 0.4, 0.6, 0.95)
    >>> round(mean, 3), round(sd, 3)
    (0.0, 0.207)
    """
    z = quantile_of(level)
    problems = []
    if not 0 < value < 1:
        problems.append(Problem(f"value is {value}", "give a proportion above 0 and below 1: the logit scale has no other"))
    if not 0 <= lower <= value <= upper <= 1:
        problems.append(Problem(f"interval {lower} to {upper} does not enclose {value} inside [0, 1]", "check all three"))
    if lower == 0 and upper == 1:
        problems.append(Problem("interval runs from 0 to 1", "give at least one limit that says something"))
    raise_all(problems)
    mean = float(logit(value))
    below = mean - float(logit(lower)) if lower > 0 else inf
    above = float(logit(upper)) - mean if upper < 1 else inf
    if isfinite(below) and isfinite(above):
        return mean, (below + above) / (2 * z)
    return mean, min(below, above) / z


def interval_from_sample(value: float, effective_n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval that simple random sampling of `effective_n` children would give, on the logit scale.

    ``expit(logit(p) -+ z / sqrt(n p (1 - p)))`` (delta method). `effective_n` is the sample over its design effect.

    Parameters
    ----------
    value : float
        Proportion in (0, 1).
    effective_n : float
        Effective sample size, above 0.
    level : float

    Returns
    -------
    lower, upper : float

    Raises
    ------
    InputError

    Examples
    --------
    >>> [round(x, 3) for x in interval_from_sample(0.221, 4783 / 2)]
    [0.205, 0.238]
    """
    if not 0 < value < 1 or not 0 < effective_n < inf:
        raise InputError(f"value is {value} and effective sample {effective_n}; give a proportion in (0, 1) and a positive number.")
    half = quantile_of(level) / sqrt(effective_n * value * (1 - value))
    lower, upper = expit(logit(value) + np.array([-half, half]))
    return float(lower), float(upper)


def drift_sd(years: Sequence[float], shares: Sequence[float]) -> float:
    """Standard deviation, per square root of a year, of a random walk on the logit scale seen at unequal intervals.

    ``sqrt(sum(diff(logit(share))**2) / (last year - first year))``. Sampling error is part of the changes, so this errs upwards.

    Parameters
    ----------
    years : sequence of float
        Increasing.
    shares : sequence of float
        Proportions in (0, 1), as many as years.

    Raises
    ------
    InputError
        For fewer than two years, years that do not increase, or another number of shares.
    """
    if len(years) != len(shares) or len(years) < 2 or any(np.diff(years) <= 0):
        raise InputError(f"{len(years)} years and {len(shares)} shares; give two or more increasing years and one share for each.")
    return float(np.sqrt(np.sum(np.diff(logit(shares)) ** 2) / (years[-1] - years[0])))


def relevance_sd(years: float, geography: bool = False, ages: bool = False, construct: bool = False) -> float:
    """How far a share may have moved between its evidence and English children today: sd on the logit scale (an assumption).

    ``sqrt(DRIFT_SD**2 * |years| + GEOGRAPHY_SD**2 + AGES_SD**2 + CONSTRUCT_SD**2)``, each term where it applies.

    Parameters
    ----------
    years : float
        From the mid-point of the evidence to mid-2024.
    geography, ages, construct : bool
        Whether the geography is not England, the ages are not 0-17, or the condition was asked of one adult of the household only.

    Examples
    --------
    >>> round(relevance_sd(24.0, geography=True, ages=True, construct=True), 3)
    0.439
    """
    terms = (DRIFT_SD * sqrt(abs(years)), GEOGRAPHY_SD * geography, AGES_SD * ages, CONSTRUCT_SD * construct)
    return hypot(*terms)


def widened_gradient_sd(gradient: float, standard_error: float) -> float:
    """Sd of a gradient taken from an ecological regression: ``sqrt(standard_error**2 + (gradient / 2)**2)`` (an assumption).

    The second term stands for what recording practice and referral add to, or take from, the association with deprivation.
    """
    return hypot(standard_error, gradient / 2)
