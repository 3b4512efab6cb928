"""Rounding, suppression, words and maps."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import reports
from jsna_model.errors import JsnaError
from jsna_model.result import Result
from reports import words
from reports.content import build
from reports.disclosure import modelled
from reports.places import hexagons
from reports.suppression import suppress
from reports.view import View


@given(st.floats(0, 1e6))
def test_modelled_numbers_are_rounded_never_suppressed(value: float) -> None:
    shown = modelled(value, "authority")
    if value < 10:
        assert shown == "fewer than 10"
    else:
        assert isinstance(shown, int)
        assert abs(shown - value) <= (50 if value >= 100 else 5)


def test_words_say_about_and_likely() -> None:
    assert words.estimate(4333.0, 3581.0, 5120.0) == "about 4,300 children, likely between 3,600 and 5,100 (95% credible interval)"
    assert words.estimate(4.0, 0.5, 8.0).startswith("fewer than 10 children")
    assert words.changed(-3.4) == "3 fewer"
    assert words.span(-2.0, 3.0).startswith("the interval spans no change")


def _attack(shown: pd.DataFrame, true: pd.DataFrame) -> float:
    """Least width of the interval that an attacker can put around any hidden cell, knowing margins and that no hidden cell is zero."""
    n_rows, n_columns = true.shape
    hidden = (shown == "[c]").values.ravel()
    equations, totals = [], []
    cells = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)
    for i in range(n_rows):
        row = np.zeros(cells.size)
        row[cells[i, :-1]], row[cells[i, -1]] = 1, -1
        equations.append(row)
    for j in range(n_columns):
        column = np.zeros(cells.size)
        column[cells[:-1, j]], column[cells[-1, j]] = 1, -1
        equations.append(column)
    totals = [0.0] * len(equations)
    values = true.values.ravel().astype(float)
    bounds = [(1, None) if h else (v, v) for h, v in zip(hidden, values, strict=True)]
    widths = []
    for cell in np.flatnonzero(hidden):
        target = np.zeros(cells.size)
        target[cell] = 1
        low = linprog(target, A_eq=np.array(equations), b_eq=totals, bounds=bounds)
        high = linprog(-target, A_eq=np.array(equations), b_eq=totals, bounds=bounds)
        widths.append((-high.fun if high.status == 0 else np.inf) - low.fun)
    return min(widths, default=np.inf)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_suppressed_count_can_be_worked_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner = rng.poisson(rng.choice([1.5, 6, 20], size=(4, 3)))
    table = pd.DataFrame(inner, index=list("abcd"), columns=list("xyz"))
    table["Total"] = table.sum(axis=1)
    table.loc["Total"] = table.sum()
    shown = suppress(table, total_row="Total", total_column="Total")
    small = (table > 0) & (table <= 5)
    assert (shown[small] == "[c]").values[small.values].all()
    zero = table == 0
    assert ((shown == "[c]") | (shown == 0)).values[zero.values].all()
    assert _attack(shown, table) > 4 - 1e-6


def test_counts_that_are_not_counts_are_refused() -> None:
    with pytest.raises(JsnaError):
        suppress(pd.DataFrame({"x": [1.5, -2.0]}, index=["a", "b"]))


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_every_area_has_a_hexagon_of_its_own(seed: int, n: int) -> None:
    points = np.random.default_rng(seed).uniform(0, 1e4, (n, 2))
    cells, size = hexagons(points)
    assert cells.shape == (n, 2)
    assert size > 0
    if n > 1:
        gaps = np.linalg.norm(cells[:, None] - cells[None], axis=-1) + 1e12 * np.eye(n)
        assert gaps.min() > 1.7 * size


def test_the_public_map_is_by_ward_or_msoa(rutland: Result) -> None:
    assert View.of(rutland).map_level() in ("ward", "msoa")
    figure = reports.plot_map(rutland, "two_or_more")
    assert len(figure.axes) == 1
    with pytest.raises(JsnaError, match="any_risk"):
        reports.plot_map(rutland, "any_risks")


def test_a_choropleth_is_drawn_from_boundaries(rutland: Result) -> None:
    import geopandas as gpd
    from shapely.geometry import box

    wards = rutland.node("need/ward")
    squares = [box(x - 400, y - 400, x + 400, y + 400) for x, y in zip(wards["easting"].values, wards["northing"].values, strict=True)]
    frame = gpd.GeoDataFrame({"area": wards["area"].values}, geometry=squares, crs=27700)
    figure = reports.plot_map(rutland, boundaries=frame, level="ward")
    assert any("km" in t.get_text() for t in figure.axes[0].texts)
    with pytest.raises(JsnaError, match="1 of 15 areas are missing"):
        reports.plot_map(rutland, boundaries=frame.iloc[1:], level="ward")


def test_published_counts_appear_as_published(rutland: Result) -> None:
    table = build(rutland).table("services_now")
    assert table is not None
    observed = rutland.node("demand/observed")["observed"].sel(area="E06000017")
    shown = dict(zip(table.rows.iloc[:, 0], table.rows.iloc[:, 1], strict=True))
    assert shown["Referrals"] == int(observed.sel(service="referrals"))
    words_seen = set(table.rows.iloc[:, -2]) | set(table.rows.iloc[:, -1])
    assert not {"better", "worse"} & words_seen


def test_costs_are_called_averages(rutland: Result) -> None:
    table = build(rutland).table("costs")
    assert table is not None
    assert "2024-25 prices" in table.title
    assert any(re.search("not a saving", n) for n in table.notes)


def test_own_unpublished_counts_are_suppressed_with_what_gives_them_away(rutland: Result) -> None:
    """Two referrals with no further action are hidden, and one more part of the sum of referrals with them."""
    observed = rutland.node("demand/observed").copy(deep=True)
    counts = {
        "referrals": 400.0,
        "referrals_no_further_action": 2.0,
        "referrals_assessed_not_in_need": 148.0,
        "child_in_need_started": 250.0,
    }
    counts |= {"looked_after_started": 4.0, "child_protection_plan_started": 0.0}
    for service, value in counts.items():
        observed["observed"].loc[{"area": "E06000017", "service": service}] = value
    tree = rutland.nodes("need", "demand", "decision") | {"demand/observed": observed}
    pathway = {**rutland.provenance["pathway"], "published": False}
    own = Result(xr.DataTree.from_dict(tree), {**rutland.provenance, "pathway": pathway})
    table = build(own).table("services_now")
    assert table is not None
    shown = dict(zip(table.rows.iloc[:, 0], table.rows.iloc[:, 1], strict=True))
    rates = dict(zip(table.rows.iloc[:, 0], table.rows.iloc[:, 2], strict=True))
    assert shown["Referrals closed with no further action"] == rates["Referrals closed with no further action"] == "[c]"
    assert shown["Children starting to be looked after"] == "[c]"
    assert shown["Child protection plans started"] == 0
    assert shown["Referrals"] == 400
    others = ("Referrals assessed and found not in need", "Child in need episodes started")
    assert [shown[o] for o in others].count("[c]") == 1
