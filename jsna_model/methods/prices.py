"""Money over time: prices of one year, discount factors, present values, payback and the value that makes a plan pay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import bisect

from jsna_model.errors import InputError, Problem, raise_all

Array = NDArray[np.float64]

_FINANCIAL_YEAR = re.compile(r"^(\d{4})-(\d{2})$")
#: Years above it are calendar years, which need a base year to be counted from.
_MOST_YEARS = 1000


def year_of(label: str | int | float) -> float:
    """Calendar year in which a financial year starts, or the number itself.

    Raises
    ------
    InputError
        For a label that is no financial year.

    Examples
    --------
    >>> year_of("2027-28"), year_of(3)
    (2027.0, 3.0)
    """
    if not isinstance(label, str):
        return float(label)
    match = _FINANCIAL_YEAR.match(label.strip())
    if not match or int(match[2]) != (int(match[1]) + 1) % 100:
        raise InputError(f"{label!r} is not a financial year; write it as 2027-28.")
    return float(match[1])


@dataclass(frozen=True)
class DiscountSchedule:
    """Discount rates that change with the distance in years.

    Parameters
    ----------
    first_years : tuple of int
        First year from the base in which each rate holds; rising.
    rates : tuple of float
        A year, such as 0.035.
    name, source : str
        What it is and where it is published.
    """

    first_years: tuple[int, ...]
    rates: tuple[float, ...]
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        problems = []
        if len(self.first_years) != len(self.rates) or not self.rates:
            problems.append(Problem(f"{len(self.first_years)} first years and {len(self.rates)} rates", "give as many of each"))
        elif self.first_years[0] > 1 or any(a >= b for a, b in zip(self.first_years, self.first_years[1:], strict=False)):
            problems.append(Problem(f"first years are {self.first_years}", "let them start at 0 or 1 and rise"))
        bad = [r for r in self.rates if not -1 < r < 1]
        problems += [Problem(f"a discount rate of {r}", "write 3.5 per cent as 0.035") for r in bad]
        raise_all(problems)


def discount_factors(
    years: ArrayLike | Sequence[str],
    rate: float | DiscountSchedule | Sequence[tuple[int, float]] | Mapping[int, float],
    base_year: str | float = 0,
) -> Array:
    """Present value of one pound in each year: 1 in the base year, ``prod_(s=1..t) 1 / (1 + r_s)`` in year ``t`` after it.

    ``r_s`` is the rate that holds in year *s*, so that under the Green Book year 30 is ``1.035**-30`` and year 31 that over 1.03. The base
    year, year 0, is not discounted; amounts of a year are taken to fall as those of the base year do, at its start or in its middle alike.
    Part of a year, such as 0.5 for amounts that fall half a year later, is discounted at the rate of the year in progress.

    Parameters
    ----------
    years : array_like of numbers, or of financial years such as ``"2027-28"``
        Years from the base, 0 first; or calendar or financial years, with `base_year`.
    rate : float, DiscountSchedule, sequence of (first year, rate), or mapping of them
        One rate for all years, or rates by distance (`data_sources.load_discount_schedule`). Real rates for real prices.
    base_year : str or float
        Year 0.

    Returns
    -------
    ndarray
        Shape of `years`.

    Raises
    ------
    InputError
        For years before the base year or not finite, calendar years without a base year, and rates outside (-1, 1): 3.5 per cent is 0.035.

    References
    ----------
    HM Treasury, The Green Book (2026), discounting.

    Examples
    --------
    >>> discount_factors([0, 1, 2], 0.035).round(4).tolist()
    [1.0, 0.9662, 0.9335]
    >>> discount_factors(["2026-27", "2027-28"], [(0, 0.035), (31, 0.03)], base_year="2026-27").round(4).tolist()
    [1.0, 0.9662]
    >>> bool(np.isclose(discount_factors(1.5, 0.035), 1.035**-1.5))
    True
    """
    given = np.asarray(years)
    numbers = np.array([year_of(y.item()) for y in given.reshape(-1)]).reshape(given.shape)
    after = numbers - year_of(base_year)
    problems = []
    if not np.isfinite(after).all():
        problems.append(Problem(f"years are {given.tolist()}", "give finite numbers"))
    elif (after > _MOST_YEARS).any():
        found = f"years go to {given.reshape(-1)[after.argmax()]} and the base year is {base_year}"
        problems.append(Problem(found, "give base_year, the year that is not discounted"))
    elif (after < 0).any():
        problems.append(
            Problem(f"years start at {given.reshape(-1)[after.argmin()]}, before the base year {base_year}", "give an earlier base year")
        )
    raise_all(problems)
    schedule = _schedule(rate)
    last = int(np.floor(after.max(initial=0))) + 1
    step = np.arange(1, last + 1)
    rates = np.array(schedule.rates)[np.maximum(np.searchsorted(schedule.first_years, step, side="right") - 1, 0)]
    factors = np.concatenate([[1.0], np.cumprod(1 / (1 + rates))])
    whole = after.astype(int)
    result: Array = factors[whole] * (1 + rates[whole]) ** -(after - whole)
    return result


def _schedule(rate: float | DiscountSchedule | Sequence[tuple[int, float]] | Mapping[int, float]) -> DiscountSchedule:
    if isinstance(rate, DiscountSchedule):
        return rate
    if isinstance(rate, Mapping):
        rate = sorted(rate.items())
    if np.ndim(cast(ArrayLike, rate)) == 0:
        return DiscountSchedule((0,), (float(cast(float, rate)),))
    try:
        first, rates = zip(*cast(Sequence[tuple[int, float]], rate), strict=True)
    except (TypeError, ValueError):
        raise InputError(f"rate is {rate!r}; give one rate, or pairs of first year and rate such as [(0, 0.035), (31, 0.03)].") from None
    return DiscountSchedule(tuple(int(f) for f in first), tuple(float(r) for r in rates))


def present_value(values: Array, factors: Array, axis: int = 0) -> Array:
    """Sum over years of values times discount factors.

    Parameters
    ----------
    values : ndarray
        Years along `axis`, draws last.
    factors : ndarray, shape (year,)

    Returns
    -------
    ndarray
        Without `axis`. A year that is not known (NaN) makes the sum so.
    """
    if values.shape[axis] != len(factors):
        raise InputError(f"{values.shape[axis]} years of values and {len(factors)} discount factors; give one a year.")
    result: Array = np.tensordot(factors, values, axes=(0, axis))
    return result


def reprice(amount: ArrayLike, price_year: str, to_year: str, index: Mapping[str, float]) -> Array:
    """Amounts in the prices of another year, ``amount * index[to] / index[from]``.

    Parameters
    ----------
    amount : array_like
        Pounds of `price_year`.
    price_year, to_year : str
        Financial years, such as ``"2024-25"``.
    index : mapping of str to float
        Deflator by financial year, any base (`data_sources.load_deflators`).

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        Where the series does not reach a year, or is not above zero there; nothing is extrapolated.

    Examples
    --------
    >>> float(reprice(100, "2023-24", "2024-25", {"2023-24": 96.0, "2024-25": 100.8}))
    105.0
    """
    year_of(price_year), year_of(to_year)
    have = sorted(index, key=year_of)
    reach = f"it covers {have[0]} to {have[-1]}" if have else "it is empty"
    problems = []
    for year in dict.fromkeys((price_year, to_year)):
        if year not in index:
            found = f"the deflator series does not reach {year}: {reach}"
            problems.append(Problem(found, "give a series that does; nothing is extrapolated"))
        elif not 0 < index[year] < np.inf:
            problems.append(Problem(f"the deflator of {year} is {index[year]}", "give a number above zero"))
    raise_all(problems)
    result: Array = np.asarray(amount, dtype=float) * (index[to_year] / index[price_year])
    return result


def payback(net: ArrayLike) -> Array:
    """Years until what is saved has paid for what was spent, and stays so to the end of the horizon.

    The cumulative net saving is taken to move evenly within a year; payback is where it last rises through zero.

    Parameters
    ----------
    net : array_like, shape (year, ...)
        Savings less spending of each year, discounted or not; draws last.

    Returns
    -------
    ndarray, shape (...)
        Years from the start of the first; 0 where nothing is ever owed, NaN where it is not paid back within the horizon.

    Examples
    --------
    >>> payback([[-100.0, -100.0, 5.0], [50.0, 50.0, 5.0], [100.0, 40.0, 5.0]]).tolist()
    [2.5, nan, 0.0]
    """
    values = np.asarray(net, dtype=float)
    if values.ndim == 0 or len(values) == 0 or not np.isfinite(values).all():
        raise InputError("net savings have no years, or are not finite; give one value a year, shape (year, ...).")
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    owed = total < 0
    last = len(total) - 1 - np.argmax(owed[::-1], axis=0)  # last moment at which something is owed
    before = np.take_along_axis(total, last[None], axis=0)[0]
    after = np.take_along_axis(total, np.minimum(last + 1, len(values))[None], axis=0)[0]
    rise = after - before
    within = last - np.divide(before, rise, out=np.zeros_like(before), where=rise > 0)
    return np.where(~owed.any(0), 0.0, np.where(owed[-1], np.nan, within))


def goal_seek(
    outcome: Callable[[float], ArrayLike],
    low: float,
    high: float,
    *,
    target: float = 0.0,
    quantile: float | None = None,
    tolerance: float = 1e-6,
) -> float:
    """Value of an input at which an outcome reaches a target, by bisection: what reach, or what price, makes it pay.

    Parameters
    ----------
    outcome : callable
        Draws of the outcome, shape (draw,), for a value of the input; on the same draws at each call.
    low, high : float
        Between which to look.
    target : float
    quantile : float, optional
        Of the draws, that has to reach the target: 0.1 asks for nine chances in ten of more. Their mean by default.
    tolerance : float
        Width of the answer, as a share of ``high - low``.

    Returns
    -------
    float
        One root. Where the outcome does not move one way only, there may be others.

    Raises
    ------
    InputError
        Where the outcome is on one side of the target at both ends (both values are given), is not finite, or the range or the quantile
        makes no sense.
    """
    problems = []
    if not low < high:
        problems.append(Problem(f"the range is {low} to {high}", "give a low end below the high one"))
    if quantile is not None and not 0 < quantile < 1:
        problems.append(Problem(f"quantile is {quantile}", "give a number between 0 and 1, or none for the mean"))
    raise_all(problems)
    what = "expected outcome" if quantile is None else f"{quantile:g} quantile of the outcome"

    def gap(x: float) -> float:
        draws = np.asarray(outcome(float(x)), dtype=float)
        if draws.size == 0 or not np.isfinite(draws).all():
            raise InputError(f"the outcome at {x:g} is empty or not finite; look within a range where it is known.")
        return float(draws.mean() if quantile is None else np.quantile(draws, quantile)) - target

    ends = gap(low), gap(high)
    for x, value in zip((low, high), ends, strict=True):
        if value == 0:
            return float(x)
    if (ends[0] > 0) == (ends[1] > 0):
        side = "above" if ends[0] > 0 else "below"
        raise InputError(
            f"the {what} is {side} {target:g} at both ends of the range: {ends[0] + target:g} at {low:g} and {ends[1] + target:g} at "
            f"{high:g}. No value between them is known to reach it; widen the range, or say that it does not pay."
        )
    return float(bisect(gap, low, high, xtol=tolerance * (high - low)))
