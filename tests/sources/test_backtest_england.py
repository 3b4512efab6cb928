"""The backtest on the authorities of England whose history is given (needs ../shared)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import backtest as bench
from jsna_model.verbs.backtest import ALL, Backtest, backtest

pytestmark = pytest.mark.england


@pytest.fixture(scope="module")
def rows(shared: Path) -> pd.DataFrame:
    return bench.panel(shared / "data")


@pytest.fixture(scope="module")
def done(rows: pd.DataFrame) -> Backtest:
    return backtest(rows)


def test_the_panel_is_published(rows: pd.DataFrame) -> None:
    """Milton Keynes, children in need at 31 March 2025, and the sum over authorities (PROVENANCE.md: 402,398)."""
    england = rows[(rows["measure"] == "children_in_need") & (rows["year"] == 2025)]
    assert england["value"].sum() == pytest.approx(402_398, abs=5)
    assert england["area_code"].nunique() == 153
    assert set(rows[rows["measure"] == "looked_after"]["year"]) == set(range(2016, 2026))


def test_pooled_coverage_is_within_two_standard_errors(done: Backtest) -> None:
    whole = done.summary[(done.summary["measure"] == ALL) & (done.summary["horizon"] == ALL)].iloc[0]
    for level in (80, 95):
        assert abs(whole[f"coverage{level}"] - level / 100) <= 2 * whole[f"coverage{level}_se"]
        assert whole[f"coverage{level}_se"] < 0.02


def test_the_default_is_not_worse_than_persistence(done: Backtest) -> None:
    by_measure = done.summary[done.summary["horizon"] == ALL]
    assert (by_measure["skill"] >= 0).all()
    assert by_measure.set_index("measure").loc[ALL, "skill"] > 0.03
    whole = by_measure[by_measure["measure"] == ALL].iloc[0]
    for level in (80, 95):
        assert whole[f"interval_score{level}"] <= whole[f"interval_score{level}_persistence"]


def test_the_committed_table_and_document_are_these(done: Backtest) -> None:
    committed = pd.read_csv(bench.SUMMARY)
    for column in ("wape", "coverage80", "coverage95"):
        assert committed[column].to_numpy() == pytest.approx(done.summary[column].to_numpy(), abs=2e-3)
    text = bench.DOCUMENT.read_text(encoding="utf-8")
    tables = (pd.read_csv(p) for p in (bench.SUMMARY, bench.FEW, bench.SIZES, bench.NAIVE))
    assert bench.document(text, bench.section(*tables)) == text
