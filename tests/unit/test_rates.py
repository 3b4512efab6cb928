from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from jsna_model.errors import InputError
from jsna_model.methods.rates import (
    Interval,
    byar,
    compare_to_benchmark,
    directly_standardised,
    funnel_limits,
    indirectly_standardised,
    wilson,
)

levels = st.floats(0.01, 0.99999)
counts = st.integers(0, 10**7)
BANDS = [5000, 5500, 5500, 5500]


@given(counts, counts, levels)
def test_wilson_stays_inside_and_brackets(events: int, others: int, level: float) -> None:
    assume(events + others > 0)
    found = wilson(events, events + others, level)
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert (found.lower == 0) == (events == 0)
    assert (found.upper == 1) == (others == 0)


@given(counts, counts, levels)
def test_wilson_of_those_without_is_the_mirror_image(events: int, others: int, level: float) -> None:
    assume(events + others > 0)
    with_, without = wilson(events, events + others, level), wilson(others, events + others, level)
    assert with_.value == pytest.approx(1 - without.value, abs=1e-14)
    assert with_.lower == pytest.approx(1 - without.upper, abs=1e-14)
    assert with_.upper == pytest.approx(1 - without.lower, abs=1e-14)


@given(counts, counts, levels, levels)
def test_intervals_widen_with_the_level(events: int, others: int, one: float, other: float) -> None:
    assume(events + others > 0)
    low, high = sorted((one, other))
    n = events + others
    for narrow, wide in [
        (wilson(events, n, low), wilson(events, n, high)),
        (byar(events, n, 1000, low), byar(events, n, 1000, high)),
    ]:
        assert wide.lower <= narrow.lower * (1 + 1e-13)
        assert wide.upper >= narrow.upper * (1 - 1e-13)


@given(counts, st.floats(1e-3, 1e9), st.floats(1, 1e6), levels)
def test_byar_brackets_and_is_never_negative(events: int, exposure: float, per: float, level: float) -> None:
    found = byar(events, exposure, per, level)
    assert 0 <= found.lower <= found.value < found.upper
    assert (found.lower == 0) == (events == 0)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 10**6)), min_size=4, max_size=4), levels)
def test_directly_standardised_brackets(bands: list[tuple[int, int]], level: float) -> None:
    events, people = zip(*bands, strict=True)
    found = directly_standardised(events, people, BANDS, 1000, level)
    if sum(events) < 10:
        assert np.isnan([found.value, found.lower, found.upper]).all()
    else:
        assert found.lower <= found.value < found.upper


@given(st.integers(10, 10**6), st.integers(1, 10**6), levels)
def test_one_band_is_the_crude_rate(events: int, people: int, level: float) -> None:
    crude, standardised = byar(events, people, 1000, level), directly_standardised([events], [people], [7], 1000, level)
    for part in ("value", "lower", "upper"):
        assert getattr(standardised, part) == pytest.approx(getattr(crude, part), rel=1e-9)


@pytest.mark.parametrize("events", range(10))
@pytest.mark.parametrize("level", [0.95, 0.998])
def test_below_ten_events_the_tails_are_exact(events: int, level: float) -> None:
    found = byar(events, 1, 1, level)
    assert stats.poisson.cdf(events, found.upper) == pytest.approx((1 - level) / 2, rel=1e-9)
    if events:
        assert stats.poisson.sf(events - 1, found.lower) == pytest.approx((1 - level) / 2, rel=1e-9)


def test_the_highest_level_there_is_stays_finite() -> None:
    level = float(np.nextafter(1, 0))
    for found in (wilson([1, 50], 100, level), byar([1, 10, 50], 100, 1, level)):
        assert (found.lower > 0).all()
        assert np.isfinite(found.upper).all()


def test_arrays_broadcast_and_numbers_give_numbers() -> None:
    found = byar(np.array([[4], [65]]), np.array([100.0, 200.0, 400.0]), 10_000)
    assert found.lower.shape == found.upper.shape == (2, 3)
    alone = byar(65, 200, 10_000)
    assert isinstance(alone.lower, float)
    assert (alone.value, alone.lower, alone.upper) == (found.value[1, 1], found.lower[1, 1], found.upper[1, 1])
    standardised = directly_standardised([[1, 4, 13, 8]] * 2, [862, 969, 753, 1069], BANDS, 1000)
    assert standardised.value.shape == (2,)


def test_empty_arrays_give_empty_arrays() -> None:
    assert wilson([], []).value.shape == byar([], [], 1).value.shape == (0,)
    assert directly_standardised(np.zeros((0, 4)), np.zeros((0, 4)), BANDS, 1).value.shape == (0,)
    assert compare_to_benchmark(wilson([], []), 0.5).shape == (0,)


@pytest.mark.filterwarnings("error")
def test_nobody_and_nothing_known_are_nan_and_leave_the_others_alone() -> None:
    events, people = [0, np.nan, 3, 65], [0, 50, np.nan, 100]
    for found in (wilson(events, people), byar(events, people, 10_000)):
        for part in (found.value, found.lower, found.upper):
            assert np.isnan(part).tolist() == [True, True, True, False]
    assert wilson(events, people).lower[3] == wilson(65, 100).lower


@pytest.mark.filterwarnings("error")
def test_standardised_rates_that_cannot_be_known_are_nan() -> None:
    events = [[1, 4, 13, 8], [0, 4, 13, 8], [1, 4, 4, 0], [0, 0, 0, 0], [1, 4, np.nan, 8], [1, 4, 5, 0]]
    people = np.tile([862.0, 969, 753, 1069], (6, 1))
    people[1, 0] = 0  # nobody in a band
    found = directly_standardised(events, people, BANDS, 1000)
    for part in (found.value, found.lower, found.upper):
        assert np.isnan(part).tolist() == [False, True, True, True, True, False]


def test_a_standardised_lower_limit_is_left_as_the_formula_gives_it() -> None:
    """A rare band with a large weight: Dobson's limit falls below 0, and nothing is clipped (law 10)."""
    found = directly_standardised([1, 9], [10, 10_000], [10_000, 1], 1)
    assert found.lower < 0 < found.value
    assert found.value == pytest.approx((1000 + 0.0009) / 10_001)


@pytest.mark.parametrize(
    ("polarity", "words"),
    [
        (None, ["higher", "similar", "similar", "similar", "lower", "not compared"]),
        ("low_is_good", ["worse", "similar", "similar", "similar", "better", "not compared"]),
        ("high_is_good", ["better", "similar", "similar", "similar", "worse", "not compared"]),
    ],
)
def test_comparison_is_of_the_interval_with_the_point(polarity: Any, words: list[str]) -> None:
    interval = Interval(6.0, 5.0, 7.0)
    benchmark = [4.999, 5.0, 6.0, 7.0, 7.001, np.nan]
    assert compare_to_benchmark(interval, benchmark, polarity).tolist() == words
    assert [compare_to_benchmark(interval, b, polarity) for b in benchmark] == words


def test_an_area_without_an_interval_is_not_compared() -> None:
    assert compare_to_benchmark(wilson([0, 65], [0, 100]), 0.5, "low_is_good").tolist() == ["not compared", "worse"]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: wilson(-1, 100), "events is -1, negative or infinite"),
        (lambda: wilson(1.5, 100), "events is 1.5, not a whole number"),
        (lambda: wilson([1, 101, 102], 100), r"events\[1\] is 101, above the population \(2 of 3 are\)"),
        (lambda: wilson(1, 0), "above the population"),
        (lambda: wilson("c", 100), "events holds what is not a number"),
        (lambda: wilson([1, 2, 3], [10, 20]), r"shapes do not fit: events \(3,\) and population \(2,\)"),
        (lambda: wilson(1, 100, 1.0), "level is 1.0"),
        (lambda: byar([[1, 2]], [[10, 0]], 1), r"events\[0, 1\] is 2, above 0 where the exposure is 0"),
        (lambda: byar(1, np.inf, 1), "exposure is inf"),
        (lambda: byar(1, 10, 0), "per is 0"),
        (lambda: byar(1, 10, np.inf), "per is inf"),
        (lambda: byar(1, 10, 1, np.nan), "level is nan"),
        (lambda: directly_standardised([5, 6], [10, 0], [1, 1], 1), "above 0 where the population is 0"),
        (lambda: directly_standardised([5, 6], [10, 10], [1, 0], 1), r"standard\[1\] is 0, not above 0"),
        (lambda: directly_standardised([5, 6], [10, 10], [1, 1, 1], 1), r"standard has shape \(3,\) and events have 2 bands"),
        (lambda: directly_standardised(5, 10, 1, 1), "events have no bands"),
        (lambda: compare_to_benchmark(Interval(6.0, 7.0, 5.0), 6), "lower is 7, above the upper limit"),
        (lambda: compare_to_benchmark(Interval(6.0, 5.0, 7.0), 6, "low"), "polarity is 'low'"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_refused(call: Any, found: str) -> None:
    with pytest.raises(InputError, match=found):
        call()


def test_bad_input_is_listed_all_at_once() -> None:
    with pytest.raises(InputError, match="5 problems") as caught:
        byar([-1, 1.5, 2], [10, 10, -3], per=-1, level=95)
    assert [str(p).split(" ")[0] for p in caught.value.problems] == ["events[0]", "events[1]", "exposure[2]", "per", "level"]


def test_funnel_limits_hold_what_they_say_at_every_size() -> None:
    sizes = np.array([50, 400, 5000])
    for level in (0.95, 0.998):
        found = funnel_limits(0.12, sizes, "proportion", level=level)
        inside = stats.binom.cdf(np.asarray(found.upper) * sizes, sizes, 0.12) - stats.binom.cdf(
            np.asarray(found.lower) * sizes, sizes, 0.12
        )
        assert np.abs(inside - level).max() < 0.05
        rate = funnel_limits(60.0, sizes * 100.0, "rate", per=10_000, level=level)
        assert (np.asarray(rate.lower) < 60).all()
        assert (np.diff(np.asarray(rate.upper)) < 0).all()
    # By hand, of 100 at 0.1: F(4) = 0.0237 and F(5) = 0.0576, so 5 - (0.0576 - 0.025) / 0.0339, over 100.
    assert funnel_limits(0.1, 100, "proportion").lower == pytest.approx(0.0404, abs=5e-5)
    assert funnel_limits(0.0, [10], "proportion").upper == 0
    with pytest.raises(InputError) as caught:
        funnel_limits(2.0, [0, 1.5], "proportion")
    assert len(caught.value.problems) == 3


def test_the_standardised_ratio_is_one_where_the_reference_meets_itself() -> None:
    x, n = np.array([100, 50, 20]), np.array([10_000, 10_000, 4_000])
    assert indirectly_standardised(170, n, x, n).value == pytest.approx(1)
    with_nobody = indirectly_standardised([3, 5], [[10, 0], [10, 10]], [1, 2], [100, 100])
    assert np.asarray(with_nobody.value) == pytest.approx([3 / 0.1, 5 / 0.3])
    with pytest.raises(InputError, match="reference has nobody"):
        indirectly_standardised(3, [10, 5], [1, 0], [100, 0])
