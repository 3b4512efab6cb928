"""The benchmark of all authorities, on the two smallest and one more: what it writes, that it goes on, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import every_authority as benchmark
from jsna_model.pathway import FLOWS, STOCKS

#: City of London and Isles of Scilly, whose counts are pooled, and Milton Keynes.
AREAS = ("E09000001", "E06000053", "E06000042")
DRAWS, YEARS = 12, 2


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a worker of its own, as the command has it."""
    folder = tmp_path_factory.mktemp("authorities")
    told = benchmark.run(folder, DRAWS, YEARS, processes=1, areas=AREAS)
    assert (told["authorities"], told["blocks_run"]) == (len(AREAS), 1)
    return folder


def test_every_authority_has_every_count_by_scenario_and_year(out: Path) -> None:
    table = pd.read_csv(out / "authorities.csv")
    assert set(table["area"]) == set(AREAS)
    assert set(table["scenario"]) == {"baseline", "follow_up"}
    assert table["year"].unique().tolist() == ["2025-26", "2026-27"]
    assert {*FLOWS, *STOCKS} <= set(table["service"])
    assert len(table) == len(AREAS) * 2 * YEARS * table["service"].nunique()
    limits = table[list(benchmark.LIMITS)].to_numpy()
    assert np.isfinite(limits).all()
    assert (limits >= 0).all()
    assert (np.diff(limits, axis=1) >= -1e-9 * limits[:, 1:]).all()
    # 2,713 children in need in Milton Keynes at 31 March 2025, some tens at most in the other two.
    stock = table[(table["service"] == STOCKS[0]) & (table["scenario"] == "baseline")].groupby("area")["mean"].mean()
    assert stock["E06000042"] == pytest.approx(2713, rel=0.15)
    assert stock[["E09000001", "E06000053"]].between(1, 150).all()


def test_notes_say_what_the_smallest_lack(out: Path) -> None:
    notes = pd.read_csv(out / "notes.csv").groupby("area")["note"].agg(" ".join)
    assert "E06000053" in notes
    assert "E09000001" in notes


def test_a_finished_block_is_not_run_again(out: Path) -> None:
    block = out / "blocks" / f"{AREAS[0]}.csv"
    before = block.stat().st_mtime_ns
    assert benchmark.run(out, DRAWS, YEARS, processes=1, areas=AREAS)["blocks_run"] == 0
    assert block.stat().st_mtime_ns == before
    assert json.loads((out / "time.json").read_text(encoding="utf-8"))["draws"] == DRAWS


def test_other_settings_are_refused(out: Path) -> None:
    with pytest.raises(SystemExit, match="give another folder"):
        benchmark.run(out, DRAWS + 1, YEARS, areas=AREAS)
