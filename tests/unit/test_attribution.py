"""Attribution of a variance: Shapley values against all orders, and their standard error against repeats."""

from itertools import permutations

import numpy as np
import pytest

from jsna_model.errors import InputError
from jsna_model.methods.attribution import (
    coalitions,
    group_moments,
    group_sizes,
    jackknife_error,
    shapley,
    shapley_weights,
    variances,
)

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_shapley_is_the_mean_over_all_orders(n: int) -> None:
    values = RNG.normal(size=2**n)
    gains = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        held = 0
        for i in order:
            gains[i] += values[held | 1 << i] - values[held]
            held |= 1 << i
    np.testing.assert_allclose(shapley(values), gains / len(orders), atol=1e-13)


def test_shapley_adds_up_and_gives_nothing_to_what_does_nothing() -> None:
    n = 6
    held = coalitions(n)
    values = RNG.normal(size=(2 ** (n - 1), 4))[(held[:, 1:] @ (1 << np.arange(n - 1))).astype(int)]  # the first source does nothing
    found = shapley(values)
    np.testing.assert_allclose(found.sum(0), values[-1] - values[0], atol=1e-12)
    np.testing.assert_allclose(found[0], 0, atol=1e-13)
    assert shapley_weights(0).shape == (0, 1)
    with pytest.raises(InputError, match="2\\*\\*n"):
        shapley(values[:5])


def test_variance_of_a_sum_is_shared_by_its_parts() -> None:
    """Independent terms get their own variance; a product is halved between its factors."""
    x, y, z = RNG.normal(size=(3, 400_000)) * np.array([[2.0], [1.0], [1.0]])
    held = coalitions(3)
    value = np.array([np.var(a * x + b * y + (a * x) * (c * z)) for a, b, c in held])
    np.testing.assert_allclose(shapley(value), [4 + 2, 1, 2], rtol=0.02)


def test_leaving_groups_out_is_the_variance_without_them() -> None:
    values = RNG.normal(size=(3, 2, 47)) + 5
    sizes = group_sizes(47, 6)
    everything, left_out = variances(*group_moments(values, 6), sizes)
    np.testing.assert_allclose(everything, values.var(-1, ddof=1), rtol=1e-12)
    ends = np.cumsum(sizes)
    for g, end in enumerate(ends):
        rest = np.delete(values, np.arange(end - sizes[g], end), axis=-1)
        np.testing.assert_allclose(left_out[..., g], rest.var(-1, ddof=1), rtol=1e-10)
    assert group_sizes(3, 20).tolist() == [1, 1, 1]


def test_the_standard_error_is_the_spread_over_repeats() -> None:
    shares, errors = [], []
    for _ in range(300):
        x, y = RNG.normal(size=(2, 400)) * np.array([[2.0], [1.0]])
        values = np.stack([0 * x, x, y, x + y + 0.5 * x * y])
        everything, left_out = variances(*group_moments(values), group_sizes(400))
        shares.append(shapley(everything)[0] / everything[-1])
        errors.append(jackknife_error(shapley(left_out)[0] / left_out[-1]))
    assert np.mean(errors) == pytest.approx(np.std(shares), rel=0.15)
