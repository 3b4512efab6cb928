"""How far projections of children missed: ``python -m benchmarks.projection_error`` with ``../shared`` beside the repository.

Writes ``data_sources/figures/projection_error.csv`` (by method, ages and horizon) and ``benchmarks/results/projection_error.csv`` (by base
year too). The error is log(estimate / projection) over the 153 upper-tier authorities.

* ``ons_2018_principal``: the 2018-based projections in 2024. The only year that is here before which they were made, so that six years are
  one horizon and one base year: what is of the horizon, of the pandemic, and of the 2021 Census (the estimates of 2018 that they start from
  were revised since) cannot be told apart.
* ``cohort`` and ``cohort_migration``: `jsna_model.methods.cohort.project_cohorts` from the estimates of each year 2003 to 2021, births held
  at those aged 0; without migration, and with the cohort changes of the last three years held. The estimates are those revised after the
  censuses, which nobody had at the time: hindsight that ONS did not have. Estimates of 2022 and 2023 are of other vintages (England is
  0.1% and 0.5% below those revised later), so they are neither base nor target; 2024 is a target only.

``ages``: ``0_17``; ``born_before``, those already born in the base year; ``born_after``, those not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from data_sources.projection import _both
from jsna_model.methods.cohort import migration_rates, project_cohorts
from jsna_model.methods.forecast import robust_sd

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared/data"
AGES = 18
#: Years of cohort changes that ``cohort_migration`` holds.
MIGRATION_YEARS = 3
TARGETS = (*range(2001, 2022), 2024)
ORIGINS = range(2003, 2022)


def estimates() -> tuple[list[str], dict[int, np.ndarray]]:
    """Codes, and children (authority, age) of each year."""
    upper = pd.read_csv(SHARED / "lookups/ltla23_utla23_region_pfa_england.csv", dtype=str).set_index("ltla23_code")["utla23_code"]
    series = pd.read_parquet(SHARED / "population/la_mye_syoa_sex_2000_2023_tsu.parquet")
    latest = pd.read_parquet(SHARED / "population/la_mye_syoa_sex_2011_2024.parquet")
    table = pd.concat([series[series["year"] < 2022], latest.loc[latest["year"] == 2024, list(series.columns)]])
    table = table[table["age"] < AGES].assign(utla=lambda t: t["code"].map(upper))
    wide = table.pivot_table(index="utla", columns=["year", "age"], values="population", aggfunc="sum").sort_index()
    return list(wide.index), {int(y): wide[y].to_numpy(float) for y in wide.columns.levels[0]}


def measure(made: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Median, robust sd, and root mean square weighted by children, of the log error; (authority, age)."""
    error, weight = np.log(truth.sum(1) / made.sum(1)), truth.sum(1)
    rms = float(np.sqrt((weight * error**2).sum() / weight.sum()))
    return {"median": float(np.median(error)), "log_sd": robust_sd(error), "log_rms": rms}


def by_ages(made: np.ndarray, truth: np.ndarray, horizon: int) -> list[dict[str, object]]:
    """A row for all ages, and for those born before and after the base year."""
    groups = {"0_17": slice(0, AGES), "born_before": slice(horizon, AGES), "born_after": slice(0, horizon)}
    return [{"ages": name, **measure(made[:, a], truth[:, a])} for name, a in groups.items() if made[:, a].shape[1]]


def rolling(years: dict[int, np.ndarray]) -> pd.DataFrame:
    """Errors of both cohort methods by base year and horizon."""
    rows = []
    for origin in ORIGINS:
        targets = [t for t in TARGETS if t > origin]
        base = years[origin]
        recent = np.stack([years[y] for y in range(origin - MIGRATION_YEARS, origin + 1)], axis=1)
        births = np.repeat(base[:, :1], targets[-1] - origin, axis=1)
        for method, moves in (("cohort", None), ("cohort_migration", migration_rates(recent))):
            made = project_cohorts(base, births, moves)
            for target in targets:
                head = {"method": method, "origin": origin, "horizon": target - origin}
                rows += [{**head, **row} for row in by_ages(made[:, target - origin], years[target], target - origin)]
    return pd.DataFrame(rows)


def ons() -> pd.DataFrame:
    """Errors of the 2018-based projections in 2024, from the embedded figures."""
    base, projected, _ = _both(None)
    head = {"method": "ons_2018_principal", "origin": 2018, "horizon": 6}
    return pd.DataFrame([{**head, **row} for row in by_ages(projected[:, 0], base.to_numpy(float), 6)])


def summary(table: pd.DataFrame, authorities: int) -> pd.DataFrame:
    """Over base years: mean of the medians, root mean square of the sds, sd of the medians."""
    rows = []
    for (method, ages, horizon), part in table.groupby(["method", "ages", "horizon"], sort=True):
        square = {c: float(np.sqrt((part[c] ** 2).mean())) for c in ("log_sd", "log_rms")}
        spread = float(part["median"].std(ddof=0))
        head = {"method": method, "ages": ages, "horizon": horizon, "origins": len(part), "authorities": authorities}
        rows.append({**head, "median": part["median"].mean(), **square, "origin_sd": spread})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure, write, stamp and print."""
    from benchmarks.build_frame import stamp

    codes, years = estimates()
    table = pd.concat([ons(), rolling(years)], ignore_index=True)
    short = summary(table, len(codes)).round(5)
    short.to_csv(ROOT / "data_sources/figures/projection_error.csv", index=False, lineterminator="\n")
    table.round(5).to_csv(ROOT / "benchmarks/results/projection_error.csv", index=False, lineterminator="\n")
    stamp()
    print(short[short["ages"] == "0_17"].to_string(index=False))
    print(table[(table["origin"] == 2018) & (table["horizon"] == 6)].to_string(index=False))


if __name__ == "__main__":
    main()
