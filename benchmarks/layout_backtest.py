"""Backtest of the calibrated layout, from earlier base years: ``python -m benchmarks.layout_backtest DATA_FOLDER [ROWS_FOLDER]``.

For the years to March 2021, 2022 and 2023: counts published for that year (DfE open data, as `benchmarks.project_backtest`) become an
authority's base year and the panel of all authorities; `jsna_model.project` calibrates the layout to them and runs the baseline on children
who age on from the estimate of that year with births held; counts one to four years later are set beside it. This is the public
function on another year's counts: nothing of it is made for the purpose. Rows are kept in ROWS_FOLDER, a file a base year and block of
authorities, and a block that is there is not run again; they hold published counts and are not committed. Written:
``benchmarks/results/layout_backtest.csv`` and the section of ``docs/validation.md`` between its markers. ``--noise`` runs whole children
(process noise), into ``layout_backtest_noise.csv``, which the section reads too.

Not wholly out of sample: prevalence by age and deprivation is of 2024, assumptions of ``defaults/layout.toml`` are shares of 2021-2025, and
rates by pattern of risks rest on factors recorded in 2025; all three only divide an authority's own counts. Yearly walks were fitted to the
years to 2019 (`benchmarks.service_volatility`).
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import data_sources as src
import jsna_model as jm
from benchmarks.project_backtest import BASES, HORIZONS, LEVELS, MEASURES, counts, coverage_error
from benchmarks.service_volatility import looked_after_since_2016
from data_sources.pathway import load_pathway
from jsna_model.conventions import ENGLAND
from jsna_model.methods.cohort import project_cohorts
from jsna_model.methods.forecast_scores import crps_of_quantiles, interval_score, persistence_interval, wape
from jsna_model.pathway import FLOWS, STOCKS, Pathway
from jsna_model.population import Population
from jsna_model.result import Result
from jsna_model.verbs.calibrate import impossible

ROOT = Path(__file__).resolve().parent.parent
RESULTS, DOCUMENT = ROOT / "benchmarks/results", ROOT / "docs/validation.md"
SAMPLED = RESULTS / "layout_backtest_sample.csv"
MARKERS = ("<!-- layout: written by python -m benchmarks.layout_backtest -->", "<!-- layout: end -->")
DRAWS, SEED, BLOCK = 200, 2026, 16
LAST = 2025
#: Ends are no target of the calibration, and no service follows them.
SERVICES = (*FLOWS, *STOCKS)
#: A few authorities of every size and kind, and a base year, for the default tests.
SAMPLE, SAMPLE_BASE, SAMPLE_DRAWS = ("E06000005", "E06000042", "E08000025", "E09000022", "E10000008"), 2022, 40


@cache
def published(folder: Path) -> dict[str, pd.DataFrame]:
    """Counts by authority and year (`project_backtest.counts`), looked-after children from 2016 on."""
    found = counts(folder)
    early = looked_after_since_2016(folder)
    return found | {s: found[s].combine_first(table).sort_index(axis=1) for s, table in early.items() if s in found}


@cache
def suppressed(folder: Path) -> dict[str, pd.DataFrame]:
    """Whether a count is suppressed (``c``), by authority and year."""
    return counts(folder, symbol="c")


@cache
def children(folder: Path) -> pd.DataFrame:
    """Children by authority (2023 codes), year and single year of age: mid-year estimates."""
    people = pd.read_parquet(folder / "population" / "la_mye_syoa_sex_2000_2023_tsu.parquet")
    people = people[people["age"] < 18]
    upper = pd.read_csv(folder / "lookups" / "ltla23_utla23_region_pfa_england.csv").set_index("ltla23_code")["utla23_code"]
    table = people.assign(area=people["code"].map(upper)).groupby(["area", "year", "age"])["population"].sum()
    return table.unstack("age")


def projection(folder: Path, areas: Sequence[str], base: int, years: int) -> Population:
    """Children as they would have been carried on from the estimate of mid `base` - 1: cohorts age, births are held, nobody moves."""
    now = children(folder).xs(base - 1, level="year").loc[list(areas)].to_numpy(float)
    cells = project_cohorts(now, np.repeat(now[:, :1], years, axis=1))
    data = xr.Dataset(
        {"children": (("year", "area", "age"), np.moveaxis(cells, 1, 0))},
        coords={
            "year": base - 1 + np.arange(years + 1),
            "area": list(areas),
            "age": np.arange(18),
            "authority": ("area", list(areas)),
            "area_name": ("area", list(areas)),
        },
    )
    return Population(data, "authority", f"ONS mid-{base - 1} estimates by cohort, births held")


def observed(folder: Path, base: int) -> xr.Dataset:
    """Counts of all authorities in a year, in the form of `Pathway.observed`; those that cannot be are left out."""
    tables = published(folder)
    codes = children(folder).xs(base - 1, level="year").index.intersection(tables["referrals"].index)
    values = np.stack([tables[s].reindex(index=codes, columns=[base])[base].to_numpy(float) for s in SERVICES], axis=1)
    people = children(folder).xs(base - 1, level="year").loc[codes].sum(axis=1).to_numpy(float)
    rows = [i for i, code in enumerate(codes) if not impossible(dict(zip(SERVICES, values[i].tolist(), strict=True)), code, people[i])]
    named = [codes[i] for i in rows]
    # England's row replaces what is missing: here the sum of those that publish, whose children are theirs.
    whole = np.isfinite(values[rows]).all(1)
    england = values[rows][whole].sum(0)
    hidden = np.stack([suppressed(folder)[s].reindex(index=codes, columns=[base])[base].fillna(False) for s in SERVICES], axis=1)
    status = np.where(np.isnan(values[rows]), np.where(hidden.astype(bool)[rows], "c", "x"), "")
    return xr.Dataset(
        {
            "observed": (("area", "service"), np.vstack([values[rows], england])),
            "status": (("area", "service"), np.vstack([status, np.full(len(SERVICES), "")])),
        },
        coords={
            "area": [*named, ENGLAND],
            "service": list(SERVICES),
            "area_name": ("area", [*named, "England"]),
            "role": ("area", ["authority"] * len(named) + ["england"]),
            "children": ("area", [*people[rows], people[rows][whole].sum()]),
        },
        attrs={"base_year": f"{base - 1}-{base % 100:02d}", "source": "DfE open data", "basis": "observed"},
    )


def pathway_of(folder: Path, base: int, areas: Sequence[str]) -> Pathway:
    """Default parameters on another year's counts."""
    panel = observed(folder, base)
    own = panel.sel(area=[*areas, ENGLAND])
    default = load_pathway("England", layout="early_help_and_cin")
    return replace(default, observed=own, panel=panel, base_year=f"{base - 1}-{base % 100:02d}", notes=())


@cache
def _people() -> Population:
    return src.load_population("England", level="authority")


def need(areas: Sequence[str], draws: int = DRAWS) -> Result:
    """Need of authorities: how it divides over ages and patterns."""
    data = _people().data.sel(area=list(areas))
    here = replace(_people(), data=data)
    return jm.estimate(here, src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=draws, seed=SEED)


def eligible(folder: Path, base: int) -> list[str]:
    """Authorities whose five counts are published for the base year, under a code of today."""
    panel = observed(folder, base)
    there = panel["observed"].sel(service=list(MEASURES)).notnull().all("service") & (panel["role"] == "authority")
    return sorted({str(a) for a in panel["area"].values[there.values]} & {str(a) for a in _people().data["area"].values})


def forecasts(folder: Path, base: int, areas: Sequence[str], noise: bool = False, draws: int = DRAWS) -> pd.DataFrame:
    """A row an authority, measure and horizon: actual, median, limits, persistence with its empirical limits, and scores."""
    tables = published(folder)
    years = min(HORIZONS, LAST - base)
    done = jm.project(
        need(areas, draws), projection(folder, areas, base, years), pathway_of(folder, base, areas), years=years, process_noise=noise
    )
    flow, stock = done.node("demand/flows")["flow"], done.node("demand/caseload")["caseload"]
    rows = []
    for measure in MEASURES:
        found = (stock if measure in STOCKS else flow).sel(scenario="baseline", service=measure)
        values = found.sel(area=list(areas)).transpose("area", "year", "draw").values
        naive = _persistence(tables[measure], base)
        for i, area in enumerate(areas):
            now = float(tables[measure].loc[area, base])
            for h in range(1, years + 1):
                actual = float(tables[measure].get(base + h, pd.Series(dtype=float)).get(area, np.nan))
                if not np.isfinite(actual):
                    continue
                x = values[i, h - 1]
                ends = np.quantile(x, [0.1, 0.9, 0.025, 0.975])
                score = float(crps_of_quantiles(np.array([actual]), np.quantile(x, np.arange(0.005, 1, 0.01))[None])[0])
                centre = (float(x.mean()), float(np.median(x)))
                rows.append((area, base, h, measure, actual, *centre, *ends, now, *(now * naive[h - 1]), score))
    limits = [f"{end}{level}" for level in LEVELS for end in ("lower", "upper")]
    naive_limits = [f"naive_{n}" for n in limits]
    columns = ["area", "base", "horizon", "measure", "actual", "mean", "median", *limits, "persistence", *naive_limits, "crps"]
    return pd.DataFrame(rows, columns=columns)


def _persistence(table: pd.DataFrame, base: int) -> np.ndarray:
    """Factors of persistence's empirical limits by horizon, from changes known in the base year: lower and upper of 80%, then of 95%."""
    past = table[[y for y in table.columns if y <= base]]
    past = past.reindex(columns=range(int(past.columns.min()), base + 1))
    found = persistence_interval(past.to_numpy(float), HORIZONS, (0.8, 0.95))  # area, year, horizon, end, level
    now = past.to_numpy(float)[:, -1][:, None, None, None]
    factor = np.nanmedian(np.divide(found[:, -1], now, out=np.full(found[:, -1].shape, np.nan), where=now > 0), axis=0)  # the same for all
    return np.stack([factor[:, 0, 0], factor[:, 1, 0], factor[:, 0, 1], factor[:, 1, 1]], axis=1)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Error, coverage, CRPS and interval scores by measure and horizon, and pooled; errors of coverage by authority × base year."""
    out = []
    for measure in (*MEASURES, "all"):
        part = rows if measure == "all" else rows[rows["measure"] == measure]
        for h in (*sorted(rows["horizon"].unique()), "all"):
            x = part if h == "all" else part[part["horizon"] == h]
            out.append({"measure": measure, "horizon": h} | scores(x))
    return pd.DataFrame(out).round(2)


def scores(x: pd.DataFrame) -> dict[str, object]:
    """Scores of a set of forecasts."""
    actual = x["actual"].to_numpy()
    row: dict[str, object] = {"forecasts": len(x), "authorities": x["area"].nunique()}
    own, naive = wape(actual, x["median"].to_numpy()), wape(actual, x["persistence"].to_numpy())
    row |= {"wape": 100 * own, "wape_mean": 100 * wape(actual, x["mean"].to_numpy()), "wape_persistence": 100 * naive}
    row["skill"] = 100 * (1 - own / naive)
    row["crps_over_error_of_persistence"] = x["crps"].mean() / (x["actual"] - x["persistence"]).abs().mean()
    for level in LEVELS:
        lower, upper = x[f"lower{level}"].to_numpy(), x[f"upper{level}"].to_numpy()
        inside = ((actual >= lower) & (actual <= upper)).astype(float)
        row[f"coverage{level}"] = 100 * inside.mean()
        row[f"coverage{level}_se"] = 100 * coverage_error(inside, x, "layout_backtest")
        other = interval_score(actual, x[f"naive_lower{level}"].to_numpy(), x[f"naive_upper{level}"].to_numpy(), level / 100)
        # Each forecast over its own count: England's largest authority would be the score otherwise.
        row[f"score{level}"] = float((interval_score(actual, lower, upper, level / 100) / actual).mean() / (other / actual).mean())
    return row


def document(table: pd.DataFrame, noisy: pd.DataFrame | None = None) -> str:
    """The section of ``docs/validation.md``."""
    head = "| measure | years | forecasts | WAPE % | of the mean | persistence % | CRPS | 80% hold % | 95% hold % | score 80% | score 95% |"
    lines = [head, "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for r in table.itertuples():
        held = [f"{getattr(r, f'coverage{k}'):.0f} ± {getattr(r, f'coverage{k}_se'):.0f}" for k in LEVELS]
        errors = f"{r.wape:.1f} | {r.wape_mean:.1f} | {r.wape_persistence:.1f} | {r.crps_over_error_of_persistence:.2f}"
        scored = f"{r.score80:.2f} | {r.score95:.2f}"
        lines.append(f"| {r.measure.replace('_', ' ')} | {r.horizon} | {r.forecasts} | {errors} | {held[0]} | {held[1]} | {scored} |")
    years, areas = ", ".join(map(str, BASES)), table["authorities"].max()
    text = f"""The pathway by age, pattern and state, calibrated by `project` itself to the counts of the years to March {years}
    ({areas} authorities whose five counts are in the files; {DRAWS} draws, seed {SEED}, version {jm.__version__}, expected flows), with
    children ageing on from the estimate of that year and births held. WAPE is of the median, then of the mean; CRPS is over persistence's
    mean absolute error; scores are interval scores over those of persistence with empirical intervals known in the base year, each forecast
    relative to its count (below 1 is better); errors of coverage by a bootstrap of authorities × years. Walks were fitted to the years to
    2019 and no number was tuned on these forecasts, but a first run of them showed what was missing (`docs/methods.md`, "What the backtest
    changed"). Not wholly out of sample: need by age, the shares and ages that divide an authority's counts, rates by pattern of risks and
    the dispersion of entries are of later years. Counts of authorities whose history is left out, or whose code is new, are in no
    forecast."""
    body = textwrap.fill(" ".join(text.split()), 140)
    more = _noise_words(table, noisy) if noisy is not None else ""
    return f"{MARKERS[0]}\n## The calibrated layout from earlier base years\n\n{body}\n\n" + "\n".join(lines) + f"\n{more}{MARKERS[1]}\n"


def _noise_words(table: pd.DataFrame, noisy: pd.DataFrame) -> str:
    def pooled(t: pd.DataFrame, measure: str) -> str:
        row = t[(t["measure"] == measure) & (t["horizon"].astype(str) == "all")].iloc[0]
        return f"{row['coverage80']:.0f} and {row['coverage95']:.0f}%"

    care = "looked_after_at_31_march"
    text = f"""With process noise, the 80% and 95% intervals of all years together hold {pooled(noisy, "all")} of all counts
    ({pooled(table, "all")} without), {pooled(noisy, care)} of looked-after children ({pooled(table, care)} without)."""
    return "\n" + textwrap.fill(" ".join(text.split()), 140) + "\n"


def rows_of(folder: Path, keep: Path, noise: bool = False, areas: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows of every base year and block; what is on disk is not run again."""
    keep.mkdir(parents=True, exist_ok=True)
    parts = []
    for base in BASES:
        named = [a for a in eligible(folder, base) if areas is None or a in areas]
        for k in range(0, len(named), BLOCK):
            file, start = keep / f"{base}-{k // BLOCK}{'-noise' if noise else ''}.csv", time.perf_counter()
            if not file.exists():
                made = forecasts(folder, base, named[k : k + BLOCK], noise)
                made.to_csv(file.with_suffix(".part"), index=False)
                file.with_suffix(".part").rename(file)
                print(f"{base}: {min(k + BLOCK, len(named))} of {len(named)}, {time.perf_counter() - start:.0f} s", flush=True)
            parts.append(pd.read_csv(file))
    return pd.concat(parts, ignore_index=True)


def sample(folder: Path) -> pd.DataFrame:
    """Scores of a few authorities from one base year, by measure, years ahead together: what the default tests make again."""
    rows = forecasts(folder, SAMPLE_BASE, SAMPLE, draws=SAMPLE_DRAWS)
    found = [{"measure": m} | scores(x) for m, x in rows.groupby("measure")]
    return pd.DataFrame(found).drop(columns=["coverage80_se", "coverage95_se"]).round(3)


def write(table: pd.DataFrame, name: str) -> None:
    """The table, and the section."""
    table.to_csv(RESULTS / name, index=False, lineterminator="\n")
    plain, noisy = (RESULTS / n for n in ("layout_backtest.csv", "layout_backtest_noise.csv"))
    old = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = old.partition(MARKERS[0])
    after = rest.partition(MARKERS[1] + "\n")[2]
    section = document(pd.read_csv(plain), pd.read_csv(noisy) if noisy.exists() else None)
    DOCUMENT.write_text(before.rstrip() + "\n\n" + section + after, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str]) -> None:
    """Run what is not on disk, and write table and section."""
    noise = "--noise" in arguments
    given = [Path(a) for a in arguments if not a.startswith("--")]
    keep = given[1] if len(given) > 1 else Path("layout_backtest_rows")
    table = summary(rows_of(given[0], keep, noise))
    write(table, "layout_backtest_noise.csv" if noise else "layout_backtest.csv")
    sample(given[0]).to_csv(SAMPLED, index=False, lineterminator="\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1:])
