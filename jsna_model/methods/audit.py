"""Case audits: how many cases to look at, and what the audited cases say about all of them. Finite populations, no replacement.

References
----------
Cochran 1977, Sampling Techniques, 3rd edition, Wiley: chapters 3 and 4 (proportions, sample size), 5 (strata).
Buonaccorsi 1987, American Statistician 41:215-218 (exact limits of a count in a finite population).
Korn and Graubard 1998, Survey Methodology 24:193-201 (exact limits on the effective sample size of a design).
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, floor, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from jsna_model.errors import Problem, raise_all
from jsna_model.methods.rates import Interval

Array = NDArray[np.float64]


def size_for_proportion(cases: int, margin: float, expected: float = 0.5, level: float = 0.95) -> int:
    """Cases to audit so that a share is known to within a margin.

    ``n0 = z**2 p (1 - p) / d**2`` and ``n = n0 / (1 + (n0 - 1) / N)``, rounded up (Cochran 1977, equations 4.1 and 4.2).

    Parameters
    ----------
    cases : int
        N, all cases that could be audited.
    margin : float
        d, half the width of the interval, as a share: 0.1 for ten percentage points.
    expected : float
        p, the share expected; 0.5 asks for the most cases.
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    int

    Raises
    ------
    InputError
        For no cases, or a margin, share or level outside (0, 1); all problems at once.

    Examples
    --------
    >>> size_for_proportion(3200, 0.05, 0.5), size_for_proportion(84, 0.1)
    (344, 46)
    """
    raise_all(_cases_problems(cases) + _shares(margin=margin, expected=expected, level=level))
    z = float(special.ndtri((1 + level) / 2))
    n0 = z * z * expected * (1 - expected) / margin**2
    return min(cases, max(1, ceil(n0 / (1 + (n0 - 1) / cases) - 1e-9)))


def size_to_see_one(cases: int, affected: int, confidence: float = 0.95) -> int:
    """Fewest cases to audit so that at least one affected case is among them with a given probability.

    The least n with ``C(N - M, n) / C(N, n) <= 1 - confidence`` (hypergeometric).

    Parameters
    ----------
    cases, affected : int
        N, and the M of them that it would matter to see.
    confidence : float
        In (0, 1).

    Returns
    -------
    int

    Raises
    ------
    InputError
        For no cases, affected ones not from 1 to all, or a confidence outside (0, 1); all problems at once.

    Examples
    --------
    >>> size_to_see_one(100, 5), size_to_see_one(100, 100)
    (45, 1)
    """
    problems = _cases_problems(cases) + _shares(confidence=confidence)
    if cases >= 1 and not 1 <= affected <= cases:
        problems.append(Problem(f"affected is {affected} of {cases} cases", "give a whole number from 1 to all cases"))
    raise_all(problems)
    low, high = 1, cases - affected + 1  # with one more than the unaffected, one affected is certain to be seen
    while low < high:
        middle = (low + high) // 2
        none = exp(_log_choose(cases - affected, middle) - _log_choose(cases, middle)) if middle <= cases - affected else 0.0
        low, high = (low, middle) if none <= (1 - confidence) * (1 + 1e-12) else (middle + 1, high)
    return low


def allocate(cases: ArrayLike, total: int, minimum: int = 2) -> NDArray[np.int64]:
    """A sample shared among strata in proportion to their cases, with a minimum in each.

    ``n_h = n N_h / N`` (Cochran 1977, section 5.5), by largest remainders; a stratum gets `minimum`, or all its cases if it has fewer, and
    never more cases than it has.

    Parameters
    ----------
    cases : array_like, shape (stratum,)
        N_h, whole and above 0.
    total : int
        n, cases to audit in all.
    minimum : int

    Returns
    -------
    ndarray of int, shape (stratum,)
        Sums to `total`.

    Raises
    ------
    InputError
        For strata without cases, or a total above all cases or below the minimum of every stratum; all problems at once.

    Examples
    --------
    >>> allocate([200, 60, 8], 40, minimum=4).tolist()
    [28, 8, 4]
    """
    sizes = np.atleast_1d(np.asarray(cases))
    problems = [Problem(f"a stratum has {n:g} cases", "give whole numbers above 0") for n in sizes if not (n >= 1 and n == int(n))]
    sizes = sizes.astype(np.int64)
    least = np.minimum(sizes, minimum)
    if not problems and not least.sum() <= total <= sizes.sum():
        fix = f"give a total from {least.sum()} (at least {minimum} in each stratum) to {sizes.sum()} (all cases)"
        problems.append(Problem(f"{total} cases are to be shared among {len(sizes)} strata", fix))
    raise_all(problems)
    out, free = least.copy(), np.ones(len(sizes), dtype=bool)
    while free.any():  # strata that proportion would leave below their minimum keep it; the rest share what is left
        share = np.where(free, sizes, 0) / sizes[free].sum() * (total - out[~free].sum())
        short = free & (share < least)
        if not short.any():
            break
        free &= ~short
    whole = np.where(free, np.floor(share), out).astype(np.int64)
    order = np.lexsort((np.arange(len(sizes)), -(share - np.floor(share))))
    for h in (h for h in [*order, *order] if free[h]):
        if whole.sum() < total and whole[h] < sizes[h]:
            whole[h] += 1
    return whole


def exact_count(found: int, audited: int, cases: int, level: float = 0.95) -> Interval:
    """How many of all cases have what was found in some of them: exact limits, equal tails.

    The limits are the least M with ``P(X >= x | M) > (1 - level) / 2`` and the greatest with ``P(X <= x | M) > (1 - level) / 2``, X being
    hypergeometric (Buonaccorsi 1987). Their coverage is at least `level` whatever M is.

    Parameters
    ----------
    found, audited, cases : int
        x of n audited of N cases.
    level : float

    Returns
    -------
    Interval
        Cases: ``value`` is N x / n.

    Raises
    ------
    InputError
        For counts that contradict each other or a level outside (0, 1); all problems at once.

    Examples
    --------
    >>> exact_count(3, 30, 84)
    Interval(value=8.4, lower=3.0, upper=19.0)
    """
    problems = _cases_problems(cases) + _shares(level=level)
    if not 0 <= found <= audited <= cases or audited < 1:
        problems.append(Problem(f"{found} found of {audited} audited of {cases} cases", "give found <= audited <= cases, audited above 0"))
    raise_all(problems)
    tail = (1 - level) / 2 * (1 + 1e-9)  # a tie within rounding is not above it
    first, last = found, cases - (audited - found)
    lower = _first(lambda m: 1 - _at_most(found - 1, audited, m, cases) > tail, first, last)
    upper = last - _first(lambda k: _at_most(found, audited, last - k, cases) > tail, 0, last - first)
    return Interval(cases * found / audited, float(lower), float(upper))


def stratified_share(found: ArrayLike, audited: ArrayLike, cases: ArrayLike, level: float = 0.95) -> Interval:
    """Share of all cases, from a sample in each stratum.

    ``p = sum(W_h p_h)``, ``V = sum(W_h**2 (1 - f_h) p~_h (1 - p~_h) / (n_h - 1))`` with ``W_h = N_h / N``, ``f_h = n_h / N_h`` (Cochran
    1977, equations 5.52 and 5.53), ``p~_h = (x_h + 1/2) / (n_h + 1)`` so that a stratum in which none or all were found still varies, and
    n_h - 1 at least 1. The interval is that of a binomial count on the effective sample ``p~ (1 - p~) / V`` (Clopper and Pearson's limits;
    Korn and Graubard 1998), out to whole cases, and within what is certain: the cases found, and those found not to be. One stratum has its
    exact interval. Simulated coverage of 95%: tests/unit/test_audit.py.

    Parameters
    ----------
    found, audited, cases : array_like, shape (stratum,)
    level : float

    Returns
    -------
    Interval
        Shares of all cases.

    Raises
    ------
    InputError
        For counts that contradict each other or a level outside (0, 1); all problems at once.

    Examples
    --------
    >>> shown = stratified_share([12, 4], [30, 20], [200, 60])
    >>> [round(float(v), 3) for v in (shown.value, shown.lower, shown.upper)]
    [0.354, 0.223, 0.5]
    """
    x, n, size = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (found, audited, cases))
    problems = _shares(level=level)
    wrong = ~((x >= 0) & (x <= n) & (n <= size) & (n >= 1))
    problems += [
        Problem(f"{a:g} found of {b:g} audited of {c:g} cases", "give found <= audited <= cases, audited above 0")
        for a, b, c in zip(x[wrong], n[wrong], size[wrong], strict=True)
    ]
    raise_all(problems)
    whole = float(size.sum())
    if len(x) == 1:
        one = exact_count(int(x[0]), int(n[0]), int(size[0]), level)
        return Interval(float(one.value) / whole, float(one.lower) / whole, float(one.upper) / whole)
    weight, smooth = size / whole, (x + 0.5) / (n + 1)
    value = float(weight @ (x / n))
    variance = float(weight**2 @ ((1 - n / size) * smooth * (1 - smooth) / np.maximum(n - 1, 1)))
    sure = float(x.sum()) / whole, 1 - float((n - x).sum()) / whole
    if variance == 0:  # every case was audited
        return Interval(value, value, value)
    centre = float(weight @ smooth)
    effective = centre * (1 - centre) / variance
    events, tail = value * effective, (1 - level) / 2
    lower = float(special.betaincinv(events, effective - events + 1, tail)) if events > 0 else 0.0
    upper = float(special.betaincinv(events + 1, effective - events, 1 - tail)) if events < effective else 1.0
    lower, upper = floor(lower * whole + 1e-9) / whole, ceil(upper * whole - 1e-9) / whole
    return Interval(value, min(max(lower, sure[0]), value), max(min(upper, sure[1]), value))


def margin_reached(audited: int, cases: int, expected: float = 0.5, level: float = 0.95) -> float:
    """Half the width of the interval that a sample gives: ``z sqrt(p (1 - p) / n * (N - n) / (N - 1))`` (Cochran 1977, section 4.4)."""
    raise_all(_cases_problems(cases) + _shares(expected=expected, level=level))
    z = float(special.ndtri((1 + level) / 2))
    return z * sqrt(expected * (1 - expected) / audited * (cases - audited) / max(cases - 1, 1))


def _log_choose(n: int, k: int | Array) -> Array:
    out: Array = special.gammaln(n + 1) - special.gammaln(np.asarray(k) + 1.0) - special.gammaln(n - np.asarray(k) + 1.0)
    return out


def _at_most(x: int, n: int, affected: int, cases: int) -> float:
    """Hypergeometric P(X <= x) of n drawn from N cases with M affected."""
    k = np.arange(max(0, n - (cases - affected)), min(x, affected, n) + 1, dtype=float)
    if not k.size:
        return 0.0
    log = _log_choose(affected, k) + _log_choose(cases - affected, n - k) - float(_log_choose(cases, n))
    return float(min(np.exp(log).sum(), 1.0))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least whole number of a range from which a condition holds; it holds at the end."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _cases_problems(cases: int) -> list[Problem]:
    return [] if cases >= 1 else [Problem(f"there are {cases} cases", "give the number of all cases that could be audited, above 0")]


def _shares(**given: float) -> list[Problem]:
    return [Problem(f"{name} is {v}", "give a share between 0 and 1, such as 0.1") for name, v in given.items() if not 0 < v < 1]
