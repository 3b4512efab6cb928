"""What a published figure, its interval and its distance from here and now imply: logit-normal, beta and log-normal distributions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, isfinite, log, log1p, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

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
#: Greatest departure of a fitted limit from the published one: absolute for a share, relative for a rate or ratio.
LIMIT_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Fitted:
    """A distribution fitted to what was published, and how far its median lies from the published value.

    Parameters
    ----------
    kind : {"beta", "split_logit_normal", "log_normal"}
    parameters : tuple of float
        ``(a, b)`` of a beta; ``(mean, sd_below, sd_above)`` on the logit scale; ``(mean, sd)`` of the natural logarithm.
    median : float
        Of the fitted distribution, on the published scale.
    gap : float or None
        ``median - value``, on the published scale; None where no value was published.
    """

    kind: Literal["beta", "split_logit_normal", "log_normal"]
    parameters: tuple[float, ...]
    median: float
    gap: float | None


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


def beta_from_interval(value: float | None, lower: float, upper: float, level: float) -> Fitted:
    """Beta distribution whose central interval is the published one, both limits exact.

    The ``(a, b)`` with ``I_lower(a, b) = alpha / 2`` and ``I_upper(a, b) = 1 - alpha / 2``, I the regularised incomplete beta function and
    ``alpha = 1 - level``. There is one for any two limits: at a given ``n = a + b`` the first equation has one mean, and along these the
    mass above `upper` goes from ``1 - alpha / 2`` (n near 0) to 0 (n large). The value is not fitted; its distance from the median is
    reported.

    Parameters
    ----------
    value : float or None
        Published proportion, within the limits; None where only limits were published.
    lower, upper : float
        Proportions, ``0 < lower < upper < 1``.
    level : float
        Of the interval, such as 0.95.

    Returns
    -------
    Fitted
        With parameters ``(a, b)``.

    Raises
    ------
    InputError
        For limits that are not inside (0, 1) and in order, a value outside them, a level outside (0, 1), or an interval too narrow to be
        solved to `LIMIT_TOLERANCE`.

    References
    ----------
    van Dorp JR, Mazzuchi TA (2000). Solving for the parameters of a beta distribution under two quantile constraints. Journal of
    Statistical Computation and Simulation 67(2), 189-201.

    Examples
    --------
    >>> fitted = beta_from_interval(0.2, 0.1, 0.35, 0.95)
    >>> [round(x, 2) for x in fitted.parameters], round(fitted.median, 3), round(fitted.gap, 3)
    ([8.26, 30.87], 0.206, 0.006)
    """
    z = quantile_of(level)
    _check_interval(value, lower, upper, top=1.0)
    tail = (1 - level) / 2

    def shape(log_n: float) -> tuple[float, float]:
        """Beta of a given ``a + b`` with the lower limit right; its mean lies within the bracket by Markov's inequality."""

        def below(x: float) -> float:
            return float(special.betainc(exp(log_n) * special.expit(x), exp(log_n) * special.expit(-x), lower)) - tail

        x = _solve(below, float(special.logit(lower / 2)), -float(special.logit(tail * (1 - lower) / 2)))
        return exp(log_n) * float(special.expit(x)), exp(log_n) * float(special.expit(-x))

    def above(log_n: float) -> float:
        return float(special.betaincc(*shape(log_n), upper)) - tail

    sd = float(special.logit(upper) - special.logit(lower)) / (2 * z)
    middle = float(special.expit((special.logit(upper) + special.logit(lower)) / 2))
    start = -2 * log(sd) - log(middle) - log1p(-middle)  # n of a beta whose logit has this variance, were it large
    least, most, step = start - 0.5, start + 0.5, 1.0
    try:
        while above(least) <= 0:
            least, step = least - step, step * 2
        step = 1.0
        while above(most) >= 0:
            most, step = most + step, step * 2
        a, b = shape(_solve(above, least, most))
    except (ValueError, OverflowError, RuntimeError) as error:
        raise InputError(_unsolved(lower, upper, level)) from error
    limits = special.betaincinv(a, b, np.array([tail, 1 - tail]))
    if not np.abs(limits - np.array([lower, upper])).max() <= LIMIT_TOLERANCE:
        raise InputError(_unsolved(lower, upper, level))
    return _fitted("beta", (a, b), float(special.betaincinv(a, b, 0.5)), value)


def beta_from_sample(events: float, n: float) -> Fitted:
    """Beta distribution of a proportion of which `events` of `n` were counted: ``beta(events + 1/2, n - events + 1/2)``.

    The posterior under Jeffreys' prior, ``beta(1/2, 1/2)``. Its central interval covers well for small counts too, and exists where no
    event, or nothing but events, was seen. For a sample that is not simple random, give events and n both divided by the design effect:
    neither need be whole.

    Parameters
    ----------
    events : float
        From 0 to n.
    n : float
        Sample size, above 0.

    Returns
    -------
    Fitted
        With parameters ``(a, b)``; the gap is from ``events / n``.

    Raises
    ------
    InputError
        For a sample of 0 or less, events outside 0 to n, or either not finite.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001). Interval estimation for a binomial proportion. Statistical Science 16(2), 101-133.

    Examples
    --------
    >>> fitted = beta_from_sample(3, 40)
    >>> fitted.parameters, round(fitted.median, 3), round(fitted.gap, 3)
    ((3.5, 37.5), 0.079, 0.004)
    """
    if not (0 < n < inf and 0 <= events <= n):
        raise InputError(f"{events} events in a sample of {n}; give a finite sample size above 0 and events from 0 to that size.")
    a, b = events + 0.5, n - events + 0.5
    return _fitted("beta", (a, b), float(special.betaincinv(a, b, 0.5)), events / n)


def split_logit_normal(value: float, lower: float, upper: float, level: float) -> Fitted:
    """Two-piece normal on the logit scale: the published value its median, both published limits exact.

    ``sd_below = (logit(value) - logit(lower)) / z``, ``sd_above = (logit(upper) - logit(value)) / z``, z the normal quantile of `level`.
    Half of the mass lies on each side of the value. The two halves are scaled apart on the quantile function, so that the density steps
    at the median where the sds differ; it is not the split normal with a continuous density, whose median is not its centre.

    Parameters
    ----------
    value, lower, upper : float
        Proportions, ``0 < lower < value < upper < 1``.
    level : float

    Returns
    -------
    Fitted
        With parameters ``(mean, sd_below, sd_above)`` on the logit scale, for `split_logit_normal_quantile`; the gap is 0 to rounding.

    Raises
    ------
    InputError
        For limits outside (0, 1) or equal to the value (a rounded figure: half of the draws would be one number), any other order, or a
        level outside (0, 1).

    Examples
    --------
    >>> fitted = split_logit_normal(0.2, 0.1, 0.35, 0.95)
    >>> [round(x, 3) for x in fitted.parameters]
    [-1.386, 0.414, 0.391]
    >>> [round(float(x), 6) for x in split_logit_normal_quantile([0.025, 0.5, 0.975], fitted.parameters)]
    [0.1, 0.2, 0.35]
    """
    z = quantile_of(level)
    _check_interval(value, lower, upper, top=1.0, strict=True)
    below, mean, above = (float(x) for x in logit([lower, value, upper]))
    return _fitted("split_logit_normal", (mean, (mean - below) / z, (above - mean) / z), float(expit(mean)), value)


def split_logit_normal_quantile(u: ArrayLike, parameters: Sequence[float]) -> Array:
    """Quantiles of a split logit-normal: ``expit(mean + sd z)``, z the normal quantile of `u`, sd by the side of the median.

    Parameters
    ----------
    u : array_like
        Probabilities from 0 to 1; any shape.
    parameters : sequence of float
        ``(mean, sd_below, sd_above)`` of `split_logit_normal`.

    Returns
    -------
    ndarray
        Proportions, shape of `u`, not falling in `u`.

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or NaN, another number of parameters, or sds that are not positive and finite.

    Examples
    --------
    >>> float(split_logit_normal_quantile(0.5, (0.0, 0.1, 0.3)))
    0.5
    """
    p = np.asarray(u, dtype=np.float64)
    problems = []
    if not ((p >= 0) & (p <= 1)).all():
        wrong = p[~((p >= 0) & (p <= 1))].ravel()
        problems.append(Problem(f"{wrong.size} probabilities outside [0, 1], the first {wrong[0]}", "give probabilities, not percentages"))
    if len(parameters) != 3 or not isfinite(parameters[0]) or not all(0 < sd < inf for sd in parameters[1:]):
        problems.append(Problem(f"parameters are {tuple(parameters)}", "give (mean, sd_below, sd_above), both sds above 0"))
    raise_all(problems)
    mean, sd_below, sd_above = parameters
    z = special.ndtri(p)
    return expit(mean + np.where(z < 0, sd_below, sd_above) * z)


def share_quantile(z: ArrayLike, value: float, lower: float, upper: float, level: float, kind: str = "logit-normal") -> Array:
    """A share at standard normal deviates, by the distribution that an estimate names.

    Parameters
    ----------
    z : array_like
        Any shape; ``z = 0`` is the median.
    value, lower, upper : float
        Proportions.
    level : float
    kind : {"logit-normal", "split logit-normal", "beta"}
        `logit_normal_from_interval`: the value its median, the width of the interval kept; `split_logit_normal`: value and both limits
        exact; `beta_from_interval`: both limits exact, the median near the value.

    Returns
    -------
    ndarray
        Shape of `z`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> [round(float(x), 3) for x in share_quantile([-1.959964, 0, 1.959964], 0.2, 0.1, 0.35, 0.95, "split logit-normal")]
    [0.1, 0.2, 0.35]
    """
    z = np.asarray(z, dtype=np.float64)
    if kind == "split logit-normal":
        return split_logit_normal_quantile(special.ndtr(z), split_logit_normal(value, lower, upper, level).parameters)
    if kind == "beta":
        a, b = beta_from_interval(value, lower, upper, level).parameters
        return np.asarray(special.betaincinv(a, b, special.ndtr(z)), dtype=np.float64)
    if kind != "logit-normal":
        raise InputError(f"No distribution of a share is called {kind!r}; use logit-normal, split logit-normal or beta.")
    mean, sd = logit_normal_from_interval(value, lower, upper, level)
    return expit(mean + sd * z)


def log_normal_from_interval(value: float | None, lower: float, upper: float, level: float) -> Fitted:
    """Log-normal distribution of a rate, odds ratio or relative risk whose central interval is the published one, both limits exact.

    ``mean = (log(lower) + log(upper)) / 2``, ``sd = (log(upper) - log(lower)) / (2 z)``, z the normal quantile of `level`. The median is
    ``sqrt(lower * upper)``; its distance from the value says how far the published interval is from symmetric on the log scale.

    Parameters
    ----------
    value : float or None
        Published rate or ratio, within the limits; None where only limits were published.
    lower, upper : float
        ``0 < lower < upper``.
    level : float

    Returns
    -------
    Fitted
        With parameters ``(mean, sd)`` of the natural logarithm.

    Raises
    ------
    InputError
        For limits that are not positive, finite and in order, a value outside them, or a level outside (0, 1).

    Examples
    --------
    >>> fitted = log_normal_from_interval(2.0, 1.25, 3.2, 0.95)
    >>> [round(x, 3) for x in fitted.parameters], round(fitted.median, 6), round(abs(fitted.gap), 6)
    ([0.693, 0.24], 2.0, 0.0)
    """
    z = quantile_of(level)
    _check_interval(value, lower, upper, top=inf)
    mean = (log(lower) + log(upper)) / 2
    return _fitted("log_normal", (mean, (log(upper) - log(lower)) / (2 * z)), exp(mean), value)


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


def _fitted(
    kind: Literal["beta", "split_logit_normal", "log_normal"], parameters: tuple[float, ...], median: float, value: float | None
) -> Fitted:
    """A distribution with its gap, where a value was published."""
    return Fitted(kind, parameters, median, None if value is None else median - value)


def _check_interval(value: float | None, lower: float, upper: float, top: float, strict: bool = False) -> None:
    """Raise where limits are not inside (0, `top`) and in order, or do not enclose the value (`strict`: with room on both sides)."""
    problems = []
    if not 0 < lower < upper < top:
        fix = "give a share for 22 per cent as 0.22, the lower limit first" if top == 1 else "give both as plain ratios, not logarithms"
        problems.append(Problem(f"interval {lower} to {upper} is not increasing inside (0, {top:g})", fix))
    if value is not None and not lower <= value <= upper:
        problems.append(Problem(f"interval {lower} to {upper} does not enclose {value}", "check all three"))
    elif value is not None and strict and value in (lower, upper):
        problems.append(Problem(f"value {value} is also a limit of {lower} to {upper}", "give more digits, or use another distribution"))
    raise_all(problems)


def _solve(function: Callable[[float], float], lower: float, upper: float) -> float:
    """Root inside a bracket, by Brent's method."""
    return float(brentq(function, lower, upper, xtol=1e-14, rtol=8 * np.finfo(np.float64).eps, maxiter=500))


def _unsolved(lower: float, upper: float, level: float) -> str:
    """What to say of limits that no beta could be found for."""
    return (
        f"No beta distribution with limits {lower} and {upper} at level {level} could be solved to {LIMIT_TOLERANCE:g}: the interval is "
        "too narrow or too wide for the arithmetic. Check the limits, or use split_logit_normal."
    )
