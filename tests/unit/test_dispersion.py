"""The estimator of over-dispersion finds what was put in, and tells it from a walk of the rate."""

from __future__ import annotations

import numpy as np
import pytest

from jsna_model.errors import InputError
from jsna_model.methods.dispersion import count_dispersion


def counts(dispersion: float, walk_sd: float, persistence: float, seed: int, areas: int = 116, years: int = 10) -> np.ndarray:
    """Negative binomial counts of authorities of many sizes, whose rates walk: the embedded panel's shape."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(np.log(176), 0.7, areas))
    walk = np.zeros((areas, years))
    for t in range(1, years):
        walk[:, t] = persistence * walk[:, t - 1] + walk_sd * rng.standard_normal(areas)
    trend = np.linspace(0, 0.2, years)
    mean = size[:, None] * np.exp(walk + trend)
    y = (rng.poisson(mean) if dispersion == 1 else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)).astype(float)
    return np.where(y >= 20, y, np.nan)


@pytest.mark.parametrize(("dispersion", "persistence"), [(1.0, 1.0), (2.25, 0.8), (2.25, 1.0), (4.0, 0.4)])
def test_a_known_dispersion_is_recovered(dispersion: float, persistence: float) -> None:
    """Mean of 40 panels of 116 authorities and ten years, within 10% or three standard errors; the walk's yearly sd too."""
    found = [count_dispersion(counts(dispersion, 0.12, persistence, seed)) for seed in range(40)]
    values = np.array([f.dispersion for f in found])
    error = values.std() / np.sqrt(len(values))
    assert values.mean() == pytest.approx(dispersion, abs=max(0.1 * dispersion, 3 * error))
    assert values.std() < 0.8  # as benchmarks/results/entry_dispersion.csv says of its own
    walk = np.mean([f.walk_sd[0] for f in found])
    if persistence == 1.0:
        assert walk == pytest.approx(0.12, abs=0.015)


def test_a_change_of_recording_is_no_dispersion() -> None:
    y = counts(2.25, 0.12, 1.0, 3)
    changed = y.copy()
    changed[:3, 5:] *= 3
    assert count_dispersion(changed).dispersion == pytest.approx(count_dispersion(y).dispersion, abs=0.6)
    assert count_dispersion(changed).left_out > count_dispersion(y).left_out


def test_weights_are_how_often_an_authority_is_taken() -> None:
    y = counts(2.25, 0.12, 1.0, 4, areas=40)
    twice = count_dispersion(y, weight=np.full(40, 2.0))
    assert twice.dispersion == pytest.approx(count_dispersion(y).dispersion, rel=1e-6)


def test_counts_without_a_logarithm_are_refused() -> None:
    with pytest.raises(InputError, match="zero or less"):
        count_dispersion(np.array([[3.0, 0.0], [4.0, 5.0], [3.0, 3.0]]))
    with pytest.raises(InputError, match="fewer than three"):
        count_dispersion(np.array([[3.0, np.nan], [4.0, 5.0], [3.0, 3.0]]))
