"""Age bands of the user's own, and sexes: shared out of the DfE bands, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError, LabelError
from jsna_model.verbs.tidy import tidy, tidy_groups

BANDS = ("0-4", "5-10", "11-15", "16-17")


def estimated(area: str, level: str = "ward") -> jm.Result:
    return jm.estimate(
        src.load_population(area, level=level), src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=50, by_age=True
    )


def test_shares_are_those_of_the_single_years() -> None:
    """Milton Keynes, mid-2024: girls of 10 among children of 10 to 15, from the published single years."""
    from data_sources.figures_io import read_figures
    from data_sources.layouts import SINGLE_YEAR

    table = read_figures(SINGLE_YEAR).values.set_index(["utla23_code", "sex"]).loc["E06000042"]
    shares = src.age_sex_shares("Milton Keynes", BANDS, by_sex=True).sel(area="E06000042", age_band="10_15")
    ages = [f"age_{a}" for a in range(10, 16)]
    assert float(shares.sel(component="5-10/girls")) == pytest.approx(table.loc["F", "age_10"] / table[ages].to_numpy().sum(), rel=1e-12)
    own = (shares["own_band"].values != "all") & (shares["sex"].values != "all")
    assert float(shares[own].sum()) == pytest.approx(1.0, rel=1e-12)
    assert float(shares.sel(component="all/all")) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("level", ["ward", "authority"])
def test_groups_add_up_to_the_whole(level: str) -> None:
    result = estimated("Rutland")
    plain = tidy(result, level).query("age_band == 'all'").set_index(["area", "measure"])["value"]
    for by_sex in (False, True):
        table = tidy_groups(result, level, src.age_sex_shares("Rutland", BANDS, by_sex))
        parts = table.query("sex != 'all'") if by_sex else table
        own = parts.query("age_band != 'all'").groupby(["area", "measure"])["value"].sum()
        assert own.sort_index().to_numpy() == pytest.approx(plain.sort_index().to_numpy(), rel=1e-9)
        every = parts.query("age_band == 'all'").groupby(["area", "measure"])["value"].sum()
        assert every.sort_index().to_numpy() == pytest.approx(plain.sort_index().to_numpy(), rel=1e-9)
        assert set(table["sex"]) == ({"girls", "boys", "all"} if by_sex else {"all"})


def test_dfe_bands_come_back_as_they_were() -> None:
    result = estimated("Rutland")
    own = tidy_groups(result, "ward", src.age_sex_shares("Rutland")).drop(columns="sex")
    plain = tidy(result, "ward")
    both = own.merge(plain, on=["area", "age_band", "measure"], suffixes=("", "_plain"))
    assert len(both) == len(plain) == len(own)
    for column in ("value", "lower", "upper"):
        assert np.allclose(both[column], both[f"{column}_plain"], rtol=1e-9)


def test_regions_are_sums_of_their_authorities() -> None:
    """On all of England's authorities."""
    result = estimated("England", "authority")
    table = tidy_groups(result, "region", src.age_sex_shares("England", BANDS, by_sex=True))
    plain = tidy(result, "region").query("age_band == 'all' and measure == 'any_risk'").set_index("area")["value"]
    own = table.query("age_band != 'all' and sex == 'all' and measure == 'any_risk'").groupby("area")["value"].sum()
    assert own.to_numpy() == pytest.approx(plain.loc[own.index].to_numpy(), rel=1e-9)


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        (("0-4", "6-17"), "ages 5 are in no band"),
        (("0-5", "5-17"), "ages 5 are in two bands"),
        (("0-4", "five", "5-18"), "2 problems"),
    ],
)
def test_bands_must_cover_every_age_once(bands: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        src.age_sex_shares("Rutland", bands)


def test_shares_of_another_area_are_refused() -> None:
    with pytest.raises(LabelError, match="no shares of E06000017"):
        tidy_groups(estimated("Rutland"), "ward", src.age_sex_shares("Milton Keynes"))


def test_the_pyramid_adds_up_to_the_children_of_the_authority() -> None:
    table = src.children_by_year("Milton Keynes")
    population = src.load_population("Milton Keynes")
    assert len(table) == 36
    assert table["value"].sum() == pytest.approx(float(population.data["children"].sum()), rel=0.002)
    england = src.children_by_year("England")
    assert england["value"].sum() > 11.5e6
    assert (england.groupby("age")["value"].sum() > 5e5).all()
