"""The backtest of a panel: its rows, awkward panels, and the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jsna_model.cli.backtest import FILES, write_backtest
from jsna_model.errors import InputError, OutputError
from jsna_model.verbs.backtest import COLUMNS, backtest

YEARS = range(2014, 2026)


def panel(areas: int = 6, years: range = YEARS, measures: tuple[str, ...] = ("plans",), size: float = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(f"E0900{a:04d}", y, m, float(rng.poisson(size)), 40 * size) for m in measures for a in range(areas) for y in years]
    return pd.DataFrame(rows, columns=["area_code", "year", "measure", "value", "population"])


def test_one_row_an_area_origin_horizon_and_measure() -> None:
    done = backtest(panel(3, measures=("plans", "referrals")))
    assert tuple(done.forecasts.columns) == COLUMNS
    key = ["area_code", "measure", "origin", "horizon"]
    assert not done.forecasts.duplicated(key).any()
    # origins from the third year; horizon h has a known outcome from years 3 to 12 - h
    assert len(done.forecasts) == 2 * 3 * sum(12 - h - 2 for h in range(1, 6))
    assert (done.forecasts["year"] == done.forecasts["origin"] + done.forecasts["horizon"]).all()
    assert done.forecasts["origin"].min() == 2016
    assert done.forecasts.notna().all(axis=None)
    assert {*done.summary["measure"]} == {"plans", "referrals", "all"}
    assert {*done.summary["horizon"]} == {1, 2, 3, 4, 5, "all"}


def test_actual_and_persistence_are_those_of_the_panel() -> None:
    rows = panel(4)
    known = rows.set_index(["area_code", "year"])["value"]
    for row in backtest(rows).forecasts.itertuples():
        assert row.actual == known[row.area_code, row.year]
        assert row.persistence == known[row.area_code, row.origin]


def test_the_summary_is_that_of_the_rows() -> None:
    done = backtest(panel(5))
    x = done.forecasts[done.forecasts["horizon"] == 2]
    s = done.summary[done.summary["horizon"] == 2].iloc[0]
    assert s["forecasts"] == len(x)
    assert s["wape"] == pytest.approx((x["actual"] - x["median"]).abs().sum() / x["actual"].sum())
    assert s["skill"] == pytest.approx(1 - s["wape"] / s["wape_persistence"])
    assert s["coverage80"] == pytest.approx(x["actual"].between(x["lower80"], x["upper80"]).mean())
    assert s["coverage95"] == pytest.approx(x["actual"].between(x["lower95"], x["upper95"]).mean())


def test_a_missing_origin_starts_from_the_latest_value_with_a_wider_interval() -> None:
    rows = panel(20)
    moves = np.random.default_rng(3).normal(0, 0.2, (20, len(YEARS))).cumsum(axis=1)
    rows["value"] = (rows["value"] * 50 * np.exp(moves.ravel())).round()
    gone = (rows["area_code"] == "E09000003") & (rows["year"] == 2020)
    whole, holed = (backtest(r).forecasts for r in (rows, rows.assign(value=rows["value"].mask(gone))))

    def at(f: pd.DataFrame) -> pd.Series:
        return f[(f["area_code"] == "E09000003") & (f["origin"] == 2020) & (f["horizon"] == 1)].iloc[0]

    assert at(holed)["persistence"] == rows[(rows["area_code"] == "E09000003") & (rows["year"] == 2019)]["value"].item()
    assert at(holed)["upper80"] / at(holed)["lower80"] > at(whole)["upper80"] / at(whole)["lower80"]
    assert not ((holed["area_code"] == "E09000003") & (holed["year"] == 2020)).any()  # no outcome, no row


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "rows",
    [
        panel(1),
        panel(1, range(2020, 2024)),
        panel(2, range(2020, 2024), size=3),
        panel(4).assign(value=0.0),
        panel(4).assign(value=100.0),
        panel(4).assign(value=lambda d: d["value"].where(d["year"] % 3 > 0)),
        panel(4).assign(value=lambda d: d["value"].where((d["area_code"] != "E09000001") | (d["year"] == 2025))),
        pd.concat([panel(3, size=2), panel(3, size=50_000).assign(area_code=lambda d: d["area_code"] + "big")]),
        panel(3)[lambda d: ~d["year"].between(2018, 2019)],
    ],
    ids=[
        "one area",
        "one area, four years",
        "tiny",
        "zeros",
        "constant",
        "gaps",
        "history left out",
        "tiny and huge",
        "years without rows",
    ],
)
def test_awkward_panels(rows: pd.DataFrame) -> None:
    f = backtest(rows).forecasts
    assert len(f)
    assert np.isfinite(f[list(COLUMNS[5:])].to_numpy(float)).all()
    edges = f[["lower95", "lower80", "median", "upper80", "upper95"]].to_numpy()
    assert (np.diff(edges, axis=1) >= 0).all()
    assert (edges >= 0).all()
    assert (f["upper95"] > f["lower95"]).all()  # never certain


@pytest.mark.parametrize("rows", [panel(3, range(2024, 2026)), panel(3).assign(value=np.nan), panel(3)[:0]])
def test_too_little_to_backtest_is_said(rows: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="Nothing to backtest"):
        backtest(rows)


def test_three_years_are_forecast_from_the_second() -> None:
    f = backtest(panel(3, range(2023, 2026))).forecasts
    assert set(zip(f["origin"], f["horizon"], strict=True)) == {(2024, 1)}
    assert (f["upper95"] > f["lower95"]).all()


def test_a_population_that_is_missing_is_the_latest_before_it_or_counts_are_forecast() -> None:
    rows = panel(6, range(2014, 2026))
    gone = rows["year"] % 4 == 2
    steady = rows.assign(population=1000.0)
    held = backtest(steady.assign(population=steady["population"].mask(gone & (rows["year"] > 2014)))).forecasts
    pd.testing.assert_frame_equal(held, backtest(steady).forecasts)
    pd.testing.assert_frame_equal(backtest(steady.assign(population=np.nan)).forecasts, backtest(steady).forecasts)


def test_no_limit_is_beyond_reason_where_there_is_hardly_a_record() -> None:
    """A lone area that hardly moved and then fell by a half: no limit above twentyfold, or below a twentieth, of the median."""
    value = [100.0, 100.0, 101.0, 50.0, 50.0, 12.0, 50.0, 49.0]
    rows = panel(1, range(2018, 2026)).assign(value=value)
    f = backtest(rows).forecasts
    assert (f["upper95"] <= f["median"] * np.exp(3) * (1 + 1e-9)).all()
    assert (f["lower95"] >= f["median"] * np.exp(-3) * (1 - 1e-9)).all()
    zeros = backtest(panel(6).assign(value=lambda d: d["value"].where(d["area_code"] != "E09000001", 0.0))).forecasts
    assert zeros.loc[zeros["area_code"] == "E09000001", "upper95"].max() < 50


def test_cells_that_cannot_be_are_named_all_at_once() -> None:
    rows = panel(2)
    rows.loc[0, "value"], rows.loc[1, "population"], rows.loc[2, "year"] = -1.0, 0.0, rows["year"][3]
    with pytest.raises(InputError) as caught:
        backtest(rows)
    assert [p.column for p in caught.value.problems] == ["value", "population", "area_code"]
    with pytest.raises(InputError, match="holds words"):
        backtest(panel(2).assign(year=lambda d: d["year"].astype(str)))
    with pytest.raises(InputError, match="fill both in"):
        backtest(panel(2).assign(area_code=lambda d: d["area_code"].where(d.index > 3)))
    with pytest.raises(InputError, match="no rows"):
        backtest(panel(2).head(0))


def test_bad_arguments_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        backtest(panel(2).drop(columns="population"), horizons=0, history=1)
    assert len(caught.value.problems) == 3


def test_the_command_writes_a_folder_the_same_every_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "panel.csv"
    panel(4, measures=("plans", "referrals")).assign(more="ignored").to_csv(data, index=False)
    write_backtest(data, tmp_path / "one", quiet=False)
    assert "Intervals of 80% held" in capsys.readouterr().out
    write_backtest(data, tmp_path / "two", quiet=True)
    assert capsys.readouterr().out == ""
    assert {p.name for p in (tmp_path / "one").iterdir()} == set(FILES)
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in FILES)
    assert tuple(pd.read_csv(tmp_path / "one" / "backtest.csv", encoding="utf-8-sig").columns) == COLUMNS


def test_nothing_but_zeros_has_no_share_to_miss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "panel.csv"
    panel(4).assign(value=0.0).to_csv(data, index=False)
    write_backtest(data, tmp_path / "out", quiet=False)
    said = capsys.readouterr().out
    assert "nan" not in said
    assert "Nothing but zeros" in said


def test_rows_without_population_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "panel.csv"
    panel(4).assign(population=lambda d: d["population"].mask(d["year"] == 2020)).to_csv(data, index=False)
    write_backtest(data, tmp_path / "out", quiet=False)
    assert "4 rows have a value and no population" in capsys.readouterr().out


def test_without_a_panel_it_is_englands_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_backtest(None, tmp_path / "out", quiet=False)
    assert "only England's own series ship" in capsys.readouterr().out
    f = pd.read_csv(tmp_path / "out" / "backtest.csv", encoding="utf-8-sig")
    assert set(f["area_code"]) == {"E92000001"}
    assert (f["median"] == f["persistence"]).all()  # one area: nothing to learn the mixture from


def test_a_file_in_the_way_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file"):
        write_backtest(None, tmp_path / "out", quiet=True)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_bad_data_write_nothing(tmp_path: Path) -> None:
    data = tmp_path / "panel.csv"
    data.write_text("area_code,year,measure,value,population\nE1,2024,plans,-1,5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"panel\.csv, row 2, column value: -1 is negative"):
        write_backtest(data, tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()
