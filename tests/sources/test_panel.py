"""A panel of counts: what is read, and every problem at once with file, row and column."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import data_sources as src
from data_sources.panel import COLUMNS
from jsna_model.errors import InputError

HEAD = "area_code,year,measure,value,population\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "panel.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def problems(tmp_path: Path, text: str) -> list[tuple[object, object]]:
    with pytest.raises(InputError) as caught:
        src.load_panel(written(tmp_path, text))
    assert all(p.file == "panel.csv" for p in caught.value.problems)
    return [(p.row, p.column) for p in caught.value.problems]


def test_a_good_panel_in_any_order_of_columns(tmp_path: Path) -> None:
    text = "note,Year,measure,population,value,area_code\nhello,2024,referrals,5000,12,E06000042\n,2025.0,referrals,5100,0,E06000042\n"
    for path in (written(tmp_path, text), tmp_path / "panel.csv.gz"):
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(text.encode()))
        panel = src.load_panel(path)
        assert list(panel.columns) == ["area_code", "year", "measure", "value", "population", "status"]
        assert panel["year"].tolist() == [2024, 2025]
        assert panel["value"].tolist() == [12, 0]


@pytest.mark.parametrize(
    ("cell", "status"), [("c", "c"), ("[c]", "c"), ("x", "x"), ("Z", "z"), ("[low]", "low"), ("k", "k"), ("u", "u"), ("", "x")]
)
def test_publishers_symbols_are_missing_values_with_their_reason(tmp_path: Path, cell: str, status: str) -> None:
    panel = src.load_panel(written(tmp_path, HEAD + f"E06000042,2024,plans,{cell},\nE06000042,2025,plans,7,100\n"))
    assert np.isnan(panel["value"][0])
    assert panel["status"].tolist() == [status, ""]


def test_every_problem_at_once(tmp_path: Path) -> None:
    text = HEAD + (
        "E06000042,2024,plans,7,100\n"
        "E06000042,2024,plans,8,100\n"
        "E06000042,2024/25,plans,8,100\n"
        "E06000042,2024.5,plans,8,100\n"
        "E06000042,2023,plans,-8,100\n"
        "E06000042,2022,plans,many,100\n"
        "E06000042,2021,plans,8,\n"
        "E06000042,2020,plans,8,0\n"
        "E06000042,2019,plans,8,[x]\n"
        ",2018,,8,few\n"
        "E06000042,2017,plans,1,234,100\n"
        "E06000042,2016,plans,inf,100\n"
    )
    assert problems(tmp_path, text) == [
        (3, "area_code"), (4, "year"), (5, "year"), (6, "value"), (7, "value"), (9, "population"),
        (11, "area_code"), (11, "measure"), (11, "population"), (12, None), (13, "value"),
    ]  # fmt: skip


def test_the_header_is_checked_first(tmp_path: Path) -> None:
    assert problems(tmp_path, "area_code,year,value,value\nE1,2024,1,1\n") == [(1, "measure"), (1, "population"), (1, "value")]
    assert [column for _, column in problems(tmp_path, "")] == list(COLUMNS)
    assert problems(tmp_path, HEAD) == [(None, None)]


def test_a_file_full_of_problems_is_cut_short(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="10 more problems"):
        src.load_panel(written(tmp_path, HEAD + "".join(f"E1,{1950 + i},plans,bad,1\n" for i in range(60))))


def test_englands_own_series() -> None:
    panel = src.england_panel()
    assert set(panel["area_code"]) == {"E92000001"}
    assert "children_0_17_mid_year" not in set(panel["measure"])
    row = panel[(panel["measure"] == "referrals") & (panel["year"] == 2025)].iloc[0]
    assert (row["value"], row["population"]) == (632_830, 12_183_016)  # DfE 2025; ONS mid-2024
    assert panel.notna().all(axis=None)


def test_a_panel_in_parquet_is_read_and_checked_as_a_csv_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    rows = pd.DataFrame(
        {"area_code": ["A", "A"], "year": [2024, 2025], "measure": "m", "value": [1.0, np.nan], "population": [10.0, 20.0], "more": "x,y"}
    )
    rows.to_parquet(tmp_path / "panel.parquet")
    rows.to_csv(tmp_path / "panel.csv", index=False)
    pd.testing.assert_frame_equal(src.load_panel(tmp_path / "panel.parquet"), src.load_panel(tmp_path / "panel.csv"))
    rows.set_index(["area_code", "year"]).assign(value=-1.0).to_parquet(tmp_path / "panel.parquet")
    with pytest.raises(InputError) as caught:
        src.load_panel(tmp_path / "panel.parquet")
    assert [(p.row, p.column) for p in caught.value.problems] == [(2, "value"), (3, "value")]
    (tmp_path / "panel.parquet").write_text("area_code,year")
    with pytest.raises(InputError, match="Parquet"):
        src.load_panel(tmp_path / "panel.parquet")
