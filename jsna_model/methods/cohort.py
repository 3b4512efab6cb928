"""Children carried forward in cohorts, split by sex, and shared out among small areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError

Array = NDArray[np.float64]


def project_cohorts(base: Array, births: Array, migration: Array | None = None) -> Array:
    """Carry children forward a year at a time: the cohort-component method without deaths, which net migration holds.

    ``N(t+1, 0) = B(t+1)`` and ``N(t+1, a+1) = N(t, a) (1 + m(a))``; those of the oldest age leave. Births enter as those aged 0 at the
    middle of the year that they are of, so that deaths and moves before the first birthday are in `births`.

    Parameters
    ----------
    base : array, shape (..., age)
        Children by single year of age from 0, in the base year.
    births : array, shape (..., year)
        Aged 0 in each year after the base year.
    migration : array, shape (..., age - 1), optional
        Net migration, and deaths, between ages a and a + 1, as a share of those aged a; by default none.

    Returns
    -------
    array, shape (..., 1 + year, age)
        The base year, then each year.

    Raises
    ------
    InputError
        For negative or missing children or births, or a share below −1.

    Examples
    --------
    >>> project_cohorts(np.array([5.0, 6.0, 7.0]), np.array([4.0]))
    array([[5., 6., 7.],
           [4., 5., 6.]])

    References
    ----------
    Preston, Heuveline and Guillot 2001, *Demography*, 6.3.
    """
    base, births = np.asarray(base, dtype=float), np.asarray(births, dtype=float)
    kept = np.ones(base.shape[-1] - 1) if migration is None else 1 + np.asarray(migration, dtype=float)
    for what, values in (("children of the base year", base), ("births", births), ("one plus net migration", kept)):
        if not (values >= 0).all():
            raise InputError(f"{what} are negative or missing in {int((~(values >= 0)).sum())} cells. Give numbers, zero or more.")
    lead = np.broadcast_shapes(base.shape[:-1], births.shape[:-1], kept.shape[:-1])
    out = np.empty((*lead, births.shape[-1] + 1, base.shape[-1]))
    out[..., 0, :] = base
    for t in range(births.shape[-1]):
        out[..., t + 1, 0] = births[..., t]
        out[..., t + 1, 1:] = out[..., t, :-1] * kept
    return out


def migration_rates(estimates: Array) -> Array:
    """Net migration between ages a and a + 1 from estimates of consecutive years, pooled over the years.

    ``m(a) = sum_t N(t+1, a+1) / sum_t N(t, a) - 1``: the change of cohorts, which holds deaths and the estimates' own revisions too.

    Parameters
    ----------
    estimates : array, shape (..., year, age)
        At least two years.

    Returns
    -------
    array, shape (..., age - 1)
        Zero where nobody was of an age.

    Raises
    ------
    InputError
        For fewer than two years.

    Examples
    --------
    >>> migration_rates(np.array([[10.0, 20.0], [11.0, 12.0]]))
    array([0.2])
    """
    estimates = np.asarray(estimates, dtype=float)
    if estimates.shape[-2] < 2:
        raise InputError(f"net migration needs estimates of two years or more in a row, not {estimates.shape[-2]}. Give another year.")
    before, after = estimates[..., :-1, :-1].sum(-2), estimates[..., 1:, 1:].sum(-2)
    return np.divide(after, before, out=np.ones_like(before), where=before > 0) - 1


def split_by_sex(projection: Array, base: Array) -> Array:
    """Split projected children by sex: each cohort keeps its shares of the base year.

    Those not yet born in the base year take the shares of all ages together, which differ little from the sex ratio at birth.

    Parameters
    ----------
    projection : array, shape (..., year, age)
        From the base year on.
    base : array, shape (..., age, sex)

    Returns
    -------
    array, shape (..., year, age, sex)
        Sums over sex to `projection`.

    Examples
    --------
    >>> split_by_sex(np.array([[10.0], [8.0]]), np.array([[4.0, 6.0]]))[..., 0]
    array([[4. ],
           [3.2]])
    """
    projection, base = np.asarray(projection, dtype=float), np.asarray(base, dtype=float)
    everyone = _shares(base.sum(-2, keepdims=True), np.full_like(base[..., :1, :], 1 / base.shape[-1]), -1)
    own = _shares(base, np.broadcast_to(everyone, base.shape), -1)
    ages = np.arange(base.shape[-2])
    out = np.empty((*projection.shape, base.shape[-1]))
    for t in range(projection.shape[-2]):
        out[..., t, :, :] = np.where((ages >= t)[:, None], own[..., np.maximum(ages - t, 0), :], everyone)
    return projection[..., None] * out


def constrained_shares(
    base: Array, group: NDArray[np.integer], projection: Array, bands: Sequence[tuple[int, int]], aged: bool = False, young: int = 2
) -> Array:
    """Share out a larger area's projected children among its small areas, so that they sum to it.

    With ``s(i, b)`` the share that small area *i* has of its larger area's children of age band *b* in the base year,

        held: ``y(t, i, a) = s(i, b(a)) P(t, a)``;    aged: ``y(t, i, a) = s(i, b(a - t)) P(t, a)`` for ``a >= t``,

    summed over the ages of each band. Aged shares move with the cohort that they belong to; those not yet born in the base year take the
    shares of the `young` youngest bands together.

    Parameters
    ----------
    base : array, shape (n, b)
        Children of each small area by age band, in the base year.
    group : array of int, shape (n,)
        Larger area of each.
    projection : array, shape (g, year, age)
        Children of the larger areas by single year of age from 0.
    bands : sequence of (first, last)
        Ages of each band, in order, covering every age once.
    aged : bool
        Whether shares age on.
    young : int
        How many of the youngest bands stand for those not yet born.

    Returns
    -------
    array, shape (year, n, b)
        Sums over small areas to the larger area's bands, to rounding.

    Raises
    ------
    InputError
        Where a larger area has projected children but no children at all in the base year.

    Examples
    --------
    >>> constrained_shares(np.array([[1.0], [3.0]]), np.zeros(2, int), np.array([[[8.0]]]), [(0, 0)])[0, :, 0]
    array([2., 6.])
    """
    base, projection = np.asarray(base, dtype=float), np.asarray(projection, dtype=float)
    total = np.zeros((projection.shape[0], base.shape[1]))
    np.add.at(total, group, base)
    empty = (total.sum(1) == 0) & (projection.sum((1, 2)) > 0)
    if empty.any():
        raise InputError(f"{int(empty.sum())} larger areas have projected children but none in the base year. Check the areas.")
    everyone = _shares(base.sum(1, keepdims=True), np.zeros((len(base), 1)), whole=total.sum(1, keepdims=True)[group])
    shares = _shares(base, np.broadcast_to(everyone, base.shape), whole=total[group])
    newborn = _shares(base[:, :young].sum(1), everyone[:, 0], whole=total[group, :young].sum(1))
    band_of = np.repeat(np.arange(len(bands)), [last - first + 1 for first, last in bands])
    years, ages = projection.shape[1:]
    out = np.zeros((years, len(base), len(bands)))
    for t in range(years):
        for a in range(ages):
            share = shares[:, band_of[a]] if not aged else shares[:, band_of[a - t]] if a >= t else newborn
            out[t, :, band_of[a]] += share * projection[group, t, a]
    return out


def _shares(part: Array, otherwise: Array, axis: int | None = None, whole: Array | None = None) -> Array:
    """`part` over `whole` (or its own sum over `axis`), and `otherwise` where that is zero."""
    whole = part.sum(axis, keepdims=True) if whole is None else whole
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.array(otherwise, dtype=float), where=whole > 0)
