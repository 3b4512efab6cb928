"""Allocation: the best of all allocations by brute force, feasible, never worse than shares, and refused where it cannot be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods.allocation import allocate, proportional, reach

RNG = np.random.default_rng(17)


def every(capacity: np.ndarray, minimum: np.ndarray, cost: np.ndarray, budget: float) -> list[np.ndarray]:
    ranges = [range(a, b + 1) for a, b in zip(minimum, capacity, strict=True)]
    return [np.array(units) for units in product(*ranges) if np.array(units) @ cost <= budget + 1e-9]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), saturating=st.booleans(), draws=st.sampled_from([0, 1, 4]))
def test_it_is_the_best_of_all(seed: int, saturating: bool, draws: int) -> None:
    rng = np.random.default_rng(seed)
    need = rng.uniform(0, 12, (3, draws) if draws else 3)
    cost, weight = rng.integers(1, 6, 3).astype(float), rng.uniform(0, 2, 3)
    minimum = rng.integers(0, 2, 3)
    capacity = minimum + rng.integers(0, 5, 3)
    budget = float(minimum @ cost + rng.uniform(0, 25))
    shares = {"population": rng.uniform(0, 9, 3), "current": rng.integers(0, 5, 3).astype(float)}
    found = allocate(need, budget, cost, capacity, minimum, weight=weight, children_per_unit=1.7, saturating=saturating, **shares)
    flat = need.reshape(3, -1)

    def worth(units: np.ndarray) -> float:
        return float((weight @ reach(units[:, None], flat, 1.7, saturating)).mean())

    assert found.best.value == pytest.approx(max(map(worth, every(capacity, minimum, cost, budget))), rel=1e-6, abs=1e-9)
    for allocation in (found.best, found.by_population, found.by_current):
        assert allocation is not None
        assert (allocation.units >= minimum).all()
        assert (allocation.units <= capacity).all()
        assert allocation.spent <= budget + 1e-9
        assert allocation.value <= found.best.value
        assert allocation.value == pytest.approx(worth(allocation.units))
        assert (allocation.reached <= flat.mean(1) + 1e-12).all()
    assert found.bound >= found.best.value


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_smallest_regret_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    need, cost = rng.gamma(2, 4, (3, 5)), rng.integers(1, 4, 3).astype(float)
    capacity, minimum = np.full(3, 5), np.zeros(3, dtype=int)
    found = allocate(need, 14, cost, capacity, regret=True, population=[1, 1, 1])
    worths = np.array([reach(u[:, None], need).sum(0) for u in every(capacity, minimum, cost, 14)])
    regrets = (worths.max(0) - worths).max(1)
    assert found.best.regret == pytest.approx(regrets.min(), rel=1e-5, abs=1e-6)
    assert found.by_population is not None
    assert found.by_population.regret >= found.best.regret - 1e-9
    assert found.by_current is None


def test_long_curves_are_near_the_bound() -> None:
    """Thirty places of hundreds of units, cut into segments: within 0.5% of what no allocation can beat."""
    need = RNG.gamma(4, 100, 30)
    found = allocate(need, 900_000.0, RNG.uniform(800, 2500, 30), 400, 5, children_per_unit=1.8, population=need * 4, current=need**0)
    assert found.by_population is not None
    assert found.best.value > found.by_population.value
    assert found.best.value > 0.995 * found.bound
    assert found.best.spent > 897_000


def test_more_money_never_reaches_fewer() -> None:
    need = RNG.gamma(4, 10, 6)
    values = [allocate(need, b, 3.0, 30).best.value for b in (0, 30, 60, 120, 540, 1e6)]
    assert (np.diff(values) >= 0).all()
    assert values[0] == 0
    assert values[-1] == pytest.approx(reach(30, need).sum())


def test_weight_moves_units_to_where_it_is() -> None:
    need = np.full(4, 50.0)
    assert allocate(need, 40, 1.0, 40).best.units.tolist() == [10, 10, 10, 10]
    weighted = allocate(need, 40, 1.0, 40, weight=[2, 1, 1, 1]).best.units
    assert weighted[0] > 20
    assert weighted.sum() == 40
    spare = allocate([10.0, 0.0], 30, 1.0, 30, saturating=False).best  # no more than there are in need
    assert spare.reached.tolist() == [10, 0]


def test_shares_become_whole_units() -> None:
    assert proportional([50, 30, 20], 10, 1, 10).tolist() == [5, 3, 2]
    assert proportional([50, 30, 20], 10, 1, 10, [0, 0, 4]).tolist() == [4, 2, 4]
    assert proportional([1, 1], 7, [2, 3], 9).tolist() == [2, 1]
    with pytest.raises(InputError, match="shares"):
        proportional([1, np.nan], 7, 1, 9)


def test_everything_that_cannot_be_is_said_at_once() -> None:
    with pytest.raises(InputError) as error:
        allocate([1.0, np.nan, 3.0], 5.0, [-1.0, 2, 3], [4, 1.5, 0], [2, 0, 6], weight=[1, 1], children_per_unit=0)
    text = str(error.value)
    for part in (
        "unit_cost in place 0 is -1",
        "need in place 1 is nan",
        "capacity has parts of a unit",
        "capacity of place 2 is 0, below its minimum service of 6",
        "the budget is 5 and the minimum service costs 16",
        "weight has shape (2,) for 3 places",
        "children_per_unit is 0",
        "7 problems",
    ):
        assert part in text, part
    for bad in (-1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="budget"):
            allocate([1.0], bad, 1, 1)
    with pytest.raises(InputError, match="draws for a regret"):
        allocate(np.ones((2, 500)), 1, 1, 1, regret=True)
    with pytest.raises(InputError, match="need has shape"):
        allocate(5.0, 1, 1, 1)
