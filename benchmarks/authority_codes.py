"""Codes of local authorities, past and present, with their upper-tier authority of April 2023: ``python -m benchmarks.authority_codes``.

Needs ``../shared`` beside the repository; writes ``data_sources/figures/authority_codes.csv``. Lower-tier codes of England in force in any
year 2016 to 2024, with the first and last of those years; then codes of whole authorities that have one successor or predecessor: a county
whose DfE number went to a unitary authority of the same name, and the codes of 2025 of authorities whose name stayed.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
LOOKUPS = ROOT.parent / "shared/data/lookups"
YEARS = range(2016, 2025)


def lower_tier() -> pd.DataFrame:
    """Every lower-tier code of England with its upper-tier authority and the years it was in force."""
    wide = pd.read_csv(LOOKUPS / "ltla_code_changes_2016_2024.csv", dtype=str)
    upper = pd.read_csv(LOOKUPS / "ltla23_utla23_region_pfa_england.csv", dtype=str).set_index("ltla23_code")["utla23_code"]
    wide = wide[wide["ltla23_code"].str.startswith("E")].assign(utla23_code=lambda t: t["ltla23_code"].map(upper))
    years = [
        wide[[f"ltla{y % 100}_code", f"ltla{y % 100}_name", "utla23_code"]].set_axis(["code", "name", "utla23_code"], axis=1) for y in YEARS
    ]
    long = pd.concat([t.assign(year=y) for y, t in zip(YEARS, years, strict=True)]).drop_duplicates(["code", "utla23_code", "year"])
    out = long.groupby(["code", "utla23_code"], as_index=False).agg(name=("name", "last"), first=("year", "min"), last=("year", "max"))
    assert not out["code"].duplicated().any()  # no district was split between authorities
    return out.assign(kind="part")


def whole(parts: pd.DataFrame) -> pd.DataFrame:
    """Codes that stand for a whole present authority, by DfE number, or by name for the codes of 2025."""
    dfe = pd.read_csv(LOOKUPS / "dfe_la_number_to_gss.csv", dtype=str)
    present = set(parts["utla23_code"])
    rows = []
    for old in dfe[~dfe["new_la_code"].isin(present)].itertuples():
        same = dfe[dfe["new_la_code"].isin(present) & ((dfe["old_la_code"] == old.old_la_code) | (old.old_la_code == "z"))]
        same = same[same["la_name"] == old.la_name]
        if len(same) != 1:
            continue
        code = same["new_la_code"].iloc[0]
        last = parts.loc[(parts["utla23_code"] == code) & (parts["last"] < YEARS[-1]), "last"].max()
        span = (2025, 2025) if old.old_la_code == "z" else (YEARS[0], int(last))
        rows.append((old.new_la_code, code, old.la_name, *span, "whole"))
    return pd.DataFrame(rows, columns=["code", "utla23_code", "name", "first", "last", "kind"])


def main() -> None:
    """Write the table."""
    parts = lower_tier()
    table = pd.concat([parts, whole(parts)]).sort_values(["utla23_code", "kind", "code"])
    table = table[["code", "utla23_code", "name", "kind", "first", "last"]]
    table.to_csv(ROOT / "data_sources/figures/authority_codes.csv", index=False, lineterminator="\n")
    print(len(table), table[table["kind"] == "whole"].to_string())


if __name__ == "__main__":
    main()
