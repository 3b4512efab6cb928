"""The fit to recorded factors against Metropolis sampling of the whole hierarchy, which shares no formula with it.

Metropolis et al. 1953, as in Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, 11.2 (page 278). That a posterior of two parameters
seen through their sum alone keeps a share of each prior: Gustafson 2015, Bayesian Inference for Partially Identified Models, chapter 2.
"""

from __future__ import annotations

import numpy as np
import pytest

from jsna_model.methods.factors import assessed_logits, normal_update, rate_posterior
from jsna_model.methods.joint import design

MAIN = design(2)[0]
#: Children by pattern (none, first, second, both), the same in each of four authorities, so that the level holds all that they tell.
SHARES = np.array([0.8, 0.05, 0.1, 0.05])
BETA, SD, S_M, SIGMA, V = np.log([4.0, 3.0]), 0.5, 0.4, 0.3, 0.05
AREAS = 4


def metropolis(x: np.ndarray, chains: int = 400, steps: int = 6000, warm: int = 2000) -> np.ndarray:
    """Draws of (b, m, c): rate ratios, recording of England and of each authority; (draw, risk, 2 + area)."""
    rng = np.random.default_rng(11)
    size = (chains, 2, 2 + AREAS)

    def log_posterior(t: np.ndarray) -> np.ndarray:
        b, m, c = t[..., 0], t[..., 1], t[..., 2:]
        rho = SHARES * np.exp(b @ MAIN.T)
        share = np.stack([rho[:, [1, 3]].sum(1), rho[:, [2, 3]].sum(1)], 1) / rho.sum(1)[:, None]
        seen = np.log(share / (1 - share))[..., None] + c
        out = -0.5 * ((b - BETA) / SD) ** 2 - 0.5 * (m / S_M) ** 2
        out = out - 0.5 * (((c - m[..., None]) / SIGMA) ** 2 + (x - seen) ** 2 / V).sum(-1)
        return out.sum(-1)

    here = np.zeros(size)
    here[..., 0] = BETA
    now, kept = log_posterior(here), []
    for i in range(steps):
        # Rate and recording move against one another: alone, each step would be refused by the records.
        step = 0.12 * rng.normal(size=size)
        both = 0.5 * rng.normal(size=(chains, 2))
        step[..., 0] += both
        step[..., 1:] -= both[..., None]
        there = log_posterior(here + step)
        take = np.log(rng.uniform(size=chains)) < there - now
        here, now = np.where(take[:, None, None], here + step, here), np.where(take, there, now)
        if i >= warm and i % 10 == 0:
            kept.append(here)
    return np.concatenate(kept)


def test_against_metropolis() -> None:
    x = np.array([[-0.3, 0.2, -0.9, -0.4], [0.4, -0.1, 0.5, 0.9]])
    sampled = metropolis(x)
    even, error = np.full((2, AREAS), 1 / AREAS), (SIGMA**2 + V) / AREAS
    shares = np.tile(SHARES, (1, AREAS, 1))
    mode, root = rate_posterior(x.mean(1), np.full(2, error + S_M**2), BETA, np.full(2, SD), shares, even, np.zeros((1, 4)), MAIN)
    cov = root[0] @ root[0].T
    rng = np.random.default_rng(5)
    b = mode + rng.normal(size=(40_000, 2)) @ root[0].T
    at = assessed_logits(SHARES, b @ MAIN.T, MAIN)[0]
    centre, left = normal_update(0.0, S_M**2, x.mean(1) - at, error)
    m = centre + np.sqrt(left) * rng.normal(size=at.shape)
    for r in range(2):
        assert mode[0, r] == pytest.approx(sampled[:, r, 0].mean(), abs=0.1 * sampled[:, r, 0].std())
        assert np.sqrt(cov[r, r]) == pytest.approx(sampled[:, r, 0].std(), rel=0.06)
        assert m[:, r].mean() == pytest.approx(sampled[:, r, 1].mean(), abs=0.1 * m[:, r].std())
        assert m[:, r].std() == pytest.approx(sampled[:, r, 1].std(), rel=0.06)
    assert np.corrcoef(sampled[:, :, 0].T)[0, 1] == pytest.approx(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), abs=0.08)
    # Rate and recording are seen as a sum: against one another, and the sum is told far better than either.
    assert np.corrcoef(sampled[:, 0, 0], sampled[:, 0, 1])[0, 1] < -0.5
