"""Proportions and rates against R `PHEindicatormethods` (tests/reference/README.md) and values of `PHStatsMethods`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jsna_model.methods.rates import Interval, byar, directly_standardised, wilson

HERE = Path(__file__).parent / "rates"


def cases(name: str) -> pd.DataFrame:
    """Inputs and expected outputs of one file, side by side."""
    inputs = pd.read_csv(HERE / f"{name}.input.csv")
    expected = pd.read_csv(HERE / f"{name}.expected.csv")
    assert len(inputs) == len(expected)
    return inputs.merge(expected, on="id", validate="1:1")


def agree(found: Interval, table: pd.DataFrame, level: str) -> None:
    np.testing.assert_allclose(found.value, table["value"], rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.lower, table[f"lower_{level}"], rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.upper, table[f"upper_{level}"], rtol=1e-9, atol=0)


@pytest.mark.parametrize("level", ["0.9", "0.95", "0.99", "0.998", "0.9999"])
def test_proportions_agree_with_pheindicatormethods(level: str) -> None:
    table = cases("proportion")
    assert len(table) == 129
    agree(wilson(table["x"], table["n"], level=float(level)), table, level)


@pytest.mark.parametrize("level", ["0.9", "0.95", "0.99", "0.998"])
def test_rates_agree_with_pheindicatormethods(level: str) -> None:
    table = cases("rate")
    assert len(table) == 131
    assert ((table["method"] == "Exact") == (table["x"] < 10)).all()
    agree(byar(table["x"], table["n"], per=100_000, level=float(level)), table, level)


def test_directly_standardised_rates_agree_with_pheindicatormethods() -> None:
    """The value column shows that the rates are per 1,000."""
    table = pd.read_csv(HERE / "directly_standardised_child.input.csv").sort_values(["area", "ageband"])
    expected = pd.read_csv(HERE / "directly_standardised_child.expected.csv").sort_values("area")
    bands = table["ageband"].nunique()
    events, people, standard = (table[name].to_numpy().reshape(-1, bands) for name in ("obs", "pop", "stdpop"))
    assert (table["area"].unique() == expected["area"]).all()
    assert (standard == standard[0]).all()
    np.testing.assert_array_equal(events.sum(1), expected["total_count"])
    np.testing.assert_array_equal(people.sum(1), expected["total_pop"])
    found = directly_standardised(events, people, standard[0], per=1000)
    np.testing.assert_allclose(found.value, expected["value"], rtol=1e-6, atol=0)
    np.testing.assert_allclose(found.lower, expected["lowercl"], rtol=1e-6, atol=0)
    np.testing.assert_allclose(found.upper, expected["uppercl"], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (wilson(65, 100), (0.65, 0.552544, 0.736358)),
        (byar(65, 100, per=10_000), (6500, 5016.318771, 8284.913855)),
        (byar(12, 80, per=10_000), (1500, 774.188730, 2620.357257)),
    ],
)
def test_values_of_phstatsmethods(found: Interval, expected: tuple[float, float, float]) -> None:
    """PHStatsMethods 0.1.16, ph_proportion and ph_rate, to the six decimals it was tried with."""
    assert (found.value, found.lower, found.upper) == pytest.approx(expected, rel=0, abs=6e-7)
