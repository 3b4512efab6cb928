"""What published stocks and flows do not reconcile, and what of it lasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import Problem, raise_all

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Discrepancy:
    """What stocks and flows do not reconcile: ``closing - (opening + starts - ends)``, as a share of the opening stock.

    Parameters
    ----------
    share : ndarray, shape (area, year)
        As published.
    mean, sd : ndarray, shape (area,)
        Of the part that stays from year to year, pooled over authorities.
    within, between : float
        Standard deviations: of a year about an authority's own, and of authorities' own about the mean of all.
    centre : float
        Mean of all.
    """

    share: Array
    mean: Array
    sd: Array
    within: float
    between: float
    centre: float


def discrepancy(opening: Array, starts: Array, ends: Array, closing: Array) -> Discrepancy:
    """Estimate each authority's lasting discrepancy, by a one-way random-effects model with moments.

    ``d[a, t] = m + u[a] + e[a, t]``; the posterior mean of ``m + u[a]`` is the authority's own mean drawn towards `m` by
    ``between² / (between² + within² / years)``.

    Parameters
    ----------
    opening, starts, ends, closing : ndarray, shape (area, year)
        NaN where not published.

    Returns
    -------
    Discrepancy

    References
    ----------
    Searle, Casella and McCulloch 1992, Variance Components, 3.6 (unbalanced one-way layout, analysis of variance estimators).
    """
    share = np.divide(closing - opening - starts + ends, opening, out=np.full(opening.shape, np.nan), where=opening > 0)
    seen = np.isfinite(share)
    years = seen.sum(1)
    have = years > 0
    own = np.where(have, np.nansum(share, axis=1) / np.maximum(years, 1), 0.0)
    n, groups = int(years.sum()), int(have.sum())
    if groups < 2 or n <= groups:
        raise_all([Problem(f"{n} years of {groups} authorities", "give two years or more of at least two authorities")])
    within2 = float(np.nansum((share - own[:, None]) ** 2)) / (n - groups)
    grand = float(np.nansum(share)) / n
    scale = (n - float((years.astype(float) ** 2).sum()) / n) / (groups - 1)
    between2 = max(float((years * (own - grand) ** 2).sum()) / (groups - 1) - within2, 0.0) / scale
    keep = np.where(have, between2 / (between2 + within2 / np.maximum(years, 1)) if between2 + within2 > 0 else 0.0, 0.0)
    weight = np.where(have, 1 / (between2 + within2 / np.maximum(years, 1)), 0.0) if between2 + within2 > 0 else have.astype(float)
    centre = float((weight * own).sum() / weight.sum())
    mean = centre + keep * (own - centre)
    return Discrepancy(share, mean, np.sqrt(between2 * (1 - keep)), float(np.sqrt(within2)), float(np.sqrt(between2)), centre)
