from __future__ import annotations

import numpy as np
import pytest

import data_sources
from data_sources.projection import single_years
from jsna_model.errors import UnknownNameError
from jsna_model.methods.forecast import projection_log_error
from jsna_model.pathway import FLOWS, STOCKS


def test_counts_are_as_published_with_neighbours_and_england() -> None:
    data = data_sources.load_services("Milton Keynes")
    assert tuple(data["service"].values) == (*FLOWS, *STOCKS)
    assert list(data["role"].values) == ["authority"] + ["neighbour"] * 10 + ["england"]
    assert float(data["observed"].sel(area="E92000001", service="referrals")) == 632830
    assert float(data["children"].sel(area="E92000001")) == 12_183_016
    assert data.attrs["base_year"] == "2024-25"
    assert data["status"].dtype.kind == "U"


def test_absence_is_not_zero() -> None:
    data = data_sources.load_services("City of London").sel(area="E09000001")
    assert np.isnan(data["observed"].sel(service="section_47_enquiries"))
    assert str(data["status"].sel(service="section_47_enquiries").item()) == "c"
    assert float(data["observed"].sel(service="referrals_assessed_not_in_need")) == 0
    assert str(data["status"].sel(service="referrals_assessed_not_in_need").item()) == ""
    scilly = data_sources.load_services("Isles of Scilly").sel(area="E06000053")
    assert str(scilly["status"].sel(service="looked_after_at_31_march").item()) == "z"
    for area in ("England", "Kent"):
        every = data_sources.load_services(area)
        assert bool((every["observed"].isnull() == (every["status"] != "")).all())


def test_a_region_has_its_authorities_and_no_neighbours() -> None:
    data = data_sources.load_services("London")
    assert list(data["role"].values) == ["authority"] * 33 + ["england"]
    assert data_sources.load_services("Stratford-on-Avon")["area"].values[0] == "E10000031"


def test_spend() -> None:
    spend = data_sources.load_spend("Birmingham")
    assert bool(spend["spend"].isnull().all())
    assert set(spend["status"].values.ravel()) == {"x"}
    assert float(data_sources.load_spend("Hartlepool")["spend"].sel(area="E06000001", service="total_children_social_care")) == 53309


def test_unit_costs_and_series() -> None:
    costs = data_sources.unit_costs()
    assert {"measure": "Looked after children", "amount": 2100.0, "per": "week", "price_year": "2024-25"}.items() <= next(
        c for c in costs if c["measure"] == "Looked after children" and c["price_year"] == "2024-25"
    ).items()
    series = data_sources.england_series("referrals")
    assert series.loc[series["year"] == 2025, "value"].tolist() == [632830]
    with pytest.raises(UnknownNameError, match="referrals"):
        data_sources.england_series("referals")


def test_projection_starts_from_the_estimate() -> None:
    england = data_sources.load_projection("England")
    children = england.data["children"]
    assert children.dims == ("year", "area", "age")
    assert children["year"].values.tolist() == list(range(2024, 2044))
    np.testing.assert_allclose(children.sel(year=2024).values, single_years().loc[list(england.areas)].to_numpy(), rtol=1e-15)
    assert float(children.sel(year=2024).sum()) == 12_183_016
    assert bool((children > 0).all())


def test_projection_error_is_measured_on_all_authorities() -> None:
    from data_sources.projection import _both

    base, projected, _ = _both(None)
    median, sd = projection_log_error(base.to_numpy().sum(axis=1), projected[:, 0].sum(axis=1))
    for area in ("Milton Keynes", "England"):
        attrs = data_sources.load_projection(area).data.attrs
        assert attrs["projection_error_sd_6yr"] == sd == pytest.approx(0.0401, abs=1e-4)
        assert attrs["projection_error_median_6yr"] == median
        assert attrs["projection_error_horizon"] == 6


def test_tiny_authorities_have_projections_of_their_own() -> None:
    for area, children in (("City of London", 847), ("Isles of Scilly", 319)):
        data = data_sources.load_projection(area).data["children"]
        assert float(data.sel(year=2024).sum()) == children
        assert bool(np.isfinite(data).all())


def test_a_projection_does_not_depend_on_what_was_asked_for() -> None:
    one = data_sources.load_projection("Kent").data["children"]
    np.testing.assert_array_equal(data_sources.load_projection("England").data["children"].sel(area=one["area"].values).values, one.values)
