"""The variance of a count in a service, against closed forms and the case that the project set itself (DESIGN §4; issue: demand, 4)."""

from __future__ import annotations

import numpy as np
import pytest

from jsna_model.draws import process_noise
from jsna_model.methods.single_stock import simulate_stock, stock_moments

DRAWS = 5000


@pytest.mark.parametrize(("entries", "dispersion", "sd"), [("poisson", 1.0, 21.7), ("fixed", 0.0, 15.4)])
def test_500_in_care_two_years_on(entries: str, dispersion: float, sd: float) -> None:
    """500 in care, daily exit rate 0.002, one entrant a day on average: sd 21.7 after 730 days; 15.4 with exactly one a day.

    By hand: survivors are binomial(500, s^730) and those who entered add their own, s = exp(-0.002). A recursion that adds each day's
    binomial variance to the last day's without shrinking it would give 38.2.
    """
    days, rate = 730, 0.002
    s = np.exp(-rate)
    kept = s ** np.arange(days)
    survivors = 500 * s**days * (1 - s**days)
    entrants = kept.sum() - (1 - dispersion) * (kept**2).sum()
    assert stock_moments(500, rate, 1.0, days, dispersion)[1] == pytest.approx(survivors + entrants, rel=1e-12)
    assert np.sqrt(survivors + entrants) == pytest.approx(sd, abs=0.06)

    stock = simulate_stock(500, rate, 1.0, days, process_noise(2026, "reference", DRAWS), entries)
    mean, variance = stock_moments(500, rate, 1.0, days, dispersion)
    assert stock[-1].mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / DRAWS))
    assert stock[-1].std() == pytest.approx(np.sqrt(variance), rel=4 / np.sqrt(2 * DRAWS))


def test_in_continuous_time_it_is_21_7() -> None:
    """Steps of a hundredth of a day: the M/M/infinity count, binomial survivors and Poisson entrants, sd 21.749."""
    assert round(stock_moments(500, 0.00002, 0.01, 73_000)[1] ** 0.5, 1) == 21.7


def test_it_settles_at_the_poisson_variance() -> None:
    """In the long run Poisson entries give a Poisson count (M/G/infinity; Kleinrock 1975, *Queueing Systems* 1, 3.4)."""
    mean, variance = stock_moments(500, 0.05, 4.0, 2000)
    assert variance == pytest.approx(mean, rel=1e-9)


def test_siblings_widen_the_count() -> None:
    stock = simulate_stock(100, 0.05, 5.0, 40, process_noise(5, "siblings", DRAWS), "siblings", 2.0)
    mean, variance = stock_moments(100, 0.05, 5.0, 40, 2.0)
    assert stock[-1].mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / DRAWS))
    assert stock[-1].var() == pytest.approx(variance, rel=4 * np.sqrt(2 / DRAWS))
    assert variance > 1.4 * stock_moments(100, 0.05, 5.0, 40)[1]
