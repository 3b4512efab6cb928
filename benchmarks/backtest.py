"""Backtest of the trend forecasts on the authorities of England: the table of ``docs/validation.md``.

``python -m benchmarks.backtest DATA_FOLDER [--resume]`` reads DfE open data and ONS children (``dfe/`` and ``population/`` of a folder that
is not part of the package), and writes ``benchmarks/results/backtest*.csv`` and, from them, the section of ``docs/validation.md`` between
its markers; ``--document`` rewrites the section from the last tables. A panel that was backtested is kept in ``out/`` (outside git), and
``--resume`` goes on from there.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jsna_model.draws import uniforms
from jsna_model.methods.forecast_scores import wape
from jsna_model.verbs.backtest import ALL, backtest

ROOT = Path(__file__).resolve().parent.parent
RESULTS, DOCUMENT, CACHE = ROOT / "benchmarks/results", ROOT / "docs/validation.md", ROOT / "out/backtest_panels.csv"
SUMMARY, FEW, SIZES, NAIVE = (RESULTS / f"backtest{n}.csv" for n in ("", "_panels", "_sizes", "_persistence"))
MARKERS = ("<!-- backtest: written by python -m benchmarks.backtest -->", "<!-- backtest: end -->")

COUNTS = {
    "referrals": ("c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv.gz", "referral_count"),
    "children_in_need": ("b1_children_in_need_2013_to_2025.csv.gz", "At31_episodes"),
    "section_47": ("c4_children_in_need_section_47s_and_icpcs_2013_to_2025.csv.gz", "Section47"),
    "plans": ("d5_cpps_at31march_by_duration_2013_to_2025.csv.gz", "CPP_At31"),
}
LABELS = {
    "referrals": "referrals",
    "children_in_need": "children in need",
    "section_47": "section 47",
    "plans": "plans",
    "looked_after": "looked after",
    ALL: "all",
}
#: WAPE (%) of persistence on all authorities at 1, 2 and 3 years, as given with the task (issue 5).
GIVEN = {
    "referrals": (14.3, 19.2, 21.4),
    "children_in_need": (8.9, 11.6, 13.0),
    "section_47": (15.7, 20.4, 22.3),
    "plans": (18.0, 21.7, 23.3),
    "looked_after": (6.4, 9.3, 11.7),
}
LATE = 2019
PANELS = {1: 60, 3: 40, 10: 20, 38: 20}
SIZE_EDGES = (0, 50, 100, 300, 1000, np.inf)
SEED = 2026


def panel(data: Path) -> pd.DataFrame:
    """The panel of authorities: ``area_code, year, measure, value, population``; the year is the one that ends on 31 March.

    Looked after is DfE's count of 2021 to 2025 and, before, the same count as the Local Authority Interactive Tool gives it.
    """
    parts = [_local(pd.read_csv(data / "dfe" / name, dtype=str), column, measure) for measure, (name, column) in COUNTS.items()]
    care = pd.read_csv(data / "dfe" / "cla_number_and_rate_per_10k_children.csv.gz", dtype=str)
    care = _local(care[care["population_type"] == "Children looked after on 31 March each year"], "children_count", "looked_after")
    tool = pd.read_parquet(data / "dfe" / "lait_children.parquet")
    tool = tool[(tool["measure_short"] == "LACnum") & tool["la_number"].notna()]
    codes = pd.read_csv(data / "lookups" / "dfe_la_number_to_gss.csv", dtype=str).dropna(subset="old_la_code")
    codes = codes.sort_values("most_recent_year_included").drop_duplicates("old_la_code", keep="last")
    number = pd.to_numeric(tool["la_number"], errors="coerce").astype("Int64").astype(str)
    earlier = pd.DataFrame(
        {
            "area_code": number.map(codes.set_index("old_la_code")["new_la_code"]),
            "year": pd.to_numeric(tool["year"]).astype(int),
            "measure": "looked_after",
            "value": pd.to_numeric(tool["value"], errors="coerce"),
        }
    ).dropna(subset="area_code")
    earlier = earlier[earlier["year"] < care["year"].min()].drop_duplicates(["area_code", "year"])
    people = pd.read_csv(data / "population" / "la_0_17_dfe_2012_2024.csv.gz", dtype=str)
    people = _local(people, "population_estimate", "").rename(columns={"value": "population"}).drop(columns="measure").dropna()
    people["year"] += 1
    rows = pd.concat([*parts, care, earlier], ignore_index=True).merge(people, on=["area_code", "year"])
    return rows.sort_values(["measure", "area_code", "year"], ignore_index=True)


def _local(table: pd.DataFrame, column: str, measure: str) -> pd.DataFrame:
    table = table[(table["geographic_level"] == "Local authority") & table["new_la_code"].str.match(r"E\d{8}", na=False)]
    return pd.DataFrame(
        {
            "area_code": table["new_la_code"],
            "year": table["time_period"].astype(int),
            "measure": measure,
            "value": pd.to_numeric(table[column], errors="coerce"),
        }
    ).drop_duplicates(["area_code", "year"])


def naive_table(rows: pd.DataFrame) -> pd.DataFrame:
    """WAPE (%) of persistence by measure and horizon: of counts and of rates, from every origin and from `LATE` on."""
    found = []
    for measure in GIVEN:
        part = rows[rows["measure"] == measure]
        for kind in ("count", "rate"):
            wide = part.assign(x=part["value"] / (part["population"] if kind == "rate" else 1.0)).pivot(
                index="area_code", columns="year", values="x"
            )
            for since in (int(part["year"].min()), LATE):
                for h in range(1, 6):
                    pairs = [(wide[y], wide[y + h]) for y in wide if y >= since and y + h in wide]
                    if pairs:
                        before, after = (np.concatenate([p[i].to_numpy() for p in pairs]) for i in (0, 1))
                        ok = np.isfinite(before) & np.isfinite(after)
                        found.append((measure, kind, since, h, round(100 * wape(after[ok], before[ok]), 2)))
    return pd.DataFrame(found, columns=["measure", "of", "origins_from", "horizon", "wape"])


def size_table(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Error and coverage by the size of the latest count."""
    bins = pd.cut(forecasts["persistence"], SIZE_EDGES, right=False)
    found = []
    for size, x in forecasts.groupby(bins, observed=True):
        inside = {n: ((x["actual"] >= x[f"lower{n}"]) & (x["actual"] <= x[f"upper{n}"])).mean() for n in (80, 95)}
        actual = x["actual"].to_numpy()
        errors = [wape(actual, x[c].to_numpy()) for c in ("median", "persistence")]
        found.append((f"{size.left:g} to {size.right:g}", len(x), x["area_code"].nunique(), *errors, inside[80], inside[95]))
    return pd.DataFrame(found, columns=["count", "forecasts", "areas", "wape", "wape_persistence", "coverage80", "coverage95"])


def small_panels(rows: pd.DataFrame, resume: bool = False) -> pd.DataFrame:
    """What a user with few authorities would see: random panels of each size, each forecast from itself alone."""
    whole = rows.dropna(subset="value").groupby(["measure", "area_code"]).size().unstack()
    areas = whole.columns[(whole >= 9).all()].to_numpy(str)
    done = pd.read_csv(CACHE) if resume and CACHE.is_file() else pd.DataFrame(columns=["areas", "panel"])
    for n, panels in PANELS.items():
        for i in range(panels):
            if ((done["areas"] == n) & (done["panel"] == i)).any():
                continue
            chosen = areas[np.argsort(uniforms(SEED, f"backtest/panel/{n}/{i}", len(areas)))[:n]]
            f = backtest(rows[rows["area_code"].isin(chosen)]).forecasts
            inside = {k: ((f["actual"] >= f[f"lower{k}"]) & (f["actual"] <= f[f"upper{k}"])).sum() for k in (80, 95)}
            row = {"areas": n, "panel": i, "forecasts": len(f), "total": f["actual"].sum(), "inside80": inside[80], "inside95": inside[95]}
            row |= {c: (f["actual"] - f[c]).abs().sum() for c in ("median", "persistence")}
            done = pd.concat([done, pd.DataFrame([row])], ignore_index=True)
            CACHE.parent.mkdir(exist_ok=True)
            done.to_csv(CACHE, index=False)
    total = done.groupby("areas").sum().reset_index()
    return pd.DataFrame(
        {
            "areas": total["areas"].astype(int),
            "panels": [PANELS[int(n)] for n in total["areas"]],
            "wape": total["median"] / total["total"],
            "wape_persistence": total["persistence"] / total["total"],
            "skill": 1 - total["median"] / total["persistence"],
            "coverage80": total["inside80"] / total["forecasts"],
            "coverage95": total["inside95"] / total["forecasts"],
        }
    )


def section(summary: pd.DataFrame, few: pd.DataFrame, sizes: pd.DataFrame, naive: pd.DataFrame) -> str:
    """The words and tables of the document."""
    whole = summary[(summary["measure"] == ALL) & (summary["horizon"] == ALL)].iloc[0]
    by = summary.assign(horizon=summary["horizon"].astype(str)).set_index(["measure", "horizon"])
    horizons = [*(str(h) for h in range(1, 6)), ALL]
    names = [*GIVEN, ALL]
    worse = [
        f"{LABELS[m]} at {h} years ({100 * by.loc[(m, h), 'skill']:+.1f}%)"
        for m in names
        for h in horizons[:-1]
        if by.loc[(m, h), "skill"] < -0.0005
    ]

    def error(m: str, h: str) -> str:
        r = by.loc[(m, h)]
        return f"{100 * r['wape']:.1f} ({100 * r['wape_persistence']:.1f})"

    def cover(m: str, level: int) -> str:
        r = by.loc[(m, ALL)]
        return f"{100 * r[f'coverage{level}']:.1f} ± {100 * r[f'coverage{level}_se']:.1f}"

    def ratio(m: str, level: int) -> str:
        r = by.loc[(m, ALL)]
        return f"{r[f'interval_score{level}'] / r[f'interval_score{level}_persistence']:.2f}"

    def seen(m: str, of: str, late: bool) -> str:
        x = naive[(naive["measure"] == m) & (naive["of"] == of) & ((naive["origins_from"] == LATE) == late)]
        return " / ".join(f"{v:.1f}" for v in x.set_index("horizon")["wape"].reindex([1, 2, 3]))

    percent = "{:.1f}".format
    intro = (
        "Written by `python -m benchmarks.backtest` from `benchmarks/results/backtest*.csv`; not edited by hand. "
        "Methods: `docs/methods.md`, Trend and backtest.",
        f"{int(whole['forecasts']):,} forecasts of five counts of English authorities, one to five years ahead, from every origin with "
        "three years of data; authorities whose history is left out of the data are in no forecast. Everything that is estimated, weights "
        f"and widths alike, comes from before the origin. Pooled, the median misses by {100 * whole['wape']:.1f}% of the total, "
        f"persistence by {100 * whole['wape_persistence']:.1f}%: skill {100 * whole['skill']:.1f}%. "
        f"Worse than persistence: {'; '.join(worse) or 'nowhere'}.",
        "WAPE, %, of the median (of persistence) by years ahead:",
    )
    calibration = (
        "Coverage, %, with the standard error of the block bootstrap (authorities × years); interval scores as a multiple of those of "
        "persistence with empirical intervals (below 1 is better); MASE of the median (of persistence); CRPS in counts:"
    )
    sized = (
        "By the latest count. Intervals of counts below 100 are too narrow: the few authorities there move more than the power law of "
        "size and the noise of counts allow."
    )
    few_words = (
        "Panels of few authorities, drawn at random and forecast each from itself alone, as a user with few series would. Below three "
        "authorities nothing is mixed in, so that the forecast is persistence."
    )
    stated = (
        "Persistence at 1 / 2 / 3 years beside the figures stated for all 153 authorities. The data here lack the history of some "
        f"authorities, and the years and origins of the statement are not known; rates per child from origins since {LATE} come nearest. "
        "An error of rates weighs every authority alike, and so the noisier small ones more than an error of counts does; years before "
        f"{LATE} moved more than those since."
    )
    calibrated = [
        [
            LABELS[m],
            *(cover(m, n) for n in (80, 95)),
            *(ratio(m, n) for n in (80, 95)),
            f"{by.loc[(m, ALL), 'mase']:.2f} ({by.loc[(m, ALL), 'mase_persistence']:.2f})",
            f"{by.loc[(m, ALL), 'crps']:.1f}",
        ]
        for m in names
    ]
    naives = [
        [LABELS[m], " / ".join(f"{v:.1f}" for v in GIVEN[m]), *(seen(m, of, late) for of in ("rate", "count") for late in (True, False))]
        for m in GIVEN
    ]
    kinds = (f"rates since {LATE}", "rates, all origins", f"counts since {LATE}", "counts, all origins")
    parts = [
        "# Backtest of trend forecasts",
        *(_wrapped(p) for p in intro),
        _table(["measure", *horizons], [[LABELS[m], *(error(m, h) for h in horizons)] for m in names]),
        _wrapped(calibration),
        _table(["measure", "80% intervals", "95% intervals", "score 80%", "score 95%", "MASE", "CRPS"], calibrated),
        _wrapped(sized),
        _table(
            ["count", "forecasts", "authorities", "WAPE", "persistence", "80% hold", "95% hold"],
            [[r["count"], r["forecasts"], r["areas"], *(percent(100 * v) for v in list(r)[3:])] for _, r in sizes.iterrows()],
        ),
        _wrapped(few_words),
        _table(
            ["authorities", "panels", "WAPE", "persistence", "skill", "80% hold", "95% hold"],
            [[int(r["areas"]), int(r["panels"]), *(percent(100 * v) for v in list(r)[2:])] for _, r in few.iterrows()],
        ),
        _wrapped(stated),
        _table(["measure", "stated", *kinds], naives),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 140, break_on_hyphens=False, break_long_words=False)


def _table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---", *(["---:"] * (len(header) - 1))], *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def document(text: str, content: str) -> str:
    """The document with the section between its markers, which are added at the end where they are not there."""
    if MARKERS[0] not in text:
        text = f"{text.rstrip()}\n\n{MARKERS[0]}\n{MARKERS[1]}\n"
    start, end = text.index(MARKERS[0]) + len(MARKERS[0]), text.index(MARKERS[1])
    return f"{text[:start]}\n{content}\n{text[end:]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Backtest, write and print."""
    parser = argparse.ArgumentParser(description="Backtest of the trend forecasts.")
    parser.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data", help="folder of DfE and ONS data")
    parser.add_argument("--resume", action="store_true", help=f"go on from {CACHE.relative_to(ROOT)}")
    parser.add_argument("--document", action="store_true", help="only rewrite the document from the last tables")
    options = parser.parse_args(arguments)
    if not options.document:
        rows = panel(options.data)
        done = backtest(rows)
        tables = {
            SUMMARY: done.summary,
            NAIVE: naive_table(rows),
            SIZES: size_table(done.forecasts),
            FEW: small_panels(rows, options.resume),
        }
        for path, table in tables.items():
            table.to_csv(path, index=False, lineterminator="\n", float_format="%.5g")
    content = section(*(pd.read_csv(p) for p in (SUMMARY, FEW, SIZES, NAIVE)))
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8"), content), encoding="utf-8", newline="\n")
    print(content)


if __name__ == "__main__":
    main()
