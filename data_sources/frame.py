"""The England frame: every child's area deprivation, compressed to ten points."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.layouts import BAND_COLUMNS, FRAME, FRAME_SCALE
from jsna_model.conventions import AGE_BANDS

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
    return Frame(FRAME_VERSION, children, covariates, *({str(k): float(v) for k, v in scale[c].items()} for c in ("centre", "scale")))


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
