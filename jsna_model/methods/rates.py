"""Observed proportions and rates with their intervals, and how they compare with a benchmark, by the methods of Fingertips.

For counted events only; what the model estimates carries its own interval. Everything is vectorised: arguments broadcast against each
other, and numbers give numbers. A missing count (NaN: suppressed, not collected) gives NaN in value, lower and upper, and so does
whatever nobody could know (no events among no people). What contradicts itself (events among no people, more cases than people,
part of an event) is an error, which lists all that is wrong.

References
----------
Wilson 1927, J. Am. Stat. Assoc. 22:209-212 (score interval of a proportion).
Garwood 1936, Biometrika 28:437-442 (exact interval of a Poisson mean).
Breslow and Day 1987, Statistical Methods in Cancer Research II, IARC 82, section 2.3 (Byar's approximation to it).
Dobson, Kuulasmaa, Eberle and Scherer 1991, Stat. Med. 10:457-462 (interval of a weighted sum of Poisson counts).
Spiegelhalter 2005, Stat. Med. 24:1185-1202 (funnel limits).
Eayres 2008, APHO Technical Briefing 3, Commonly used public health statistics and their confidence intervals (which, and when).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from jsna_model.errors import Problem, raise_all

Array = NDArray[np.float64]
Polarity = Literal["low_is_good", "high_is_good"]

#: Events from which Byar's approximation is used, and below which no directly standardised rate is given (PHEindicatormethods).
ENOUGH_EVENTS = 10
#: The word where the interval or the benchmark is missing.
NOT_COMPARED = "not compared"

# Words for an interval below, around and above the benchmark.
_WORDS: Mapping[str | None, tuple[str, str, str]] = {
    None: ("lower", "similar", "higher"),
    "low_is_good": ("better", "similar", "worse"),
    "high_is_good": ("worse", "similar", "better"),
}


@dataclass(frozen=True)
class Interval:
    """A value and its interval; arrays of one shape, or numbers.

    Parameters
    ----------
    value, lower, upper : float or ndarray
        In one unit. NaN where there is none, in all three.
    """

    value: float | Array
    lower: float | Array
    upper: float | Array


def wilson(events: ArrayLike, population: ArrayLike, level: float = 0.95) -> Interval:
    """Proportion with its Wilson score interval.

    ``(2 x + z**2 -+ z sqrt(z**2 + 4 x (1 - x / n))) / (2 (n + z**2))`` for `x` events among `n` people, z the normal quantile of
    `level` (Wilson 1927). The lower limit is found as ``2 x**2 / n / (2 x + z**2 + z sqrt(...))``, which is equal and loses no digits.
    No events give a lower limit of exactly 0; events in all give an upper limit of exactly 1.

    Parameters
    ----------
    events : array_like
        People with the condition, whole numbers.
    population : array_like
        People of whom they are part; may be fractional (a mean over the year). 0 with 0 events gives NaN.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    Interval
        Proportions in [0, 1].

    Raises
    ------
    InputError
        For negative, infinite or fractional events, a negative or infinite population, more events than people, shapes that do not
        broadcast or a level outside (0, 1); all problems at once.

    Examples
    --------
    >>> wilson(0, 0)
    Interval(value=nan, lower=nan, upper=nan)
    >>> found = wilson(65, 100)
    >>> [round(float(x), 6) for x in (found.value, found.lower, found.upper)]
    [0.65, 0.552544, 0.736358]
    """
    problems: list[Problem] = []
    x, n = _broadcast({"events": _counts("events", events, problems), "population": _sizes("population", population, problems)}, problems)
    problems += _where(x > n, "events", x, "above the population", "give people with the condition and all people, of one area and time")
    problems += _level_problems(level)
    raise_all(problems)
    z2 = _quantile(level) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        value = x / n
        root = np.sqrt(z2 * (z2 + 4 * x * ((n - x) / n)))
        lower = 2 * x * value / (2 * x + z2 + root)
        upper = np.where(x == n, 1.0, (2 * x + z2 + root) / (2 * (n + z2)))
    return _interval(value, lower, upper)


def byar(events: ArrayLike, exposure: ArrayLike, per: float, level: float = 0.95) -> Interval:
    """Rate with its Poisson interval: exact below 10 events, Byar's approximation from 10.

    With `x` events, z the normal quantile of `level` and ``a = (1 - level) / 2``, the limits of the count are

    - exact: ``chi2(a; 2 x) / 2`` (0 where x is 0) and ``chi2(1 - a; 2 x + 2) / 2`` (Garwood 1936);
    - Byar: ``x (1 - 1 / (9 x) - z / (3 sqrt(x)))**3`` and, with ``y = x + 1``, ``y (1 - 1 / (9 y) + z / (3 sqrt(y)))**3``
      (Breslow and Day 1987);

    and those of the rate are ``per / exposure`` times them.

    Parameters
    ----------
    events : array_like
        Whole numbers; may exceed the exposure, as one child may have several.
    exposure : array_like
        People, or person-years. 0 with 0 events gives NaN.
    per : float
        What the rate is per, such as 10,000.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    Interval
        Rates per `per`.

    Raises
    ------
    InputError
        For negative, infinite or fractional events, a negative or infinite exposure, events where the exposure is 0, shapes that do
        not broadcast, `per` not above 0 or a level outside (0, 1); all problems at once.

    Examples
    --------
    >>> found = byar([4, 65], 100, per=10_000)
    >>> found.lower.round(1), found.upper.round(1)
    (array([ 109. , 5016.3]), array([1024.2, 8284.9]))
    """
    problems: list[Problem] = []
    x, n = _broadcast({"events": _counts("events", events, problems), "exposure": _sizes("exposure", exposure, problems)}, problems)
    problems += _where((x > 0) & (n == 0), "events", x, "above 0 where the exposure is 0", "give the people or time they arose in")
    problems += _per_problems(per) + _level_problems(level)
    raise_all(problems)
    low, high = _poisson_limits(x, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _interval(x / n * per, low / n * per, high / n * per)


def directly_standardised(events: ArrayLike, populations: ArrayLike, standard: ArrayLike, per: float, level: float = 0.95) -> Interval:
    """Directly standardised rate with its Dobson interval.

    With `d` events among `n` people and `w` standard people in each age band, ``D = sum(d)`` and ``L``, ``U`` the limits of D,

        value = per * sum(w d / n) / sum(w)
        variance = sum(w**2 d / n**2) / sum(w)**2
        limits = value + per * sqrt(variance / D) * (L - D), and the same with U

    (Dobson and others 1991). L and U are Byar's. Fewer than 10 events in all give NaN, as in PHEindicatormethods: too few to
    standardise. A rare band with a large weight can give a lower limit below 0; it is left as it is.

    Parameters
    ----------
    events : array_like, shape (..., band)
        Whole numbers.
    populations : array_like, shape (..., band)
        A band with nobody gives NaN for its area: its rate is not known. Join bands, or leave it out of the standard too.
    standard : array_like, shape (band,)
        Standard population, above 0 in each band.
    per : float
        What the rate is per, such as 100,000.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    Interval
        Rates per `per`, shape (...).

    Raises
    ------
    InputError
        For negative, infinite or fractional events, negative or infinite populations, events where there is nobody, a standard that is
        not above 0 or has another number of bands, `per` not above 0 or a level outside (0, 1); all problems at once.

    Examples
    --------
    >>> found = directly_standardised([1, 4, 13, 8], [862, 969, 753, 1069], [5000, 5500, 5500, 5500], per=1000)
    >>> [round(float(x), 3) for x in (found.value, found.lower, found.upper)]
    [7.657, 4.968, 11.263]
    """
    problems: list[Problem] = []
    given = {"events": _counts("events", events, problems), "populations": _sizes("populations", populations, problems)}
    d, n = _broadcast(given, problems)
    problems += _where((d > 0) & (n == 0), "events", d, "above 0 where the population is 0", "give the people they arose in")
    w = _numbers("standard", standard, problems)
    problems += _where(~((w > 0) & np.isfinite(w)), "standard", w, "not above 0", "give the standard population of each band")
    if d.ndim == 0 or w.shape != d.shape[-1:] or not w.size:
        bands = d.shape[-1] if d.ndim else "no"
        problems.append(Problem(f"standard has shape {w.shape} and events have {bands} bands", "give one standard number for each band"))
    problems += _per_problems(per) + _level_problems(level)
    raise_all(problems)
    w = w / w.sum()
    total = d.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(total >= ENOUGH_EVENTS, (w * d / n).sum(axis=-1), np.nan)
        scale = np.sqrt((w**2 * d / n**2).sum(axis=-1) / total)
        low, high = _poisson_limits(total, level)
        lower = value + scale * (low - total)
        return _interval(value * per, lower * per, (value + scale * (high - total)) * per)


def indirectly_standardised(
    events: ArrayLike, populations: ArrayLike, reference_events: ArrayLike, reference_populations: ArrayLike, level: float = 0.95
) -> Interval:
    """Events observed over those expected at a reference's rates by age: the standardised ratio.

    ``O / E``, ``E = sum(n_i X_i / N_i)`` over groups i of the last axis, with the limits of the count O as in `byar`, over E (Breslow and
    Day 1987; Eayres 2008). E is taken as known. Ratios of areas with different age structures are not comparable with each other.

    Parameters
    ----------
    events : array_like, shape (...)
        Observed in all groups together, whole numbers.
    populations : array_like, shape (..., groups)
        Of the area.
    reference_events, reference_populations : array_like, shape (..., groups)
        Of the reference, such as England.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    Interval
        1 where as many as expected. NaN where none are expected.

    Raises
    ------
    InputError
        For what `byar` refuses, or people in a group where the reference has none; all problems at once.

    Examples
    --------
    >>> found = indirectly_standardised(30, [1000, 2000], [100, 50], [10_000, 10_000])
    >>> [round(float(x), 3) for x in (found.value, found.lower, found.upper)]
    [1.5, 1.012, 2.141]
    """
    problems: list[Problem] = []
    n, x, N = _broadcast(
        {
            "populations": _sizes("populations", populations, problems),
            "reference_events": _counts("reference_events", reference_events, problems),
            "reference_populations": _sizes("reference_populations", reference_populations, problems),
        },
        problems,
    )
    problems += _where((n > 0) & (N == 0), "populations", n, "above 0 where the reference has nobody", "merge this group with another")
    raise_all(problems)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(n == 0, 0.0, n * x / N).sum(axis=-1)
    return byar(events, expected, 1.0, level)


def funnel_limits(
    benchmark: float, sizes: ArrayLike, kind: Literal["proportion", "rate"], per: float = 1.0, level: float = 0.95
) -> Interval:
    """Where observed values of areas with the benchmark's own rate would lie by chance alone, by size.

    With F the binomial distribution of n trials (``proportion``) or the Poisson one of mean n times the rate (``rate``), tail a and r the
    smallest count with ``F(r) >= a``, the limit is ``(r - (F(r) - a) / (F(r) - F(r - 1))) / n``: exact, interpolated so that it is smooth
    in n (Spiegelhalter 2005, Stat. Med. 24:1185-1202, appendix A.1). Areas differ by more than chance, so more lie outside than the level
    says: a funnel shows where to look, no more.

    Parameters
    ----------
    benchmark : float
        The proportion, or the rate per `per`.
    sizes : array_like
        People or exposure of each area, above zero; whole numbers for proportions.
    kind : {"proportion", "rate"}
    per : float
        What a rate is per, such as 10,000; 1 for proportions.
    level : float
        Of the area between the limits, in (0, 1): 0.95 and 0.998 are usual.

    Returns
    -------
    Interval
        In the benchmark's unit, its value the benchmark.

    Raises
    ------
    InputError
        For a benchmark outside its range, sizes of zero or less, parts of people for proportions; all problems at once.

    Examples
    --------
    >>> found = funnel_limits(0.1, [100, 10_000], "proportion")
    >>> found.lower.round(4), found.upper.round(4)
    (array([0.0404, 0.0941]), array([0.1577, 0.1059]))
    """
    from scipy import stats

    problems: list[Problem] = []
    n = _sizes("sizes", sizes, problems)
    problems += _where(n == 0, "sizes", n, "0", "leave this area out")
    if kind not in ("proportion", "rate"):
        problems.append(Problem(f"kind is {kind!r}", "give 'proportion' or 'rate'"))
    elif not 0 <= benchmark <= (per if kind == "proportion" else np.inf):
        problems.append(Problem(f"benchmark is {benchmark:g}", "give a proportion from 0 to 1, or a rate of 0 or more"))
    if kind == "proportion":
        problems += _where(n != np.floor(n), "sizes", n, "not whole", "give whole people")
    problems += _per_problems(per) + _level_problems(level)
    raise_all(problems)
    p = benchmark / per
    counts = stats.binom(n, p) if kind == "proportion" else stats.poisson(n * p)

    def limit(tail: float) -> Array:
        r = counts.ppf(tail)
        with np.errstate(invalid="ignore"):
            back = (counts.cdf(r) - tail) / counts.pmf(r)
        return np.asarray(np.maximum(r - np.where(np.isfinite(back), back, 0.0), 0.0) / n * per)

    tail = (1 - level) / 2
    return _interval(np.broadcast_to(np.asarray(float(benchmark)), n.shape), limit(tail), limit(1 - tail))


def compare_to_benchmark(interval: Interval, benchmark: ArrayLike, polarity: Polarity | None = None) -> str | NDArray[np.str_]:
    """How an area compares with a benchmark: the area's interval against the benchmark's value.

    Similar, unless the whole interval lies on one side; a benchmark that equals a limit is similar. The benchmark's own interval plays no
    part (Fingertips, "CI overlapping reference value"; dhsc-govuk/FingertipsNext, BenchmarkComparisonEngine.cs, August 2025).

    Parameters
    ----------
    interval : Interval
        Of the area, in the benchmark's unit.
    benchmark : array_like
        Value for England, the region or statistical neighbours.
    polarity : {'low_is_good', 'high_is_good'}, optional
        Which way is better; none where neither is, as with rates of referral.

    Returns
    -------
    str or ndarray of str
        ``'better'``, ``'similar'`` or ``'worse'``; without polarity ``'higher'``, ``'similar'`` or ``'lower'``. ``'not compared'`` where
        a limit or the benchmark is missing (NaN).

    Raises
    ------
    InputError
        For an unknown polarity, a lower limit above the upper, or shapes that do not broadcast; all problems at once.

    Examples
    --------
    >>> compare_to_benchmark(Interval(6.0, 5.0, 7.0), 4.2)
    'higher'
    >>> compare_to_benchmark(Interval(6.0, 5.0, 7.0), [4.2, 5.0, 8.0], "low_is_good").tolist()
    ['worse', 'similar', 'better']
    """
    problems: list[Problem] = []
    given = {"lower": interval.lower, "upper": interval.upper, "benchmark": benchmark}
    low, high, point = _broadcast({name: _numbers(name, values, problems) for name, values in given.items()}, problems)
    problems += _where(low > high, "lower", low, "above the upper limit", "check the order of the limits")
    if polarity not in _WORDS:
        problems.append(Problem(f"polarity is {polarity!r}", "give 'low_is_good', 'high_is_good' or None"))
    raise_all(problems)
    below, similar, above = _WORDS[polarity]
    missing = np.isnan(low) | np.isnan(high) | np.isnan(point)
    words: NDArray[np.str_] = np.select([missing, high < point, low > point], [NOT_COMPARED, below, above], similar)
    return words if words.ndim else str(words)


def _quantile(level: float) -> float:
    """Normal quantile of a central interval, from its tail: finite for every level below 1."""
    return -float(special.ndtri((1 - level) / 2))


def _poisson_limits(x: Array, level: float) -> tuple[Array, Array]:
    """Limits of a Poisson mean of which `x` events were seen: see `byar`."""
    z, tail = _quantile(level), (1 - level) / 2
    few = x < ENOUGH_EVENTS
    # chi2(p; 2 k) / 2 is the gamma quantile of shape k. Each branch is given an argument that it can take; the other is then chosen.
    k = np.where(few, x, 1.0)
    exact_low = np.where(k > 0, special.gammaincinv(np.where(k > 0, k, 1.0), tail), 0.0)
    exact_high = special.gammainccinv(k + 1, tail)
    m = np.where(few, float(ENOUGH_EVENTS), x)
    byar_low = m * (1 - 1 / (9 * m) - z / (3 * np.sqrt(m))) ** 3
    byar_high = (m + 1) * (1 - 1 / (9 * (m + 1)) + z / (3 * np.sqrt(m + 1))) ** 3
    return np.where(few, exact_low, byar_low), np.where(few, exact_high, byar_high)


def _interval(value: Array, lower: Array, upper: Array) -> Interval:
    """NaN in all three where any is; limits on their own side of the value to the last digit; numbers for arrays of no dimension."""
    nowhere = ~(np.isfinite(value) & np.isfinite(lower) & np.isfinite(upper))
    parts = [np.where(nowhere, np.nan, part) for part in (value, np.minimum(lower, value), np.maximum(upper, value))]
    return Interval(*(part if part.ndim else float(part) for part in parts))


def _numbers(name: str, values: ArrayLike, problems: list[Problem]) -> Array:
    """Values as floats; NaN, and a problem, where they are not numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems.append(Problem(f"{name} holds what is not a number", "give numbers, NaN where one is missing"))
        return np.asarray(np.nan)


def _counts(name: str, values: ArrayLike, problems: list[Problem]) -> Array:
    """Counts of events: whole and not negative."""
    numbers = _sizes(name, values, problems)
    part = np.isfinite(numbers) & (numbers != np.floor(numbers))
    problems += _where(part, name, numbers, "not a whole number", "give counted events: neither a share nor what a model estimates")
    return numbers


def _sizes(name: str, values: ArrayLike, problems: list[Problem]) -> Array:
    """Sizes: finite and not negative."""
    numbers = _numbers(name, values, problems)
    problems += _where((numbers < 0) | np.isinf(numbers), name, numbers, "negative or infinite", "give 0 or more, NaN where it is missing")
    return numbers


def _where(bad: NDArray[np.bool_], name: str, values: Array, what: str, fix: str) -> list[Problem]:
    """One problem for all bad places of an argument, with the first of them."""
    if not bad.any():
        return []
    places = np.argwhere(bad)
    first = values[tuple(places[0])]
    if not values.ndim:
        return [Problem(f"{name} is {first:g}, {what}", fix)]
    index = ", ".join(str(i) for i in places[0])
    return [Problem(f"{name}[{index}] is {first:g}, {what} ({len(places)} of {values.size} are)", fix)]


def _broadcast(arrays: Mapping[str, Array], problems: list[Problem]) -> list[Array]:
    """Arrays in one shape; NaN, and a problem, where they have none in common."""
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = " and ".join(f"{name} {array.shape}" for name, array in arrays.items())
        problems.append(Problem(f"shapes do not fit: {shapes}", "give one number of each for every area"))
        return [np.asarray(np.nan) for _ in arrays]


def _level_problems(level: float) -> list[Problem]:
    return [] if 0 < level < 1 else [Problem(f"level is {level}", "give the level of the interval, such as 0.95")]


def _per_problems(per: float) -> list[Problem]:
    return [] if per > 0 and isfinite(per) else [Problem(f"per is {per}", "give what the rate is per, such as 10000")]
