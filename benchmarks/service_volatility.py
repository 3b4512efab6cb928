"""How fast services' rates per child move from year to year in an authority: the sd of a random walk, and what it covers.

Reads DfE open data (children in need B1, C1, C4, D3; children looked after) from a folder that is not part of the package:
``python -m benchmarks.service_volatility DATA_FOLDER``. Writes ``benchmarks/results/service_volatility.csv``, from which
``data_sources/figures/service_volatility.csv`` is carried over.

The sd is robust (1.4826 x median absolute deviation) over authorities with at least 50 events, of the log change of the rate per
child in a year, pooled over the years to 2019 (looked after: from 2016, which is as far back as the files go); `persistence` is the phi of
``e_t = phi e_(t-1) + noise`` that gives the sd seen over three years (1: a random walk). Then checked on 2021-2025, which no fit has
seen: the share of later changes over one, two and three years inside +-1.96 sd. Counts' own Poisson noise is inside the sd.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FILES = {
    "referrals": ("c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv.gz", "referral_count"),
    "child_in_need_started": ("b1_children_in_need_2013_to_2025.csv.gz", "Started_episodes"),
    "child_in_need_at_31_march": ("b1_children_in_need_2013_to_2025.csv.gz", "At31_episodes"),
    "section_47_enquiries": ("c4_children_in_need_section_47s_and_icpcs_2013_to_2025.csv.gz", "Section47"),
    "initial_child_protection_conferences": ("c4_children_in_need_section_47s_and_icpcs_2013_to_2025.csv.gz", "ICPC"),
    "child_protection_plan_started": ("d3_cpps_subsequent_plan_2013_to_2025.csv.gz", "CPP_start"),
    "child_protection_plan_at_31_march": ("d5_cpps_at31march_by_duration_2013_to_2025.csv.gz", "CPP_At31"),
}
LOOKED_AFTER = {
    "looked_after_started": "Children starting to be looked after each year",
    "looked_after_at_31_march": "Children looked after on 31 March each year",
    "looked_after_ceased": "Children ceasing to be looked after each year",
}
MINIMUM = 50
#: The same counts in DfE's Local Authority Interactive Tool, which holds them from 2016 on.
SINCE_2016 = {
    "looked_after_started": "LACnum_Start",
    "looked_after_at_31_march": "LACnum",
    "looked_after_ceased": "LACceased",
}


def panel(folder: Path, more: dict[str, tuple[str, str]] | None = None) -> dict[str, pd.DataFrame]:
    """Log rate per child by authority (rows) and year (columns), NaN below `MINIMUM` events."""
    population = pd.read_csv(folder / "population" / "la_0_17_dfe_2012_2024.csv.gz")
    population = population[population["geographic_level"] == "Local authority"]
    value = pd.to_numeric(population["population_estimate"], errors="coerce")
    people = population.assign(value=value, year=population["time_period"] + 1).pivot_table(
        index="new_la_code", columns="year", values="value"
    )
    out = {}
    for service, (name, column) in {**FILES, **(more or {})}.items():
        data = pd.read_csv(folder / "dfe" / name, dtype=str)
        match = [c for c in data.columns if c.lower() == column.lower()] or [
            c for c in data.columns if c.lower().startswith(column.lower())
        ]
        out[service] = _log_rate(data, match[0], people)
    cla = pd.read_csv(folder / "dfe" / "cla_number_and_rate_per_10k_children.csv.gz", dtype=str)
    early = looked_after_since_2016(folder)
    for service, category in LOOKED_AFTER.items():
        late = _log_rate(cla[cla["population_type"] == category], "children_count", people)
        before = early[service].where(early[service] >= MINIMUM)
        areas, years = before.index.intersection(people.index), [y for y in before.columns if y in people.columns]
        out[service] = late.combine_first(np.log(before.loc[areas, years] / people.loc[areas, years])).sort_index(axis=1)
    return out


def looked_after_since_2016(folder: Path) -> dict[str, pd.DataFrame]:
    """Counts of looked-after children by authority (rows) and year (columns), 2016 on, from DfE's Local Authority Interactive Tool."""
    table = pd.read_parquet(folder / "dfe" / "lait_children.parquet")
    codes = pd.read_csv(folder / "lookups" / "dfe_la_number_to_gss.csv").sort_values("most_recent_year_included")
    codes = codes.assign(number=pd.to_numeric(codes["old_la_code"], errors="coerce")).dropna(subset="number")
    code = dict(zip(codes["number"].astype(int), codes["new_la_code"], strict=True))
    table = table.assign(
        number=pd.to_numeric(table["la_number"], errors="coerce"),
        value=pd.to_numeric(table["value"], errors="coerce"),
        year=pd.to_numeric(table["year"].str[:4], errors="coerce"),
    ).dropna(subset=["number", "year"])
    table = table.assign(area=table["number"].astype(int).map(code), year=table["year"].astype(int))
    return {s: table[table["measure_short"] == m].pivot_table(index="area", columns="year", values="value") for s, m in SINCE_2016.items()}


def _log_rate(data: pd.DataFrame, column: str, people: pd.DataFrame) -> pd.DataFrame:
    data = data[data["geographic_level"] == "Local authority"]
    counts = data.assign(count=pd.to_numeric(data[column], errors="coerce"), year=data["time_period"].astype(int))
    wide = counts.pivot_table(index="new_la_code", columns="year", values="count")
    wide = wide.where(wide >= MINIMUM)
    areas, years = wide.index.intersection(people.index), [y for y in wide.columns if y in people.columns]
    return np.log(wide.loc[areas, years] / people.loc[areas, years])


def robust_sd(values: np.ndarray) -> float:
    """1.4826 x median absolute deviation about zero."""
    return float(1.4826 * np.median(np.abs(values[np.isfinite(values)])))


def persistence(ratio: float) -> float:
    """The phi of a walk ``e_t = phi e_(t-1) + noise`` whose sd after three years is `ratio` times that after one.

    ``ratio^2 = 1 + phi^2 + phi^4``, so ``phi^2 = (-1 + sqrt(4 ratio^2 - 3)) / 2``, kept within [0, 1].
    """
    square = (-1 + np.sqrt(max(4 * ratio**2 - 3, 1.0))) / 2
    return float(np.sqrt(min(square, 1.0)))


def main(folder: Path) -> pd.DataFrame:
    """Sd by service and coverage of the walk on later years."""
    rates = panel(folder)
    fitted = {}
    for service, table in rates.items():
        early = table[[y for y in table.columns if y <= 2019]]
        fitted[service] = early
    sds = {s: robust_sd(t.diff(axis=1).values.ravel()) for s, t in fitted.items()}
    own = {s: persistence(robust_sd((t - t.shift(3, axis=1)).values.ravel()) / sds[s]) for s, t in fitted.items()}
    rows = []
    for service, table in fitted.items():
        memory = own[service]
        row: dict[str, object] = {
            "service": service,
            "yearly_log_sd": round(sds[service], 4),
            "persistence": round(memory, 3),
            "fitted_on": "to 2019",
            "changes": int(np.isfinite(table.diff(axis=1).values).sum()),
        }
        for h in (1, 3):
            row[f"log_sd_h{h}"] = round(robust_sd((table - table.shift(h, axis=1)).values.ravel()), 4)
        late = rates[service][[y for y in rates[service].columns if y >= 2021]]
        for h in (1, 2, 3):
            moved = (late - late.shift(h, axis=1)).values.ravel()
            moved = moved[np.isfinite(moved)]
            wide = sds[service] * np.sqrt(sum(memory ** (2 * i) for i in range(h)))
            row[f"coverage_95_h{h}"] = round(float((np.abs(moved) <= 1.96 * wide).mean()), 3)
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = main(Path(sys.argv[1]))
    target = Path(__file__).parent / "results" / "service_volatility.csv"
    target.parent.mkdir(exist_ok=True)
    table.to_csv(target, index=False)
    print(table.to_string(index=False))
