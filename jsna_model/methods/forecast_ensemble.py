"""Trend forecasts of a panel of counts: a mixture of models weighed on the past of each origin, and how far such forecasts missed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jsna_model.methods.forecast_models import last_observed, library

Array = NDArray[np.float64]

#: Years of evidence that the prior for persistence counts for in weighing the models.
PRIOR_YEARS = 1.0
#: Areas below which that prior counts for more, because a year of few areas is little evidence, and below which nothing is mixed in.
PRIOR_AREAS = 100.0
FEWEST_AREAS = 3
#: Origins before which the mixture is persistence: a change and something to compare it with are needed.
FIRST_ORIGIN = 2
#: Count that a zero stands for on the log scale; forecasts at or below it are zero.
ZERO_COUNT = 0.5
#: Steps between persistence (0) and the mixture (1) among which past forecasts choose.
STEPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
#: Robust sds at which moves and errors are drawn in, so that a reorganisation does not set weights and widths.
WINSOR = 4.0
#: Years after which a past error counts half: errors have become smaller over the years.
HALF_LIFE = 4.0
#: Digits of log rates.
DIGITS = 10
#: What an interval's record counts for horizons a year nearer or further.
NEAR = 0.5
#: Errors below which Student's t stands for their shape.
EMPIRICAL = 60
#: Share of counts' own noise below which no interval goes, so that a series that never moved is not certain not to.
LEAST_NOISE = 0.25
#: Equally likely quantiles that stand for a distribution.
GRID = 199
_TINY = 1e-9
#: Log factor beyond which no quantile lies from the median, unless a larger error was seen: twentyfold, reached where a record is short.
FURTHEST = 3.0
#: Degrees of freedom of Student's t that one past error or two are given.
LEAST_DF = 2
#: Powers of size by which the process variance may fall.
POWERS = np.arange(0.0, 1.01, 0.1)
#: Variance of counts over Poisson's: siblings come together (above 1), and most of a stock was there a year before (below).
DISPERSIONS = np.array([1.0, 0.5, 2.0, 4.0, 8.0])
#: Levels at which absolute standardised errors are described; the outermost hundredth is held at the last.
LEVELS = np.concatenate([np.arange(0, 0.95, 0.05), np.arange(0.95, 0.991, 0.005)])


@dataclass(frozen=True)
class PanelForecast:
    """Forecasts of one measure from every origin.

    Parameters
    ----------
    median : array, shape (area, year, horizon)
        On the scale of counts; NaN where an area has nothing up to that origin.
    persistence : array, shape (area, year)
        Latest count at or before the origin.
    scale : array, shape (area, year, horizon)
        Sd on the log scale that standardised past errors have.
    shape : array, shape (year, horizon, level)
        Quantiles of the absolute standardised error at `levels`.
    levels : array, shape (level,)
    furthest : array, shape (year,)
        Log factor beyond which no quantile lies from the median.
    weights : array, shape (year, horizon, model)
        What remains of 1 is persistence's.
    models : tuple of str
    """

    median: Array
    persistence: Array
    scale: Array
    shape: Array
    levels: Array
    furthest: Array
    weights: Array
    models: tuple[str, ...]

    def quantile(self, p: Array | float) -> Array:
        """Predictive quantiles of counts.

        Parameters
        ----------
        p : float or array, shape (level,)
            Inside (0, 1).

        Returns
        -------
        array, shape (area, year, horizon, level)
            ``median * exp(scale * z(p))``, in order of `p`; what is no more than `ZERO_COUNT` is 0.
        """
        p = np.atleast_1d(np.asarray(p, dtype=float))
        inside = np.abs(2 * p - 1)
        z = np.apply_along_axis(lambda row: np.interp(inside, self.levels, row), -1, self.shape) * np.sign(p - 0.5)
        return self._counts(z[None])

    def _counts(self, z: Array) -> Array:
        start = np.where(self.median > 0, self.median, ZERO_COUNT)
        most = self.furthest[:, None, None]
        return to_counts(start[..., None] * np.exp(np.clip(self.scale[..., None] * z, -most, most)))

    def sample(self, uniforms: Array) -> Array:
        """Draws of counts by inversion.

        Parameters
        ----------
        uniforms : array, shape (area, year, horizon, draw)
            Inside (0, 1). The same over areas, or over horizons, makes forecasts of these move together; of their own, apart.

        Returns
        -------
        array, shape (area, year, horizon, draw)
        """
        inside = np.abs(2 * uniforms - 1)
        z = np.empty(uniforms.shape)
        for t, h in np.ndindex(*self.shape.shape[:2]):
            z[:, t, h] = np.interp(inside[:, t, h], self.levels, self.shape[t, h])
        return self._counts(z * np.sign(uniforms - 0.5))

    def grid(self, n: int = GRID) -> Array:
        """Equally likely quantiles, shape (area, year, horizon, n): the distribution as a sorted sample."""
        return self.quantile((np.arange(n) + 0.5) / n)


def to_counts(values: Array) -> Array:
    """Forecasts as counts: what is no more than the half that stands for zero is zero."""
    return np.where(values > ZERO_COUNT * (1 + 1e-12), values, np.where(np.isfinite(values), 0.0, np.nan))


def forecast_panel(value: Array, population: Array, horizons: int = 5) -> PanelForecast:
    """Forecast every area of one measure from every year as origin, from nothing later than that origin.

    The mixture adds ``sum_k w_k add_k`` to the latest log rate; weights are of the origin and horizon, not negative, at most 1 together,
    and minimise the squared errors of origins whose outcome was known by then, with a ridge towards 0 (persistence) worth `PRIOR_YEARS`
    years. What an add has in common over areas is held within what it was before (`_within_experience`). Steps to the mixture are taken as
    far as past mixtures beat persistence. The population is held at its latest, since no later one is known at the origin.

    Parameters
    ----------
    value, population : array, shape (area, year)
        Counts, NaN where missing; population more than zero. A year without one takes the area's latest before it; a panel without any is
        of counts alone.
    horizons : int

    Returns
    -------
    PanelForecast
    """
    people, _ = last_observed(population) if np.isfinite(population).any() else (np.ones_like(value), 0)
    # In the unit of the first populations, without the last digits: a choice between models that fit alike must not turn on it.
    y = np.round(np.log(np.maximum(value, ZERO_COUNT)) - np.log(people / _unit(people)), DIGITS)
    base, age = last_observed(y)
    latest, _ = last_observed(value)
    models, add = library(y, value, horizons)
    add = _within_experience(add, np.isfinite(base))
    moved = _moves(y, base, horizons)
    weights = _weights(add, moved, latest)
    mixed = np.einsum("thk,kath->ath", weights, add)
    step = _steps(mixed, moved, latest)
    weights = weights * step[..., None]
    mixed = mixed * step
    error = moved - mixed
    scale, shape, levels = _spread(error, latest, age)
    start = np.where(latest > 0, latest, np.where(np.isfinite(latest), ZERO_COUNT, np.nan))
    return PanelForecast(to_counts(start[..., None] * np.exp(mixed)), latest, scale, shape, levels, _furthest(error), weights, models)


def _unit(people: Array) -> float:
    """Mean population of the first year with one: nothing later, which no forecast may know."""
    there = np.isfinite(people)
    if not there.any():
        return 1.0
    first = int(np.flatnonzero(there.any(0))[0])
    return float(people[there[:, first], first].mean())


def _within_experience(add: Array, started: NDArray[np.bool_]) -> Array:
    """What models add, the part common to all areas drawn in to the most it was at earlier origins.

    Weights are learned from what models added before. After a jump of all areas alike (recording changed) they would carry it on, or take
    it back, by an amount that no weight has been tried on.
    """
    places = started.sum(0)
    common = np.where(started[..., None], add, 0.0).sum(1) / np.maximum(places, 1)[:, None]  # (model, year, horizon)
    most = np.maximum.accumulate(np.abs(common), axis=1)
    out = add.copy()
    for t in range(FIRST_ORIGIN + 1, add.shape[2]):
        beyond = common[:, t] - np.clip(common[:, t], -most[:, t - 1], most[:, t - 1])
        out[:, :, t] -= np.where(started[:, t, None], beyond[:, None], 0.0)
    return out


def _moves(y: Array, base: Array, horizons: int) -> Array:
    """What happened after each origin: ``y[t + h] - base[t]``, shape (area, year, horizon), NaN where it is not known."""
    out = np.full((*y.shape, horizons), np.nan)
    for h in range(1, min(horizons, y.shape[1] - 1) + 1):
        out[:, :-h, h - 1] = y[:, h:] - base[:, :-h]
    return out


def _weights(add: Array, moved: Array, counts: Array) -> Array:
    """Ridge weights of the models, not negative, of each origin and horizon: shape (year, horizon, model).

    Every origin counts alike, whatever the number of areas, as the areas of a year err together; and by its own variance, so that a year
    in which all moved (a change of law or recording) does not set the weights by its size.
    """
    from scipy.optimize import nnls

    models, _, years, horizons = add.shape
    out = np.zeros((years, horizons, models))
    present = np.isfinite(counts).sum(0)
    for h in range(horizons):
        gram, cross, known = np.zeros((years, models, models)), np.zeros((years, models)), np.zeros(years)
        for t in range(1, years - h - 1):
            seen = np.isfinite(moved[:, t, h])
            if seen.any():
                w = counts[seen, t] + ZERO_COUNT
                x, z = add[:, seen, t, h], _winsorised(moved[seen, t, h])
                variance = (w @ z**2 + 2 * len(z)) / w.sum()  # what moved, and the noise of counts, which is never nothing
                gram[t], cross[t], known[t] = (x * w) @ x.T / w.sum() / variance, (x * w) @ z / w.sum() / variance, 1.0
        for t in range(FIRST_ORIGIN, years):
            upto = slice(0, max(t - h, 0))  # outcomes at origin + h + 1 <= t
            if known[upto].sum() == 0 or present[t] < FEWEST_AREAS:
                continue
            total = gram[upto].sum(0)
            ridge = PRIOR_YEARS * (1 + PRIOR_AREAS / present[t]) * np.diag(total) / known[upto].sum()
            if ridge.max() <= 0:
                continue
            root = np.linalg.cholesky(total + np.diag(ridge + _TINY * ridge.max()))
            found, _ = nnls(root.T, np.linalg.solve(root, cross[upto].sum(0)))
            out[t, h] = found / max(found.sum(), 1.0)
    return out


def _winsorised(values: Array) -> Array:
    """Values drawn in to `WINSOR` robust sds about the median, where there are enough to tell."""
    middle = np.median(values)
    width = WINSOR * 1.4826 * np.median(np.abs(values - middle))
    return np.clip(values, middle - width, middle + width) if width > 0 else values


def _steps(mixed: Array, moved: Array, counts: Array) -> Array:
    """How far to go from persistence to the mixture, by what past mixtures missed (absolute error of counts): shape (year, horizon)."""
    _, years, horizons = mixed.shape
    start = np.maximum(counts, ZERO_COUNT)[..., None]
    actual = start * np.exp(moved)
    loss = np.stack([np.nansum(np.abs(actual - start * np.exp(s * mixed)), axis=0) for s in STEPS])
    total = np.nansum(actual, axis=0)
    relative = np.divide(loss, total, out=np.zeros_like(loss), where=total > 0)
    out = np.ones((years, horizons))
    for t in range(years):
        for h in range(horizons):
            past = relative[::-1, : max(t - h, 0), h].sum(1)
            out[t, h] = STEPS[::-1][np.argmin(past)]  # the longer step where two did as well
    return out


def _spread(error: Array, counts: Array, age: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Scale of the log error of each forecast, and the shape of standardised ones, from errors known at its origin.

    ``scale² = log(1 + s_h² (h + age) / h (n / n0)^-g + 2 d / n)``: process variance by horizon, larger for small areas, and the noise
    of the counts *n* at the origin and after it, *d* times Poisson's; *n0* is the median count. The logarithm carries a relative variance
    to the log scale, which keeps counts of next to nothing from having no upper limit. Errors are standardised by today's scale, so that
    a shock that widened it is not counted again in the shape; of scales issued wider than today's, by half (on the log scale). What
    remains is corrected by how past intervals turned out (`_recalibrated`); with too few errors for that, the scales issued stand, since
    a scale fits the few errors it was made of too well.
    """
    from scipy.special import ndtri

    _, years, horizons = error.shape
    size = np.maximum(counts, ZERO_COUNT)
    scale, shape = np.full(error.shape, np.nan), np.full((years, len(LEVELS)), np.nan)
    least, steps = np.zeros(years), np.arange(1, horizons + 1)
    for t in range(1, years):
        known = np.isfinite(error) & (np.arange(years)[:, None] + steps <= t)
        if not known.any():
            continue
        recent = np.broadcast_to(0.5 ** ((t - np.arange(years)[:, None] - steps) / HALF_LIFE), error.shape)
        middle = float(np.nanmedian(size[:, : t + 1]))
        process, power, dispersion = _variance(np.where(known, error, np.nan), size, middle, np.where(known, recent, 0.0))
        noise = 2 * dispersion / size[..., None]
        used = np.log1p(process * (size[..., None] / middle) ** -power + noise)
        late = (steps + age[:, t, None]) / steps
        scale[:, t] = np.sqrt(np.log1p(process * late * (size[:, t, None] / middle) ** -power + noise[:, t]))
        used_sd = np.sqrt(used)
        issued = np.isfinite(scale) & (np.arange(years)[:, None] < t)
        least[t] = np.sqrt(np.mean(np.broadcast_to(2 / size[..., None], used.shape)[known] / used[known]))
        sd = np.where(issued, scale, used_sd)
        if known.sum() >= EMPIRICAL:
            sd = np.sqrt(used_sd * np.maximum(sd, used_sd))
        standard = np.abs(error) / sd
        shape[t] = _shape(standard[known], recent[known], least[t])
    shape = np.maximum(_recalibrated(np.abs(error) / scale, shape), LEAST_NOISE * least[:, None, None] * ndtri((1 + LEVELS) / 2))
    return scale, shape, LEVELS


def _furthest(error: Array) -> Array:
    """The largest log error known by each year, and `FURTHEST` at least."""
    _, years, horizons = error.shape
    out = np.full(years, FURTHEST)
    for h in range(min(horizons, years - 1)):
        largest = np.where(np.isfinite(error[..., h]), np.abs(error[..., h]), 0.0).max(0)
        out[h + 1 :] = np.maximum(out[h + 1 :], np.maximum.accumulate(largest)[: -h - 1])
    return out


def _recalibrated(standard: Array, shape: Array) -> Array:
    """Shapes whose levels are those that past intervals turned out to have, recent ones and those of near horizons most.

    An interval issued for 80% that held 87% of what followed is made that of the level which held 80%.
    """
    _, years, horizons = standard.shape
    turned = np.stack([np.interp(standard[:, t], row, LEVELS) for t, row in enumerate(shape)], axis=1)
    steps = np.arange(1, horizons + 1)
    out = np.repeat(shape[:, None], horizons, axis=1)
    for t in range(years):
        lag = t - np.arange(years)[:, None] - steps
        known = np.isfinite(turned) & np.isfinite(standard) & (lag >= 0)
        if known.sum() < EMPIRICAL:
            continue
        for h in range(horizons):
            weight = np.broadcast_to(0.5 ** (lag / HALF_LIFE) * NEAR ** np.abs(steps - steps[h]), standard.shape)
            out[t, h] = np.interp(_quantiles(turned[known], weight[known]), LEVELS, shape[t])
    return out


def _variance(error: Array, size: Array, middle: float, recent: Array) -> tuple[Array, float, float]:
    """Process variance by horizon at the middle size, the power of size by which it falls, and the dispersion: least deviance."""
    horizons = error.shape[-1]
    squares = np.where(np.isfinite(error), error, 0.0) ** 2
    seen = np.isfinite(error)
    for h in range(horizons):
        if seen[..., h].any():
            cap = (WINSOR * 1.4826) ** 2 * np.median(squares[..., h][seen[..., h]])
            squares[..., h] = np.minimum(squares[..., h], cap) if cap > 0 else squares[..., h]
    one_over = np.where(np.isfinite(size), 2 / size, 0.0)[..., None]
    best = (np.inf, np.zeros(horizons), 0.0, 1.0)
    weight = recent * seen / np.maximum(seen.sum(0), 1)
    for dispersion in DISPERSIONS:  # Poisson first, which stands where sizes tell nothing
        noise = dispersion * one_over
        for power in POWERS:
            relative = np.where(np.isfinite(size), (size / middle) ** -power, 1.0)[..., None]
            process = _by_horizon((weight * (squares - noise) / relative).sum((0, 1)), weight.sum((0, 1)))
            mean = process * relative + noise
            deviance = float((weight * (np.log(mean) + squares / mean)).sum())
            best = min(best, (deviance, process, power, dispersion), key=lambda b: b[0])
    return best[1:]


def _by_horizon(total: Array, years: Array) -> Array:
    """Variance of each horizon, drawn to that of the one before grown to it, which is worth `PRIOR_YEARS` years."""
    out = np.zeros(len(total))
    for i, n in enumerate(years):
        own = max(float(total[i]), 0.0)
        out[i] = own / n if i == 0 and n > 0 else (own + PRIOR_YEARS * out[i - 1] * (i + 1) / max(i, 1)) / (n + PRIOR_YEARS)
    return np.maximum(out, 1e-8)


def _shape(standard: Array, weights: Array, least: float) -> Array:
    """Quantiles of absolute standardised errors; of Student's t where there are too few, whose scale is at least counts' own noise."""
    from scipy.special import stdtrit

    n = len(standard)
    if n >= EMPIRICAL:
        return _quantiles(standard, weights)
    return max(np.sqrt(np.average(standard**2, weights=weights)), least) * stdtrit(max(n - 1, LEAST_DF), (1 + LEVELS) / 2)


def _quantiles(values: Array, weights: Array) -> Array:
    """Weighted quantiles at `LEVELS`."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(LEVELS, below / weights.sum(), values[order], left=0.0)
