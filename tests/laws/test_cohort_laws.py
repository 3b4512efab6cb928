"""Cohorts are conserved, births enter at 0, those of 18 leave, and shares close."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jsna_model.conventions import AGE_BANDS
from jsna_model.methods.cohort import constrained_shares, migration_rates, project_cohorts, split_by_sex

counts = st.floats(0, 1e5, allow_subnormal=False)
some = st.floats(1, 1e5)
BANDS = list(AGE_BANDS.values())
QUICK, SOME = settings(deadline=None), settings(max_examples=40, deadline=None)


@QUICK
@given(arrays(float, (3, 18), elements=counts), arrays(float, (3, 20), elements=counts))
def test_without_migration_cohorts_are_conserved_exactly(base: np.ndarray, births: np.ndarray) -> None:
    out = project_cohorts(base, births)
    for t in range(1, 21):
        np.testing.assert_array_equal(out[:, t, 0], births[:, t - 1])
        np.testing.assert_array_equal(out[:, t, 1:], out[:, t - 1, :-1])
    np.testing.assert_array_equal(out[:, 20], births[:, ::-1][:, :18])  # nobody of the base year is left


@QUICK
@given(arrays(float, (2, 18), elements=counts), arrays(float, (2, 6), elements=counts))
def test_stocks_balance(base: np.ndarray, births: np.ndarray) -> None:
    """Law 12: opening + births − those who turn 18 = closing."""
    out = project_cohorts(base, births)
    np.testing.assert_allclose(out[:, :-1].sum(-1) + births - out[:, :-1, -1], out[:, 1:].sum(-1), rtol=1e-12, atol=1e-9)


@QUICK
@given(arrays(float, 18, elements=some), arrays(float, 4, elements=some), arrays(float, 17, elements=st.floats(-0.5, 0.5)))
def test_held_migration_is_found_again(base: np.ndarray, births: np.ndarray, rates: np.ndarray) -> None:
    np.testing.assert_allclose(migration_rates(project_cohorts(base, births, rates)), rates, atol=1e-10)


@QUICK
@given(arrays(float, (2, 3, 18), elements=counts), arrays(float, (2, 18, 2), elements=counts))
def test_sexes_sum_to_persons(projection: np.ndarray, base: np.ndarray) -> None:
    apart = split_by_sex(projection, base)
    assert (apart >= 0).all()
    np.testing.assert_allclose(apart.sum(-1), projection, rtol=1e-12)


@SOME
@given(arrays(float, (7, 5), elements=some), arrays(float, (2, 4, 18), elements=counts), st.booleans())
def test_small_areas_sum_to_the_authority(base: np.ndarray, projection: np.ndarray, aged: bool) -> None:
    """Law 9."""
    group = np.array([0, 1, 1, 0, 0, 1, 1])
    out = constrained_shares(base, group, projection, BANDS, aged)
    assert (out >= 0).all()
    for i, (first, last) in enumerate(BANDS):
        for g in (0, 1):
            want = projection[g, :, first : last + 1].sum(-1)
            np.testing.assert_allclose(out[:, group == g, i].sum(-1), want, rtol=1e-9, atol=1e-9)


@SOME
@given(arrays(float, (5, 5), elements=some), st.booleans())
def test_the_base_year_is_given_back(base: np.ndarray, aged: bool) -> None:
    single = np.zeros((1, 1, 18))
    for i, (first, last) in enumerate(BANDS):
        single[..., first : last + 1] = base[:, i].sum() / (last - first + 1)
    np.testing.assert_allclose(constrained_shares(base, np.zeros(5, int), single, BANDS, aged)[0], base, rtol=1e-9)


@QUICK
@given(arrays(float, (6, 5), elements=some), arrays(float, (2, 3, 18), elements=some))
def test_an_authority_does_not_depend_on_the_others(base: np.ndarray, projection: np.ndarray) -> None:
    """Law 13."""
    both = constrained_shares(base, np.array([0, 0, 0, 1, 1, 1]), projection, BANDS, aged=True)
    alone = constrained_shares(base[3:], np.zeros(3, int), projection[1:], BANDS, aged=True)
    np.testing.assert_array_equal(both[:, 3:], alone)
