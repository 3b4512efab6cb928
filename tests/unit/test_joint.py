"""The joint of several risks: properties, limits and degenerate cases, against solvers written here."""

from __future__ import annotations

from itertools import combinations
from time import perf_counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import null_space
from scipy.optimize import linprog, minimize

from jsna_model.errors import InputError
from jsna_model.methods.joint import all_three_bounds, design, feasible_shares, frechet_bounds, maximum_entropy, pair_table
from jsna_model.methods.joint import pattern_probabilities as joint

Array = NDArray[np.float64]
INF = float("inf")
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(["conditional", "marginal"])
EXTREME = [1e-12, 1e-6, 0.01, 0.3, 0.5, 0.8, 1 - 1e-12]


def pairs(n: int) -> list[tuple[int, int]]:
    return list(combinations(range(n), 2))


def tables(cells: Array) -> Array:
    """Each pair's own table: neither, first, second, both."""
    n = int(np.log2(cells.shape[-1]))
    main, _ = design(n)
    return np.stack([np.stack([cells[..., main[:, j] + 2 * main[:, k] == c].sum(-1) for c in range(4)], -1) for j, k in pairs(n)], -2)


def own_odds_ratios(cells: Array) -> Array:
    t = tables(cells)
    return t[..., 0] * t[..., 3] / (t[..., 1] * t[..., 2])


def log_linear_odds_ratios(cells: Array) -> Array:
    """Of each pair when all others are absent."""
    n = int(np.log2(cells.shape[-1]))
    return np.stack([cells[..., 0] * cells[..., 2**j + 2**k] / (cells[..., 2**j] * cells[..., 2**k]) for j, k in pairs(n)], -1)


def solve(p: Array, odds: Array, kind: str) -> Array:
    try:
        return joint(p, odds, kind)
    except InputError:
        assume(kind == "conditional")  # which is always feasible: its refusal is a failure
        raise


def roomiest(rows: Array, values: Array) -> tuple[Array, float]:
    """The solution of ``rows x = values`` whose least element is greatest, and that element."""
    n = rows.shape[1]
    found = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-np.eye(n), np.ones(n)]),
        b_ub=np.zeros(n),
        A_eq=np.column_stack([rows, np.zeros(len(rows))]),
        b_eq=values,
        bounds=(None, None),
    )
    return found.x[:-1], float(found.x[-1])


def random_case(n: int, seed: int, spread: float = 0.6) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.02, 0.98, n), np.exp(rng.normal(0.2, spread, len(pairs(n))))


@settings(max_examples=150, deadline=None)
@given(n=st.integers(1, 6), seed=SEEDS, kind=KINDS)
def test_cells_sum_to_one_and_reproduce_marginals_and_odds_ratios(n: int, seed: int, kind: str) -> None:
    p, odds = random_case(n, seed)
    cells = solve(p, odds, kind)
    main, _ = design(n)
    assert cells.min() >= 0
    assert cells.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(cells @ main, p, rtol=1e-11)
    if n > 1:
        found = own_odds_ratios(cells) if kind == "marginal" else log_linear_odds_ratios(cells)
        np.testing.assert_allclose(found, odds, rtol=1e-10)


@settings(max_examples=150, deadline=None)
@given(p=st.lists(st.sampled_from(EXTREME), min_size=2, max_size=5), seed=SEEDS, kind=KINDS)
def test_nearly_deterministic_cells_are_exact(p: list[float], seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    odds = 10 ** rng.uniform(-8, 8, len(pairs(len(p))))
    cells = solve(np.array(p), odds, kind)
    main, _ = design(len(p))
    np.testing.assert_allclose(cells @ main, p, rtol=2e-12)
    if kind == "marginal":
        np.testing.assert_allclose(own_odds_ratios(cells), odds, rtol=1e-10)
    elif (cells > 1e-290).all():
        np.testing.assert_allclose(log_linear_odds_ratios(cells), odds, rtol=1e-10)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(3, 4), seed=SEEDS)
def test_given_its_tables_no_joint_has_more_entropy(n: int, seed: int) -> None:
    """A general constrained optimiser, knowing nothing of log-linear models, finds the same joint."""
    p, odds = random_case(n, seed, 0.4)
    cells = solve(p, odds, "marginal")
    main, inter = design(n)
    rows = np.column_stack([np.ones(2**n), main, inter[:, : len(odds)]]).T
    start, room = roomiest(rows, rows @ cells)
    assume(room > 1e-4)
    free = null_space(rows)

    def minus_entropy(z: Array) -> float:
        x = start + free @ z
        return float((x * np.log(x)).sum()) if (x > 0).all() else INF

    found = minimize(
        minus_entropy,
        np.zeros(free.shape[1]),
        jac=lambda z: free.T @ (np.log(start + free @ z) + 1),
        hess=lambda z: free.T @ (free / (start + free @ z)[:, None]),
        method="trust-exact",
        options={"gtol": 1e-11},
    )
    np.testing.assert_allclose(cells, start + free @ found.x, atol=1e-7)  # the optimiser's own precision


@settings(max_examples=40, deadline=None)
@given(n=st.integers(3, 4), seed=SEEDS, kind=KINDS)
def test_iterative_proportional_fitting_agrees(n: int, seed: int, kind: str) -> None:
    """Scaling a seed that has the log-linear interactions (none, given tables) to what is given, margin by margin."""
    p, odds = random_case(n, seed, 0.4)
    cells = solve(p, odds, kind)
    assume(cells.min() > 1e-3)
    main, inter = design(n)
    if kind == "conditional":
        fitted = np.exp(inter[:, : len(odds)] @ np.log(odds))
        margins = [(main[:, k].astype(int), np.array([1 - p[k], p[k]])) for k in range(n)]
    else:
        fitted = np.ones(2**n)
        margins = [((main[:, j] + 2 * main[:, k]).astype(int), pair_table(p[j], p[k], w)) for (j, k), w in zip(pairs(n), odds, strict=True)]
    for _ in range(5000):
        before = fitted.copy()
        for code, target in margins:
            fitted *= (target / np.bincount(code, fitted))[code]
        if np.abs(fitted - before).max() < 1e-15:
            break
    np.testing.assert_allclose(cells, fitted, atol=1e-10)


@settings(max_examples=150, deadline=None)
@given(n=st.integers(3, 5), seed=SEEDS)
def test_what_is_refused_has_no_joint_and_what_is_not_has_one(n: int, seed: int) -> None:
    p, odds = random_case(n, seed, 1.2)
    try:
        joint(p, odds, "marginal")
        accepted = True
    except InputError:
        accepted = False
    main, inter = design(n)
    both = [pair_table(p[j], p[k], w)[3] for (j, k), w in zip(pairs(n), odds, strict=True)]
    rows = np.column_stack([np.ones(2**n), main, inter[:, : len(odds)]]).T
    _, room = roomiest(rows, np.r_[1, p, both])
    assume(abs(room) > 1e-7)  # on the edge, the linear program is the less exact of the two
    assert accepted == (room > 0)


@settings(max_examples=80, deadline=None)
@given(n=st.integers(2, 5), seed=SEEDS, kind=KINDS, data=st.data())
def test_relabelling_the_risks_relabels_the_patterns(n: int, seed: int, kind: str, data: st.DataObject) -> None:
    p, odds = random_case(n, seed)
    order = data.draw(st.permutations(range(n)))
    place = {frozenset(c): i for i, c in enumerate(pairs(n))}
    again = [odds[place[frozenset((order[j], order[k]))]] for j, k in pairs(n)]
    main, _ = design(n)
    pattern = (main @ (1 << np.array(order))).astype(int)  # relabelled risk i is risk order[i]
    np.testing.assert_allclose(solve(p[list(order)], np.array(again), kind), solve(p, odds, kind)[pattern], atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(n=st.integers(2, 5), seed=SEEDS, kind=KINDS, data=st.data())
def test_turning_a_risk_round_inverts_its_odds_ratios(n: int, seed: int, kind: str, data: st.DataObject) -> None:
    p, odds = random_case(n, seed)
    turned = data.draw(st.integers(0, n - 1))
    inverted = np.array([1 / w if turned in c else w for c, w in zip(pairs(n), odds, strict=True)])
    q = p.copy()
    q[turned] = 1 - q[turned]
    np.testing.assert_allclose(solve(q, inverted, kind), solve(p, odds, kind)[np.arange(2**n) ^ (1 << turned)], atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(p=st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, *EXTREME])), min_size=1, max_size=8), kind=KINDS)
def test_odds_ratios_of_one_are_independence(p: list[float], kind: str) -> None:
    main, _ = design(len(p))
    expected = np.where(main == 1, p, 1 - np.array(p)).prod(1)
    np.testing.assert_allclose(joint(p, np.ones(len(pairs(len(p)))), kind), expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 5), seed=SEEDS, kind=KINDS, sure=st.sampled_from([0.0, 1.0]), data=st.data())
def test_a_risk_that_nobody_or_everybody_has_leaves_the_joint_of_the_others(
    n: int, seed: int, kind: str, sure: float, data: st.DataObject
) -> None:
    p, odds = random_case(n, seed)
    fixed = data.draw(st.integers(0, n - 1))
    without = np.array([w for c, w in zip(pairs(n), odds, strict=True) if fixed not in c])
    expected = solve(np.delete(p, fixed), without, kind)
    p[fixed] = sure
    odds[[fixed in c for c in pairs(n)]] = data.draw(st.sampled_from([0.0, 3.0, INF, np.nan]))
    cells = joint(p, odds, kind)
    main, _ = design(n)
    held = main[:, fixed] == sure
    assert (cells[~held] == 0).all()
    np.testing.assert_allclose(cells[held], expected, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(n=st.integers(2, 5), seed=SEEDS, kind=KINDS, limit=st.sampled_from([0.0, INF]), data=st.data())
def test_one_pair_at_a_limit_is_on_its_frechet_bound(n: int, seed: int, kind: str, limit: float, data: st.DataObject) -> None:
    p, odds = random_case(n, seed, 0.3)
    at = data.draw(st.integers(0, len(odds) - 1))
    odds[at] = limit
    cells = solve(p, odds, kind)
    j, k = pairs(n)[at]
    lower, upper = frechet_bounds(p[[j, k]])
    table = tables(cells)[at]
    assert table[3] == pytest.approx(float(upper if limit else lower), abs=1e-12)
    assert (table == 0).sum() == 1  # the structural zero is exact
    np.testing.assert_allclose(cells @ design(n)[0], p, rtol=1e-11)
    odds[at] = 1e13 if limit else 1e-13
    np.testing.assert_allclose(cells, solve(p, odds, kind), atol=1e-9)


@pytest.mark.parametrize("kind", ["conditional", "marginal"])
@pytest.mark.parametrize(
    ("p", "odds", "expected"),
    [
        ([0.2, 0.3, 0.4], [0, 0, 0], [0.1, 0.2, 0.3, 0, 0.4, 0, 0, 0]),  # exclusive
        ([0.2, 0.3, 0.5], [0, 0, 0], [0, 0.2, 0.3, 0, 0.5, 0, 0, 0]),  # and exhaustive
        ([0.2, 0.3, 0.4], [INF] * 3, [0.6, 0, 0, 0, 0.1, 0, 0.1, 0.2]),  # nested
        ([0.3, 0.3, 0.3], [INF] * 3, [0.7, 0, 0, 0, 0, 0, 0, 0.3]),  # the same
        ([0.3, 0.7], [0], [0, 0.3, 0.7, 0]),
        ([0.6, 0.7], [0], [0, 0.3, 0.4, 0.3]),  # as near to never together as they can be
        ([0.2, 0.3, 0.1, 0.4], [0] * 6, [0, 0.2, 0.3, 0, 0.1, 0, 0, 0, 0.4] + [0] * 7),
    ],
)
def test_limits_by_hand(kind: str, p: list[float], odds: list[float], expected: list[float]) -> None:
    cells = joint(p, odds, kind)
    np.testing.assert_allclose(cells, expected, atol=1e-12)
    assert (cells[np.array(expected) == 0] == 0).all()


@pytest.mark.parametrize(("p", "odds"), [([0.5, 0.5, 0.5], [0, 0, 0]), ([0.2, 0.3, 0.4], [INF, 0, INF]), ([0.5, 0.6, 0.7, 0.3], [0] * 6)])
def test_limits_that_conflict_are_approached_at_one_rate_or_refused(p: list[float], odds: list[float]) -> None:
    near = np.where(np.array(odds) == 0, 1e-26, 1e26)
    np.testing.assert_allclose(joint(p, odds), joint(p, near), atol=1e-10)
    with pytest.raises(InputError, match="contradict each other"):
        joint(p, odds, "marginal")


def test_three_way_odds_ratios_survive_a_risk_that_everybody_has() -> None:
    """A pair's odds ratio is then the one among those with the risk: times the three-way one."""
    cells = joint([0.2, 1.0, 0.3], [1, 2, 1], higher_order=[3])
    np.testing.assert_allclose(cells[[2, 3, 6, 7]], joint([0.2, 0.3], [6]), atol=1e-12)


@pytest.mark.parametrize("kind", ["conditional", "marginal"])
def test_arguments_broadcast_and_cells_do_not_depend_on_their_neighbours(kind: str) -> None:
    rng = np.random.default_rng(3)
    for n in (1, 2, 3, 4, 6):
        p, odds = rng.uniform(0.05, 0.4, (5, 1, n)), np.exp(rng.normal(0.2, 0.2, (3, len(pairs(n)))))
        p[0, 0, 0], odds[1, :1] = 0, 0
        cells = joint(p, odds, kind)
        assert cells.shape == (5, 3, 2**n)
        for i, k in np.ndindex(5, 3):
            assert (cells[i, k] == joint(p[i, 0], odds[k], kind)).all()
    assert joint(np.empty((0, 3)), np.ones(3), kind).shape == (0, 8)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(InputError, match=r"marginal 1 of cell \(0,\) is 20"):
        joint([[0.1, 20]], [1])
    with pytest.raises(InputError, match=r"odds ratio 2 of cell \(1,\) is -1"):
        joint([0.1, 0.2, 0.3], [[1, 1, 1], [1, 1, -1]])
    with pytest.raises(InputError, match="do not fit"):
        joint(np.full((2, 2), 0.1), np.ones((3, 1)))
    with pytest.raises(InputError, match="3 risks need 3 odds ratios"):
        joint([0.1, 0.2, 0.3], [1.0])
    with pytest.raises(InputError, match="1 to 8 risks"):
        joint(np.full(9, 0.1), np.ones(36))
    with pytest.raises(InputError, match="higher-order odds ratio 0"):
        joint([0.1, 0.2, 0.3], [1, 1, 1], higher_order=[0])
    with pytest.raises(InputError, match="not offered"):
        joint([0.1, 0.2], [1], "joint")


@pytest.mark.parametrize("kind", ["conditional", "marginal"])
def test_eight_risks_are_quick(kind: str) -> None:
    rng = np.random.default_rng(8)
    start = perf_counter()
    joint(rng.uniform(0.01, 0.5, (100, 8)), np.exp(rng.normal(0.2, 0.2, (100, 28))), kind)
    assert perf_counter() - start < 5


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_bounds_on_all_three_are_those_of_linear_programming(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.dirichlet(rng.uniform(0.1, 2, 8))
    main, _ = design(3)
    size = main.sum(1)
    singles, two, three = cells @ main, cells[size >= 2].sum(), cells[7]
    rows = np.vstack([np.ones(8), main.T, size >= 2])
    ends = [linprog(sign * (size == 3), A_eq=rows, b_eq=np.r_[1, singles, two]).fun * sign for sign in (1, -1)]
    lower, upper = all_three_bounds(singles, two)
    assert [float(lower), float(upper)] == pytest.approx(ends, abs=1e-6)
    assert lower - 1e-12 <= three <= upper + 1e-12
    inside = (3 * lower + upper) / 4
    assume(upper - lower > 1e-6)
    found, _ = maximum_entropy(singles[None], np.array([two]), np.array([inside]))
    np.testing.assert_allclose(rows @ found[0], np.r_[1, singles, two], atol=1e-12)
    assert found[0, 7] == pytest.approx(inside, rel=1e-10)


def test_shares_on_the_edge_have_no_joint_that_is_positive_everywhere() -> None:
    singles = np.array([[0.2, 0.3, 0.4]] * 4)
    lower, upper = all_three_bounds(singles, [0.0, 0.2, 0.2, 0.6])
    assert (upper[:3] >= lower[:3]).all()
    assert upper[3] < lower[3]
    assert not feasible_shares(singles, np.array([0.0, 0.2, 0.2, 0.6]), np.array([0.0, 0.0, 0.2, 0.1])).any()
    with pytest.raises(InputError, match=r"draw 1: .* contradict each other.*inside"):
        maximum_entropy(singles[:2], np.array([0.2, 0.2]), np.array([0.05, 0.2]))


def test_frechet_bounds_keep_their_order() -> None:
    lower, upper = frechet_bounds([[1, 0.3], [0, 0.4], [0.6, 0.7], [1, 1]])
    np.testing.assert_allclose(lower, [0.3, 0, 0.3, 1])
    np.testing.assert_allclose(upper, [0.3, 0, 0.6, 1])
    assert (lower <= upper).all()
