"""The England frame: every child's area deprivation, compressed to ten points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.layouts import BAND_COLUMNS, FRAME, FRAME_SCALE
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import Problem, raise_all

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from jsna_model.population import Frame

FRAME_VERSION = "England LSOA 2021 by IMD 2025 decile, children mid-2024"


def load_frame(figures: Path | str | None = None) -> Frame:
    """The frame that national evidence is reproduced over: England's children by IMD 2025 decile and DfE age band.

    It is exact for a covariate that is the decile itself, so ten points lose nothing. Built from the embedded LSOA table by
    ``python -m benchmarks.build_frame``.

    Parameters
    ----------
    figures : path, optional
        Folder with ``england_frame.csv`` and ``england_frame_scale.csv``; by default the embedded ones.

    Returns
    -------
    Frame
        ``children`` (area = 10 points, age_band); covariate ``deprivation`` (decile, 1 = most deprived), standardised by the mean
        and minus the standard deviation over children, so that a positive value is more deprived.
    """
    return _frame(str(figures) if figures is not None else None)


@lru_cache(maxsize=4)
def _frame(figures: str | None) -> Frame:
    import xarray as xr

    from jsna_model.population import Frame

    points = read_figures(FRAME, figures).values
    scale = read_figures(FRAME_SCALE, figures).values.set_index("covariate")
    area = [f"decile_{int(d)}" for d in points["deprivation"]]
    children = xr.DataArray(
        points[list(BAND_COLUMNS)].to_numpy(float), {"area": area, "age_band": list(AGE_BANDS)}, ("area", "age_band"), name="children"
    )
    covariates = xr.Dataset({"deprivation": ("area", points["deprivation"].to_numpy(float))}, {"area": area})
    centre, width = ({str(k): float(v) for k, v in scale[c].items()} for c in ("centre", "scale"))
    return Frame(FRAME_VERSION, children, covariates, centre, width)


def _halves(x: np.ndarray, weight: np.ndarray, depth: int) -> list[np.ndarray]:
    """Places of areas in up to ``2**depth`` groups, halved again and again where that lowers the variance within most."""
    spread = np.average((x - np.average(x, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    column = int(np.argmax(spread))
    order = np.argsort(x[:, column], kind="stable")
    value, w = x[order, column], weight[order]
    differs = value[1:] > value[:-1]
    if depth == 0 or not differs.any():
        return [np.arange(len(weight))]
    left, total = np.cumsum(w)[:-1], np.cumsum(w * value)[:-1]
    rest, whole = w.sum() - left, (w * value).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = total**2 / left + (whole - total) ** 2 / rest
    cut = int(np.nanargmax(np.where(differs & (left > 0) & (rest > 0), between, -np.inf))) + 1
    return [part[group] for part in (order[:cut], order[cut:]) for group in _halves(x[part], weight[part], depth - 1)]


def joint_frame(table: pd.DataFrame, names: Sequence[str], source: str = "") -> Frame:
    """A frame of deprivation and further covariates, from all of England's small areas.

    Each decile is divided into four groups of areas, alike in the D further covariates, and each group becomes ``2 D`` points,
    ``mean +- sqrt(D) L`` for the columns of a factor of the group's covariance over children (Julier and Uhlmann 2004): up to 80
    points for one, 160 for two. Deciles, means, variances and correlations are exact, and so are two-valued covariates; what the rest
    comes to is measured in ``tests/sources/test_covariates.py``.

    Parameters
    ----------
    table : pandas.DataFrame
        All LSOAs, with ``imd2025_decile``, children by band and a column for each covariate.
    names : sequence of str
    source : str
        What the covariates are, for the frame's version.

    Returns
    -------
    Frame
        Further covariates standardised by mean and sd over children, and the limits found in England.
    """
    import xarray as xr

    from jsna_model.population import Frame

    deprivation, bands = table["imd2025_decile"].to_numpy(float), table[list(BAND_COLUMNS)].to_numpy(float)
    names = sorted(names)
    values, weight = table[names].to_numpy(float), bands.sum(1)
    first, scale_table = build_frame(deprivation.astype(int), table[list(BAND_COLUMNS)])
    centre, scale = ({"deprivation": float(scale_table[c].iloc[0])} for c in ("centre", "scale"))
    mean = np.average(values, axis=0, weights=weight)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    flat = [name for name, sd in zip(names, spread, strict=True) if not sd > 0]
    raise_all(Problem(f"{name} is the same in all of England", "leave it out: it explains nothing") for name in flat)
    centre |= dict(zip(names, mean.tolist(), strict=True))
    scale |= dict(zip(names, spread.tolist(), strict=True))
    z = (values - mean) / spread  # groups and factors are made in standard units
    points, children = [], []
    for decile in first["deprivation"]:
        here = np.flatnonzero(deprivation == decile)
        for group in _halves(z[here], weight[here], depth=2):
            inside = here[group]
            own = weight[inside]
            middle = np.average(z[inside], axis=0, weights=own)
            off = z[inside] - middle
            roots, directions = np.linalg.eigh((off * own[:, None]).T @ off / own.sum())
            factor = (directions * np.sqrt(np.maximum(roots, 0.0))).T
            alike = roots.max() < 1e-12
            nodes = middle[None] if alike else middle + np.sqrt(len(names)) * np.concatenate([factor, -factor])
            points.append(np.column_stack([np.full(len(nodes), decile), mean + spread * nodes]))
            children.append(np.repeat(bands[inside].sum(0)[None] / len(nodes), len(nodes), axis=0))
    at = np.concatenate(points)
    labels = [f"point_{i}" for i in range(len(at))]
    covariates = {name: ("area", at[:, i]) for i, name in enumerate(["deprivation", *names])}
    counts = xr.DataArray(np.concatenate(children), {"area": labels, "age_band": list(AGE_BANDS)}, ("area", "age_band"), name="children")
    limits = {name: (float(v.min()), float(v.max())) for name, v in zip(names, values.T, strict=True)}
    version = f"{FRAME_VERSION}, with {', '.join(names)}" + (f" ({source})" if source else "")
    return Frame(version, counts, xr.Dataset(covariates, {"area": labels}), centre, scale, limits)


def build_frame(deprivation: np.ndarray, children: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame's two tables from small areas.

    Parameters
    ----------
    deprivation : array of int, shape (n,)
        IMD decile of each area.
    children : pandas.DataFrame, shape (n, 5)
        Children by DfE band, raked to known totals.

    Returns
    -------
    tuple of pandas.DataFrame
        Points (``deprivation``, children by band), and ``covariate``, ``centre``, ``scale``: mean and minus sd of the decile over
        children 0–17.
    """
    import pandas as pd

    points = children.groupby(np.asarray(deprivation, dtype=float)).sum()
    points.index.name = "deprivation"
    weight, decile = points.sum(axis=1).to_numpy(), points.index.to_numpy()
    centre = float((weight * decile).sum() / weight.sum())
    scale = -float(np.sqrt((weight * (decile - centre) ** 2).sum() / weight.sum()))
    return points.reset_index(), pd.DataFrame({"covariate": ["deprivation"], "centre": [centre], "scale": [scale]})
