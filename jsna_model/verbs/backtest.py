"""Backtest: what would have been forecast from each past year, for every area of a panel, and how good it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jsna_model.draws import uniforms
from jsna_model.errors import InputError, Problem, raise_all

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

HORIZONS = 5
#: Years of a panel before its first origin.
HISTORY = 3
REPLICATES = 500
LEVELS = (0.8, 0.95)
COLUMNS = (
    "area_code", "measure", "origin", "horizon", "year", "actual",
    "mean", "median", "lower80", "upper80", "lower95", "upper95", "persistence",
)  # fmt: skip
PANEL = ("area_code", "year", "measure", "value", "population")
ALL = "all"


@dataclass(frozen=True)
class Backtest:
    """Forecasts and their scores.

    Parameters
    ----------
    forecasts : pandas.DataFrame
        `COLUMNS`, one row an area, origin, horizon and measure whose outcome is known.
    summary : pandas.DataFrame
        A row a measure and horizon, and each of them pooled (``all``).
    weights : pandas.DataFrame
        ``measure, origin, horizon, model, weight``: what the mixture was made of; what remains of 1 is persistence's.
    """

    forecasts: pd.DataFrame
    summary: pd.DataFrame
    weights: pd.DataFrame


def backtest(panel: pd.DataFrame, horizons: int = HORIZONS, history: int = HISTORY, seed: int = 2026) -> Backtest:
    """Forecast each measure of a panel from each of its years, from nothing later, and score what followed.

    Parameters
    ----------
    panel : pandas.DataFrame
        ``area_code, year, measure, value, population``; a value or population is NaN where missing. A population that is missing is the
        area's latest before it; where a measure has none at all, counts are forecast and not rates.
    horizons : int
        Years ahead, from 1.
    history : int
        Years that a measure must have run, the origin included, before it is forecast; one fewer where it has no more, but never one.
    seed : int
        Of the bootstrap of standard errors; forecasts use no randomness.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        For columns, years, values, populations and rows given twice that cannot be used; where no measure has a year to forecast from
        and one to compare with.
    """
    import pandas as pd

    raise_all(_unusable(panel, horizons, history))
    parts = [_measure(str(name), rows, horizons, history) for name, rows in panel.groupby("measure", sort=True)]
    made = [p for p in parts if p is not None]
    scored = pd.concat([p[0] for p in made], ignore_index=True) if made else pd.DataFrame()
    if scored.empty:
        years = f"{panel['year'].min()} to {panel['year'].max()}"
        raise InputError(
            f"Nothing to backtest: the panel runs from {years}, and no measure has {history} years and one after them with values. "
            "Give a longer panel."
        )
    order = ["measure", "area_code", "origin", "horizon"]
    scored = scored.sort_values(order, kind="stable", ignore_index=True)
    return Backtest(scored[list(COLUMNS)], _summary(scored, seed), pd.concat([p[1] for p in made], ignore_index=True))


def _unusable(panel: pd.DataFrame, horizons: int, history: int) -> list[Problem]:
    problems = [Problem(f"the panel has no column {c!r}", f"give {', '.join(PANEL)}") for c in PANEL if c not in panel]
    problems += [Problem(f"horizons is {horizons}", "give 1 or more")] * (horizons < 1)
    problems += [Problem(f"history is {history}", "give 2 or more years: a change is needed")] * (history < 2)
    return problems if any(c not in panel for c in PANEL) else problems + _wrong_cells(panel)


def _wrong_cells(panel: pd.DataFrame) -> list[Problem]:
    """Columns whose cells are of no use, with how many and the first."""
    from pandas.api.types import is_numeric_dtype

    if not len(panel):
        return [Problem("Nothing to backtest: the panel has no rows", "give one row an area, year and measure")]
    words = [c for c in ("year", "value", "population") if not is_numeric_dtype(panel[c])]
    out = [Problem("it holds words", "make it numbers (pandas.to_numeric), NaN where missing", column=c) for c in words]
    if words:
        return out
    wrong = {
        "year": (~np.isfinite(panel["year"]) | (panel["year"] % 1 != 0), "is no whole year", "give the year in which it ends"),
        "value": ((panel["value"] < 0) | np.isinf(panel["value"]), "is no count", "give it as counted, NaN where missing"),
        "population": ((panel["population"] <= 0) | np.isinf(panel["population"]), "is no population", "give children, NaN where missing"),
        "measure": (panel["measure"].isna() | panel["area_code"].isna(), "has no area_code or measure beside it", "fill both in"),
        "area_code": (panel.duplicated(["area_code", "year", "measure"]), "has a year and measure twice", "keep one row of each"),
    }
    for column, (rows, found, fix) in wrong.items():
        if n := int(rows.sum()):
            first = panel.index[rows][0]
            out.append(Problem(f"{panel[column][rows].iloc[0]} {found} ({n} rows)", fix, row=str(first), column=column))
    return out


def _measure(name: str, rows: pd.DataFrame, horizons: int, history: int) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Forecasts of one measure with what their scores need, and the weights of its mixture; None where it has no row to show."""
    import pandas as pd

    from jsna_model.methods.forecast import forecast_panel
    from jsna_model.methods.forecast_scores import crps_of_quantiles, persistence_interval

    years = np.arange(int(rows["year"].min()), int(rows["year"].max()) + 1)
    history = min(history, max(len(years) - 1, 2))
    if len(years) <= history:
        return None
    areas = sorted(rows["area_code"].unique())
    wide = [rows.pivot(index="area_code", columns="year", values=c).reindex(areas, columns=years) for c in ("value", "population")]
    value = wide[0].to_numpy(dtype=float)
    found = forecast_panel(value, wide[1].to_numpy(dtype=float), horizons)
    actual = np.full(found.median.shape, np.nan)
    for ahead in range(1, min(horizons, len(years) - 1) + 1):
        actual[:, :-ahead, ahead - 1] = value[:, ahead:]
    there = np.isfinite(actual) & np.isfinite(found.median) & np.isfinite(found.scale)
    there &= (np.arange(len(years)) >= history - 1)[:, None]
    if not there.any():
        return None
    a, t, h = np.nonzero(there)
    sample = found.grid()[there]
    lower80, upper80, lower95, upper95 = found.quantile(np.array([0.1, 0.9, 0.025, 0.975]))[there].T
    naive = persistence_interval(value, horizons, LEVELS)[there]
    table = pd.DataFrame(
        {
            "area_code": np.array(areas, dtype=object)[a],
            "measure": name,
            "origin": years[t],
            "horizon": h + 1,
            "year": years[t] + h + 1,
            "actual": actual[there],
            "mean": sample.mean(-1),
            "median": found.median[there],
            "lower80": lower80,
            "upper80": upper80,
            "lower95": lower95,
            "upper95": upper95,
            "persistence": found.persistence[a, t],
            "crps": crps_of_quantiles(actual[there], sample),
            "yearly_change": _yearly_change(value)[a, t],
            **{f"naive_{side}{level}": naive[:, i, j] for j, level in enumerate((80, 95)) for i, side in enumerate(("lower", "upper"))},
        }
    )
    origin, step, model = np.nonzero(found.weights)
    weights = pd.DataFrame(
        {
            "measure": name,
            "origin": years[origin],
            "horizon": step + 1,
            "model": np.array(found.models, dtype=object)[model],
            "weight": found.weights[origin, step, model],
        }
    )
    return table, weights[weights["origin"] >= years[history - 1]]


def _yearly_change(value: Array) -> Array:
    """Mean absolute yearly change up to each year: the scale of MASE."""
    change = np.abs(np.diff(value, axis=1, prepend=np.nan))
    seen = np.isfinite(change)
    count = np.cumsum(seen, axis=1)
    return np.where(count > 0, np.cumsum(np.where(seen, change, 0.0), axis=1) / np.maximum(count, 1), np.nan)


def _summary(scored: pd.DataFrame, seed: int) -> pd.DataFrame:
    import pandas as pd

    area = scored["area_code"].factorize(sort=True)[0].astype(np.int64)
    year = scored["year"].factorize(sort=True)[0].astype(np.int64)
    measures, horizons = sorted(scored["measure"].unique()), sorted(scored["horizon"].unique())
    lines = []
    for measure in [*measures, ALL] if len(measures) > 1 else measures:
        for horizon in [*horizons, ALL]:
            rows = (measure == ALL) | (scored["measure"] == measure)
            rows &= (horizon == ALL) | (scored["horizon"] == horizon)
            if rows.any():
                keep = rows.to_numpy()
                scores = _scores(scored[keep], area[keep], year[keep], partial(_resample, seed))
                lines.append({"measure": measure, "horizon": horizon, **scores})
    return pd.DataFrame(lines)


def _scores(x: pd.DataFrame, area: NDArray[np.int64], year: NDArray[np.int64], resample: Callable[[int, int], Array]) -> dict[str, float]:
    from jsna_model.methods.forecast_scores import interval_score, mase, two_way_errors, wape

    v = {c: x[c].to_numpy(dtype=float) for c in x.columns if c not in ("area_code", "measure")}
    actual = v["actual"]
    own, naive = wape(actual, v["median"]), wape(actual, v["persistence"])
    out: dict[str, float] = {
        "forecasts": len(x),
        "wape": own,
        "wape_persistence": naive,
        "skill": 1 - own / naive if naive > 0 else np.nan,
        "mase": mase(actual, v["median"], v["yearly_change"]),
        "mase_persistence": mase(actual, v["persistence"], v["yearly_change"]),
        "crps": float(v["crps"].mean()),
    }
    for name, level in zip((80, 95), LEVELS, strict=True):
        lower, upper = v[f"lower{name}"], v[f"upper{name}"]
        hit = ((actual >= lower) & (actual <= upper)).astype(float)
        out[f"coverage{name}"] = float(hit.mean())
        out[f"coverage{name}_se"] = two_way_errors(area, year, hit, resample)
        out[f"interval_score{name}"] = float(interval_score(actual, lower, upper, level).mean())
        naive_score = interval_score(actual, v[f"naive_lower{name}"], v[f"naive_upper{name}"], level)
        # A horizon that nothing before an origin had run has no empirical interval.
        out[f"interval_score{name}_persistence"] = float(np.nanmean(naive_score)) if np.isfinite(naive_score).any() else np.nan
    return out


def _resample(seed: int, stream: int, blocks: int) -> Array:
    """How often each block was drawn, shape (replicate, block)."""
    name = f"backtest/{('authorities', 'years')[stream]}"
    drawn = (uniforms(seed, name, REPLICATES * blocks) * blocks).astype(int).reshape(REPLICATES, blocks)
    places = drawn + blocks * np.arange(REPLICATES)[:, None]
    return np.bincount(places.ravel(), minlength=REPLICATES * blocks).reshape(REPLICATES, blocks).astype(float)
