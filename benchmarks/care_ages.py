"""How starting and leaving care differ by age: multiples of hazards that give England's published ages, and a stock they have not seen.

``python -m benchmarks.care_ages`` solves for the multiples ``care.start_age_*`` and ``care.end_age_*`` of ``defaults/layout.toml`` (each
set has mean 1 over the years of age, so that eight are free), prints them, and writes ``benchmarks/results/care_ages.csv``: shares by age,
published and of the layout's steady state, with hazards equal at all ages and with the multiples. Fitted: ages at starting (2025) and at
ceasing (2024). Not fitted: ages of those looked after at 31 March (2022, the latest preview that holds them).

Published counts are of England, DfE, Children looked after in England: "CLA starting during the year - characteristics - by local
authority", release 2025; "Children ceasing to be looked after", release 2024; "CLA on 31 March by characteristics - LA", release 2022
(previews of Explore Education Statistics, rounded to 10; under 1 is the total less the other bands, which the previews leave out).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import data_sources as src
from data_sources.pathway_layout import load_layout
from jsna_model.conventions import ENGLAND
from jsna_model.layout import CARE, compile_layout
from jsna_model.verbs.layout_project import birth_classes
from jsna_model.verbs.layout_rates import base_rates, entry_ages, steady_year
from jsna_model.verbs.project import LAYOUT_NEEDS, _counts

Array = NDArray[np.float64]

RESULT = Path(__file__).parent / "results" / "care_ages.csv"
BANDS = ("0", "1_4", "5_9", "10_15", "16_17")
STARTED = np.array([32_270 - 4_430 - 4_920 - 8_660 - 9_110, 4_430, 4_920, 8_660, 9_110], dtype=float)
#: The last at 18 or over; 16 and 17 are 2,080 and 1,940.
CEASED = np.array([1_660, 6_340, 3_690, 4_830, 4_020, 13_080], dtype=float)
#: Looked after at 31 March 2022.
STOCK = np.array([82_170 - 11_350 - 14_890 - 31_700 - 20_260, 11_350, 14_890, 31_700, 20_260], dtype=float)
_FIRST = (0, 1, 5, 10, 16, 18)


def by_band(by_class: Array) -> Array:
    """Events by DfE's band from events by age reached at the end of the year: half happen a year younger."""
    ages = np.concatenate([[by_class[0] + by_class[1] / 2], (by_class[1:-2] + by_class[2:-1]) / 2, [by_class[-2] / 2 + by_class[-1]]])
    return np.array([ages[a:b].sum() for a, b in pairwise(_FIRST)])


def ages_of_care(values: Mapping[str, float]) -> dict[str, Array]:
    """Shares of starts, ends and stock by band, of England's steady state of 2024-25."""
    pathway, projection = src.load_pathway("England"), src.load_projection("England")
    children = projection.data["children"].sel(year=2024)
    classes = birth_classes(children.transpose("area", "age").values.sum(0))
    counts, _ = _counts(pathway, ENGLAND, LAYOUT_NEEDS)
    layout, rates = compile_layout("early_help_and_cin"), base_rates(counts, values, classes).rates
    year = steady_year(rates, layout, entry_ages(classes, values), values)

    def flow(count: str) -> Array:
        return by_band(np.sum([v for r, v in year.flows if count in r.counts], axis=0))

    at_18 = sum(year.aged_out[year.place[s]] for s in CARE)
    care = np.sum([year.stock[:, year.place[s]] for s in CARE], axis=0)
    stock = np.array([care[a + 1 : b + 1].sum() for a, b in pairwise(_FIRST)])
    found = {"started": flow("looked_after_started"), "ceased": np.append(flow("looked_after_ceased"), at_18), "at_31_march": stock}
    return {n: v / v.sum() for n, v in found.items()}


def solve() -> dict[str, float]:
    """Multiples by name that meet the published ages at starting and ceasing, by least squares on shares; mean 1 over the bands' years."""
    from scipy.optimize import least_squares

    values = {n: p.value for n, p in load_layout().items()}
    names = [f"care.{what}_age_{b}" for what in ("start", "end") for b in BANDS]
    want = np.concatenate([STARTED / STARTED.sum(), CEASED / CEASED.sum()])
    years = np.diff(_FIRST) / 18

    def given(x: Array) -> dict[str, float]:
        m = np.exp(x).reshape(2, -1)
        return dict(zip(names, (m / (m * years).sum(1, keepdims=True)).ravel().tolist(), strict=True))

    def off(x: Array) -> Array:
        found = ages_of_care(values | given(x))
        # The weak pull to one fixes each set's level, which the means take out.
        return np.concatenate([100 * (np.concatenate([found["started"], found["ceased"]]) - want), 1e-3 * x])

    return given(least_squares(off, np.zeros(len(names)), diff_step=1e-3, xtol=1e-8, ftol=1e-8).x)


def table(fitted: Mapping[str, float]) -> pd.DataFrame:
    """Shares by band: published, at equal hazards, and at the multiples."""
    values = {n: p.value for n, p in load_layout().items()}
    equal, own = ages_of_care(values | dict.fromkeys(fitted, 1.0)), ages_of_care(values | dict(fitted))
    published = {"started": STARTED, "ceased": CEASED, "at_31_march": STOCK}
    rows = []
    for what, counts in published.items():
        for i, band in enumerate((*BANDS, "18")[: len(counts)]):
            row = {"what": what, "fitted": what != "at_31_march", "age": band, "published": counts[i] / counts.sum()}
            rows.append(row | {"equal_hazards": equal[what][i], "by_age": own[what][i]})
    return pd.DataFrame(rows).round(4)


if __name__ == "__main__":
    found = solve()
    print("\n".join(f"{n} = {v:.3f}" for n, v in found.items()))
    made = table({n: round(v, 3) for n, v in found.items()})
    made.to_csv(RESULT, index=False, lineterminator="\n")
    print(made.to_string(index=False))
