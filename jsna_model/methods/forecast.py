"""Projected children brought up to date: rebasing by cohort, and how far past projections missed.

Trend forecasts of rates are in `forecast_models` (what each model says), `forecast_ensemble` (their mixture and its distribution) and
`forecast_scores`; `forecast_panel` and `PanelForecast` are their door.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jsna_model.methods.forecast_ensemble import PanelForecast, forecast_panel

__all__ = ["PanelForecast", "forecast_panel", "projection_log_error", "rebase_by_cohort", "robust_sd"]

Array = NDArray[np.float64]


def rebase_by_cohort(projection: Array, base: Array, base_year_index: int = 0, youngest: int = 3) -> Array:
    """Carry the ratio of an estimate to a projection along cohorts.

    With ``r(a) = base(a) / projection(0, a)``, those aged *a* in year *t* take ``r(a - t)`` if they were born by the base year
    (``a >= t``); those born later take the mean ratio of the youngest ages. The last is an assumption: births go on missing the
    projection as those of the last three years did. Where the projection has nobody of an age in the base year, that age takes the
    ratio of all ages together.

    Parameters
    ----------
    projection : array, shape (..., year, age)
        Single years of age from 0, single years, in order.
    base : array, shape (..., age)
        Estimate in the base year.
    base_year_index : int
        Which year of the projection the estimate is for; earlier years are left as projected.
    youngest : int
        How many of the youngest ages stand for those not yet born.

    Returns
    -------
    array, shape of `projection`
        Equals `base` in the base year wherever the projection there is not zero.

    Examples
    --------
    >>> rebase_by_cohort(np.array([[10.0, 10.0], [10.0, 10.0]]), np.array([5.0, 8.0]), youngest=1)
    array([[5., 8.],
           [5., 5.]])
    """
    projection = np.asarray(projection, dtype=float)
    base = np.asarray(base, dtype=float)
    start = projection[..., base_year_index, :]
    everyone = base.sum(-1, keepdims=True) / start.sum(-1, keepdims=True)
    ratio = np.divide(base, start, out=np.broadcast_to(everyone, base.shape).copy(), where=start > 0)
    newborn = ratio[..., :youngest].mean(-1)
    ages = np.arange(projection.shape[-1])
    out = projection.copy()
    out[..., base_year_index, :] = np.where(start > 0, base, 0.0)
    for t in range(1, projection.shape[-2] - base_year_index):
        carried = np.where(ages >= t, ratio[..., np.maximum(ages - t, 0)], newborn[..., None])
        out[..., base_year_index + t, :] *= carried
    return out


def robust_sd(values: Array) -> float:
    """Standard deviation by the median absolute deviation about the median, times 1.4826 (normal consistency).

    Parameters
    ----------
    values : array, shape (n,)

    Returns
    -------
    float

    Examples
    --------
    >>> robust_sd(np.array([-1.0, 0.0, 1.0, 1000.0]))
    1.4826
    """
    values = np.asarray(values, dtype=float)
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def projection_log_error(estimate: Array, projection: Array) -> tuple[float, float]:
    """Centre and spread, over areas, of the log error of a past projection: ``log(estimate / projection)``.

    Parameters
    ----------
    estimate, projection : array, shape (area,)
        Of one later year, more than zero.

    Returns
    -------
    tuple of float
        Median and robust sd (`robust_sd`), so that a few areas that changed beyond recognition do not set the spread.
    """
    error = np.log(np.asarray(estimate, dtype=float) / np.asarray(projection, dtype=float))
    return float(np.median(error)), robust_sd(error)
