"""How far small-area children are out: scaling old counts to new totals against ageing cohorts on first.

Run ``python -m benchmarks.small_area_error`` with ``../shared`` beside the repository; it writes
``benchmarks/results/small_area_error.csv`` and ``data_sources/figures/small_area_error.csv``, and prints a summary.

Three trials, each against ONS small-area estimates on 2011 boundaries (superseded since by the 2021 Census, but made from
administrative records and not by either method):

* Census 2011 bands → mid-2019 (8.25 years) and → mid-2020 (9.25 years). The bands (0–4, 5–7, 8–9, 10–14, 15, 16–17, 18–19) are split by
  the authority's mid-2011 single years, as there is no MSOA table by single year here.
* mid-2019 five-year bands, split by MSOA single years → mid-2020 (1 year): the production method over a shorter gap.

In each, every single year is scaled to the (lower-tier) authority's total at the later date, as the embedded table is. Error is by DfE
band, at LSOA and at MSOA: weighted absolute error, the log sd that it implies (``wae * sqrt(pi/2)``), and ``rho``, the correlation of
relative errors of two LSOAs in one MSOA.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jsna_model.conventions import AGE_BANDS
from jsna_model.methods.small_area import age_on, log_sd_from_wae, scale_to_totals, split_bands, weighted_absolute_error

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
AGES_2011 = (0, 5, 8, 10, 15, 16, 18, 20)
BANDS_2011 = ["age_0_4", "age_5_7", "age_8_9", "age_10_14", "age_15", "age_16_17", "age_18_19"]
#: Weighted absolute error at LSOA of the embedded children by band, in the one authority whose mid-2024 LSOA counts are published
#: (``../shared/figures/README.md``).
PUBLISHED = {"under_1": 0.29, "1_4": 0.14, "5_9": 0.11, "10_15": 0.09, "16_17": 0.15}
AGES = [f"age_{a}" for a in range(20)]
Array = NDArray[np.float64]


def read() -> tuple[pd.DataFrame, Array, Array, Array]:
    """Places of each LSOA 2011, with Census 2011 bands split to single years, mid-2019 and mid-2020 single years, each (n, 20)."""
    place = pd.read_csv(SHARED / "lookups/lsoa11_hierarchy_england.csv.gz").set_index("lsoa11_code").sort_index()
    place = place[place["utla21_code"] != "E06000053"]  # Isles of Scilly, one LSOA: it had nobody of some ages in 2011 to scale
    census = pd.read_csv(SHARED / "population/lsoa11_census2011_ks102_age.csv.gz").set_index("lsoa11_code").loc[place.index]
    y2019, y2020 = (
        pd.read_parquet(SHARED / f"population/lsoa11_mye{y}_syoa_persons.parquet").set_index("lsoa11_code").loc[place.index, AGES]
        for y in (2019, 2020)
    )
    la = pd.read_parquet(SHARED / "population/la_mye_syoa_sex_2011_2024.parquet")
    la = la[(la["year"] == 2011) & (la["age"] < 20)].pivot_table(index="code", columns="age", values="population", aggfunc="sum")
    now = (
        pd.read_csv(SHARED / "lookups/ltla_code_changes_2016_2024.csv")
        .drop_duplicates("ltla21_code")
        .set_index("ltla21_code")["ltla23_code"]
    )
    shares = la.loc[place["ltla21_code"].map(now)].to_numpy(float)
    single = split_bands(census[BANDS_2011].to_numpy(float), shares, AGES_2011)
    return place, single, y2019.to_numpy(float), y2020.to_numpy(float)


def five_year_then_msoa(single: Array, msoa: NDArray[np.intp]) -> Array:
    """Forget an LSOA's single years within five-year bands, and split these again by its MSOA's: what Census 2021 tables allow."""
    totals = np.zeros((msoa.max() + 1, single.shape[1]))
    np.add.at(totals, msoa, single)
    return split_bands(single.reshape(len(single), 4, 5).sum(axis=2), totals[msoa])


def to_bands(single: Array) -> Array:
    """DfE bands, then children 0–17, from single years; (n, 6)."""
    bands = [single[:, first : last + 1].sum(axis=1) for first, last in AGE_BANDS.values()]
    return np.stack([*bands, single[:, :18].sum(axis=1)], axis=1)


def group_sum(values: Array, group: NDArray[np.intp]) -> Array:
    """Sums by group."""
    out = np.zeros((group.max() + 1, values.shape[1]))
    np.add.at(out, group, values)
    return out


def within(error: Array, group: NDArray[np.intp], weight: Array) -> float:
    """Correlation of two LSOAs' relative errors in one MSOA: mean product of pairs over mean square, weighted by children."""
    keep = weight > 0
    scaled = np.where(keep, error / np.where(keep, weight, 1), 0) * np.sqrt(weight)  # error / sqrt(children)
    total, square, count = (np.bincount(group, v) for v in (scaled, scaled**2, np.ones_like(scaled)))
    pairs, n = (total**2 - square).sum(), (count * (count - 1)).sum()
    return float((pairs / n) / (square.sum() / count.sum()))


def trial(name: str, start: Array, truth: Array, years: float, place: pd.DataFrame) -> list[dict[str, object]]:
    """Both methods on one pair of dates; a row for each method, level and band."""
    msoa = np.unique(place["msoa11_code"], return_inverse=True)[1]
    authority = np.unique(place["ltla21_code"], return_inverse=True)[1]
    children = truth[:, :18]
    totals = group_sum(children, authority)
    rows: list[dict[str, object]] = []
    truth_bands = to_bands(children)
    for method, moved in (("scale", start[:, :18]), ("age_on", age_on(start, years))):
        estimate = to_bands(scale_to_totals(moved, totals, authority))
        levels = {"lsoa": (estimate, truth_bands), "msoa": (group_sum(estimate, msoa), group_sum(truth_bands, msoa))}
        for i, band in enumerate((*AGE_BANDS, "0_17")):
            rho = within(estimate[:, i] - truth_bands[:, i], msoa, truth_bands[:, i])
            for level, (made, real) in levels.items():
                error = weighted_absolute_error(made[:, i], real[:, i])
                row = {"trial": name, "years": years, "method": method, "level": level, "age_band": band}
                measured = {"weighted_absolute_error": round(error, 4), "log_sd": round(log_sd_from_wae(error), 4)}
                rows.append({**row, **measured, "rho_within_msoa": round(rho, 3) if level == "lsoa" else ""})
    return rows


def embedded(table: pd.DataFrame) -> pd.DataFrame:
    """The errors that the package carries: published at LSOA; at MSOA times the ratio of MSOA to LSOA error over 8.25 years."""
    old = table[(table["trial"] == "census_2011_to_mid_2019") & (table["method"] == "scale")]
    wae = old.set_index(["level", "age_band"])["weighted_absolute_error"].astype(float)
    rows = []
    for band, error in PUBLISHED.items():
        source = "weighted absolute error against published mid-2024 LSOA counts of one authority; log sd = error * sqrt(pi/2)"
        rows.append(("lsoa", band, error, round(log_sd_from_wae(error), 4), source))
    for band, error in PUBLISHED.items():
        ratio = float(wae["msoa", band] / wae["lsoa", band])
        source = f"LSOA error times {ratio:.3f}: ratio from Census 2011 to mid-2019 measured by benchmarks/small_area_error.py"
        rows.append(("msoa", band, round(error * ratio, 4), round(log_sd_from_wae(error * ratio), 4), source))
    return pd.DataFrame(rows, columns=["level", "age_band", "weighted_absolute_error", "log_sd", "source"])


def main() -> None:
    """Measure, write and print."""
    place, census, y2019, y2020 = read()
    msoa = np.unique(place["msoa11_code"], return_inverse=True)[1]
    rows = trial("census_2011_to_mid_2019", census, y2019, 8.25, place)
    rows += trial("census_2011_to_mid_2020", census, y2020, 9.25, place)
    rows += trial("mid_2019_to_mid_2020", five_year_then_msoa(y2019, msoa), y2020, 1.0, place)
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "results/small_area_error.csv", index=False, lineterminator="\n")
    embedded(table).to_csv(HERE.parent / "data_sources/figures/small_area_error.csv", index=False, lineterminator="\n")
    show = table.pivot_table(index=["trial", "level", "method"], columns="age_band", values="weighted_absolute_error", sort=False)
    print(show.to_string())
    print(
        table[table["level"] == "lsoa"].pivot_table(
            index=["trial", "method"], columns="age_band", values="rho_within_msoa", sort=False, aggfunc="first"
        )
    )


if __name__ == "__main__":
    main()
