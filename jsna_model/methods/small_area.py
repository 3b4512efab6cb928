"""Small-area children from Census bands, MSOA single years and authority totals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import floor, pi, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.methods.fay_herriot import fay_herriot as fay_herriot
from jsna_model.methods.spatial_fay_herriot import spatial_fay_herriot as spatial_fay_herriot
from jsna_model.methods.unit_level import unit_level as unit_level

Array = NDArray[np.float64]

#: First ages of the Census five-year bands that hold children, and the age after the last.
CENSUS_EDGES = (0, 5, 10, 15, 20)


def rake(values: Array, totals: Array | float, group: NDArray[np.integer] | None = None) -> Array:
    """Scale values so that each group sums to its total: ``y_i = x_i T_g / sum_{j in g} x_j``.

    Parameters
    ----------
    values : array, shape (n,) or (n, k)
        Zero or more.
    totals : float or array, shape (g,) or (g, k); or (k,) where `group` is None
    group : array of int, shape (n,), optional
        Group of each row, 0 to g − 1; by default all rows are one group.

    Returns
    -------
    array, shape of `values`

    Raises
    ------
    InputError
        Where a group's values are all zero and its total is not.

    Examples
    --------
    >>> rake(np.array([1.0, 3.0]), 8.0)
    array([2., 6.])
    """
    values = np.asarray(values, dtype=float)
    if group is None:
        group = np.zeros(len(values), dtype=np.intp)
        totals = np.asarray(totals, dtype=float)[None, ...]
    totals = np.asarray(totals, dtype=float)
    sums = np.zeros_like(totals)
    np.add.at(sums, group, values)
    if bool(((sums == 0) & (totals != 0)).any()):
        places = sorted({int(i) for i in np.argwhere((sums == 0) & (totals != 0))[:, 0]})
        raise InputError(f"groups {places[:5]} have no children to scale, but their totals are not zero. Check the totals and the areas.")
    return values * np.divide(totals, sums, out=np.zeros_like(totals), where=sums > 0)[group]


def benchmark(
    estimate: Array, share: Array, total: float, kind: Literal["ratio", "difference"] = "ratio", mse: Array | None = None
) -> Array:
    """Move estimates of areas so that their weighted mean is a known one.

    ``ratio``: ``t_i T / sum_j w_j t_j``. ``difference``: ``t_i + d_i (T - sum_j w_j t_j)`` with ``d_i = q_i w_i / sum_j q_j w_j^2``, where
    ``q_i`` is the mean squared error of each where it is given, so that the least certain move the most, and else the same for all; with
    ``q_i = 1 / w_i`` all would move alike (Rao and Molina 2015, Small Area Estimation, 2nd ed., section 6.4.6; Wang, Fuller and Qu 2008,
    Survey Methodology 34:29-36). Neither keeps a share within 0 and 1: `jsna_model.estimate` shifts logits instead.

    Parameters
    ----------
    estimate : array, shape (n,)
    share : array, shape (n,)
        Weights w of the known mean, such as each area's share of children; above zero.
    total : float
        The known mean T, in the unit of the estimates.
    kind : {"ratio", "difference"}
    mse : array, shape (n,), optional
        For ``difference``: mean squared errors, above zero.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    InputError
        For weights or errors not above zero, numbers that are not finite, shapes that differ, a kind that is not known, or, with ``ratio``,
        estimates that sum to zero.

    Examples
    --------
    >>> benchmark(np.array([0.1, 0.3]), np.array([0.5, 0.5]), 0.25)
    array([0.125, 0.375])
    >>> benchmark(np.array([0.1, 0.3]), np.array([0.5, 0.5]), 0.25, "difference")
    array([0.15, 0.35])
    """
    t, w = np.asarray(estimate, dtype=float), np.asarray(share, dtype=float)
    q = np.ones_like(t) if mse is None else np.asarray(mse, dtype=float)
    problems = []
    if kind not in ("ratio", "difference"):
        problems.append(Problem(f"kind is {kind!r}", 'use "ratio" or "difference"'))
    if not t.shape == w.shape == q.shape:
        raise_all([*problems, Problem(f"shapes differ: {t.shape}, {w.shape}, {q.shape}", "give one number for each area")])
    if not (np.isfinite(t).all() and np.isfinite(total)):
        problems.append(Problem("an estimate or the total is missing or not finite", "give finite numbers"))
    if not ((w > 0).all() and (q > 0).all()):
        problems.append(Problem("a weight or mean squared error is not above zero", "give numbers above zero, or leave the area out"))
    now = float(w @ t)
    if kind == "ratio" and now == 0:
        problems.append(Problem("the estimates sum to zero", "nothing can be scaled to the total: use kind='difference'"))
    raise_all(problems)
    if kind == "ratio":
        return np.asarray(t * (total / now))
    return np.asarray(t + q * w / (q @ w**2) * (total - now))


def split_bands(bands: Array, single: Array, edges: Sequence[int] = CENSUS_EDGES) -> Array:
    """Split counts in age bands into single years by the shares of a larger area.

    Parameters
    ----------
    bands : array, shape (n, b)
        Counts of each small area by band, e.g. LSOA by Census five-year band.
    single : array, shape (n, edges[-1] - edges[0])
        Counts by single year of the larger area that each row lies in, e.g. its MSOA.
    edges : sequence of int, length b + 1
        First age of each band, and the age after the last.

    Returns
    -------
    array, shape of `single`
        Each band's single years sum to the band. A larger area with nobody in a band splits it evenly.
    """
    out = np.empty(np.shape(single), dtype=float)
    for i, (first, after) in enumerate(pairwise(edges)):
        years = slice(first - edges[0], after - edges[0])
        part = np.asarray(single[:, years], dtype=float)
        total = part.sum(axis=1, keepdims=True)
        even = np.full_like(part, 1 / (after - first))
        out[:, years] = bands[:, [i]] * np.divide(part, total, out=even, where=total > 0)
    return out


def age_on(single: Array, years: float = 3.25, ages: int = 18, youngest: int = 3) -> Array:
    """Age cohorts on by a part number of years, with neither deaths nor moves.

    With ``k = floor(years)`` and ``f = years - k``, those aged *a* then were aged *a − k* (a share 1 − f) or *a − k − 1* (f).
    Those not yet born at the start take the area's mean count at its youngest ages: an assumption, that births keep their place.

    Parameters
    ----------
    single : array, shape (n, m)
        Counts by single year of age 0 to m − 1.
    years : float
        From the count to the new date: 3.25 from the Census (21 March 2021) to mid-2024.
    ages : int
        Ages wanted, 0 to ages − 1; at most m + floor(years).
    youngest : int
        How many of the youngest ages stand for those not yet born.

    Returns
    -------
    array, shape (n, ages)
        Unscaled: scale it to known totals.
    """
    k, f = floor(years), years - floor(years)
    unborn = np.repeat(np.asarray(single, dtype=float)[:, :youngest].mean(axis=1, keepdims=True), k + 1, axis=1)
    long = np.concatenate([unborn, single], axis=1)  # column j holds age j - k - 1
    return (1 - f) * long[:, 1 : ages + 1] + f * long[:, :ages]


def scale_to_totals(single: Array, totals: Array, group: NDArray[np.integer] | None = None) -> Array:
    """Scale each single year to the authority's total: `rake`, age by age.

    Parameters
    ----------
    single : array, shape (n, 18)
    totals : array, shape (18,), or (g, 18) with `group`
    group : array of int, shape (n,), optional

    Returns
    -------
    array, shape (n, 18)

    Raises
    ------
    InputError
        As `rake`.
    """
    return rake(single, totals, group)


def weighted_absolute_error(estimate: Array, truth: Array) -> float:
    """Sum of absolute errors over the sum of true counts.

    Parameters
    ----------
    estimate, truth : array, any one shape

    Returns
    -------
    float
        ``sum |estimate - truth| / sum truth``.
    """
    truth = np.asarray(truth, dtype=float)
    return float(np.abs(np.asarray(estimate, dtype=float) - truth).sum() / truth.sum())


def log_sd_from_wae(error: float) -> float:
    """Sd of the log error that a weighted absolute error implies: ``E|e| = sd sqrt(2/pi)``, so ``sd = error sqrt(pi/2)``.

    Takes errors as normal in relative terms (an approximation that is good below about 0.3).

    Examples
    --------
    >>> round(log_sd_from_wae(0.11), 4)
    0.1379
    """
    return error * sqrt(pi / 2)
