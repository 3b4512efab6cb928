"""The figure of a backtest: one panel a measure and one of coverage, with its words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.backtest import MOST, backtest_figure
from reports.drawing import svg


def summary(measures: int) -> pd.DataFrame:
    names = [f"measure_{i}" for i in range(measures)] + (["all"] if measures > 1 else [])
    rows = [
        {"measure": m, "horizon": h, "wape": 0.1, "wape_persistence": 0.2, "skill": 0.5, "coverage80": 0.81, "coverage80_se": np.nan}
        | {"coverage95": 0.94, "coverage95_se": 0.01}
        for m in names
        for h in [1, 2, "all"]
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("measures", [1, 2, 5, MOST + 3])
def test_a_panel_a_measure_and_one_of_coverage(measures: int) -> None:
    figure = backtest_figure(summary(measures), "source")
    drawn = [a for a in figure.drawing.axes if a.axison]
    assert len(drawn) == min(measures, MOST) + 1
    assert ("drawn" in figure.subtitle) == (measures > MOST)
    assert figure.title == "Forecasts missed by 10.0%, smaller than persistence's 20.0%"
    assert "81.0%" in figure.alt
    text = svg(figure)
    assert text.startswith("<svg")
    assert "Measure 0" in text
