"""Children carried forward in cohorts, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from jsna_model.errors import InputError
from jsna_model.methods.cohort import constrained_shares, migration_rates, project_cohorts, split_by_sex

BANDS = [(0, 0), (1, 2), (3, 3)]


def test_a_cohort_by_hand() -> None:
    out = project_cohorts(np.array([10.0, 20.0, 30.0]), np.array([7.0, 8.0]), np.array([0.1, -0.5]))
    np.testing.assert_allclose(out, [[10, 20, 30], [7, 11, 10], [8, 7.7, 5.5]])


def test_rates_pool_years_and_are_zero_where_nobody_was() -> None:
    years = np.array([[[10.0, 0.0, 5.0], [12.0, 11.0, 3.0], [9.0, 12.6, 4.0]]])
    np.testing.assert_allclose(migration_rates(years), [[(11 + 12.6) / 22 - 1, (3 + 4) / 11 - 1]])
    np.testing.assert_array_equal(migration_rates(np.zeros((2, 4))), np.zeros(3))


def test_sexes_follow_their_cohort_and_the_unborn_everybody() -> None:
    base = np.array([[2.0, 8.0], [5.0, 5.0]])  # ages 0 and 1 by sex
    out = split_by_sex(np.full((3, 2), 100.0), base)
    np.testing.assert_allclose(out[..., 0], [[20, 50], [35, 20], [35, 35]])
    np.testing.assert_allclose(split_by_sex(np.ones((1, 2)), np.zeros((2, 2))), 0.5)  # nobody at all: evenly


def test_held_shares_stay_and_aged_shares_move() -> None:
    base = np.array([[1.0, 2.0, 9.0], [3.0, 6.0, 1.0]])
    later = np.full((1, 3, 4), 100.0)
    group = np.zeros(2, dtype=int)
    held = constrained_shares(base, group, later, BANDS)
    np.testing.assert_allclose(held[:, 0], np.tile([25.0, 50.0, 90.0], (3, 1)))
    aged = constrained_shares(base, group, later, BANDS, aged=True)
    np.testing.assert_allclose(aged[0], held[0])
    np.testing.assert_allclose(aged[1, 0], [25, 25 + 25, 25])  # those aged 3 were aged 2 in the base year


def test_a_band_without_children_is_shared_as_all_ages_are() -> None:
    out = constrained_shares(np.array([[0.0, 1.0, 1.0], [0.0, 3.0, 3.0]]), np.zeros(2, int), np.full((1, 1, 4), 8.0), BANDS)
    np.testing.assert_allclose(out[0, :, 0], [2, 6])


@pytest.mark.parametrize(
    ("base", "births", "moves", "message"),
    [
        ([1.0, -1.0], [1.0], None, "children of the base year are negative"),
        ([1.0, 1.0], [np.nan], None, "births are negative or missing"),
        ([1.0, 1.0], [1.0], [-1.5], "one plus net migration"),
    ],
)
def test_what_cannot_be_is_refused(base: list[float], births: list[float], moves: list[float] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        project_cohorts(np.array(base), np.array(births), None if moves is None else np.array(moves))


def test_one_year_of_estimates_and_an_empty_authority_are_refused() -> None:
    with pytest.raises(InputError, match="two years or more in a row, not 1"):
        migration_rates(np.ones((1, 3)))
    with pytest.raises(InputError, match="1 larger areas have projected children but none"):
        constrained_shares(np.zeros((2, 3)), np.zeros(2, int), np.ones((1, 1, 4)), BANDS)
