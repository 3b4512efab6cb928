from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import data_sources
from benchmarks.build_frame import build_frame
from data_sources.figures_io import read_figures
from data_sources.layouts import BAND_COLUMNS, LSOA
from data_sources.population import raked_lsoas
from data_sources.projection import single_years
from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import InputError, UnknownNameError

FIGURES = Path(data_sources.__file__).parent / "figures"
SHARED = Path(__file__).parents[2].parent / "shared"


def test_children_sum_to_the_single_years_by_authority_and_band() -> None:
    england = data_sources.load_population("England", "authority")
    assert england.total() == pytest.approx(12_183_016, abs=1e-6)
    single = single_years().loc[list(england.areas)].to_numpy(float)
    bands = np.stack([single[:, a : b + 1].sum(axis=1) for a, b in AGE_BANDS.values()], axis=1)
    np.testing.assert_allclose(england.data["children"].values, bands, rtol=1e-13)


def test_raking_moves_no_child_count_by_more_than_the_tables_rounding() -> None:
    before = read_figures(LSOA).values.sort_values("lsoa21_code")[list(BAND_COLUMNS)].to_numpy()
    after = raked_lsoas()[list(BAND_COLUMNS)].to_numpy()
    assert np.abs(after - before).max() < 1e-3


@pytest.mark.parametrize("level", ["msoa", "ward", "district", "authority"])
def test_levels_hold_the_same_children(level: str) -> None:
    fine, coarse = (data_sources.load_population("Warwickshire", at).data["children"].sum("area") for at in ("lsoa", level))
    np.testing.assert_allclose(fine.values, coarse.values, rtol=1e-13)


def test_an_areas_answer_does_not_depend_on_what_was_asked_for() -> None:
    england, alone = (data_sources.load_population(area, "ward").data for area in ("England", "Warwickshire"))
    part = england.sel(area=alone["area"].values)
    assert part.drop_vars(["district", "district_name"], errors="ignore").identical(
        alone.drop_vars(["district", "district_name"], errors="ignore")
    )


def test_a_ward_that_crosses_authorities_is_in_named_parts() -> None:
    data = data_sources.load_population("England", "ward").data
    parts = [str(a) for a in data["area"].values if ":" in str(a)]
    assert parts == ["E05010929:E06000062", "E05010929:E10000025"]
    assert str(data["area_name"].sel(area=parts[1]).item()) == "Cropredy, Sibfords and Wroxton (Oxfordshire part)"
    lsoas = data_sources.load_population("Oxfordshire").data
    assert parts[1] in lsoas["ward"].values
    wards = pd.Series(raked_lsoas()["utla23_code"].to_numpy()).groupby(raked_lsoas()["ward24_code"].to_numpy()).nunique()
    assert wards.max() == 1


def test_parents_and_focus() -> None:
    alone = data_sources.load_population("Milton Keynes")
    assert alone.parents() == ("msoa", "ward", "authority", "region")
    assert "district" not in alone.data.coords
    county = data_sources.load_population("Stratford-on-Avon")
    assert county.focus == "E07000221"
    assert county.authorities == ("E10000031",)
    districts = ["North Warwickshire", "Nuneaton and Bedworth", "Rugby", "Stratford-on-Avon", "Warwick"]
    assert sorted(set(county.data["district_name"].values)) == districts
    assert len(alone.areas) == 166
    assert alone.frame is not None


def test_every_authority_loads_at_every_level() -> None:
    for level in ("lsoa", "msoa", "ward", "authority"):
        seen = data_sources.load_population("England", level)
        assert len(seen.authorities) == 153
    assert len(data_sources.load_population("Isles of Scilly").areas) == 1


def test_small_area_error_falls_with_size() -> None:
    sds = [data_sources.load_population("Kent", level).data["children_log_sd"] for level in ("lsoa", "msoa", "district", "authority")]
    sizes = [float(s.sel(age_band="5_9").mean()) for s in sds]
    assert sizes[0] == pytest.approx(0.1379, abs=1e-4)  # 11% by weighted absolute error
    assert sizes[0] > sizes[1] > sizes[2] == sizes[3] == 0  # districts were scaled to published totals as well


def test_independent_band_errors_agree_with_the_published_error_of_all_children() -> None:
    data = data_sources.load_population("England").data
    share = data["children"] / data["children"].sum("age_band")
    sd = np.sqrt(((share * data["children_log_sd"]) ** 2).sum("age_band"))
    weight = data["children"].sum("age_band")
    implied = float((sd * weight).sum() / weight.sum()) * np.sqrt(2 / np.pi)
    assert implied == pytest.approx(0.056, abs=0.004)  # ../shared/figures/README.md: 5.6% on children 0-17


def test_frame_is_what_the_lsoas_make() -> None:
    lsoas = raked_lsoas()
    points, scale = build_frame(lsoas["imd2025_decile"].to_numpy(int), lsoas[list(BAND_COLUMNS)])
    frame = data_sources.load_frame()
    np.testing.assert_allclose(frame.children.values, points[list(BAND_COLUMNS)].to_numpy(), rtol=1e-12)
    assert frame.centre["deprivation"] == pytest.approx(float(scale["centre"].iloc[0]), rel=1e-12)
    assert frame.scale["deprivation"] == pytest.approx(float(scale["scale"].iloc[0]), rel=1e-12)
    assert frame.centre["deprivation"] == pytest.approx(5.2178, abs=1e-4)
    assert frame.scale["deprivation"] == pytest.approx(-2.9412, abs=1e-4)
    published = pd.read_csv(FIGURES / "england_children_by_deprivation.csv")
    np.testing.assert_allclose(frame.children.values, published[list(AGE_BANDS)].to_numpy(), atol=1)
    assert frame.standardise("deprivation", np.array([1.0]))[0] > 0


def test_unknown_level_and_locality_without_a_footprint() -> None:
    with pytest.raises(UnknownNameError, match="parish"):
        data_sources.load_population("Kent", "parish")
    with pytest.raises(InputError, match="footprint"):
        data_sources.load_population("Kent", "locality")


# -- footprint ---------------------------------------------------------------------------------------------------------


def footprint(path: Path, rows: list[list[str]], header: tuple[str, ...] = ("lsoa21_code", "locality")) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([list(header), *rows])
    return path


def halves(area: str) -> list[list[str]]:
    return [[code, "East hub" if i % 2 else "West hub"] for i, code in enumerate(data_sources.load_population(area).areas)]


def test_a_footprint_makes_localities(tmp_path: Path) -> None:
    rows = [[name, "x", code] for code, name in halves("Milton Keynes")]
    path = footprint(tmp_path / "hubs.csv", rows, ("locality", "other", "lsoa_code"))
    fine = data_sources.load_population("Milton Keynes", footprint=path)
    assert fine.parents() == ("msoa", "ward", "locality", "authority", "region")
    hubs = data_sources.load_population("Milton Keynes", "locality", footprint=path)
    assert hubs.areas == ("East hub", "West hub")
    assert hubs.total() == pytest.approx(fine.total(), rel=1e-13)


def test_localities_that_cross_authorities_are_in_parts(tmp_path: Path) -> None:
    path = footprint(tmp_path / "hubs.csv", halves("London"))
    hubs = data_sources.load_population("London", "locality", footprint=path)
    assert "East hub:E09000003" in hubs.areas
    assert str(hubs.data["area_name"].sel(area="East hub:E09000003").item()) == "East hub (Barnet part)"


def test_everything_wrong_with_a_footprint_is_said_at_once(tmp_path: Path) -> None:
    rows = halves("Milton Keynes")
    gone = rows.pop(3)[0]
    rows[0][1] = " "
    rows += [["E01000001", "East hub"], ["MK", "East hub"], rows[1], [rows[2][0], "east hub"]]
    with pytest.raises(InputError) as caught:
        data_sources.load_population("Milton Keynes", footprint=footprint(tmp_path / "hubs.csv", rows))
    text = str(caught.value)
    assert "hubs.csv, row 2, column locality: the locality is empty" in text
    assert "row 167, column lsoa21_code: E01000001 is not an LSOA (2021) of Milton Keynes" in text
    assert "'MK' is not an ONS code" in text
    assert "is there already in row 3" in text
    assert "is also spelt" in text
    assert f"1 of 166 LSOAs of Milton Keynes are missing: {gone}" in text


def test_a_footprint_without_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 problems"):
        data_sources.load_population("Milton Keynes", footprint=footprint(tmp_path / "hubs.csv", [], ("code", "hub")))
    with pytest.raises(InputError, match="no such file"):
        data_sources.load_population("Milton Keynes", footprint=tmp_path / "absent.csv")


# -- the method behind the embedded table ---------------------------------------------------------------------------------


def authority_totals() -> pd.DataFrame:
    return single_years().rename_axis("ltla24_code").reset_index()


def milton_keynes() -> tuple[pd.DataFrame, pd.DataFrame]:
    lsoa = pd.read_csv(FIGURES / "milton_keynes_lsoa.csv").rename(columns=lambda c: c.removeprefix("census2021_"))
    return lsoa.assign(ltla24_code="E06000042"), pd.read_csv(FIGURES / "milton_keynes_msoa_age_census2021.csv")


def embedded(codes: pd.Series) -> np.ndarray:
    return read_figures(LSOA).values.set_index("lsoa21_code").loc[codes, list(BAND_COLUMNS)].to_numpy()


def test_the_method_reproduces_milton_keynes() -> None:
    lsoa, msoa = milton_keynes()
    made = data_sources.small_area_children(lsoa, msoa, authority_totals())
    np.testing.assert_allclose(made[list(BAND_COLUMNS)].to_numpy(), embedded(made["lsoa21_code"]), atol=1e-4)
    np.testing.assert_allclose(made[list(BAND_COLUMNS)].sum(axis=1), lsoa["children_0_17_mid2024_modelled"], atol=0.051)
    ages = [f"age_{a}" for a in range(18)]
    np.testing.assert_allclose(made[ages].sum(), single_years().loc["E06000042"], rtol=1e-13)


def test_ageing_on_sums_to_the_same_totals() -> None:
    lsoa, msoa = milton_keynes()
    made = data_sources.small_area_children(lsoa, msoa, authority_totals(), age_on=True)
    ages = [f"age_{a}" for a in range(18)]
    np.testing.assert_allclose(made[ages].sum(), single_years().loc["E06000042"], rtol=1e-13)


def test_small_area_tables_that_do_not_match() -> None:
    lsoa, msoa = milton_keynes()
    with pytest.raises(InputError, match="no column 'age_0_4'"):
        data_sources.small_area_children(lsoa.drop(columns="age_0_4"), msoa, authority_totals())
    with pytest.raises(InputError, match="E02003459 has no row"):
        data_sources.small_area_children(lsoa, msoa[msoa["msoa21_code"] != "E02003459"], authority_totals())
    with pytest.raises(InputError, match="E01016710 is there twice"):
        data_sources.small_area_children(pd.concat([lsoa, lsoa[:1]]), msoa, authority_totals())


@pytest.mark.england
def test_the_method_reproduces_every_lsoa_of_england() -> None:
    folder = SHARED / "data" / "population"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data, which is absent here")
    pytest.importorskip("pyarrow", reason="the shared files are Parquet")
    bands = pd.read_csv(folder / "lsoa21_census2021_ts007a_5yr.csv.gz")
    msoa = pd.read_parquet(folder / "msoa21_census2021_syoa_persons.parquet")
    mye = pd.read_parquet(folder / "la_mye_syoa_sex_2011_2024.parquet")
    mye = mye[(mye["year"] == 2024) & (mye["age"] < 18)]
    table = read_figures(LSOA).values
    lsoa = bands.merge(table[["lsoa21_code", "msoa21_code", "ltla24_code"]], on="lsoa21_code", validate="1:1")
    totals = mye.rename(columns={"code": "ltla24_code"}).pivot_table(index="ltla24_code", columns="age", values="population", aggfunc="sum")
    totals.columns = pd.Index([f"age_{a}" for a in totals.columns])
    made = data_sources.small_area_children(lsoa, msoa, totals.reset_index())  # lower-tier totals: districts of counties too
    np.testing.assert_allclose(made[list(BAND_COLUMNS)].to_numpy(), embedded(made["lsoa21_code"]), atol=1e-4)
