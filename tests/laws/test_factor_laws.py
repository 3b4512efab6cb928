"""Laws of the fit to recorded factors: shares stay shares, nothing is learned where nothing is seen, and never more than there was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from jsna_model.methods.factors import assessed_logits, normal_update, rate_posterior
from jsna_model.methods.joint import design

MAIN = design(3)[0]
weights = arrays(float, (4, 8), elements=st.floats(1e-4, 1.0))
ratios = arrays(float, 3, elements=st.floats(-3, 4))
numbers = st.floats(-4, 4)


@given(weights, ratios, st.floats(1e-3, 1e3), numbers)
def test_shares_stay_shares_and_only_ratios_matter(shares: np.ndarray, b: np.ndarray, times: float, level: float) -> None:
    """Law 10; and neither the number of children nor the rate of all of them tells anything."""
    logit, slope = assessed_logits(shares, MAIN @ b, MAIN)
    assert ((expit(logit) > 0) & (expit(logit) < 1)).all()
    again, _ = assessed_logits(times * shares, MAIN @ b + level, MAIN)
    assert again == pytest.approx(logit, abs=1e-8)
    assert (np.abs(slope) <= 1 + 1e-12).all()  # differences of two shares


@settings(max_examples=40)
@given(weights, ratios, arrays(float, 3, elements=st.floats(-2, 2)), arrays(float, 3, elements=st.floats(0.01, 2.0)))
def test_a_posterior_is_never_wider_than_its_prior(shares: np.ndarray, beta: np.ndarray, off: np.ndarray, variance: np.ndarray) -> None:
    sd, even, extra = np.full(3, 0.5), np.full((3, 4), 0.25), np.zeros((1, 8))
    level = assessed_logits(shares, MAIN @ beta, MAIN)[0].mean(0)
    mode, root = rate_posterior(level + off, variance, beta, sd, shares[None], even, extra, MAIN)
    after = np.diag(root[0] @ root[0].T)
    assert (after <= sd**2 + 1e-12).all()
    assert np.isfinite(mode).all()
    # What is seen as expected moves nothing.
    still, _ = rate_posterior(level, variance, beta, sd, shares[None], even, extra, MAIN)
    assert still[0] == pytest.approx(beta, abs=1e-6)


@given(numbers, st.floats(0, 3), numbers, st.floats(1e-6, 5))
def test_one_look_at_a_normal(mean: float, variance: float, seen: float, error: float) -> None:
    at, left = normal_update(mean, variance, seen, error)
    assert min(mean, seen) - 1e-9 <= at <= max(mean, seen) + 1e-9
    assert 0 <= left <= variance
    assert normal_update(mean, variance, seen, np.inf) == (pytest.approx(mean), pytest.approx(variance))
