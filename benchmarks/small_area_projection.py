"""Sharing out projected children among small areas, held shares against shares that age on: ``python -m benchmarks.small_area_projection``.

Needs ``../shared`` beside the repository; writes ``benchmarks/results/small_area_projection.csv``. Small areas of 2011 boundaries get
shares (`jsna_model.methods.cohort.constrained_shares`) of their lower-tier authority's children as later estimated, from the Census of 2011
over 9 years (9.25, taken as whole cohorts) and from mid-2019 over one. The authority's later children are known here, so that the error is
the sharing alone. Error: sum of absolute differences over children, by DfE band and for 0-17.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.small_area_error import HERE, Array, group_sum, read, to_bands
from jsna_model.conventions import AGE_BANDS
from jsna_model.methods.cohort import constrained_shares
from jsna_model.methods.small_area import weighted_absolute_error


def trial(name: str, start: Array, truth: Array, years: int, place: pd.DataFrame) -> list[dict[str, object]]:
    """Both kinds of shares, at LSOA and MSOA; a row for each band."""
    authority = np.unique(place["ltla21_code"], return_inverse=True)[1]
    msoa = np.unique(place["msoa11_code"], return_inverse=True)[1]
    later = np.zeros((authority.max() + 1, years + 1, 18))
    later[:, years] = group_sum(truth[:, :18], authority)
    real = to_bands(truth[:, :18])
    rows: list[dict[str, object]] = []
    for kind in ("held", "aged"):
        bands = constrained_shares(to_bands(start[:, :18])[:, :5], authority, later, list(AGE_BANDS.values()), aged=kind == "aged")[years]
        made = np.column_stack([bands, bands.sum(axis=1)])
        for level, (a, b) in {"lsoa": (made, real), "msoa": (group_sum(made, msoa), group_sum(real, msoa))}.items():
            for i, band in enumerate((*AGE_BANDS, "0_17")):
                head = {"trial": name, "years": years, "shares": kind, "level": level, "age_band": band}
                rows.append({**head, "weighted_absolute_error": round(weighted_absolute_error(a[:, i], b[:, i]), 4)})
    return rows


def main() -> None:
    """Measure, write and print."""
    place, census, y2019, y2020 = read()
    rows = trial("census_2011_to_mid_2020", census, y2020, 9, place) + trial("mid_2019_to_mid_2020", y2019, y2020, 1, place)
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "results/small_area_projection.csv", index=False, lineterminator="\n")
    index = ["trial", "level", "shares"]
    print(table.pivot_table(index=index, columns="age_band", values="weighted_absolute_error", sort=False).to_string())


if __name__ == "__main__":
    main()
