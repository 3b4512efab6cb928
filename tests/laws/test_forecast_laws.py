"""Laws of the trend forecasts: nothing later matters, nor order nor units; quantiles stand in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jsna_model.methods.forecast import PanelForecast, forecast_panel
from jsna_model.verbs.backtest import backtest

P = np.array([0.025, 0.1, 0.5, 0.9, 0.975])


@st.composite
def panels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Counts and population: few or many areas and years, large and small, with gaps and zeros."""
    areas, years = draw(st.integers(1, 12)), draw(st.integers(3, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = 10 ** rng.uniform(draw(st.sampled_from([-0.5, 1.5])), 4, (areas, 1))
    value = rng.poisson(size * np.exp(np.cumsum(rng.normal(0, 0.15, (areas, years)), axis=1))).astype(float)
    value[rng.random(value.shape) < draw(st.sampled_from([0.0, 0.2]))] = np.nan
    return value, np.broadcast_to(size * 30, value.shape).copy()


def upto(f: PanelForecast, t: int) -> list[np.ndarray]:
    return [f.median[:, : t + 1], f.scale[:, : t + 1], f.quantile(P)[:, : t + 1], f.persistence[:, : t + 1], f.weights[: t + 1]]


@settings(max_examples=40, deadline=None)
@given(panels(), st.data())
def test_nothing_after_the_origin_influences_a_forecast(given: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    value, population = given
    t = data.draw(st.integers(0, value.shape[1] - 2))
    later, people = value.copy(), population.copy()
    later[:, t + 1 :] = np.where(np.isfinite(later[:, t + 1 :]), np.nan, 77.0)
    later[::2, t + 1 :] = 10 * np.nan_to_num(value[::2, t + 1 :]) + 3
    people[:, t + 1 :] *= 1.7
    for before, after in zip(upto(forecast_panel(value, population), t), upto(forecast_panel(later, people), t), strict=True):
        np.testing.assert_array_equal(before, after)  # bit for bit


@settings(max_examples=40, deadline=None)
@given(panels())
def test_quantiles_stand_in_order_about_the_median(given: tuple[np.ndarray, np.ndarray]) -> None:
    f = forecast_panel(*given)
    q = f.quantile(P)
    there = np.isfinite(f.scale) & np.isfinite(f.median)
    assert (np.diff(q[there], axis=-1) >= 0).all()
    assert (q[there] >= 0).all()
    np.testing.assert_allclose(q[there][:, 2], f.median[there])
    assert (np.diff(f.grid(21)[there], axis=-1) >= 0).all()
    assert (f.weights >= 0).all()
    assert (f.weights.sum(-1) <= 1 + 1e-12).all()


def test_samples_have_the_quantiles() -> None:
    rng = np.random.default_rng(2)
    value = rng.poisson(300 * np.exp(np.cumsum(rng.normal(0, 0.2, (12, 8)), axis=1))).astype(float)
    f = forecast_panel(value, np.full(value.shape, 1e4), 2)
    everywhere = np.broadcast_to(P, (12, 8, 2, len(P)))
    np.testing.assert_array_equal(f.sample(everywhere), f.quantile(P))
    drawn = f.sample(rng.random((12, 8, 2, 4000)))[:, 5:]
    held = ((drawn >= f.quantile(0.1)[:, 5:]) & (drawn <= f.quantile(0.9)[:, 5:])).mean(-1)
    assert np.abs(held - 0.8).max() < 0.03  # 4,000 draws: 0.006


TIED = np.array([[0.0, 2, 0, 0, 0, 1, 0], [0, 2, 1, 1, 0, 0, 0], [153, 186, 184, 133, 169, 214, 195]])  # models fit alike here


@settings(max_examples=25, deadline=None)
@example((TIED, np.repeat([[13.69692678], [12.60826256], [4688.95698617]], 7, axis=1)), 2.0)
@given(panels(), st.floats(0.001, 1000))
def test_the_unit_of_population_does_not_matter(given: tuple[np.ndarray, np.ndarray], by: float) -> None:
    value, population = given
    one, other = forecast_panel(value, population), forecast_panel(value, population * by)
    np.testing.assert_allclose(one.median, other.median, rtol=1e-5)
    np.testing.assert_allclose(one.persistence, other.persistence)


def test_places_twice_the_size_have_twice_the_forecast_where_counts_are_large() -> None:
    """Only the noise of counts, small beside what rates do, knows their size."""
    rng = np.random.default_rng(4)
    value = 1e6 * np.exp(np.cumsum(rng.normal(0, 0.1, (30, 10)), axis=1))
    one, other = (forecast_panel(k * value, np.full(value.shape, k * 1e7)) for k in (1.0, 2.0))
    np.testing.assert_allclose(2 * one.median, other.median, rtol=1e-6)
    np.testing.assert_allclose(2 * one.quantile(P), other.quantile(P), rtol=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(f"E0{a}", y, m, float(rng.poisson(200)), 4000.0) for a in range(5) for y in range(2015, 2022) for m in ("one", "two")],
        columns=["area_code", "year", "measure", "value", "population"],
    )
    one, other = backtest(rows), backtest(rows.sample(frac=1, random_state=seed))
    for name in ("forecasts", "summary", "weights"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_small_places_have_wider_intervals() -> None:
    rng = np.random.default_rng(6)
    size = np.repeat([[30.0], [3000.0]], 30, axis=0)
    value = rng.poisson(size * np.exp(rng.normal(0, 0.05, (60, 12)))).astype(float)
    scale = forecast_panel(value, size * np.full(value.shape, 20.0)).scale[:, -1, 0]
    assert np.median(scale[:30]) > 1.5 * np.median(scale[30:])


@pytest.mark.parametrize("persistent", [True, False])
def test_the_mixture_goes_as_far_from_persistence_as_the_series_do(persistent: bool) -> None:
    """Walks are best carried on; noise about a mean is best replaced by the mean."""
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 0.2, (80, 14))
    value = 1000 * np.exp(np.cumsum(noise, axis=1) if persistent else noise)
    f = forecast_panel(value, np.full(value.shape, 1e5))
    actual, median, naive = value[:, 6:], f.median[:, 5:-1, 0], value[:, 5:-1]
    ratio = np.abs(actual - median).sum() / np.abs(actual - naive).sum()
    assert ratio < 1.02 if persistent else ratio < 0.85


def test_intervals_cover_walks_and_noise_as_they_say() -> None:
    rng = np.random.default_rng(9)
    size = 10 ** rng.uniform(1.5, 4, (200, 1))
    value = rng.poisson(size * np.exp(np.cumsum(rng.normal(0, 0.1, (200, 13)), axis=1))).astype(float)
    f = forecast_panel(value, np.broadcast_to(size * 40, value.shape))
    q = f.quantile(P)
    for h in range(3):
        actual, inside = value[:, 3 + h + 1 :], q[:, 3 : -h - 1, h]
        small = np.broadcast_to(size < 300, actual.shape)
        for which in (small, ~small):
            assert ((actual >= inside[..., 1]) & (actual <= inside[..., 3]))[which].mean() == pytest.approx(0.8, abs=0.04)
            assert ((actual >= inside[..., 0]) & (actual <= inside[..., 4]))[which].mean() == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_shock_to_all_areas_is_neither_carried_on_nor_counted_twice(seed: int) -> None:
    """Recording changes once, by six tenths: no trend to expect, and no interval far wider than the shock itself."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(200, 2000, (100, 1)) * np.exp(np.cumsum(rng.normal(0, 0.07, (100, 14)), axis=1))
    value = rng.poisson(rates * np.where(np.arange(14) < 8, 1.0, 1.6)).astype(float)
    f = forecast_panel(value, np.full(value.shape, 1e5))
    missed = np.abs(value[:, 9:11] - f.median[:, 8:10, 0]).sum()
    assert missed < 1.04 * np.abs(value[:, 9:11] - value[:, 8:10]).sum()
    upper = np.log(f.quantile(0.9)[:, 8, 0, 0] / f.median[:, 8, 0])
    assert np.median(upper) < 1.5 * np.log(1.6)
