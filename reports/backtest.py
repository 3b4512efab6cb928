"""The figure of a backtest: error by horizon beside persistence, measure by measure, and how often intervals held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.drawing import BLUE, GREY, ORANGE, TURQUOISE, Figure, blank, only_grid

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Panels of measures drawn; the table has the rest.
MOST = 8
ACROSS = 3
ALL = "all"


def backtest_figure(summary: pd.DataFrame, source: str) -> Figure:
    """Small multiples of absolute error (WAPE), and the coverage of intervals.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `jsna_model.verbs.backtest.Backtest.summary`.
    source : str
        What was backtested.

    Returns
    -------
    Figure
    """
    measures = [m for m in dict.fromkeys(summary["measure"]) if m != ALL]
    shown = measures[:MOST]
    rows = -(-(len(shown) + 1) // ACROSS)
    figure, grid = blank(2.2 * rows + 0.7, rows, ACROSS, squeeze=False)
    axes = grid.ravel()
    for place, measure in zip(axes, shown, strict=False):
        _errors(place, summary[(summary["measure"] == measure) & (summary["horizon"] != ALL)], words(measure))
    whole = ALL if len(measures) > 1 else measures[0]
    pooled = summary[summary["measure"] == whole]
    _coverage(axes[len(shown)], pooled[pooled["horizon"] != ALL])
    for spare in axes[len(shown) + 1 :]:
        spare.set_axis_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    total = pooled[pooled["horizon"] == ALL].iloc[0]
    left_out = f" Measures drawn: {len(shown)} of {len(measures)}." if len(shown) < len(measures) else ""
    better = "smaller than" if total["skill"] > 0.005 else "about" if total["skill"] > -0.005 else "larger than"
    return Figure(
        "backtest",
        f"Forecasts missed by {100 * total['wape']:.1f}%, {better} persistence's {100 * total['wape_persistence']:.1f}%",
        f"Absolute error over the total (WAPE, %) by years ahead, all origins; coverage of 80% and 95% intervals with two standard errors.{left_out}",
        f"{len(shown)} line charts of error by years ahead, the forecast beside persistence, and one of coverage. Pooled: WAPE "
        f"{100 * total['wape']:.1f}% against {100 * total['wape_persistence']:.1f}%; 80% intervals held {100 * total['coverage80']:.1f}% "
        f"and 95% intervals {100 * total['coverage95']:.1f}% of outcomes.",
        source,
        "backtest_summary",
        figure,
    )


def words(measure: str) -> str:
    """A measure's name as words."""
    text = measure.replace("_", " ")
    return text[:1].upper() + text[1:]


def _errors(axes: Axes, rows: pd.DataFrame, title: str) -> None:
    from reports.drawing import wrapped

    x = rows["horizon"].to_numpy(float)
    axes.plot(x, 100 * rows["wape"], color=BLUE, marker="o", linewidth=2, label="Forecast")
    axes.plot(x, 100 * rows["wape_persistence"], color=ORANGE, linestyle="--", linewidth=2, label="Persistence")
    axes.set_ylim(bottom=0)
    _dress(axes, x, wrapped(title, 26), "WAPE, %")


def _coverage(axes: Axes, rows: pd.DataFrame) -> None:
    x = rows["horizon"].to_numpy(float)
    for name, colour, marker in ((80, BLUE, "o"), (95, TURQUOISE, "s")):
        error = 200 * rows[f"coverage{name}_se"].fillna(0.0)
        axes.errorbar(x, 100 * rows[f"coverage{name}"], yerr=error, color=colour, marker=marker, linestyle="none")
        axes.axhline(name, color=GREY, linewidth=0.8)
        axes.annotate(f"{name}%", (x[-1], name), xytext=(6, 3), textcoords="offset points", color=GREY, fontsize=8)
    _dress(axes, x, "Outcomes inside intervals", "%")


def _dress(axes: Axes, x: np.ndarray, title: str, unit: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xticks(x, [f"{int(v)}" for v in x])
    axes.set_xlabel("Years ahead")
    axes.set_ylabel(unit)
    only_grid(axes, "y")
