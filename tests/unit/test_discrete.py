"""Whole numbers from uniforms: exact where small, matched where large, and uniform in what is left over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jsna_model.draws import uniforms
from jsna_model.methods.discrete import SMALL, admit, binomial, over_dispersion, poisson, split
from jsna_model.methods.single_stock import whole

U = uniforms(11, "discrete", 40_000)


def constant(value: float) -> np.ndarray:
    return np.full(U.size, float(value))


@pytest.mark.parametrize("mean", [0.02, 1.0, 7.5, 29.9])
def test_small_poisson_counts_are_the_inverse_distribution(mean: float) -> None:
    assert np.array_equal(poisson(U, constant(mean)), stats.poisson.ppf(U, mean))


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (5, 0.9), (40, 0.2), (500, 0.002), (30, 0.999)])
def test_small_binomial_counts_are_binomial(n: int, p: float) -> None:
    """Pearson's chi-squared over the counts, and the count rises with its uniform."""
    k, left = binomial(U, constant(n), constant(p))
    expected = stats.binom.pmf(np.arange(n + 1), n, p) * U.size
    seen = np.bincount(k.astype(int), minlength=n + 1)
    keep = expected > 5
    assert ((seen - expected)[keep] ** 2 / expected[keep]).sum() < stats.chi2.ppf(0.9999, keep.sum())
    assert (np.diff(k[np.argsort(U)]) >= 0).all()
    assert stats.kstest(left, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(k, left)[0, 1]) < 0.03


@pytest.mark.parametrize(("n", "p"), [(1000, 0.04), (400, 0.5), (5000, 0.97)])
def test_large_counts_have_the_mean_and_variance(n: int, p: float) -> None:
    k, left = binomial(U, constant(n), constant(p))
    assert np.array_equal(k, np.floor(k))
    assert k.mean() == pytest.approx(n * p, abs=4 * np.sqrt(n * p * (1 - p) / U.size))
    assert k.var() == pytest.approx(n * p * (1 - p), rel=0.03)
    assert stats.kstest(left, "uniform").pvalue > 1e-4


def test_large_poisson_counts_have_the_mean_and_variance() -> None:
    k = poisson(U, constant(SMALL + 10))
    assert k.mean() == pytest.approx(40, abs=4 * np.sqrt(40 / U.size))
    assert k.var() == pytest.approx(40, rel=0.03)


def test_a_split_adds_up_and_has_multinomial_covariance() -> None:
    shares = np.array([0.5, 0.3, 0.0, 0.2])[:, None] * np.ones(U.size)
    parts = split(U, constant(12), shares)
    assert np.array_equal(parts.sum(0), constant(12))
    assert np.allclose(parts.mean(1), 12 * shares[:, 0], atol=0.05)
    assert np.cov(parts[0], parts[1])[0, 1] == pytest.approx(-12 * 0.5 * 0.3, rel=0.06)
    assert (parts[2] == 0).all()


def test_dispersed_entries_are_negative_binomial() -> None:
    factor = over_dispersion(U, constant(6.0), 2.5)
    k = poisson(uniforms(12, "discrete", U.size), 6.0 * factor)
    assert k.mean() == pytest.approx(6, abs=0.08)
    assert k.var() == pytest.approx(15, rel=0.04)
    assert np.array_equal(over_dispersion(U, constant(6.0), 1.0), np.ones(U.size))


def test_admission_takes_exactly_the_places_and_nobody_twice() -> None:
    waiting = np.array([3.0, 0.0, 5.0, 1.0])[:, None] * np.ones(U.size)
    sent = admit(U, waiting, constant(4.6))
    assert np.array_equal(sent.sum(0), constant(4))
    assert (sent <= waiting).all()
    assert (sent >= 0).all()
    assert np.allclose(sent.mean(1), waiting[:, 0] * 4 / 9, atol=0.02)
    assert np.array_equal(admit(U, waiting, constant(9)), waiting)
    assert (admit(U, waiting, constant(0)) == 0).all()


def test_whole_children_keep_their_expectation_and_total() -> None:
    expected = np.array([0.4, 2.2, 0.1, 0.3])[:, None] * np.ones(U.size)
    found = whole(expected, U)
    assert np.allclose(found.mean(1), expected[:, 0], atol=0.01)
    assert np.allclose(found.sum(0), 3)
