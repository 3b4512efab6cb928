"""The pathway's layout on every authority: what does not reconcile, and how it compares with what it was not fitted to.

``python -m benchmarks.pathway_layout`` calibrates all 153 authorities and writes ``benchmarks/results/pathway_layout.csv``: a row an
authority, with every count that the steady state misses by more than 1%, and the share of those leaving care who reach 18 there (not
fitted; England 2024: 13,080 of 33,620, DfE). ``python -m benchmarks.pathway_layout --time`` projects one authority for ten years on 1,000
draws in four scenarios, with expected flows and with process noise, and prints seconds and MiB. ``--spread`` writes
``pathway_layout_spread.csv``: do projected counts vary as published ones do?
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
import jsna_model as jm
from benchmarks.stock_spread import AUTHORITIES, SERVICES
from data_sources.pathway_layout import load_layout
from jsna_model.conventions import ENGLAND
from jsna_model.layout import compile_layout
from jsna_model.verbs.layout_project import birth_classes
from jsna_model.verbs.layout_rates import achieved, base_rates, entry_ages
from jsna_model.verbs.layout_run import Setup, run_layout, with_layout
from jsna_model.verbs.project import LAYOUT_NEEDS, _counts

RESULTS = Path(__file__).parent / "results" / "pathway_layout.csv"


def calibrate() -> pd.DataFrame:
    """One row an authority."""
    pathway, projection = src.load_pathway("England"), src.load_projection("England")
    values = {n: p.value for n, p in load_layout().items()}
    layout = compile_layout("early_help_and_cin")
    children = projection.data["children"].sel(year=2024)
    children = children.sum("sex") if "sex" in children.dims else children
    rows = []
    for area in (str(a) for a in children["area"].values):
        counts, filled = _counts(pathway, area, LAYOUT_NEEDS)
        by_class = birth_classes(children.sel(area=area).transpose("age").values)
        found = base_rates(counts, values, by_class)
        reached = achieved(found.rates, layout, entry_ages(by_class, values), values)
        rows.append(
            {
                "area": area,
                "area_name": str(pathway.observed["area_name"].sel(area=area).values),
                "not_published": "; ".join(filled),
                "discrepancy": "; ".join(f"{n} {r:.2f}" for n, r in found.discrepancy.items()),
                "notes": " ".join(found.notes),
                "aged_out_of_care": round(reached["left_care_at_18"], 1),
                "left_care": round(reached["looked_after_ceased"], 1),
            }
        )
    return pd.DataFrame(rows)


def timed(area: str = "Milton Keynes", draws: int = 1000) -> None:
    """Seconds of `project`, and the process's peak memory so far."""
    nouns = src.resolve(jm.Study.of({"area": area}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=draws)
    from data_sources.pathway import load_pathway

    quick = jm.Scenario("quick", "Shorter early help", "benchmark").scale("early_help.closure_rate", 1.3, "2026-04")
    pathway = load_pathway(area, layout="early_help_and_cin")
    for noise in (False, True):
        start, cpu = time.perf_counter(), time.process_time()
        jm.project(now, nouns.projection, pathway, [*nouns.scenarios, quick], years=10, process_noise=noise)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = f"{time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} s of processor"
        print(f"{'process noise' if noise else 'expected flows'}: {seconds}, peak {peak:.0f} MiB")


def spread(draws: int = 512) -> pd.DataFrame:
    """Log sd of an authority of England's average size after one and three years, need held, beside that of published series."""
    pathway = src.load_pathway("Milton Keynes")
    england = pathway.observed["observed"].sel(area=ENGLAND)
    counts = {str(s): float(england.sel(service=s)) / AUTHORITIES for s in england["service"].values}
    given = load_layout()
    values = {n: p.value for n, p in given.items()}
    ages = birth_classes(np.ones(18))
    patterns = np.array([0.8, 0.1, 0.07, 0.03])
    children = np.broadcast_to((ages * 4400)[None, :, None, None] * patterns[:, None], (4, len(ages), 4, draws))
    need = children * values["need.rate_ratio"] ** np.array([0, 1, 1, 2])[:, None]
    base = base_rates(counts, values, ages)
    own = with_layout(pathway, base, given)
    setup = Setup("average", counts, base, values, need, children.sum(1), children[:, :, 1:].sum((1, 2)), own, "2025-04", 2026)
    published = pd.read_csv(RESULTS.parent / "service_volatility.csv").set_index("service")
    rows = []
    for noise in (False, True):
        found = run_layout(setup, [jm.Scenario("baseline")], noise=noise).published
        for service in SERVICES:
            values_of = found[service][:, 0]
            row: dict[str, object] = {"process_noise": noise, "service": service}
            row["mean_year_3_over_base"] = round(float(values_of[2].mean() / counts[service]), 3)
            for h in (1, 3):
                model, seen = float(np.log(values_of[h - 1]).std()), float(published.loc[service, f"log_sd_h{h}"])
                row |= {f"model_h{h}": round(model, 3), f"published_h{h}": round(seen, 3), f"ratio_h{h}": round(model / seen, 2)}
            rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    if "--time" in sys.argv[1:]:
        timed()
    elif "--spread" in sys.argv[1:]:
        table = spread()
        table.to_csv(RESULTS.with_name("pathway_layout_spread.csv"), index=False)
        print(table.to_string(index=False))
    else:
        table = calibrate()
        table.to_csv(RESULTS, index=False)
        print(table[(table.discrepancy != "") | (table.notes != "")].to_string())
        print(f"aged out: {table.aged_out_of_care.sum() / table.left_care.sum():.3f} of those leaving care", len(table), "authorities")
