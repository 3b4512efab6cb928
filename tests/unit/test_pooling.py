"""Laws of random-effects pooling, its boundary, and what it refuses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, astuple
from math import isnan, nan, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jsna_model.errors import InputError
from jsna_model.methods.pooling import Method, random_effects

METHODS: tuple[Method, ...] = ("paule_mandel", "reml")
methods = st.sampled_from(METHODS)
studies = st.lists(st.tuples(st.floats(-5, 5), st.floats(1e-3, 10)), min_size=2, max_size=12)


def split(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Estimates and variances; identical estimates are left to a test of their own."""
    y, v = [a for a, _ in pairs], [b for _, b in pairs]
    assume(max(y) - min(y) > 1e-6)
    return y, v


@settings(deadline=None)
@given(studies, methods)
def test_mean_lies_within_the_estimates_and_its_interval(pairs: list[tuple[float, float]], method: Method) -> None:
    y, v = split(pairs)
    pooled = random_effects(y, v, method)
    assert min(y) - 1e-9 <= pooled.value <= max(y) + 1e-9
    assert pooled.lower < pooled.value < pooled.upper
    assert pooled.tau2 >= 0
    assert 0 <= pooled.i2 < 1
    assert (pooled.i2 == 0) == (pooled.tau2 == 0)
    assert isnan(pooled.prediction_lower) == isnan(pooled.prediction_upper) == (len(y) == 2)


@settings(deadline=None)
@given(studies, methods, st.floats(-100, 100), st.floats(1e-4, 1e4), st.randoms(use_true_random=False))
def test_shift_scale_and_order(pairs: list[tuple[float, float]], method: Method, shift: float, scale: float, random: Random) -> None:
    """Estimates in other units, or listed in another order, are pooled alike."""
    y, v = (np.array(x) for x in split(pairs))
    order = np.array(random.sample(range(y.size), y.size))
    plain = random_effects(y, v, method, knapp_hartung=False)
    moved = random_effects((shift + scale * y)[order], (scale**2 * v)[order], method, knapp_hartung=False)
    assert moved.tau2 == pytest.approx(scale**2 * plain.tau2, rel=1e-4, abs=1e-6 * scale**2)
    assert moved.value == pytest.approx(shift + scale * plain.value, rel=1e-5, abs=1e-5 * scale + 1e-9)
    assert moved.standard_error == pytest.approx(scale * plain.standard_error, rel=1e-4)


@settings(deadline=None)
@given(studies)
def test_paule_mandel_solves_its_equation_or_lies_on_the_boundary(pairs: list[tuple[float, float]]) -> None:
    y, v = (np.array(x) for x in split(pairs))
    pooled = random_effects(y, v)
    w = 1 / (v + pooled.tau2)
    generalised = float(w @ (y - w @ y / w.sum()) ** 2)
    if pooled.tau2 > 0:
        assert generalised == pytest.approx(len(y) - 1, rel=1e-8)
        assert pooled.standard_error == pytest.approx(1 / sqrt(w.sum()), rel=1e-8)  # so that Hartung and Knapp change only the quantile
    else:
        assert generalised == pytest.approx(pooled.q)
        assert pooled.q <= len(y) - 1 + 1e-9


@settings(deadline=None)
@given(studies, methods)
def test_at_least_one_never_narrows(pairs: list[tuple[float, float]], method: Method) -> None:
    y, v = split(pairs)
    published = random_effects(y, v, method)
    amended = random_effects(y, v, method, at_least_one=True)
    normal = random_effects(y, v, method, knapp_hartung=False)
    assert amended.standard_error >= published.standard_error
    assert amended.standard_error >= normal.standard_error
    assert amended.upper - amended.lower > normal.upper - normal.lower  # t is wider than the normal
    assert published.value == amended.value == normal.value
    if len(y) > 2:
        assert published.prediction_lower == amended.prediction_lower == normal.prediction_lower


@settings(deadline=None)
@given(studies)
def test_prediction_interval_encloses_the_normal_confidence_interval(pairs: list[tuple[float, float]]) -> None:
    y, v = split(pairs)
    assume(len(y) > 2)
    pooled = random_effects(y, v, knapp_hartung=False)
    assert pooled.prediction_lower < pooled.lower < pooled.upper < pooled.prediction_upper


@pytest.mark.parametrize("method", METHODS)
def test_equal_variances_by_hand(method: Method) -> None:
    """With one variance v for all, both estimators are ``max(0, s2 - v)``, s2 the sample variance: 1, 2, 3, 6 have s2 = 14/3."""
    pooled = random_effects([1, 2, 3, 6], [0.5] * 4, method)
    assert pooled.tau2 == pytest.approx(14 / 3 - 0.5, rel=1e-10)
    assert pooled.value == pytest.approx(3)
    assert pooled.standard_error == pytest.approx(sqrt(14 / 3 / 4))
    assert pooled.q == pytest.approx(28)
    assert pooled.i2 == pytest.approx((28 - 3) / 28)  # equal variances: the textbook form is the same
    assert random_effects([1, 2, 3, 6], [5.0] * 4, method).tau2 == 0


@pytest.mark.parametrize("method", METHODS)
def test_two_estimates_have_no_prediction_interval(method: Method) -> None:
    pooled = random_effects([0.0, 2.0], [0.5, 0.5], method)
    assert pooled.tau2 == pytest.approx(1.5)
    assert isnan(pooled.prediction_lower)
    assert isnan(pooled.prediction_upper)
    assert pooled.upper - pooled.value == pytest.approx(12.7062047 * 1.0, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_identical_estimates_keep_their_sampling_error_or_are_refused(method: Method) -> None:
    """0.1 three times has a floating-point mean that is not 0.1, which must not pass for disagreement."""
    with pytest.raises(InputError, match=r"no width.*at_least_one=True"):
        random_effects([0.1] * 3, [0.5] * 3, method)
    pooled = random_effects([0.1] * 3, [0.5] * 3, method, at_least_one=True)
    assert (pooled.value, pooled.tau2, pooled.q, pooled.i2) == (0.1, 0, 0, 0)
    assert pooled.standard_error == pytest.approx(sqrt(0.5 / 3))
    assert random_effects([0.1] * 3, [0.5] * 3, method, knapp_hartung=False).standard_error == pytest.approx(sqrt(0.5 / 3))


@pytest.mark.parametrize(
    ("y", "v", "far"),
    [
        ([2.309, -0.004, -0.005], [0.4, 0.00126, 0.00063], True),
        ([0.207, -9.465, -0.099], [0.5, 6.3, 1.6e-5], True),
        ([0.001, 0.14, 5.867], [0.00025, 0.008, 4.0], False),
        ([-0.078, 0.036, -4.072], [0.0005, 0.004, 2.0], False),
    ],
)
def test_the_higher_of_two_peaks_is_taken(y: list[float], v: list[float], far: bool) -> None:
    """A precise pair that agrees and a distant imprecise estimate: one peak near 0 and one far out, either of which may be the higher."""
    grid = np.concatenate([[0.0], np.geomspace(1e-7, 1e3, 4000)])
    w = 1 / (np.array(v) + grid[:, None])
    mean = (w @ y) / w.sum(1)
    values = np.log(w).sum(1) - np.log(w.sum(1)) - (w * (np.array(y) - mean[:, None]) ** 2).sum(1)
    peaks = [i for i in range(grid.size - 1) if values[i] > values[i + 1] and (i == 0 or values[i] > values[i - 1])]
    assert len(peaks) == 2
    best = max(peaks, key=lambda i: values[i])
    assert best == peaks[1 if far else 0]
    assert random_effects(y, v, "reml").tau2 == pytest.approx(grid[best], rel=0.01)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_very_unequal_variances_are_solved(method: Method, unit: float) -> None:
    pooled = random_effects([0.1 * unit, 0.2 * unit, 0.9 * unit], [1e-14 * unit**2, 1 * unit**2, 1e-2 * unit**2], method)
    assert all(np.isfinite(x) for x in astuple(pooled)[:-1])
    assert pooled.tau2 > 0


def test_what_is_wrong_is_reported_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        random_effects([0.1, nan, 0.3], [0.01, 0.0, -1.0], "dl", 95)  # type: ignore[arg-type]
    message = str(caught.value)
    for part in ("estimate 2 is nan", "variance 2 is 0.0", "variance 3 is -1.0", "method is 'dl'", "paule_mandel, reml", "level is 95"):
        assert part in message
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    ("y", "v", "says"), [([0.1], [0.2], "1 estimate to pool"), ([], [], "0 estimates to pool"), ([1, 2], [1], "shape")]
)
def test_too_few_or_ill_matched_are_refused(y: list[float], v: list[float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        random_effects(y, v)
    with pytest.raises(InputError, match="shape"):
        random_effects([[1.0, 2.0]], [[1.0, 1.0]])


def test_result_is_frozen() -> None:
    pooled = random_effects([0.0, 2.0], [0.5, 0.5])
    with pytest.raises(FrozenInstanceError):
        pooled.value = 1.0  # type: ignore[misc]
