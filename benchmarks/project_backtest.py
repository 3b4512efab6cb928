"""Backtest of the calibrated projection itself, from earlier base years: ``python -m benchmarks.project_backtest DATA_FOLDER``.

Reads DfE open data and ONS children (as `benchmarks.service_volatility`), sets the three-state demand model to each authority's counts of
2020-21, 2021-22 and 2022-23, runs the baseline forward with need per child held (what `project` does, but with no change of
population), and sets the counts of one to four years later beside it. Written: ``benchmarks/results/project_backtest.csv``
and the section of ``docs/validation.md`` between its markers.

Out of sample: yearly walks were fitted to the years to 2019 (`benchmarks.service_volatility`), and those of closing rates, ends of care and
enquiries to the spread of the same years.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
from benchmarks.service_volatility import FILES, LOOKED_AFTER
from jsna_model.draws import uniforms
from jsna_model.methods.forecast_scores import crps_of_quantiles, two_way_errors, wape
from jsna_model.pathway import FLOWS, STOCKS
from jsna_model.scenario import Scenario
from jsna_model.verbs.demand_model import run

ROOT = Path(__file__).resolve().parent.parent
RESULT, DOCUMENT = ROOT / "benchmarks/results/project_backtest.csv", ROOT / "docs/validation.md"
MARKERS = ("<!-- project: written by python -m benchmarks.project_backtest -->", "<!-- project: end -->")
_C1 = "c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv.gz"
MORE = {
    "re_referrals": (_C1, "rereferral_count"),
    "referrals_no_further_action": (_C1, "no_further_action_count"),
    "referrals_assessed_not_in_need": (_C1, "not_in_need_count"),
    "child_in_need_ended": ("b1_children_in_need_2013_to_2025.csv.gz", "Ended_episodes"),
}
MEASURES = (
    "referrals",
    "child_in_need_at_31_march",
    "section_47_enquiries",
    "child_protection_plan_at_31_march",
    "looked_after_at_31_march",
)
BASES, HORIZONS, DRAWS, SEED = (2021, 2022, 2023), 4, 400, 2026
LEVELS = (80, 95)


def counts(folder: Path, symbol: str = "") -> dict[str, pd.DataFrame]:
    """Published counts by authority (rows) and year that ends on 31 March (columns); NaN where suppressed or absent.

    With a symbol of the publisher's, whether it stands there instead.
    """
    out = {}
    for service, (name, column) in {**FILES, **MORE}.items():
        table = pd.read_csv(folder / "dfe" / name, dtype=str)
        found = next(c for c in table.columns if c.lower() == column.lower() or c.lower().startswith(column.lower()))
        out[service] = _wide(table, found, symbol)
    care = pd.read_csv(folder / "dfe" / "cla_number_and_rate_per_10k_children.csv.gz", dtype=str)
    return out | {s: _wide(care[care["population_type"] == category], "children_count", symbol) for s, category in LOOKED_AFTER.items()}


def _wide(table: pd.DataFrame, column: str, symbol: str = "") -> pd.DataFrame:
    table = table[table["geographic_level"] == "Local authority"]
    found = table[column] == symbol if symbol else pd.to_numeric(table[column], errors="coerce")
    values = table.assign(n=found, year=table["time_period"].astype(int))
    return values.pivot_table(index="new_la_code", columns="year", values="n", aggfunc="first")


def forecasts(published: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row an authority, base year, horizon and measure: actual, mean, median, limits and persistence."""
    pathway = src.load_pathway("Milton Keynes")  # for its default parameters: counts are given
    rows = []
    areas = sorted(set.intersection(*(set(t.index) for t in published.values())))
    for base in BASES:
        for area in areas:
            now = {s: float(t[base].get(area, np.nan)) if base in t else np.nan for s, t in published.items()}
            if not all(np.isfinite(now[s]) for s in (*FLOWS, *STOCKS)) or now[STOCKS[0]] <= now[STOCKS[1]] + now[STOCKS[2]]:
                continue
            years = min(HORIZONS, 2025 - base)
            ratio = np.ones((years, DRAWS))
            found = run(area, now, ratio, np.full(DRAWS, 1e4), pathway, Scenario("baseline"), f"{base}-04", SEED)
            for measure in MEASURES:
                values = found.flow[:, FLOWS.index(measure)] if measure in FLOWS else found.caseload[:, STOCKS.index(measure)]
                for h in range(1, years + 1):
                    actual = float(published[measure].get(base + h, pd.Series(dtype=float)).get(area, np.nan))
                    if np.isfinite(actual):
                        limits = np.quantile(values[h - 1], [0.1, 0.9, 0.025, 0.975])
                        quantiles = np.quantile(values[h - 1], np.arange(0.005, 1, 0.01))
                        score = float(crps_of_quantiles(np.array([actual]), quantiles[None])[0])
                        mid = float(np.median(values[h - 1]))
                        rows.append((area, base, h, measure, actual, float(values[h - 1].mean()), mid, *limits, now[measure], score))
    columns = [
        "area",
        "base",
        "horizon",
        "measure",
        "actual",
        "mean",
        "median",
        "lower80",
        "upper80",
        "lower95",
        "upper95",
        "persistence",
        "crps",
    ]
    return pd.DataFrame(rows, columns=columns)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Error and coverage by measure, and pooled, and horizon, with errors of coverage by a bootstrap of authorities × years."""
    out = []
    for measure in (*MEASURES, "all"):
        part = rows if measure == "all" else rows[rows["measure"] == measure]
        for h, x in part.groupby("horizon"):
            actual = x["actual"].to_numpy()
            row: dict[str, object] = {"measure": measure, "horizon": h, "forecasts": len(x), "authorities": x["area"].nunique()}
            row |= {"wape": 100 * wape(actual, x["median"].to_numpy()), "wape_persistence": 100 * wape(actual, x["persistence"].to_numpy())}
            row["crps_over_error_of_persistence"] = x["crps"].mean() / (x["actual"] - x["persistence"]).abs().mean()
            for level in LEVELS:
                inside = ((x["actual"] >= x[f"lower{level}"]) & (x["actual"] <= x[f"upper{level}"])).to_numpy(float)
                row[f"coverage{level}"] = 100 * inside.mean()
                row[f"coverage{level}_se"] = 100 * coverage_error(inside, x, "project_backtest")
            out.append(row)
    return pd.DataFrame(out).round(2)


def coverage_error(inside: np.ndarray, rows: pd.DataFrame, name: str, replicates: int = 500) -> float:
    """Standard error of a share by the block bootstrap: whole authorities and whole outcome years are drawn again (`two_way_errors`)."""
    area, year = (np.unique(v.to_numpy(), return_inverse=True)[1] for v in (rows["area"], rows["base"] + rows["horizon"]))

    def resample(stream: int, blocks: int) -> np.ndarray:
        u = uniforms(SEED, f"{name}/bootstrap/{stream}", replicates * blocks).reshape(replicates, blocks)
        return np.stack([np.bincount(p, minlength=blocks) for p in np.floor(u * blocks).astype(int)]).astype(float)

    return two_way_errors(area, year, inside, resample)


def document(table: pd.DataFrame) -> str:
    """The section of ``docs/validation.md``."""
    lines = [
        "| measure | years | forecasts | WAPE % | persistence % | 80% intervals hold % | 95% intervals hold % |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        held = [f"{getattr(row, f'coverage{k}'):.0f} ± {getattr(row, f'coverage{k}_se'):.0f}" for k in LEVELS]
        name = row.measure.replace("_", " ")
        lines.append(f"| {name} | {row.horizon} | {row.forecasts} | {row.wape:.1f} | {row.wape_persistence:.1f} | {held[0]} | {held[1]} |")
    years = ", ".join(map(str, BASES))
    text = f"""The three-state demand model, set to each authority's counts of the years to March {years} and run forward with need per
    child
    held and no change of population ({DRAWS} draws; authorities whose counts were all published): how far its median was off,
    beside persistence, and how often its intervals held what came; errors of coverage by a bootstrap of authorities × years. Its median is
    a little worse than persistence, since it moves with nothing that persistence does not know. Walks were fitted to the years to 2019,
    before any of these base years, and rates have moved less since, so that intervals of children in need hold more than they claim. The
    first of these years follow the pandemic."""
    body = textwrap.fill(" ".join(text.split()), 140)
    return f"{MARKERS[0]}\n## The projection from earlier base years\n\n{body}\n\n" + "\n".join(lines) + f"\n{MARKERS[1]}\n"


def main(folder: Path) -> None:
    """Write the table and its section."""
    table = summary(forecasts(counts(folder)))
    table.to_csv(RESULT, index=False, lineterminator="\n")
    old = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = old.partition(MARKERS[0])
    after = rest.partition(MARKERS[1] + "\n")[2]
    DOCUMENT.write_text(before.rstrip() + "\n\n" + document(table) + after, encoding="utf-8", newline="\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
