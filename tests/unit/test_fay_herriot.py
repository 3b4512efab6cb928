"""The area-level model: its laws, hard cases and bad input. The reference cases are in tests/reference."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from jsna_model.errors import InputError
from jsna_model.methods.fay_herriot import FayHerriot, fay_herriot
from jsna_model.methods.small_area import fay_herriot as exported

METHODS = ["reml", "ml"]


def case(seed: int, m: int = 60, variance: float = 0.5, decades: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(m), rng.normal(size=m), rng.integers(0, 2, m)])
    X[:2, 2] = 0, 1
    D = 10 ** rng.uniform(-decades, decades, m)
    return X @ [1.0, 0.5, -0.3] + rng.normal(size=m) * np.sqrt(variance + D), X, D


def criterion(y: np.ndarray, X: np.ndarray, D: np.ndarray, A: float, method: str) -> float:
    """The (restricted) log-likelihood by dense matrices, from its definition."""
    V = np.diag(A + D)
    XVX = X.T @ np.linalg.solve(V, X)
    mean = X @ np.linalg.solve(XVX, X.T @ np.linalg.solve(V, y))
    value = multivariate_normal(mean, V).logpdf(y)
    return float(value - (np.linalg.slogdet(XVX)[1] / 2 if method == "reml" else 0))


def same(one: FayHerriot, other: FayHerriot, rtol: float) -> None:
    for field in dataclasses.fields(FayHerriot):
        if field.name != "iterations":
            np.testing.assert_allclose(getattr(one, field.name), getattr(other, field.name), rtol=rtol, atol=1e-12, err_msg=field.name)


def test_exported_and_frozen() -> None:
    assert exported is fay_herriot
    with pytest.raises(dataclasses.FrozenInstanceError):
        fay_herriot(*case(1)).loglik = 0.0  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    m=st.integers(5, 40),
    variance=st.sampled_from([0.0, 1e-6, 0.1, 1.0, 1e4]),
    decades=st.floats(0, 4),
    method=st.sampled_from(METHODS),
)
def test_estimate_lies_between_direct_and_synthetic(seed: int, m: int, variance: float, decades: float, method: str) -> None:
    y, X, D = case(seed, m, variance, decades)
    found = fay_herriot(y, X, D, method)
    synthetic = X @ found.beta
    slack = 1e-9 * (1 + np.abs(y) + np.abs(synthetic))
    assert found.area_variance >= 0
    assert ((found.shrinkage >= 0) & (found.shrinkage <= 1)).all()
    assert (found.estimate >= np.minimum(y, synthetic) - slack).all()
    assert (found.estimate <= np.maximum(y, synthetic) + slack).all()
    np.testing.assert_allclose(found.estimate, found.shrinkage * y + (1 - found.shrinkage) * synthetic, atol=slack.max())
    assert (found.mse > 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(5, 25), decades=st.floats(0, 3), method=st.sampled_from(METHODS))
def test_no_other_variance_is_more_likely(seed: int, m: int, decades: float, method: str) -> None:
    y, X, D = case(seed, m, 0.3, decades)
    found = fay_herriot(y, X, D, method)
    best = criterion(y, X, D, found.area_variance, method)
    others = [criterion(y, X, D, A, method) for A in [0.0, *np.geomspace(D.min() / 1e4, D.max() * 1e4, 400)]]
    assert best >= max(others) - 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_log_likelihood_is_the_full_one(method: str) -> None:
    y, X, D = case(3)
    found = fay_herriot(y, X, D, method)
    assert found.area_variance > 0
    assert found.iterations > 0
    assert found.loglik == pytest.approx(criterion(y, X, D, found.area_variance, "ml"), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_equal_variances_have_a_closed_form(method: str) -> None:
    y, X, _ = case(4, m=50, variance=2.0)
    residual = y - X @ np.linalg.lstsq(X, y)[0]
    total = (residual**2).sum() / (50 - 3 if method == "reml" else 50)
    assert fay_herriot(y, X, np.full(50, 0.25), method).area_variance == pytest.approx(total - 0.25, rel=1e-10)
    zero = fay_herriot(y, X, np.full(50, 1.01 * total), method)
    assert zero.area_variance == 0
    assert zero.iterations == 0
    assert (zero.shrinkage == 0).all()
    np.testing.assert_allclose(zero.estimate, X @ zero.beta, rtol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("scatter", "below", "above"), [(3.0, 1e-3, 0.0), (30.0, np.inf, 100.0)])
def test_the_higher_of_two_modes_is_found(scatter: float, below: float, above: float, method: str) -> None:
    # Many precise areas that agree hold one mode near zero; imprecise ones that scatter widely hold another
    precise, scattered = np.tile([-0.011, 0.011], 6), np.tile([-scatter, scatter], 6)
    y = np.concatenate([precise, scattered])
    X = np.ones((24, 1))
    D = np.repeat([1e-4, 1.0], 12)
    grid = np.geomspace(1e-7, 1e4, 1200)
    values = np.array([criterion(y, X, D, A, method) for A in grid])
    peaks = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])) + 1
    assert len(peaks) >= 2
    found = fay_herriot(y, X, D, method)
    assert above < found.area_variance < below
    assert criterion(y, X, D, found.area_variance, method) >= values.max() - 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_order_units_and_reparametrisation_do_not_matter(method: str) -> None:
    y, X, D = case(5)
    one = fay_herriot(y, X, D, method)
    turn = np.random.default_rng(0).permutation(len(y))
    other = fay_herriot(y[turn], X[turn], D[turn], method)
    back = np.argsort(turn)
    other = dataclasses.replace(other, estimate=other.estimate[back], mse=other.mse[back], shrinkage=other.shrinkage[back])
    same(one, other, 1e-9)
    k = 1e-4
    small = fay_herriot(k * y, X * [1, 1e6, 1e-6], k**2 * D, method)
    np.testing.assert_allclose(small.estimate / k, one.estimate, rtol=1e-8)
    np.testing.assert_allclose(small.mse / k**2, one.mse, rtol=1e-8)
    np.testing.assert_allclose(small.beta / k * [1, 1e6, 1e-6], one.beta, rtol=1e-8)
    assert small.area_variance / k**2 == pytest.approx(one.area_variance, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_ill_conditioned_covariates_give_the_same_answer(method: str) -> None:
    y, X, D = case(6)
    one = fay_herriot(y, X, D, method)
    near = X.copy()
    near[:, 2] = X[:, 1] + 1e-8 * X[:, 2]  # nearly the same column: a condition number near 1e8
    far = X.copy()
    far[:, 1] += 1e7  # a year, a grid reference
    for other in (fay_herriot(y, near, D, method), fay_herriot(y, far, D, method)):
        np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-6)
        np.testing.assert_allclose(other.mse, one.mse, rtol=1e-6)
        assert other.area_variance == pytest.approx(one.area_variance, rel=1e-6)


def test_sampling_variances_of_very_different_size() -> None:
    y, X, D = case(7, m=200)
    D = D.copy()
    D[::10] = 1e-14
    found = fay_herriot(y, X, D)
    assert np.isfinite(found.mse).all()
    np.testing.assert_allclose(found.estimate[::10], y[::10], rtol=1e-9)


def test_a_perfect_fit_has_no_area_variance() -> None:
    _, X, D = case(8)
    found = fay_herriot(X @ [1.0, 2.0, 3.0], X, D)
    assert found.area_variance == 0
    np.testing.assert_allclose(found.beta, [1, 2, 3], rtol=1e-10)


def test_memory_is_linear_in_areas() -> None:
    peaks = []
    for m in (2_000, 20_000):
        inputs = case(9, m)
        tracemalloc.start()
        fay_herriot(*inputs)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 12 * peaks[0]


def test_collinear_columns_are_named() -> None:
    y, X, D = case(10)
    frame = pd.DataFrame({"one": 1.0, "deprivation": X[:, 1], "rural": X[:, 2], "urban": 1 - X[:, 2], "nothing": 0.0})
    with pytest.raises(InputError) as caught:
        fay_herriot(y, frame, D)
    text = str(caught.value)
    assert len(caught.value.problems) == 2
    assert "'nothing' is zero everywhere" in text
    assert all(f"'{name}'" in text for name in ("one", "rural", "urban"))
    assert "deprivation" not in text
    with pytest.raises(InputError, match=r"column \d is a combination of column \d"):
        fay_herriot(y, np.column_stack([X, 2 * X[:, 1]]), D)


def test_all_problems_are_told_at_once() -> None:
    y, X, D = case(11)
    y[3], X[4, 1], D[5], D[6] = np.nan, np.inf, 0.0, -1.0
    with pytest.raises(InputError) as caught:
        fay_herriot(y[:-1], X, D, method="fh")  # type: ignore[arg-type]
    text = str(caught.value)
    assert len(caught.value.problems) == 5
    for part in ("'fh'", "direct is missing or not finite in row 3", "covariates is missing", "zero or negative in rows 5, 6", "direct 59"):
        assert part in text


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ((["a"], [[1.0]], [1.0]), "not numbers"),
        (([1.0, 2.0], [1.0, 1.0], [1.0, 1.0]), "1 dimensions, not 2"),
        (([1.0], [[1.0]], [1.0]), "1 areas and 1 covariates"),
        (([1.0, 2.0], np.empty((2, 0)), [1.0, 1.0]), "no columns"),
        (([], np.empty((0, 1)), []), "0 areas and 1 covariates"),
        ((pd.Series([1.0, 2.0], index=["a", "b"]), [[1.0], [1.0]], pd.Series([1.0, 1.0], index=["b", "a"])), "different indices"),
    ],
)
def test_bad_input_is_refused(inputs: tuple, match: str) -> None:
    with pytest.raises(InputError, match=match):
        fay_herriot(*inputs)
