"""How good forecasts were: errors, distributions, coverage, and standard errors by resampling authorities and years."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def wape(actual: Array, forecast: Array) -> float:
    """Weighted absolute percentage error: ``sum |actual - forecast| / sum actual``, as a share.

    Examples
    --------
    >>> round(wape(np.array([100.0, 50.0]), np.array([90.0, 55.0])), 3)
    0.1
    """
    total = float(np.sum(actual))
    return float(np.sum(np.abs(actual - forecast))) / total if total > 0 else np.nan


def mase(actual: Array, forecast: Array, scale: Array) -> float:
    """Mean absolute scaled error: the mean of ``|actual - forecast| / scale`` where the scale is more than zero.

    Parameters
    ----------
    actual, forecast, scale : array, shape (n,)
        `scale` is the mean absolute yearly change of the series up to the origin.

    References
    ----------
    Hyndman & Koehler 2006, International Journal of Forecasting 22(4):679-688.

    Examples
    --------
    >>> mase(np.array([10.0, 20.0]), np.array([12.0, 19.0]), np.array([2.0, 2.0]))
    0.75
    """
    ok = np.isfinite(scale) & (scale > 0)
    return float(np.mean(np.abs(actual - forecast)[ok] / scale[ok])) if ok.any() else np.nan


def crps_of_quantiles(actual: Array, quantiles: Array) -> Array:
    """Continuous ranked probability score of equally likely sorted quantiles, each row a forecast.

    ``2 mean_i (1[y < q_i] - p_i)(q_i - y)`` with ``p_i = (i - 1/2) / n``: twice the mean pinball loss.

    Parameters
    ----------
    actual : array, shape (...,)
    quantiles : array, shape (..., n)

    Returns
    -------
    array, shape (...,)

    References
    ----------
    Gneiting & Raftery 2007, JASA 102(477):359-378; Laio & Tamea 2007, Hydrology and Earth System Sciences 11:1267-1277.

    Examples
    --------
    >>> crps_of_quantiles(np.array([3.0]), np.array([[1.0, 1.0]]))
    array([2.])
    """
    n = quantiles.shape[-1]
    p = (np.arange(n) + 0.5) / n
    y = np.asarray(actual, dtype=float)[..., None]
    loss: Array = 2 * np.mean(((y < quantiles) - p) * (quantiles - y), axis=-1)
    return loss


def interval_score(actual: Array, lower: Array, upper: Array, level: float) -> Array:
    """Width plus ``2 / (1 - level)`` times how far outside the value lies.

    References
    ----------
    Gneiting & Raftery 2007, JASA 102(477):359-378, equation 43.

    Examples
    --------
    >>> interval_score(np.array([5.0, 12.0]), np.array([0.0, 0.0]), np.array([10.0, 10.0]), 0.8).round(6).tolist()
    [10.0, 30.0]
    """
    outside = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    score: Array = (upper - lower) + 2 / (1 - level) * outside
    return score


def two_way_errors(area: NDArray[np.int64], year: NDArray[np.int64], hit: Array, resample: Callable[[int, int], Array]) -> float:
    """Standard error of a share by the block bootstrap: whole authorities and whole years are drawn again, independently.

    Forecasts of one authority err together, and so do those of one year; drawing rows would call the share far too sure.

    Parameters
    ----------
    area, year : array of int, shape (n,)
        Block labels from 0.
    hit : array, shape (n,)
    resample : callable
        ``resample(stream, blocks)`` gives bootstrap weights, shape (replicate, block): how often each block was drawn. Stream 0 is of
        authorities, 1 of years.

    Returns
    -------
    float

    References
    ----------
    Owen 2007, Annals of Applied Statistics 1(2):386-411 (the pigeonhole bootstrap).
    """
    areas, years = int(area.max()) + 1, int(year.max()) + 1
    cells = area * years + year
    hits = np.bincount(cells, hit, areas * years).reshape(areas, years)
    sizes = np.bincount(cells, minlength=areas * years).reshape(areas, years).astype(float)
    of_areas, of_years = resample(0, areas), resample(1, years)
    total = np.einsum("ra,ay,ry->r", of_areas, sizes, of_years)
    got = np.einsum("ra,ay,ry->r", of_areas, hits, of_years)
    share = got[total > 0] / total[total > 0]
    return float(np.std(share, ddof=1)) if len(share) > 1 else np.nan


def persistence_interval(value: Array, horizons: int, levels: tuple[float, ...]) -> Array:
    """Persistence with empirical intervals: quantiles of all past log changes over the horizon that were known at the origin.

    Where none is known over so long, those over the longest that is, times the square root of the ratio of horizons.

    Parameters
    ----------
    value : array, shape (area, year)
        Counts, NaN where missing; zero stands for a half.
    horizons : int
    levels : tuple of float

    Returns
    -------
    array, shape (area, year, horizon, 2, level)
        Lower and upper limits of the central interval of each level.
    """
    years = value.shape[1]
    log = np.log(np.maximum(value, 0.5))
    at = np.maximum.accumulate(np.where(np.isfinite(value), np.arange(years), -1), axis=1)
    latest = np.where(at >= 0, np.take_along_axis(log, np.maximum(at, 0), axis=1), np.nan)
    tails = np.array([[(1 - v) / 2, (1 + v) / 2] for v in levels]).T
    out = np.full((*value.shape, horizons, 2, len(levels)), np.nan)
    changes = {k: log[:, k:] - log[:, :-k] for k in range(1, min(horizons, years - 1) + 1)}
    for t in range(1, years):
        quantiles, known = np.full(tails.shape, np.nan), 0
        for h in range(1, horizons + 1):
            past = changes[h][:, : t + 1 - h] if h in changes and t >= h else np.empty(0)
            past = past[np.isfinite(past)]
            if past.size:
                quantiles, known = np.quantile(past, tails), h
            grown = quantiles * np.sqrt(h / known) if known else quantiles
            out[:, t, h - 1] = np.exp(latest[:, t, None, None] + grown)
    return out
