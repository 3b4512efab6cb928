from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jsna_model.errors import InputError
from jsna_model.methods.small_area import age_on, log_sd_from_wae, rake, scale_to_totals, split_bands, weighted_absolute_error

counts = st.floats(0, 1e4, allow_subnormal=False).map(lambda x: round(x, 3))


@settings(max_examples=50)
@given(arrays(float, (6, 3), elements=st.floats(0.001, 1e4)), arrays(float, (2, 3), elements=counts))
def test_rake_sums_to_each_groups_totals(values: np.ndarray, totals: np.ndarray) -> None:
    group = np.array([0, 0, 0, 1, 1, 1])
    out = rake(values, totals, group)
    np.testing.assert_allclose(np.stack([out[:3].sum(0), out[3:].sum(0)]), totals, rtol=1e-13)
    assert (out >= 0).all()


def test_rake_leaves_an_empty_group_with_no_total_at_zero() -> None:
    np.testing.assert_array_equal(rake(np.zeros(3), 0.0), np.zeros(3))


def test_rake_refuses_to_make_children_from_nobody() -> None:
    with pytest.raises(InputError, match="no children to scale"):
        rake(np.array([0.0, 0.0, 1.0]), np.array([5.0, 1.0]), np.array([0, 0, 1]))


@settings(max_examples=50)
@given(arrays(float, (3, 4), elements=counts), arrays(float, (3, 20), elements=counts))
def test_split_bands_keeps_each_band(bands: np.ndarray, single: np.ndarray) -> None:
    out = split_bands(bands, single)
    np.testing.assert_allclose(out.reshape(3, 4, 5).sum(axis=2), bands, rtol=1e-12, atol=1e-9)


def test_split_bands_is_even_where_the_larger_area_has_nobody() -> None:
    out = split_bands(np.array([[10.0, 0.0, 0.0, 5.0]]), np.zeros((1, 20)))
    np.testing.assert_allclose(out[0, :5], 2.0)
    np.testing.assert_allclose(out[0, 15:], 1.0)


def test_split_bands_takes_uneven_bands() -> None:
    out = split_bands(np.array([[6.0, 4.0]]), np.array([[1.0, 2.0, 1.0]]), edges=(0, 2, 3))
    np.testing.assert_allclose(out, [[2.0, 4.0, 4.0]])


def test_age_on_by_hand() -> None:
    single = np.arange(20.0)[None, :] + 1  # age a has a + 1
    out = age_on(single, 3.25)
    assert out.shape == (1, 18)
    np.testing.assert_allclose(out[0, :3], 2.0)  # not born: mean of ages 0 to 2, (1 + 2 + 3) / 3
    assert out[0, 3] == pytest.approx(0.75 * 1 + 0.25 * 2)
    assert out[0, 10] == pytest.approx(0.75 * 8 + 0.25 * 7)  # aged 7 or 6 at the Census


def test_age_on_by_no_time_changes_nothing() -> None:
    single = np.random.default_rng(1).random((4, 20))
    np.testing.assert_array_equal(age_on(single, 0.0), single[:, :18])


def test_scale_to_totals_is_age_by_age() -> None:
    out = scale_to_totals(np.ones((2, 18)), np.arange(18.0))
    np.testing.assert_allclose(out.sum(0), np.arange(18.0))


def test_errors() -> None:
    assert weighted_absolute_error(np.array([1.0, 3.0]), np.array([2.0, 2.0])) == 0.5
    draws = np.random.default_rng(2).normal(0, log_sd_from_wae(0.1), 200_000)
    assert np.abs(draws).mean() == pytest.approx(0.1, rel=0.01)
