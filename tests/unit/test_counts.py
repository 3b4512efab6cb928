"""Counts of whole children in households: distributions, totals, and whether their intervals cover homes that were simulated."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import betabinom

from jsna_model.errors import InputError
from jsna_model.methods.counts import (
    CHILDREN_PER_FAMILY,
    beta_binomial,
    concentration,
    design_effect,
    dirichlet_multinomial,
    round_to_total,
)

#: Families by dependent children, United Kingdom 2024, millions (ONS): one, two, three or more (here three and four).
SIZES, SHARES = np.array([1, 2, 3, 4]), np.array([3.7, 3.4, 0.9, 0.3]) / 8.3


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def homes(n: int, rows: int) -> np.ndarray:
    """Sizes of homes that make up `n` children, shape (rows, home), with zeros behind; the last home is cut to fit."""
    sizes = rng().choice(SIZES, p=SHARES, size=(rows, n))
    return np.diff(np.minimum(np.cumsum(sizes, axis=1), n), axis=1, prepend=0)


def test_children_per_family_is_the_pathways(root: Path) -> None:
    given = tomllib.loads((root / "data_sources/defaults/pathway.toml").read_text(encoding="utf-8"))
    assert given["parameters"]["early_help.children_per_family"]["value"] == pytest.approx(CHILDREN_PER_FAMILY, abs=0.001)


def test_design_effect_is_that_of_homes_of_unequal_size() -> None:
    of_families = (SIZES**2 @ SHARES) / (SIZES @ SHARES)
    assert of_families == pytest.approx(design_effect(), rel=0.05)
    n, p = 300, 0.2
    sizes = homes(n, 20_000)
    counts = (sizes * (rng(6).random(sizes.shape) < p)).sum(1)
    assert counts.var() / (n * p * (1 - p)) == pytest.approx(design_effect(), rel=0.06)
    for bad in ({"siblings": 0.5}, {"siblings": np.inf}, {"rho": 1.2}):
        with pytest.raises(InputError):
            design_effect(**bad)


def test_beta_binomial_has_its_distribution() -> None:
    n, p, a, size = 12, 0.3, 6.0, 200_000
    counts = beta_binomial(n, p, a, *rng().random((2, size)))
    np.testing.assert_allclose(
        np.bincount(counts, minlength=n + 1) / size, betabinom.pmf(np.arange(n + 1), n, a * p, a * (1 - p)), atol=0.004
    )


def test_beta_binomial_at_its_limits() -> None:
    u = rng().random((2, 500))
    for a in (0.0, 1e-9, 0.5, 1e9, np.inf):
        assert (beta_binomial(0, 0.3, a, *u) == 0).all()
        assert (beta_binomial(9, 0.0, a, *u) == 0).all()
        assert (beta_binomial(9, 1.0, a, *u) == 9).all()
    assert set(beta_binomial(9, 0.3, 0.0, *u)) == {0, 9}
    assert beta_binomial(9, 1e-300, 2.0, *u).max() == 0


def test_a_greater_share_never_counts_fewer() -> None:
    u = rng().random((2, 2000))
    for a in (0.0, 3.0, 200.0, np.inf):
        counts = np.stack([beta_binomial(50, p, a, *u) for p in (0.01, 0.1, 0.3, 0.31, 0.9)])
        assert (np.diff(counts, axis=0) >= 0).all()


def test_dirichlet_multinomial_adds_up_and_has_its_moments() -> None:
    p = np.array([0.8, 0.1, 0.06, 0.0, 0.04])[:, None]
    n, size = 200, 60_000
    effect = design_effect()
    u = rng().random((2, 4, size))
    counts = dirichlet_multinomial(np.full(size, n), np.repeat(p, size, 1), concentration(n, effect), u[0], u[1])
    assert (counts.sum(0) == n).all()
    assert (counts >= 0).all()
    np.testing.assert_allclose(counts.mean(1), n * p[:, 0], rtol=0.01)
    covariance = n * effect * (np.diag(p[:, 0]) - p @ p.T)
    np.testing.assert_allclose(np.cov(counts), covariance, atol=0.03 * covariance.max())


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_children_are_one_home(n: int) -> None:
    """No more noise than all or none; the share is kept on average."""
    u = rng().random((2, 2, 40_000))
    p = np.repeat(np.array([0.5, 0.3, 0.2])[:, None], 40_000, 1)
    counts = dirichlet_multinomial(np.full(40_000, n), p, concentration(n, design_effect()), u[0], u[1])
    assert (counts.sum(0) == n).all()
    np.testing.assert_allclose(counts.mean(1), n * p[:, 0], atol=0.03)
    if n == 2:
        assert set(np.unique(counts)) == {0, 2}


def test_rounding_keeps_totals_and_means() -> None:
    values = np.array([0.0, 0.3, 12.9, 400.05, 0.75, 6.0])[:, None] * np.ones(20_000)
    whole = round_to_total(values, rng().random(20_000))
    assert (whole.sum(0) == 420).all()
    assert (np.abs(whole - values) < 1).all()
    np.testing.assert_allclose(whole.mean(1), values[:, 0], atol=0.02)
    assert set(round_to_total(np.full((3, 400), 0.5), rng().random(400)).sum(0)) == {1, 2}
    shares = rng().dirichlet(np.ones(50), 400).T * 1000  # sums that are whole but for the last digits
    assert (round_to_total(shares, rng().random(400)).sum(0) == 1000).all()
    for bad in (-1.0, np.nan):
        with pytest.raises(InputError):
            round_to_total(np.array([[bad]]), np.array([0.5]))


@pytest.mark.parametrize(("n", "p"), [(370, 0.17), (370, 0.02), (74, 0.2)])
def test_intervals_of_counts_cover_simulated_homes_and_binomial_ones_do_not(n: int, p: float) -> None:
    sizes = homes(n, 8000)
    real = (sizes * (rng(6).random(sizes.shape) < p)).sum(1)
    u = rng(9).random((2, 20_000))

    def covered(effect: float) -> float:
        drawn = beta_binomial(n, p, concentration(n, effect), *u)
        lower, upper = np.quantile(drawn, 0.025, method="lower"), np.quantile(drawn, 0.975, method="higher")
        return float(((real >= lower) & (real <= upper)).mean())

    assert 0.94 <= covered(design_effect()) <= 0.985
    assert covered(1.0) < 0.92
