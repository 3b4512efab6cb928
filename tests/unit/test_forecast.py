from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jsna_model.methods.forecast import projection_log_error, rebase_by_cohort, robust_sd

positive = st.floats(1, 1e4)


@settings(max_examples=50)
@given(arrays(float, (5, 18), elements=positive), arrays(float, 18, elements=positive))
def test_the_base_year_is_the_estimate_and_cohorts_keep_their_ratio(projection: np.ndarray, base: np.ndarray) -> None:
    out = rebase_by_cohort(projection, base)
    np.testing.assert_array_equal(out[0], base)
    for t in range(1, 5):
        np.testing.assert_allclose(out[t, t:] / projection[t, t:], (base / projection[0])[: 18 - t], rtol=1e-12)
        np.testing.assert_allclose(out[t, :t] / projection[t, :t], (base / projection[0])[:3].mean(), rtol=1e-12)


def test_an_exact_projection_is_left_alone() -> None:
    projection = np.random.default_rng(0).uniform(10, 20, (4, 18))
    np.testing.assert_allclose(rebase_by_cohort(projection, projection[0]), projection)


def test_leading_dimensions_are_independent() -> None:
    rng = np.random.default_rng(3)
    projection, base = rng.uniform(1, 9, (2, 6, 18)), rng.uniform(1, 9, (2, 18))
    both = rebase_by_cohort(projection, base)
    np.testing.assert_array_equal(both[1], rebase_by_cohort(projection[1], base[1]))


def test_a_later_base_year_leaves_earlier_years() -> None:
    projection = np.full((3, 18), 10.0)
    out = rebase_by_cohort(projection, np.full(18, 5.0), base_year_index=1)
    np.testing.assert_array_equal(out[:, 0], [10.0, 5.0, 5.0])


def test_an_age_that_was_projected_empty_takes_the_ratio_of_all() -> None:
    projection = np.array([[0.0, 10.0, 10.0], [4.0, 4.0, 4.0]])
    out = rebase_by_cohort(projection, np.array([1.0, 5.0, 4.0]), youngest=1)
    assert out[1, 1] == pytest.approx(4.0 * 0.5)  # (1 + 5 + 4) / 20


def test_robust_sd_ignores_one_wild_area() -> None:
    values = np.random.default_rng(4).normal(0, 0.05, 5001)
    values[0] = 100
    assert robust_sd(values) == pytest.approx(0.05, rel=0.05)


def test_projection_error_by_hand() -> None:
    median, sd = projection_log_error(np.array([90.0, 100.0, 110.0]), np.full(3, 100.0))
    assert median == 0.0
    assert sd == pytest.approx(1.4826 * np.log(110 / 100))
