"""Decisions: what is undefined, refused or conserved."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jsna_model.errors import InputError
from jsna_model.methods.economics import (
    acceptability,
    acceptability_frontier,
    discount_factors,
    evpi,
    evppi,
    evppi_table,
    goal_seek,
    icer_interval,
    icer_table,
    net_benefit,
    payback,
    present_value,
    quadrants,
    reprice,
)

RNG = np.random.default_rng(11)
whole = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 30)), elements=st.integers(-9, 9).map(float))


# --- the frontier --------------------------------------------------------------------------------------------------------------------


def best_somewhere(cost: np.ndarray, effect: np.ndarray) -> set[int]:
    """Brute force: strategies with the most net benefit at some threshold, zero included with ties to the better."""
    points = list(zip(cost, effect, strict=True))
    ratios = [(b[0] - a[0]) / (b[1] - a[1]) for a in points for b in points if a[1] != b[1]]
    steps = sorted({0.0, *(r for r in ratios if r > 0)})
    found = set()
    for k in [*steps, *((a + b) / 2 for a, b in pairwise(steps)), steps[-1] + 1]:
        gain = k * effect - cost
        top = np.flatnonzero(np.isclose(gain, gain.max(), rtol=1e-12, atol=1e-9))
        found |= set(top)
    undominated = {i for i in found if not any((c <= cost[i] and e >= effect[i] and (c < cost[i] or e > effect[i])) for c, e in points)}
    return undominated


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=1, max_size=9))
def test_the_frontier_is_what_is_best_at_some_threshold(points: list[tuple[int, int]]) -> None:
    cost, effect = np.array(points, dtype=float).T
    found = icer_table(cost, effect)
    assert set(np.flatnonzero(found.order >= 0)) == best_somewhere(cost, effect)
    _, first = np.unique(found.order[found.order > 0], return_index=True)
    ratios = found.icer[found.order > 0][first]
    assert (np.diff(ratios) >= -1e-9).all()
    assert (ratios > 0).all()
    assert (np.isnan(found.icer) == (found.order < 1)).all()


def test_order_given_does_not_matter() -> None:
    cost, effect = np.array([5.0, 10, 35, 55, 25, 12]), np.array([1.0, 2, 4, 5, 3, 1.5])
    usual = icer_table(cost, effect)
    for order in list(permutations(range(6)))[::37]:
        found = icer_table(cost[list(order)], effect[list(order)])
        assert found.status.tolist() == usual.status[list(order)].tolist()


def test_undefined_cases() -> None:
    alone = icer_table([1], [2])
    assert (alone.status[0], np.isnan(alone.icer[0])) == ("reference", True)
    twins = icer_table([0, 10, 10], [0, 1, 1], ["a", "b", "c"])
    assert twins.status.tolist() == ["reference", "on frontier", "on frontier"]
    assert twins.icer.tolist()[1:] == [10.0, 10.0]
    assert icer_table([3, 3], [1, 1]).status.tolist() == ["reference", "reference"]
    assert icer_table([3, 3], [1, 2]).status.tolist() == ["strong dominance", "reference"]
    assert icer_table([3, 4], [1, 1]).status.tolist() == ["reference", "strong dominance"]
    assert icer_table([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]).status.tolist() == ["reference", "on frontier", "on frontier"]  # on one line
    savings = icer_table([-100, 0], [-2, -1])  # negative effects: harm avoided
    assert savings.icer[1] == 100
    frame = pd.DataFrame(twins)
    assert frame.loc[1, "icer"] == 10


def test_every_problem_of_a_table_at_once() -> None:
    with pytest.raises(InputError) as error:
        icer_table([1, np.nan, 3], [np.inf, 2, 1], ["a", "b", "a"])
    text = str(error.value)
    for part in ("3 problems", "cost of strategy 'b' is nan", "effect of strategy 'a' is inf", "two strategies are called 'a'"):
        assert part in text
    for cost, effect in (([], []), ([1, 2], [1]), ([[1, 2]], [[1, 2]])):
        with pytest.raises(InputError, match="one expected cost"):
            icer_table(cost, effect)


# --- ratios --------------------------------------------------------------------------------------------------------------------------


def test_fiellers_set_covers_as_it_says() -> None:
    """Two normal means, each 3 standard errors from zero: the true ratio is in the set in 95% of samples."""
    inside = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        at = np.array([300.0, 3.0]) + rng.normal(size=2) * np.array([100.0, 1.0])
        draws = at[:, None] + rng.normal(size=(2, 4000)) * np.array([[100.0], [1.0]])
        found = icer_interval(*draws)
        if found.kind == "interval":
            inside += found.lower <= 100 <= found.upper
        elif found.kind == "outside":
            inside += not found.lower < 100 < found.upper
        else:
            inside += 1
    assert 0.92 <= inside / 400 <= 0.98


def test_a_ratio_that_says_nothing() -> None:
    noise = RNG.normal(size=(2, 2000))
    assert icer_interval(50 + noise[0], 4 + noise[1]).kind == "interval"
    assert icer_interval(50 + noise[0], 0.5 + noise[1]).kind == "outside"
    assert icer_interval(0.1 + noise[0], 0.1 + noise[1]).kind == "everything"
    zero = np.zeros(5)
    assert icer_interval(zero, zero).kind == "undefined"
    assert icer_interval(zero + 1, zero).kind == "undefined"
    assert icer_interval(zero + 6, zero + 2).value == 3.0
    with pytest.raises(InputError, match="level"):
        icer_interval(noise[0], noise[1], level=95)
    with pytest.raises(InputError, match="2 problems"):
        icer_interval(noise[0], noise[1][:5] * np.nan)
    assert sum(quadrants(noise[0], noise[1]).values()) == pytest.approx(1)


# --- net benefit and information -----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(whole, st.floats(-1e6, 1e6))
def test_probabilities_add_up_and_a_constant_changes_nothing(values: np.ndarray, constant: float) -> None:
    """Whole numbers, so that ties are common; a constant that rounds them apart is rounded itself."""
    constant = round(constant)
    found = acceptability(values)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (acceptability(values + constant) == found).all()
    assert evpi(values + constant) == pytest.approx(evpi(values), abs=1e-9)
    by_draw = np.linspace(-50, 50, values.shape[1]).round()  # what happens whatever is chosen
    assert evpi(values + by_draw) == pytest.approx(evpi(values), abs=1e-9)
    assert 0 <= float(evpi(values)) <= values.max() - values.min()


def test_acceptability_over_thresholds() -> None:
    cost, effect = RNG.normal(size=(3, 500)) * 100, RNG.normal(size=(3, 500))
    values = net_benefit(cost, effect, [0, 50, 200])
    assert values.shape == (3, 3, 500)
    curve = acceptability(values)
    np.testing.assert_array_equal(curve[:, 1], acceptability(net_benefit(cost, effect, 50)))
    best, probability = acceptability_frontier(values)
    assert best.tolist() == values.mean(-1).argmax(0).tolist()
    assert probability.tolist() == [curve[b, k] for k, b in enumerate(best)]
    np.testing.assert_allclose(np.asarray(evpi(values))[2], evpi(values[:, 2]), rtol=1e-12)
    with pytest.raises(InputError, match="threshold"):
        net_benefit(cost, effect, -1)


@pytest.mark.parametrize(
    ("values", "match"),
    [(np.zeros((1000, 3)), "draws last"), (np.zeros(5), "shape"), (np.full((2, 9), np.nan), "not finite"), (np.zeros((0, 9)), "shape")],
)
def test_axes_and_gaps_are_refused(values: np.ndarray, match: str) -> None:
    for function in (acceptability, evpi, lambda v: evppi(v, np.zeros(np.shape(v)[-1]))):
        with pytest.raises(InputError, match=match):
            function(values)


def test_evppi_is_bounded_and_does_not_overstate() -> None:
    """Over repeats its mean is at or below the truth, where what fits the same draws overstates."""
    truth, found, naive = 0.0, [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        theta, noise = rng.normal(size=(6, 200)), rng.normal(size=200)
        values = np.stack([np.zeros(200), noise * 5])
        found.append(evppi_table(values, {"x": theta}).unbounded[0])
        fitted = (
            np.column_stack([np.ones(200), theta.T]) @ np.linalg.lstsq(np.column_stack([np.ones(200), theta.T]), values[1], rcond=None)[0]
        )
        naive.append(np.maximum(fitted, 0).mean() - max(values[1].mean(), 0))
        assert 0 <= evppi(values, theta) <= float(evpi(values))
    assert np.mean(found) <= truth + 2 * np.std(found) / np.sqrt(60)
    assert np.mean(naive) > 0.1


def test_the_table_of_parameters() -> None:
    x = RNG.normal(size=(3, 4000))
    values = np.stack([np.zeros(4000), 0.5 + x[0] + 0.2 * x[1], np.full(4000, -100.0)])
    places = RNG.integers(0, 4000, (60, 4000))
    table = evppi_table(values, {"little": x[1], "much": x[0], "nothing": x[2]}, places)
    assert table.group.tolist()[0] == "much"
    much = table[0]
    assert much.stable
    assert much.share == pytest.approx(much.evppi / float(evpi(values)))
    jackknife = evppi_table(values, {"much": x[0]})[0]
    assert jackknife.standard_error == pytest.approx(much.standard_error, rel=0.5)
    nothing = table[table.group == "nothing"][0]
    assert nothing.evppi < 3 * nothing.standard_error + 1e-3
    flat = evppi_table(np.zeros((2, 100)), {"x": x[0, :100]})[0]
    assert (flat.evppi, bool(flat.stable), np.isnan(flat.share)) == (0.0, True, True)
    constant = evppi(values, np.ones(4000))
    assert constant == 0


def test_the_standard_error_is_the_spread_over_repeats() -> None:
    found, errors = [], []
    for seed in range(120):
        x = np.random.default_rng(seed).normal(size=(2, 400))
        row = evppi_table(np.stack([np.zeros(400), 0.5 + x[0] + x[1]]), {"x": x[0]})[0]
        found.append(row.unbounded)
        errors.append(row.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)


def test_what_cannot_be_valued() -> None:
    values = RNG.normal(size=(2, 100))
    for theta, match in ((np.zeros(99), "same draws"), (np.full(100, np.nan), "not finite")):
        with pytest.raises(InputError, match=match):
            evppi(values, theta)
    with pytest.raises(InputError, match="too few"):
        evppi(values[:, :10], np.zeros(10))
    with pytest.raises(InputError, match="name at least one"):
        evppi_table(values, {})
    with pytest.raises(InputError, match="resample"):
        evppi_table(values, {"x": values[0]}, np.full((3, 100), 100))


# --- money over time -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0001, 0.2), st.integers(1, 400))
def test_discount_factors_fall(rate: float, years: int) -> None:
    found = discount_factors(np.arange(years), rate)
    assert found[0] == 1
    assert (np.diff(found) < 0).all()
    np.testing.assert_allclose(found, (1 + rate) ** -np.arange(years, dtype=float), rtol=1e-10)
    np.testing.assert_allclose(discount_factors(np.arange(years), [(0, rate), (31, rate)]), found, rtol=1e-14)


def test_years_are_counted_from_the_base() -> None:
    by_label = discount_factors(["2026-27", "2028-29"], 0.035, "2025-26")
    np.testing.assert_allclose(by_label, 1.035 ** -np.array([1.0, 3.0]))
    np.testing.assert_array_equal(discount_factors([2026, 2028], 0.035, 2025), by_label)
    assert discount_factors(3, 0.0) == 1
    assert (discount_factors([0, 1], [(1, 0.1)]) == [1, 1 / 1.1]).all()
    for years, base, match in (
        ([2026], 0, "give base_year"),
        ([np.nan], 0, "finite"),
        ([2024], 2025, "before the base"),
        (["2026"], 2025, "financial year"),
        (["2026-28"], 2025, "financial year"),
    ):
        with pytest.raises(InputError, match=match):
            discount_factors(years, 0.035, base)
    for bad in ([(0, 0.03), (0, 0.02)], [(5, 0.03)], -1.0, float("nan"), 3.5, [0.03, 0.02]):
        with pytest.raises(InputError):
            discount_factors([0, 1], bad)


def test_part_of_a_year_is_discounted_at_the_rate_of_the_year_in_progress() -> None:
    schedule = {0: 0.035, 31: 0.03}
    np.testing.assert_allclose(discount_factors([0, 0.5, 2.25], 0.035), 1.035 ** -np.array([0, 0.5, 2.25]), rtol=1e-14)
    np.testing.assert_allclose(discount_factors([29.5, 30.5], schedule), [1.035**-29.5, 1.035**-30 * 1.03**-0.5], rtol=1e-14)
    np.testing.assert_array_equal(discount_factors(np.arange(40), schedule), discount_factors(np.arange(40), list(schedule.items())))


def test_present_value_is_the_sum_of_what_each_year_is_worth() -> None:
    values = RNG.normal(size=(2, 5, 7))
    factors = discount_factors(range(5), 0.035)
    np.testing.assert_allclose(present_value(values, factors, axis=1), sum(values[:, t] * factors[t] for t in range(5)), rtol=1e-12)
    values[0, 2, 3] = np.nan
    assert np.isnan(present_value(values, factors, axis=1)[0, 3])
    with pytest.raises(InputError, match="one a year"):
        present_value(values, factors[:4], axis=1)


def test_prices_go_there_and_back() -> None:
    index = {"2023-24": 95.9, "2024-25": 100.0, "2025-26": 102.4}
    there = reprice([100.0, 7.0], "2023-24", "2025-26", index)
    np.testing.assert_allclose(reprice(there, "2025-26", "2023-24", index), [100, 7], rtol=1e-14)
    with pytest.raises(InputError, match="2 problems"):
        reprice(1, "2020-21", "2030-31", index)
    with pytest.raises(InputError, match="above zero"):
        reprice(1, "2023-24", "2024-25", {**index, "2024-25": 0.0})


def test_payback_is_when_it_is_paid_and_stays_so() -> None:
    assert payback([-10, 5, 5]).item() == 3
    assert payback([-10, 20, -15, 20]).item() == 3.25  # owed again in the third year
    assert np.isnan(payback([-10, 5])).item()
    assert payback([1, 2]).item() == 0
    assert payback([0, 0]).item() == 0
    assert payback(np.array([[[-4.0, 1.0]], [[8.0, 1.0]]])).tolist() == [[1.5, 0.0]]
    with pytest.raises(InputError):
        payback([np.nan])


def test_goal_seek_finds_the_mean_or_a_quantile() -> None:
    draws = RNG.normal(10, 2, 4000)
    assert goal_seek(lambda x: x * draws - 100, 0, 100) == pytest.approx(100 / draws.mean(), abs=1e-3)
    assert goal_seek(lambda x: x * draws - 100, 0, 100, quantile=0.1) == pytest.approx(100 / np.quantile(draws, 0.1), abs=1e-3)
    assert goal_seek(lambda x: draws * 0 + x, 0, 5) == 0
    with pytest.raises(InputError, match=r"is above 0 at both ends of the range: .* at 20 and .* at 30"):
        goal_seek(lambda x: x * draws - 100, 20, 30)
    with pytest.raises(InputError, match="2 problems"):
        goal_seek(lambda x: draws, 3, 1, quantile=5)
    with pytest.raises(InputError, match="not finite"):
        goal_seek(lambda x: draws * np.nan, 0, 1)
