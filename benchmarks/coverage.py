"""Do the intervals cover what they claim? Truths drawn from the model with one seed, intervals made with another.

``python -m benchmarks.coverage`` writes ``benchmarks/results/coverage.csv``. What is shown is that draws, quadrature, raking, sums and
quantiles fit together; that the assumptions themselves hold, no simulation can show.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
import jsna_model as jm
from jsna_model.population import Population

MEASURES = ("any_risk", "two_or_more", "all_three", "hazardous_drinking", "severe_parental_mental_illness")


def coverage(population: Population, draws: int = 1000, truths: int = 400, seeds: tuple[int, int] = (2026, 99)) -> pd.DataFrame:
    """Share of truths inside 95% intervals, by level and measure.

    Parameters
    ----------
    population : Population
    draws : int
        Draws that make the intervals.
    truths : int
        Draws of the other seed that serve as truths.
    seeds : tuple of int
        Of the intervals, and of the truths.
    """
    evidence = (*src.load_evidence_set("higher_harm"), *src.default_evidence())
    overlap = src.load_overlap("higher_harm")
    ours = jm.estimate(population, evidence, overlap, draws=draws, seed=seeds[0])
    theirs = jm.estimate(population, evidence, overlap, draws=truths, seed=seeds[1])
    rows = []
    for level in ours.levels:
        for measure in MEASURES:
            table = ours.summary(measure, level=level)
            truth = theirs.draws(measure, level).values
            inside = (truth >= table["lower"].values[:, None]) & (truth <= table["upper"].values[:, None])
            rows.append({"level": level, "areas": len(table), "measure": measure, "coverage_95": round(float(inside.mean()), 4)})
    return pd.DataFrame(rows)


def main() -> pd.DataFrame:
    """Three authorities: a unitary, a small one, a London borough."""
    tables = [coverage(src.load_population(a)).assign(authority=a) for a in ("Milton Keynes", "Rutland", "Hackney")]
    return pd.concat(tables)[["authority", "level", "areas", "measure", "coverage_95"]]


if __name__ == "__main__":
    table = main()
    target = Path(__file__).parent / "results" / "coverage.csv"
    table.to_csv(target, index=False)
    print(table.to_string(index=False), f"\nmean {np.mean(table['coverage_95']):.3f}")
