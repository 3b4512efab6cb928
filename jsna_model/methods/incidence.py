"""Cumulative incidence with competing events: the share to whom something has happened by a time, where other things can happen first.

References
----------
Aalen and Johansen 1978, Scand. J. Stat. 5:141-150 (the estimator). Putter, Fiocco and Geskus 2007, Stat. Med. 26:2389-2430 (why one minus
Kaplan-Meier overstates it). Huber 1967 and Williams 2000, Biometrics 56:645-646 (sums of influences over clusters). Korn and Graubard 1998,
Surv. Methodol. 24:193-201 (limits from the effective sample).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from jsna_model.errors import Problem, raise_all

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

CENSORED, EVENT, OTHER = 0, 1, 2


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence at some times.

    Parameters
    ----------
    at : ndarray, shape (time,)
    value, se, lower, upper : ndarray, shape (time,)
        Share, its cluster-robust standard error, and limits.
    events, others, lost, at_risk : ndarray of int, shape (time,)
        To whom it has happened, to whom something else has happened first, whose following ended before (up to each time), and who is left.
        They sum to the number of subjects.
    """

    at: Array
    value: Array
    se: Array
    lower: Array
    upper: Array
    events: Counts
    others: Counts
    lost: Counts
    at_risk: Counts


def cumulative_incidence(
    time: ArrayLike, event: ArrayLike, at: ArrayLike, cluster: ArrayLike | None = None, level: float = 0.95
) -> Incidence:
    """Aalen and Johansen's estimate of ``F(t) = P(T <= t, event = 1)`` with limits that hold where subjects come in clusters.

    ``F(t) = sum over s <= t of S(s-) d1(s) / Y(s)``, Y at risk, d1 events, ``S(s) = prod (1 - d(s) / Y(s))`` over events of any kind.
    Who is censored on a day is at risk of that day's events. The variance is that of the sum of influences over clusters (infinitesimal
    jackknife), times G / (G - 1) for G clusters; without censoring and clusters it is ``F (1 - F) / (n - 1)``. Limits are those of a
    binomial count on the effective sample ``n* = F (1 - F) / V``, at most the number of subjects, equal tails (Clopper and Pearson; Korn
    and Graubard 1998). Where it has happened to nobody, or to all, n* is the number of clusters that were still followed, or had an event.
    Simulated coverage: docs/methods.md.

    Parameters
    ----------
    time : array_like, shape (subject,)
        0 or more, in any unit: until the first event of any kind, or the end of following.
    event : array_like of int, shape (subject,)
        0 where following ended, 1 the event, 2 another that came first.
    at : array_like, shape (time,)
        In the same unit.
    cluster : array_like, shape (subject,), optional
        Family; each subject its own where left out.
    level : float

    Returns
    -------
    Incidence

    Raises
    ------
    InputError
        For no subjects, times below 0 or not finite, events other than 0, 1 and 2, shapes or a level that do not fit; all problems at once.

    Examples
    --------
    >>> found = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1], [2, 4])
    >>> found.value.tolist(), found.at_risk.tolist()
    ([0.25, 0.75], [2, 0])
    """
    t, e = np.atleast_1d(np.asarray(time, dtype=float)), np.atleast_1d(np.asarray(event))
    when = np.atleast_1d(np.asarray(at, dtype=float))
    group: Counts = np.arange(len(t)) if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1].ravel()
    raise_all(_problems(t, e, when, group, level))
    times, place = np.unique(t, return_inverse=True)
    place = place.ravel()
    first = np.bincount(place[e == EVENT], minlength=len(times)).astype(float)
    every = np.bincount(place[e != CENSORED], minlength=len(times)).astype(float)
    at_risk = len(t) - np.concatenate([[0.0], np.cumsum(np.bincount(place))[:-1]])
    step, left = first / at_risk, 1 - every / at_risk
    before = np.concatenate([[1.0], np.cumprod(left)[:-1]])  # S(s-)
    curve = np.concatenate([[0.0], np.cumsum(before * step)])
    last = np.searchsorted(times, when, side="right")  # times up to each horizon
    value = curve[last]
    influence = np.stack([_influence(place, e, k, before, step, every, at_risk) for k in last])
    sums = np.stack([np.bincount(group, weights=row) for row in influence])
    clusters = sums.shape[1]
    se = np.sqrt((sums**2).sum(1) * clusters / max(clusters - 1, 1))
    done = t[:, None] <= when
    out = [(done & (e == kind)[:, None]).sum(0) for kind in (EVENT, OTHER)]
    lost = ((t[:, None] < when) & (e == CENSORED)[:, None]).sum(0)
    known = np.array([len(np.unique(group[(t >= h) | (e != CENSORED)])) for h in when], dtype=float)
    lower, upper = _limits(value, se, float(len(t)), known, level)
    return Incidence(when, value, se, lower, upper, out[0], out[1], lost, len(t) - out[0] - out[1] - lost)


def _influence(place: NDArray[np.int64], event: Array, last: int, before: Array, step: Array, every: Array, at_risk: Array) -> Array:
    """How much each subject moves F at the time numbered `last` - 1: the derivative with respect to its weight.

    ``sum over s of S(s-) (dN1_i(s) - Y_i(s) h1(s)) / Y(s) - sum over u of (F(t) - F(u)) (dN_i(u) - Y_i(u) h(u)) / (Y(u) - d(u))``.
    """
    if last == 0:
        return np.zeros(len(place))
    use = slice(0, last)
    s, h1, y, d = before[use], step[use], at_risk[use], every[use]
    rises = s * h1
    to_come = rises.sum() - np.cumsum(rises)  # F(t) - F(u)
    # Where nobody is left after u nothing is to come either.
    weight = np.divide(to_come, y - d, out=np.zeros(last), where=y > d)
    paid = np.cumsum(-s * h1 / y + weight * d / y)
    out: Array = paid[np.minimum(place, last - 1)]
    here = place < last
    out[here & (event == EVENT)] += (s / y)[place[here & (event == EVENT)]]
    out[here & (event != CENSORED)] -= weight[place[here & (event != CENSORED)]]
    return out


def _limits(value: Array, se: Array, subjects: float, known: Array, level: float) -> tuple[Array, Array]:
    """Clopper and Pearson's limits on the effective sample."""
    tail = (1 - level) / 2
    spread = (se > 0) & (value > 0) & (value < 1)
    size = np.divide(value * (1 - value), se**2, out=known.copy(), where=spread)
    size = np.maximum(np.minimum(size, subjects), 1.0)
    x = value * size
    with np.errstate(invalid="ignore"):
        lower = np.where(x > 0, special.betaincinv(x, size - x + 1, tail), 0.0)
        upper = np.where(x < size, special.betaincinv(x + 1, size - x, 1 - tail), 1.0)
    return lower, upper


def _problems(time: Array, event: Array, at: Array, group: NDArray[np.int64], level: float) -> list[Problem]:
    out = []
    if not len(time):
        out.append(Problem("there are no subjects", "give at least one"))
    if not len(time) == len(event) == len(group):
        out.append(Problem(f"{len(time)} times, {len(event)} events and {len(group)} clusters", "give one of each a subject"))
    if not (np.isfinite(time).all() and (time >= 0).all() and np.isfinite(at).all()):
        out.append(Problem("a time is below 0 or not a number", "give times from the start, 0 or more"))
    if not np.isin(event, (CENSORED, EVENT, OTHER)).all():
        out.append(Problem("an event is not 0, 1 or 2", "give 0 where following ended, 1 the event, 2 another that came first"))
    if not 0 < level < 1:
        out.append(Problem(f"level is {level}", "give a share between 0 and 1, such as 0.95"))
    return out
