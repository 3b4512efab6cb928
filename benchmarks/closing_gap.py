"""Does the gap between published ends and starts say where a stock goes next? It does not, so the projection does not carry it on.

``python -m benchmarks.closing_gap DATA_FOLDER`` (the DfE files of `benchmarks.service_volatility`) writes
``benchmarks/results/closing_gap.csv``: over authorities and years, the slope of the log change of the stock after one, two and three
years on log(ends / starts) of the year. A gap that were real would have a slope near -ends/stock (about -0.4 for looked after, -0.9
for child in need).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import service_volatility

SERIES = {
    "looked_after": ("looked_after_at_31_march", "looked_after_started", "looked_after_ceased"),
    "child_in_need": ("child_in_need_at_31_march", "child_in_need_started", "child_in_need_ended"),
}
ENDED = {"child_in_need_ended": ("b1_children_in_need_2013_to_2025.csv.gz", "Ended_episodes")}


def main(folder: Path) -> pd.DataFrame:
    """Slope, its standard error and the spread that it leaves."""
    rates = service_volatility.panel(folder, ENDED)
    rows = []
    for name, (stock, starts, ends) in SERIES.items():
        years = [y for y in rates[stock].columns if y in rates[starts].columns and y in rates[ends].columns]
        index = rates[stock].index.intersection(rates[starts].index).intersection(rates[ends].index)
        level, gap = rates[stock].loc[index, years], (rates[ends] - rates[starts]).loc[index, years]
        for h in (1, 2, 3):
            y, x = (level.shift(-h, axis=1) - level).values.ravel(), gap.values.ravel()
            ok = np.isfinite(x) & np.isfinite(y)
            design = np.column_stack([np.ones(ok.sum()), x[ok]])
            coefficient = np.linalg.lstsq(design, y[ok], rcond=None)[0]
            left = y[ok] - design @ coefficient
            error = np.sqrt((left**2).mean() / ((x[ok] - x[ok].mean()) ** 2).sum())
            rows.append(
                {
                    "series": name,
                    "years_ahead": h,
                    "changes": int(ok.sum()),
                    "slope": round(float(coefficient[1]), 3),
                    "standard_error": round(float(error), 3),
                    "sd_of_change": round(float(y[ok].std()), 3),
                    "sd_left": round(float(left.std()), 3),
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = main(Path(sys.argv[1]))
    table.to_csv(Path(__file__).parent / "results" / "closing_gap.csv", index=False)
    print(table.to_string(index=False))
