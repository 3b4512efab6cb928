"""Strategies on the cost-effectiveness plane: dominance, the frontier, incremental ratios and what can be said of a ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.tables import table

Array = NDArray[np.float64]

#: What a strategy is, in the words of the reference case.
STATUSES = ("reference", "on frontier", "extended dominance", "strong dominance")
#: Relative tolerance within which three strategies are on one line, so that rounding makes none of them dominated.
_LINE_TOLERANCE = 1e-12


def icer_table(cost: ArrayLike, effect: ArrayLike, names: Sequence[str] | None = None) -> np.recarray[Any, Any]:
    """Incremental cost-effectiveness ratios of strategies that exclude each other, in the order they were given.

    A strategy is strongly dominated where another costs no more and does no less, and differs. Of the rest, in the order of cost, one is
    dominated by extension where its ratio is above that of the next, until none is: the frontier is the lower convex hull. Each strategy on
    it is compared with the next cheaper one on it: ``icer = (C_i - C_(i-1)) / (E_i - E_(i-1))``.

    Parameters
    ----------
    cost, effect : array_like, shape (strategy,)
        Expected values; of draws, their means. Either may be negative. More effect is better: give children harmed with a minus.
    names : sequence of str, optional
        ``"0"``, ``"1"``, ... by default.

    Returns
    -------
    numpy.recarray, shape (strategy,)
        ``strategy``, ``cost``, ``effect``, ``incremental_cost``, ``incremental_effect``, ``icer``, ``status`` (one of `STATUSES`) and
        ``order`` on the frontier (0 is the reference, -1 a dominated one). ``pandas.DataFrame(table)`` makes a DataFrame of it.

    Raises
    ------
    InputError
        Listing lengths that differ, values that are not finite numbers, and names given twice.

    Notes
    -----
    Undefined ratios are NaN: those of the reference, the cheapest strategy on the frontier, which is compared with nothing, and those of
    dominated strategies, with which nothing is compared. Of strategies with equal effects only the cheapest, and of strategies with equal
    costs only the most effective, can be on the frontier, so that no ratio has a zero below it. Strategies with the same cost and the same
    effect do not dominate each other: they share status, order and ratio. On one line with its neighbours a strategy is on the frontier.

    References
    ----------
    Drummond et al. 2015, Methods for the Economic Evaluation of Health Care Programmes, 4th ed., ch. 4; Paltiel et al. 2006, Ann. Intern.
    Med. 145:797-806 and Howard et al. 2005, Aust. New Zealand Health Policy 2:10 (reference cases).

    Examples
    --------
    >>> table = icer_table([0, 10, 30, 25], [0, 1, 2, 1.2], ["none", "some", "more", "dear"])
    >>> for row in table:
    ...     print(row.strategy, row.icer, row.status)
    none nan reference
    some 10.0 on frontier
    more 20.0 on frontier
    dear nan extended dominance
    """
    c, e = np.asarray(cost, dtype=float), np.asarray(effect, dtype=float)
    labels = [str(n) for n in names] if names is not None else [str(i) for i in range(c.size)]
    _check(c, e, labels)
    points, place = np.unique(np.column_stack([c, e]), axis=0, return_inverse=True)
    hull = _frontier(points)
    order = np.full(len(points), -1)
    order[hull] = np.arange(len(hull))
    step = np.full((len(points), 2), np.nan)
    step[hull[1:]] = np.diff(points[hull], axis=0)
    strong = _dominated(points)
    status = np.where(order == 0, STATUSES[0], np.where(order > 0, STATUSES[1], np.where(strong, STATUSES[3], STATUSES[2])))
    place = place.reshape(-1)
    return table(
        strategy=labels,
        cost=c,
        effect=e,
        incremental_cost=step[place, 0],
        incremental_effect=step[place, 1],
        icer=(step[:, 0] / step[:, 1])[place],
        status=status[place],
        order=order[place],
    )


def frontier_probability(cost: ArrayLike, effect: ArrayLike) -> Array:
    """Share of draws in which each strategy is on that draw's frontier: best at some threshold.

    Parameters
    ----------
    cost, effect : array_like, shape (strategy, draw)

    Returns
    -------
    ndarray, shape (strategy,)
        Does not add up to one: several are on a frontier at once.

    Raises
    ------
    InputError
        For shapes that differ, and values that are not finite.

    Examples
    --------
    >>> frontier_probability([[0, 0], [10, 10]], [[0, 0], [1, -1]]).tolist()
    [1.0, 0.5]
    """
    c, e = np.asarray(cost, dtype=float), np.asarray(effect, dtype=float)
    if c.shape != e.shape or c.ndim != 2 or 0 in c.shape or not (np.isfinite(c).all() and np.isfinite(e).all()):
        raise InputError(f"cost has shape {c.shape} and effect {e.shape}; give finite draws of both, shape (strategy, draw).")
    held = np.zeros(len(c))
    for pair in np.stack([c, e]).transpose(2, 1, 0):
        points, place = np.unique(pair, axis=0, return_inverse=True)
        held += np.isin(place.reshape(-1), _frontier(points))
    return held / c.shape[1]


def _check(cost: Array, effect: Array, names: list[str]) -> None:
    problems = []
    if cost.ndim != 1 or effect.shape != cost.shape or cost.size == 0:
        problems.append(
            Problem(f"cost has shape {cost.shape} and effect {effect.shape}", "give one expected cost and one expected effect a strategy")
        )
    if len(names) != cost.size:
        problems.append(Problem(f"{len(names)} names for {cost.size} costs", "give each strategy its name"))
    for what, values in (("cost", cost), ("effect", effect)):
        bad = np.flatnonzero(~np.isfinite(values.reshape(-1)))
        for i in bad:
            name = names[i] if i < len(names) else str(i)
            problems.append(
                Problem(f"the {what} of strategy {name!r} is {values.reshape(-1)[i]}", "give a number, or leave the strategy out")
            )
    problems += [Problem(f"two strategies are called {n!r}", "give each its own name") for n in sorted(set(names)) if names.count(n) > 1]
    raise_all(problems)


def _dominated(points: Array) -> NDArray[np.bool_]:
    """Points that another one beats in cost or effect without losing in the other; points differ from each other."""
    c, e = points.T
    no_worse = (c[None, :] <= c[:, None]) & (e[None, :] >= e[:, None])
    np.fill_diagonal(no_worse, False)
    return np.asarray(no_worse.any(1))


def _frontier(points: Array) -> NDArray[np.int64]:
    """Places of the points on the frontier, cheapest first: the lower convex hull of what is not dominated (Andrew 1979)."""
    c, e = points.T
    hull: list[int] = []
    for i in np.flatnonzero(~_dominated(points)):  # `points` stand in the order of cost, so that here effects rise
        while len(hull) > 1:
            a, b = hull[-2:]
            left, right = (c[b] - c[a]) * (e[i] - e[b]), (c[i] - c[b]) * (e[b] - e[a])
            if left - right <= _LINE_TOLERANCE * (abs(left) + abs(right)):
                break
            hull.pop()
        hull.append(int(i))
    return np.array(hull)


@dataclass(frozen=True)
class Ratio:
    """A ratio of two differences, and the set of values that the draws support.

    Parameters
    ----------
    value : float
        Mean cost over mean effect; NaN where the mean effect is zero.
    lower, upper : float
        Ends of the set, as `kind` says; NaN where there are none.
    kind : {"interval", "outside", "everything", "undefined"}
        The set lies between the ends; outside them (below `lower` and above `upper`: the sign of the effect is uncertain); excludes
        nothing; or there is no ratio, both differences being zero without doubt.
    level : float
    """

    value: float
    lower: float
    upper: float
    kind: str
    level: float


def icer_interval(cost_difference: ArrayLike, effect_difference: ArrayLike, level: float = 0.95) -> Ratio:
    """Fieller's set for the ratio of the means of two differences, with the draws' variances and covariance.

    The values ``R`` with ``(c - R e)^2 <= z^2 (var_c - 2 R cov + R^2 var_e)``. It is an interval only where the effect differs from zero at
    this level; where it does not, the ratio may be anything large of either sign, and an interval by quantiles of the draws' ratios would
    join a saving that helps with a cost that harms. Say then what `quadrants` says.

    Parameters
    ----------
    cost_difference, effect_difference : array_like, shape (draw,)
        Paired, against one comparator.
    level : float

    Returns
    -------
    Ratio

    Raises
    ------
    InputError
        For draws that do not match, are not finite, or are fewer than two, and for a level outside (0, 1).

    References
    ----------
    Fieller 1954, J. R. Stat. Soc. B 16:175-185; Willan and O'Brien 1996, Health Econ. 5:297-305.
    """
    c, e = _paired(cost_difference, effect_difference)
    if not 0 < level < 1:
        raise InputError(f"level is {level}; give a number between 0 and 1, such as 0.95.")
    mean_c, mean_e = float(c.mean()), float(e.mean())
    value = mean_c / mean_e if mean_e != 0 else np.nan
    (var_c, cov), (_, var_e) = np.cov(c, e)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    # A R^2 - 2 B R + C <= 0
    A, B, C = mean_e**2 - z2 * var_e, mean_c * mean_e - z2 * cov, mean_c**2 - z2 * var_c
    if A == 0 and B == 0 and C == 0:
        return Ratio(np.nan, np.nan, np.nan, "undefined", level)
    root = B**2 - A * C
    if A > 0:
        half = np.sqrt(max(root, 0.0))
        return Ratio(value, float((B - half) / A), float((B + half) / A), "interval", level)
    if A < 0 and root > 0:
        ends = sorted(((B - np.sqrt(root)) / A, (B + np.sqrt(root)) / A))
        return Ratio(value, float(ends[0]), float(ends[1]), "outside", level)
    if mean_e == 0 and var_e == 0:
        return Ratio(np.nan, np.nan, np.nan, "undefined", level)
    return Ratio(value, np.nan, np.nan, "everything", level)


def quadrants(cost_difference: ArrayLike, effect_difference: ArrayLike) -> dict[str, float]:
    """Share of draws in each quadrant of the cost-effectiveness plane; a draw on an axis is shared by its neighbours.

    Parameters
    ----------
    cost_difference, effect_difference : array_like, shape (draw,)

    Returns
    -------
    dict
        ``dearer_better``, ``cheaper_better``, ``dearer_worse``, ``cheaper_worse``; they add up to one.

    Examples
    --------
    >>> quadrants([1, -1, 0, 0], [1, 1, 1, 0])
    {'dearer_better': 0.4375, 'cheaper_better': 0.4375, 'dearer_worse': 0.0625, 'cheaper_worse': 0.0625}
    """
    c, e = _paired(cost_difference, effect_difference, fewest=1)
    dearer, better = (np.sign(c) + 1) / 2, (np.sign(e) + 1) / 2
    parts = {
        "dearer_better": dearer * better,
        "cheaper_better": (1 - dearer) * better,
        "dearer_worse": dearer * (1 - better),
        "cheaper_worse": (1 - dearer) * (1 - better),
    }
    return {name: float(part.mean()) for name, part in parts.items()}


def _paired(cost: ArrayLike, effect: ArrayLike, fewest: int = 2) -> tuple[Array, Array]:
    c, e = np.asarray(cost, dtype=float), np.asarray(effect, dtype=float)
    problems = []
    if c.shape != e.shape or c.ndim != 1 or c.size < fewest:
        problems.append(Problem(f"cost differences have shape {c.shape} and effects {e.shape}", "give paired draws, shape (draw,)"))
    if not (np.isfinite(c).all() and np.isfinite(e).all()):
        problems.append(Problem("a difference is not a finite number", "leave out what is not known, in both"))
    raise_all(problems)
    return c, e
