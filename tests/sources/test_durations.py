"""How long episodes last in the layout, beside published durations; stays of a chain that can be done by hand; the committed table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import durations
from data_sources.pathway_layout import load_layout
from jsna_model.conventions import ENGLAND
from jsna_model.layout import CARE, OPEN

VALUES = {n: p.value for n, p in load_layout().items()}
PART = VALUES[durations.PART]
TABLE = pd.read_csv(durations.RESULT)


def test_englands_ended_episodes_are_nearer_to_those_published() -> None:
    """CS-DUR-CIN24: 47.5, 14.8, 15.7, 12.2, 9.8%. One number is fitted; without it the first band is missed by 29 points."""
    without = durations.ended_shares(durations.of_area(ENGLAND, VALUES | {durations.PART: 0.0}))
    shipped = durations.ended_shares(durations.of_area(ENGLAND, VALUES))
    assert np.abs(without - durations.ENDED_2024).max() > 25
    assert np.abs(shipped - durations.ENDED_2024).max() < 6
    rows = TABLE[TABLE["fitted"]]
    assert np.allclose(rows["without"], without, atol=0.06)
    assert np.allclose(rows["with"], shipped, atol=0.06)


def test_the_part_is_the_one_that_fits_best() -> None:
    def deviance(part: float) -> float:
        shares = durations.ended_shares(durations.of_area(ENGLAND, VALUES | {durations.PART: part}))
        return float(-(durations.ENDED_2024 * np.log(shares)).sum())

    assert deviance(PART) < min(deviance(PART - 0.05), deviance(PART + 0.05))


def test_stays_account_for_stocks_and_flows() -> None:
    """Of England: all entries but those assessed as not in need end, and stays hold as many children as are published at 31 March."""
    counts, _ = durations.inputs(ENGLAND)
    episodes = durations.of_area(ENGLAND, VALUES)
    assert episodes.ended.sum() == pytest.approx(counts["child_in_need_started"], rel=0.01)
    assert episodes.there.sum() == pytest.approx(counts["child_in_need_at_31_march"], rel=0.01)
    care = durations.of_area(ENGLAND, VALUES, inside=CARE, end="looked_after_ceased")
    assert care.there.sum() == pytest.approx(counts["looked_after_at_31_march"], rel=0.01)
    assert care.ended.sum() == pytest.approx(counts["looked_after_started"], rel=0.01)
    assert set(CARE) < set(OPEN)


def test_bands_by_hand() -> None:
    """100 stays of three months: half of them take a little more. 60 there for two whole months, 40 for two years."""
    ended, there = np.zeros(480), np.zeros((480, 19))
    ended[3] = 100
    there[2, 5], there[24, 5] = 60, 40
    found = durations.Lengths(np.roll(ended, -1), there)  # place 0 is the month of entry, in which nobody leaves
    assert durations.ended_shares(durations.Lengths(ended, there)).tolist() == [50, 50, 0, 0, 0]
    assert durations.ended_shares(found).tolist() == [100, 0, 0, 0, 0]
    assert durations.open_shares(found).tolist() == [60, 0, 0, 0, 40]
    assert durations.long_care(found) == 0


def test_the_committed_table_is_in_the_document() -> None:
    assert durations.document(TABLE, PART) in durations.DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.england
def test_published_figures_are_those_of_the_files(shared: Path) -> None:
    folder = shared / "data"
    england = durations.published(folder).loc["England"]
    for what, columns in (("ended, year to March 2025", durations.ENDED), ("open at 31 March 2025", durations.AT_31_MARCH)):
        rows = TABLE[(TABLE["what"] == what) & (TABLE["where"] == "England")]
        assert np.allclose(rows["published"], england[list(columns)].to_numpy(float), atol=0.06)
    assert TABLE["published"].iloc[-1] == pytest.approx(durations.long_care_published(folder), abs=0.06)
