"""Projected stocks and starts vary over one and three years as published ones do (benchmarks/stock_spread.py, a small sample)."""

from __future__ import annotations

from benchmarks.stock_spread import spread


def test_the_projection_is_as_uncertain_as_history_was() -> None:
    table = spread(draws=1000)
    for column in ("ratio_h1", "ratio_h3"):
        assert table[column].between(0.8, 1.25).all(), table[["service", column]]
    assert table["mean_year_3_over_base"].between(0.96, 1.04).all()
