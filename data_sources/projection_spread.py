"""How uncertain projected children are: past errors and their growth, and how far variants lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_sources.figures_io import read_figures
from data_sources.layouts import PROJECTION_ERROR

if TYPE_CHECKING:
    import pandas as pd

#: Years between the projections' base, mid-2018, and the estimate that they are held against, mid-2024.
ERROR_HORIZON = 6
#: Base years that a measured growth of the error needs.
ENOUGH_ORIGINS = 5


def projection_error() -> pd.DataFrame:
    """Past errors of projections of children, by method, ages and horizon (``python -m benchmarks.projection_error``).

    Returns
    -------
    pandas.DataFrame
        ``method`` (``ons_2018_principal``: at six years only; ``cohort``: no migration, births held; ``cohort_migration``: migration of
        the last three years held), ``ages``, ``horizon`` (years), ``origins`` (base years), ``authorities``; of log(estimate /
        projection): ``median`` (mean over origins of the median over authorities), ``log_sd`` (robust sd over authorities about it),
        ``log_rms`` (root mean square about zero), ``origin_sd`` (sd of the medians over origins: what all authorities share).
    """
    return read_figures(PROJECTION_ERROR).values.copy()


def error_growth(horizon: np.ndarray, method: str = "cohort_migration") -> np.ndarray:
    """Sd of the log error at a horizon over that at six years, as cohorts carried forward have it.

    Measured to the horizon of the last five base years or more (`ENOUGH_ORIGINS`), and in proportion to the horizon beyond.

    Parameters
    ----------
    horizon : array of int
        Years.
    method : {"cohort_migration", "cohort"}

    Returns
    -------
    array
        0 at the base year, 1 at six.
    """
    table = projection_error()
    table = table[(table["method"] == method) & (table["ages"] == "0_17") & (table["origins"] >= ENOUGH_ORIGINS)]
    table = table.sort_values("horizon")
    h, sd = table["horizon"].to_numpy(float), table["log_sd"].to_numpy(float)
    at = np.interp(horizon, [0.0, *h], [0.0, *sd]) * np.maximum(np.asarray(horizon, dtype=float) / h[-1], 1.0)
    return at / float(np.interp(ERROR_HORIZON, h, sd))


def projection_variants(area: str = "England", file: Path | str | None = None, figures: Path | str | None = None) -> pd.DataFrame:
    """Children 0–17 of an area by variant and year, to see how far variants lie apart.

    Parameters
    ----------
    area : str
    file : path, optional
        A projection of several variants; by default the embedded principal one beside ``cohort``.
    figures : path, optional

    Returns
    -------
    pandas.DataFrame
        ``variant``, ``year``, ``children``, and ``ratio`` to the mean over variants. The spread is no interval: variants are few, chosen,
        and share their base and most assumptions.
    """
    import pandas as pd

    from data_sources.projection import load_projection
    from data_sources.projection_files import variants_of

    known = ("principal", "cohort") if file is None else variants_of(file)
    rows = []
    for variant in known:
        total = load_projection(area, variant if len(known) > 1 else "principal", file, figures).data["children"].sum(["area", "age"])
        rows += [(variant, int(y), float(n)) for y, n in zip(total["year"].values, total.values, strict=True)]
    table = pd.DataFrame(rows, columns=["variant", "year", "children"])
    return table.assign(ratio=table["children"] / table.groupby("year")["children"].transform("mean"))
