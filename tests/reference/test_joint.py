"""The joint of three risks against R `mipfp` (tests/reference/README.md) and hand-made cases."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods.joint import design, feasible_shares, maximum_entropy, pattern_probabilities

HERE = Path(__file__).parent
COLUMNS = ["p000", "p100", "p010", "p110", "p001", "p101", "p011", "p111"]  # our order: index = sum of 2**k


def test_conditional_odds_ratios_agree_with_mipfp() -> None:
    given_ = pd.read_csv(HERE / "conditional_odds_ratios.input.csv")
    expected = pd.read_csv(HERE / "conditional_odds_ratios.expected.csv")
    found = pattern_probabilities(given_[["p1", "p2", "p3"]].values, given_[["or12", "or13", "or23"]].values)
    assert len(given_) == 100
    assert np.abs(found - expected[COLUMNS].values).max() < 1e-10


def test_marginal_odds_ratios_agree_with_mipfp() -> None:
    given_ = pd.read_csv(HERE / "marginal_odds_ratios.input.csv")
    expected = pd.read_csv(HERE / "marginal_odds_ratios.expected.csv")
    p, odds, feasible = given_[["p1", "p2", "p3"]].values, given_[["or12", "or13", "or23"]].values, expected["feasible"].values
    found = pattern_probabilities(p[feasible], odds[feasible], kind="marginal")
    assert feasible.sum() == 147
    assert np.abs(found - expected.loc[feasible, COLUMNS].values).max() < 1e-10
    for k in np.flatnonzero(~feasible):
        with pytest.raises(InputError, match="contradict each other"):
            pattern_probabilities(p[k], odds[k], kind="marginal")


def test_an_infeasible_cell_is_named() -> None:
    """Three pairs that each exclude one another cannot fill three halves."""
    p = np.full((2, 3, 3), 0.5)
    odds = np.ones((2, 3, 3))
    odds[1, 2] = 1e-4
    with pytest.raises(InputError, match=r"cell \(1, 2\)"):
        pattern_probabilities(p, odds, kind="marginal")


@settings(max_examples=100, deadline=None)
@given(risks=st.integers(2, 5), seed=st.integers(0, 2**32 - 1), three_way=st.floats(0.2, 5))
def test_marginal_odds_ratios_are_those_of_each_pairs_own_table(risks: int, seed: int, three_way: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.01, 0.6, risks)
    pairs = list(combinations(range(risks), 2))
    odds = np.exp(rng.normal(0.3, 0.4, len(pairs)))
    higher = np.ones(2**risks - 1 - risks - len(pairs))
    if len(higher):
        higher[0] = three_way
    try:
        cells = pattern_probabilities(p, odds, kind="marginal", higher_order=higher)
    except InputError:
        return  # pairs drawn at random may contradict each other
    main, _ = design(risks)
    assert np.allclose(cells @ main, p, atol=1e-10)
    for (j, k), w in zip(pairs, odds, strict=True):
        both = cells[(main[:, j] == 1) & (main[:, k] == 1)].sum()
        assert both * (1 - p[j] - p[k] + both) / ((p[j] - both) * (p[k] - both)) == pytest.approx(w, rel=1e-8)
    if risks == 3:
        log_three = np.log(cells[[7, 1, 2, 4]]).sum() - np.log(cells[[0, 3, 5, 6]]).sum()
        assert log_three == pytest.approx(np.log(three_way), abs=1e-8)


@settings(max_examples=200, deadline=None)
@given(
    risks=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0, 3),
)
def test_marginals_and_odds_ratios_are_exact_for_any_number_of_risks(risks: int, seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(1e-4, 0.999, risks)
    pairs = risks * (risks - 1) // 2
    odds = np.exp(spread * rng.normal(size=pairs))
    higher = np.exp(0.5 * spread * rng.normal(size=2**risks - 1 - risks - pairs))
    cells = pattern_probabilities(p, odds, higher_order=higher)
    main, inter = design(risks)
    assert cells.sum() == pytest.approx(1, abs=1e-14)
    assert np.allclose(cells @ main, p, rtol=1e-10)
    # Moebius inversion of log cells gives back each log-linear interaction.
    size = main.sum(1)
    for k, subset in enumerate(inter.T):
        members = np.flatnonzero(main[np.flatnonzero(subset)].min(0))
        inside = [i for i in range(2**risks) if all(main[i, j] == 0 or j in members for j in range(risks))]
        contrast = sum((-1) ** (len(members) - int(size[i])) * np.log(cells[i]) for i in inside)
        assert contrast == pytest.approx(np.log(np.concatenate([odds, higher]))[k], abs=1e-8)


def test_the_higher_harm_set_solved_by_hand() -> None:
    """Singles sum to any + two-or-more + all-three, so any is 24.1 - 4.9 - 0.9 = 18.3% (18.2% published: OV-20 to OV-25)."""
    cells, log_linear = maximum_entropy(np.array([[0.066, 0.135, 0.04]]), np.array([0.049]), np.array([0.009]))
    main, _ = design(3)
    assert np.allclose(cells @ main, [[0.066, 0.135, 0.04]], atol=1e-13)
    assert 1 - cells[0, 0] == pytest.approx(0.183, abs=1e-12)
    assert cells[0, 7] == pytest.approx(0.009, abs=1e-13)
    assert np.ptp(log_linear[0, :3]) == 0  # equal pairwise odds ratios: the assumption of maximum entropy


def test_maximum_entropy_beats_every_other_joint_with_the_same_shares() -> None:
    """Moving along the null space of the constraints can only lower entropy."""
    cells, _ = maximum_entropy(np.array([[0.258, 0.317, 0.105]]), np.array([0.185]), np.array([0.036]))
    main, _ = design(3)
    size = main.sum(1)
    constraints = np.vstack([np.ones(8), main.T, size >= 2, size == 3])
    _, _, vt = np.linalg.svd(constraints)
    null = vt[np.linalg.matrix_rank(constraints) :]
    entropy = -(cells[0] * np.log(cells[0])).sum()
    for direction in null:
        for step in (-0.003, 0.003):
            other = cells[0] + step * direction
            assert (other > 0).all()
            assert -(other * np.log(other)).sum() < entropy


def test_independence_is_badly_wrong_for_these_risks() -> None:
    """EVIDENCE: independent severe risks give about 2,500 children with all three, against about 100,000 (OV-05)."""
    independent = pattern_probabilities([[0.075, 0.07, 0.04]], [[1.0, 1.0, 1.0]])[0, 7] * 11_800_000
    assert independent == pytest.approx(2478, abs=5)


def test_infeasible_shares_are_named_so() -> None:
    singles = np.array([[0.066, 0.135, 0.04]] * 3)
    assert feasible_shares(singles, np.array([0.049, 0.005, 0.15]), np.array([0.009, 0.009, 0.009])).tolist() == [True, False, False]
    with pytest.raises(InputError, match="contradict"):
        maximum_entropy(singles[:1], np.array([0.005]), np.array([0.009]))


@pytest.mark.parametrize(
    ("p", "odds"), [([-0.1, 0.1], [2.0]), ([0.1, 20], [1.0]), ([0.1, 0.2], [-1.0]), ([0.1, 0.2], [np.nan]), ([0.1, 0.2, 0.3], [1.0])]
)
def test_bad_input_is_refused(p: list[float], odds: list[float]) -> None:
    with pytest.raises(InputError):
        pattern_probabilities(p, odds)
