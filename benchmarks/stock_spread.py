"""Do projected stocks and starts vary as published ones do? The model's log sd after one and three years against authorities'.

``python -m benchmarks.stock_spread`` writes ``benchmarks/results/stock_spread.csv``: an authority of England's average size with need
held, so that only rates move. Published: ``service_volatility.csv`` (looked after: in sample, its series begins in 2021).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
from jsna_model.conventions import ENGLAND
from jsna_model.pathway import FLOWS, STOCKS
from jsna_model.scenario import Scenario
from jsna_model.verbs.demand_model import run

AUTHORITIES = 151
SERVICES = (*STOCKS, "referrals", "child_in_need_started", "child_protection_plan_started", "looked_after_started")


def spread(draws: int = 2000) -> pd.DataFrame:
    """Log sd of the model after one and three years beside that of published series."""
    pathway = src.load_pathway("Milton Keynes")
    england = pathway.observed["observed"].sel(area=ENGLAND)
    counts = {str(s): float(england.sel(service=s)) / AUTHORITIES for s in england["service"].values}
    demand = run("average", counts, np.ones((3, draws)), np.full(draws, 2e4), pathway, Scenario("baseline"), "2025-04", 2026)
    published = pd.read_csv(Path(__file__).parent / "results" / "service_volatility.csv").set_index("service")
    rows = []
    for service in SERVICES:
        values = demand.caseload[:, STOCKS.index(service)] if service in STOCKS else demand.flow[:, FLOWS.index(service)]
        row: dict[str, object] = {"service": service, "mean_year_3_over_base": round(float(values[2].mean() / counts[service]), 3)}
        for h in (1, 3):
            model, seen = float(np.log(values[h - 1]).std()), float(published.loc[service, f"log_sd_h{h}"])
            row |= {f"model_h{h}": round(model, 3), f"published_h{h}": round(seen, 3), f"ratio_h{h}": round(model / seen, 2)}
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = spread()
    table.to_csv(Path(__file__).parent / "results" / "stock_spread.csv", index=False)
    print(table.to_string(index=False))
