"""Point forecasts of log rates in a panel: each takes its origin's past and nothing later; `forecast_ensemble` weighs them.

Arrays are areas × years with NaN where a year is missing; every function gives, for each year as origin, what a forecaster who stood there
would have said. Written `y[a, t]` for the log rate of area *a* in year *t*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Smoothing of the library's models. The ensemble weighs them by horizon, so that they span speeds and need not be right each.
LEVEL_NOISE_RATIOS = (0.5, 2.0)
TRENDS = ((0.9, 0.5, 0.8), (0.5, 0.2, 0.9))
NATIONAL_TREND = (0.9, 0.5, 0.8)


def last_observed(y: Array) -> tuple[Array, NDArray[np.int64]]:
    """The latest value at or before each year, and how many years old it is.

    Parameters
    ----------
    y : array, shape (area, year)

    Returns
    -------
    tuple of array, shape (area, year)
        Value (NaN before the first) and age in years (0 where the year itself is there).

    Examples
    --------
    >>> value, age = last_observed(np.array([[np.nan, 2.0, np.nan]]))
    >>> value.tolist(), age.tolist()
    ([[nan, 2.0, 2.0]], [[0, 0, 1]])
    """
    years = np.arange(y.shape[1])
    at = np.maximum.accumulate(np.where(np.isfinite(y), years, -1), axis=1)
    value = np.where(at >= 0, np.take_along_axis(y, np.maximum(at, 0), axis=1), np.nan)
    return value, np.where(at >= 0, years - at, 0)


def mean_so_far(y: Array) -> Array:
    """Mean of what was observed up to each year, shape (area, year); NaN before the first."""
    seen = np.isfinite(y)
    count = np.cumsum(seen, axis=1)
    total = np.cumsum(np.where(seen, y, 0.0), axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def local_level(y: Array, noise_ratio: Array | float) -> Array:
    """Filtered level of ``y_t = mu_t + e_t``, ``mu_t = mu_(t-1) + n_t``: the forecast at every horizon.

    Kalman filter with the variance of *n* as unit, started at the first value with the variance of one observation.

    Parameters
    ----------
    y : array, shape (area, year)
    noise_ratio : float or array, shape (area, year)
        Variance of *e* over that of *n*; 0 is persistence.

    Returns
    -------
    array, shape (area, year)
        NaN before the first value; a missing year leaves the level where it was.

    References
    ----------
    Durbin & Koopman 2012, Time Series Analysis by State Space Methods, §2.2 (filter) and §2.7 (missing observations).
    """
    ratio = np.broadcast_to(np.asarray(noise_ratio, dtype=float), y.shape)
    level, variance = np.full(len(y), np.nan), np.zeros(len(y))
    out = np.empty(y.shape)
    for t in range(y.shape[1]):
        seen, started = np.isfinite(y[:, t]), np.isfinite(level)
        first, later = seen & ~started, seen & started
        variance = np.where(started, variance + 1.0, variance)
        total = variance + ratio[:, t]
        gain = np.where(later, variance / np.where(total > 0, total, 1.0), 0.0)
        level = np.where(first, y[:, t], np.where(later, level + gain * (y[:, t] - level), level))
        variance = np.where(first, ratio[:, t], (1.0 - gain) * variance)
        out[:, t] = level
    return out


def damped_trend(y: Array, alpha: float, beta: float, phi: float, horizons: int) -> Array:
    """Forecasts of Holt's linear trend, damped.

    ``l_t = alpha y_t + (1 - alpha)(l_(t-1) + phi b_(t-1))``, ``b_t = beta (l_t - l_(t-1)) + (1 - beta) phi b_(t-1)`` and
    ``y_(t+h) = l_t + (phi + ... + phi^h) b_t``; started at the first value without trend. A missing year follows the trend.

    Parameters
    ----------
    y : array, shape (area, year)
    alpha, beta, phi : float
        Inside [0, 1].
    horizons : int

    Returns
    -------
    array, shape (area, year, horizon)
        Horizon 1 first; NaN before the first value.

    References
    ----------
    Gardner & McKenzie 1985, Management Science 31(10):1237-1246; Hyndman & Athanasopoulos 2021, §8.2.
    """
    level, trend = np.full(len(y), np.nan), np.zeros(len(y))
    ahead = np.cumsum(phi ** np.arange(1, horizons + 1))
    out = np.empty((*y.shape, horizons))
    for t in range(y.shape[1]):
        seen, started = np.isfinite(y[:, t]), np.isfinite(level)
        drifted = level + phi * trend
        smoothed = np.where(seen & started, alpha * y[:, t] + (1 - alpha) * drifted, np.where(seen, y[:, t], drifted))
        trend = np.where(started & seen, beta * (smoothed - level) + (1 - beta) * phi * trend, np.where(started, phi * trend, 0.0))
        level = smoothed
        out[:, t] = level[:, None] + trend[:, None] * ahead
    return out


def common_change(y: Array) -> Array:
    """The panel's common level, chained: the mean change over areas seen in both of two years, summed from the first year.

    Chaining keeps areas that come and go from moving it. Starts at 0; years without a pair change nothing.

    Parameters
    ----------
    y : array, shape (area, year)

    Returns
    -------
    array, shape (year,)
    """
    change = np.diff(y, axis=1)
    seen = np.isfinite(change)
    mean = np.where(seen, change, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
    return np.concatenate([[0.0], np.cumsum(mean)])


def pooled_mean(deviation: Array) -> Array:
    """Each area's own mean deviation so far, drawn to that of all areas as far as its history is short (partial pooling).

    With *n* years seen, within-area variance *s²* and between-area variance *tau²* (moments, so far):
    ``m + tau² / (tau² + s² / n) (own - m)``.

    Parameters
    ----------
    deviation : array, shape (area, year)
        From the common level.

    Returns
    -------
    array, shape (area, year)

    References
    ----------
    Efron & Morris 1975, JASA 70(350):311-319.
    """
    seen = np.isfinite(deviation)
    n = np.cumsum(seen, axis=1)
    own = mean_so_far(deviation)
    squares = np.cumsum(np.where(seen, deviation, 0.0) ** 2, axis=1)
    spread = np.where(n > 0, squares - n * np.where(n > 0, own, 0.0) ** 2, 0.0).sum(0)
    within = spread / np.maximum(np.maximum(n - 1, 0).sum(0), 1)
    there = n > 0
    areas = np.maximum(there.sum(0), 1)
    centre = np.where(there, own, 0.0).sum(0) / areas
    between = np.where(there, own - centre, 0.0) ** 2
    noise = np.where(there, within / np.maximum(n, 1), 0.0)
    tau2 = np.maximum((between - noise * (1 - 1 / areas)).sum(0) / np.maximum(areas - 1, 1), 0.0)
    total = tau2 + noise
    shrink = np.where(total > 0, tau2 / np.where(total > 0, total, 1.0), 0.0)
    return np.where(there, centre + shrink * (own - centre), np.nan)


def library(y: Array, counts: Array, horizons: int) -> tuple[tuple[str, ...], Array]:
    """What each model adds to persistence, for every area, origin and horizon.

    Parameters
    ----------
    y : array, shape (area, year)
        Log rates.
    counts : array, shape (area, year)
        What they were computed from, for the noise of small counts.
    horizons : int

    Returns
    -------
    tuple of (names, array of shape (model, area, year, horizon))
        Zero where a model has nothing to go on, so that it says what persistence says.
    """
    base, _ = last_observed(y)
    common = common_change(y)
    deviation = y - common
    own = pooled_mean(deviation)
    everyone = _column_mean(own)
    at, _ = last_observed(deviation)
    size = np.where(np.isfinite(counts), np.maximum(counts, 1.0), np.nan)
    by_size = np.where(np.isfinite(size), _column_median(size) / np.where(np.isfinite(size), size, 1.0), 1.0)
    national = damped_trend(common[None, :], *NATIONAL_TREND, horizons)[0] - common[:, None]
    adds = {
        **{f"local level {r:g}": (local_level(y, r) - base)[..., None] for r in LEVEL_NOISE_RATIOS},
        "local level, noise by size": (local_level(y, by_size) - base)[..., None],
        "own mean": (mean_so_far(y) - base)[..., None],
        "own place in the national level": (own - at)[..., None],
        "national level": (everyone[None, :] - at)[..., None],
        **{f"damped trend {a:g}": damped_trend(y, a, b, p, horizons) - base[..., None] for a, b, p in TRENDS},
        "national trend": np.broadcast_to(national, (*y.shape, horizons)),
    }
    out = np.stack([np.broadcast_to(v, (*y.shape, horizons)) for v in adds.values()])
    return tuple(adds), np.where(np.isfinite(out), out, 0.0)


def _column_mean(values: Array) -> Array:
    seen = np.isfinite(values)
    return np.where(seen, values, 0.0).sum(0) / np.maximum(seen.sum(0), 1)


def _column_median(values: Array) -> Array:
    """Median over areas of each year, 1 where nobody is there."""
    return np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 1.0 for column in values.T])
