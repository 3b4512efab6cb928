"""Attribution: Shapley values against all orders and their standard error against repeats; waterfalls that add up; tornadoes."""

from itertools import permutations

import numpy as np
import pytest

from jsna_model.errors import InputError
from jsna_model.methods.attribution import (
    SWING_ERRORS,
    alone_of_product,
    coalitions,
    group_moments,
    group_sizes,
    jackknife_error,
    shapley,
    shapley_weights,
    tornado,
    variance_by_source,
    variances,
    waterfall,
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


def test_a_waterfall_adds_up_in_every_draw() -> None:
    """On a product of three factors, and on anything else."""
    first, last = RNG.lognormal(size=(2, 3, 4, 500))
    base, horizon = first.prod(0), last.prod(0)
    names = ("population", "need", "pathway")
    alone = alone_of_product(base, {n: (first[i], last[i]) for i, n in enumerate(names)})
    np.testing.assert_allclose(alone["need"], first[0] * last[1] * first[2], rtol=1e-12)
    parts = waterfall(base, alone, horizon)
    assert list(parts) == [*names, "interaction"]
    np.testing.assert_allclose(base + np.sum(list(parts.values()), axis=0), horizon, rtol=1e-12, atol=1e-9)
    still = waterfall(base, alone_of_product(base, {n: (first[i], first[i]) for i, n in enumerate(names)}), base)
    assert all((part == 0).all() for part in still.values())
    one = waterfall(base, alone_of_product(base, {"need": (first[1], last[1])}), base * last[1] / first[1])
    np.testing.assert_allclose(one["interaction"], 0, atol=1e-9)


def test_a_waterfall_without_a_base() -> None:
    alone = alone_of_product([0.0, 0.0], {"x": ([0.0, 0.0], [0.0, 2.0])})
    assert alone["x"][0] == 0
    assert np.isnan(alone["x"][1])
    for factors in ({}, {"interaction": [1.0]}):
        with pytest.raises(InputError, match="at least one"):
            waterfall([1.0], factors, [2.0])


def test_a_tornado_ranks_what_moves_the_answer() -> None:
    """``y = 3 a + b + c^2``: swings are the distances of the expected outcome between the quantiles, by hand."""
    a, b, c, d = RNG.normal(size=(4, 20_000))
    found = tornado({"d": d, "b": b, "a": a, "c": c}, 3 * a + b + c**2)
    assert found.input.tolist()[:2] == ["a", "b"]
    by_name = {row.input: row for row in found}
    wide = 2 * 1.2815515594457987
    assert by_name["a"].swing == pytest.approx(3 * wide, rel=0.03)
    assert by_name["b"].at_high - by_name["b"].at_low == pytest.approx(wide, rel=0.1)
    assert by_name["c"].swing < 0.3  # the same at both ends, though it does move the answer:
    assert by_name["c"].share == pytest.approx(2 / 12, abs=0.02)
    assert by_name["a"].share == pytest.approx(9 / 12, abs=0.02)
    assert by_name["d"].share < 0.002
    assert by_name["a"].rank_correlation > 0.8
    still = tornado({"x": np.ones(100)}, a[:100])
    assert (still.swing[0], still.share[0]) == (0, 0)


def test_what_makes_no_tornado() -> None:
    x = RNG.normal(size=100)
    with pytest.raises(InputError, match="3 problems"):
        tornado({"a": x[:5], "b": x * np.nan}, x, 0.9, 0.1)
    with pytest.raises(InputError, match="no inputs"):
        tornado({}, x)


def test_variance_of_a_decision_by_source() -> None:
    """A known outcome: linear in two sources, a product, and noise; the parts add up exactly and are where they should be."""
    rng = np.random.default_rng(4)
    a, b, c, noise = rng.standard_normal((4, 4000))
    averaged = np.stack([2 * a + b + 2 * a * b, b])
    happens = averaged + np.stack([noise, np.zeros(4000)])
    parts = variance_by_source({"a": a, "b": b, "c": np.stack([c, rng.standard_normal(4000)])}, averaged, happens)
    assert list(parts) == ["a", "b", "c", "unexplained", "process_noise"]
    np.testing.assert_allclose(sum(parts.values()), happens.var(1, ddof=1), rtol=1e-12)
    # Var = 4 + 1 + 4, the product's shared between the two; and 1 of noise.
    np.testing.assert_allclose(parts["a"], [6, 0], atol=0.5)
    np.testing.assert_allclose(parts["b"], [3, 1], atol=0.5)
    np.testing.assert_allclose(parts["process_noise"], [1, 0], atol=0.3)
    assert (abs(parts["c"]) < 0.05).all()
    assert (abs(parts["unexplained"]) < 0.05).all()


def test_sources_that_cannot_be_are_refused_at_once() -> None:
    y = np.arange(30.0)[None]
    with pytest.raises(InputError) as error:
        variance_by_source({"short": np.arange(5.0), "odd": np.full(30, np.nan)}, y, y[:, :9])
    for part in ("3 problems", "'short'", "'odd'", "all finite"):
        assert part in str(error.value)
    with pytest.raises(InputError, match="10 or fewer"):
        variance_by_source({str(i): y for i in range(11)}, y)
    few = variance_by_source({"a": y, "still": np.ones(30)}, 2 * y)
    np.testing.assert_allclose(sum(few.values()), (2 * y).var(ddof=1), rtol=1e-12)
    assert few["a"] > 0.99 * (2 * y).var(ddof=1)


def test_few_draws_make_no_swing_of_what_moves_nothing() -> None:
    """Of 200 inputs without influence and 40 draws, hardly any swing is told from chance; one that moves the answer is."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=40)
    found = tornado({f"x{i}": rng.normal(size=40) for i in range(200)} | {"real": y + 0.3 * rng.normal(size=40)}, y)
    told = {str(row.input) for row in found if row.swing > SWING_ERRORS * row.swing_error}
    assert "real" in told
    assert len(told) <= 1 + 0.03 * 200
    assert max(row.swing for row in found if row.input != "real") > 0.5 * np.std(y)  # which is what would have been shown


def test_the_error_of_a_swing_is_its_spread_over_repeats() -> None:
    rng = np.random.default_rng(9)
    swings, errors = [], []
    for _ in range(60):
        x = rng.normal(size=200)
        (row,) = tornado({"x": x}, x + rng.normal(size=200))
        swings.append(row.at_high - row.at_low)
        errors.append(row.swing_error)
    assert np.mean(errors) == pytest.approx(np.std(swings), rel=0.35)
