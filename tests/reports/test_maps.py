"""Maps: classes, hatching, pairs, strict joins, names as they are, LSOAs for internal use, and exports that read back."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

import data_sources as src
import reports
from jsna_model.errors import InputError, JsnaError
from jsna_model.result import Result
from reports import map_marks, maps, profile
from reports.content import build
from reports.disclosure import UNRELIABLE_WIDTH
from reports.drawing import svg
from reports.map_marks import faded, is_dark
from reports.need_tables import component
from reports.places import hexagon_places, hexagons, join_boundaries
from reports.view import View

NASTY = ("St Mary's & St John's <North>", "مدينة الأطفال", "$x_1$ & Co", "=1+1")


@pytest.fixture(scope="module")
def named(rutland: Result) -> Result:
    """Rutland with ward names that markup, formulas and fonts could trip over."""
    ward = rutland.node("need/ward").copy(deep=True)
    names = ward["area_name"].values.astype(object)
    names[: len(NASTY)] = NASTY
    ward = ward.assign_coords(area_name=("area", names.astype(str)))
    return Result(xr.DataTree.from_dict(rutland.nodes("need", "demand", "decision") | {"need/ward": ward}), rutland.provenance)


@pytest.fixture(scope="module")
def wards(rutland: Result) -> gpd.GeoDataFrame:
    """A square for each ward of Rutland."""
    node = rutland.node("need/ward")
    squares = [box(x - 400, y - 400, x + 400, y + 400) for x, y in zip(node["easting"].values, node["northing"].values, strict=True)]
    return gpd.GeoDataFrame({"area": node["area"].values}, geometry=squares, crs=27700)


# -- classes and uncertainty ---------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_at_most_five_classes_that_hold_every_share(values: list[float]) -> None:
    share = np.round(np.array([*values, np.nan]), 1)
    breaks = maps.class_breaks(share)
    assert len(breaks) - 1 <= 5 == len(map_marks.LETTERS)
    known = share[~np.isnan(share)]
    assert (known >= breaks[0] - 1e-9).all()
    assert (known < breaks[-1] + 1e-9).all()
    labels, letters = maps.class_labels(breaks), maps.class_letters(share, breaks)
    assert len(set(labels)) == len(labels)
    assert letters[-1] == "–"
    for value, letter in zip(share[:-1], letters, strict=False):
        i = map_marks.LETTERS.index(letter)
        assert breaks[i] - 1e-9 <= value < breaks[i + 1] + 1e-9


def test_hatching_letters_and_the_alternative_agree(rutland: Result) -> None:
    view = View.of(rutland)
    made = maps.make_map(view, "all_three")
    assert made is not None
    wide = int((component(view.node("ward"), "all_three").relative_width > UNRELIABLE_WIDTH).sum())
    assert wide > 0
    assert f"{wide} of low reliability" in made.alt
    legend = [t.get_text() for t in made.drawing.legends[0].get_texts()]
    assert legend[-1] == "low reliability"
    assert all(t[0] in map_marks.LETTERS for t in legend[:-1])
    drawn = {t.get_text().split("\n")[-1] for t in made.drawing.axes[0].texts}
    assert drawn <= {t[0] for t in legend[:-1]}
    assert "<pattern" in svg(made)


@pytest.mark.parametrize("show", ["limits", "width"])
def test_a_pair_of_maps_has_its_numbers(rutland: Result, show: str) -> None:
    view = View.of(rutland)
    made = maps.make_pair(view, show=show)
    assert made is not None
    assert len(made.drawing.axes) == 2
    assert made.data is not None
    node = view.node("ward")
    children = node["children"].sum("age_band").values
    x = component(node, "any_risk")
    for label, values in (("Estimated share", x.value), ("Share: lower", x.lower), ("Share: upper", x.upper)):
        assert made.data.rows[label].tolist() == pytest.approx(np.round(values / children * 100, 1), abs=0.051)
    assert len(reports.plot_map(rutland, show=show).axes) == 2


def test_what_is_not_a_kind_of_map_is_refused(rutland: Result) -> None:
    with pytest.raises(JsnaError, match="Did you mean 'width'"):
        reports.plot_map(rutland, show="widths")


def test_lsoas_are_mapped_and_exported_for_internal_use_only(rutland: Result, tmp_path: Path) -> None:
    for refused in (lambda: reports.plot_map(rutland, level="lsoa"), lambda: reports.export_map(rutland, tmp_path / "x.gpkg", "lsoa")):
        with pytest.raises(InputError, match="internal=True"):
            refused()
    assert reports.plot_map(rutland, level="lsoa", internal=True).axes
    reports.export_tables(rutland, tmp_path, ("csv",))
    assert "E010" not in (tmp_path / "areas.csv").read_text(encoding="utf-8-sig")
    reports.export_tables(rutland, tmp_path, ("csv",), internal=True)
    assert (tmp_path / "areas.csv").read_text(encoding="utf-8-sig").count("\nE010") == 26


# -- hexagons ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 21, 33, 166])
@pytest.mark.parametrize("seed", range(3))
def test_hexagons_do_not_overlap_and_stay_near(n: int, seed: int) -> None:
    """Clustered points, as towns are; measured on Rutland, Milton Keynes, Leeds and Kent: at least 0.91 and 0.97."""
    rng = np.random.default_rng(seed)
    towns = rng.uniform(0, 3e4, (4, 2))
    points = towns[rng.integers(0, 4, n)] + rng.normal(0, 3e3, (n, 2))
    cells, size = hexagons(points)
    gap = np.linalg.norm(cells[:, None] - cells[None], axis=-1) + 1e12 * np.eye(n)
    assert gap.min() > np.sqrt(3) * size * 0.999
    away = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e12 * np.eye(n)
    near = np.argsort(away, 1)[:, : min(3, max(1, n // 6))]  # of five areas, the third nearest is in another town
    kept = np.mean([gap[i, j] < 3.6 * size for i in range(n) for j in near[i]])
    i, j = np.triu_indices(n, 1)
    order = np.mean(np.sign(cells[i] - cells[j]) * np.sign(points[i] - points[j]) >= 0)
    assert kept >= 0.8
    assert order > 0.93


def test_names_of_districts_do_not_lie_over_one_another(canterbury: Result) -> None:
    made = maps.make_map(View.of(canterbury))
    assert made is not None
    made.drawing.draw_without_rendering()
    names = [t for t in made.drawing.axes[0].texts if t.get_bbox_patch() is not None]
    assert len(names) == 12
    boxes = [t.get_window_extent() for t in names]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
    assert "Tonbridge and\nMalling" in {t.get_text() for t in names}


def test_lines_between_districts_lie_between_them() -> None:
    points = np.array([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0], [3000.0, 0.0]])
    assert len(hexagon_places(points, ["a", "a", "b", "b"]).edges) <= 1
    assert hexagon_places(points, None).edges == []


# -- joins ---------------------------------------------------------------------------------------------------------------


def test_a_join_names_all_that_is_wrong(wards: gpd.GeoDataFrame) -> None:
    codes = [str(c) for c in wards["area"]]
    bad = pd.concat([wards.iloc[1:], wards.iloc[[2]]], ignore_index=True)
    bad.loc[3, "geometry"] = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(InputError) as caught:
        join_boundaries(bad, codes)
    text = str(caught.value)
    assert f"1 of 15 areas are missing: {codes[0]}" in text
    assert f"{codes[2]} has more than one shape" in text
    assert f"{bad['area'][3]} has a shape that is not valid" in text
    assert "wards of 2024" in text


def test_shapes_of_another_year_are_named_by_where_they_lie(wards: gpd.GeoDataFrame, rutland: Result) -> None:
    node = rutland.node("need/ward")
    points = np.column_stack([node["easting"].values, node["northing"].values])
    old = wards.assign(area=["E05000001", *wards["area"][1:]])
    with pytest.raises(InputError, match=r"(?s)missing: .*1 shapes of other codes lie over the areas: E05000001.*another year"):
        join_boundaries(old, [str(c) for c in wards["area"]], points)
    both = pd.concat([wards, old.iloc[[0]]], ignore_index=True)
    with pytest.raises(InputError, match="lie over the areas: E05000001"):
        join_boundaries(both, [str(c) for c in wards["area"]], points)


def test_shapes_elsewhere_are_left_out_unless_every_one_counts(wards: gpd.GeoDataFrame) -> None:
    far = gpd.GeoDataFrame({"area": ["E05000001"]}, geometry=[box(0, 0, 9, 9)], crs=27700)
    all_england = pd.concat([far, wards.iloc[::-1]], ignore_index=True)
    codes = [str(c) for c in wards["area"]]
    assert join_boundaries(all_england, codes).index.tolist() == codes
    with pytest.raises(InputError, match="1 shapes are of no area of the result: E05000001"):
        join_boundaries(all_england, codes, every=True)


def test_no_coordinate_system_and_no_codes_are_refused(rutland: Result, wards: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError, match="no coordinate system"):
        reports.plot_map(rutland, level="ward", boundaries=wards.set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="no column 'area'"):
        reports.plot_map(rutland, level="ward", boundaries=wards.rename(columns={"area": "WD24CD"}))


def test_degrees_are_turned_into_metres(rutland: Result, wards: gpd.GeoDataFrame) -> None:
    texts = [t.get_text() for t in reports.plot_map(rutland, level="ward", boundaries=wards.to_crs(4326)).axes[0].texts]
    assert any(t.endswith(" km") for t in texts)
    assert "N" in texts


def test_a_ward_in_part_takes_the_whole_ward(wards: gpd.GeoDataFrame) -> None:
    codes = [f"{wards['area'][0]}:E06000017", str(wards["area"][1])]
    assert len(join_boundaries(wards, codes)) == 2
    parts = wards.assign(area=[codes[0], *wards["area"][1:]])
    assert join_boundaries(parts, codes).index.tolist() == codes


def test_boundaries_of_wards_are_mapped_as_wards_inside_the_authority_too(rutland: Result, wards: gpd.GeoDataFrame) -> None:
    inside = build(rutland, boundaries=wards, internal=True)
    figure = next(f for f in inside.figures() if f.key == "map")
    assert "wards of Rutland" in figure.subtitle
    assert "Crown copyright" in figure.subtitle
    hexagonal = next(f for f in build(rutland, internal=True).figures() if f.key == "map")
    assert "LSOAs of Rutland" in hexagonal.subtitle


def test_a_plain_table_is_no_boundaries(rutland: Result, wards: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError, match="no coordinate system"):
        reports.plot_map(rutland, level="ward", boundaries=pd.DataFrame(wards))


@pytest.mark.england
def test_real_boundaries_fit_or_say_the_year(shared: Path) -> None:
    folder = shared / "data/boundaries"
    population = src.load_population("Kent")
    import jsna_model as jm

    result = jm.estimate(population, src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=20)
    msoas = src.load_boundaries(folder / "msoa21_bsc_england.parquet", [str(c) for c in result.node("need/msoa")["area"].values])
    figure = reports.plot_map(result, level="msoa", boundaries=msoas)
    assert any(t.get_text().endswith(" km") for t in figure.axes[0].texts)
    with pytest.raises(InputError, match=r"76 of 255 areas are missing.*column ward22_code is of 2022"):
        src.load_boundaries(folder / "ward22_england.parquet", [str(c) for c in result.node("need/ward")["area"].values])
    old = gpd.read_parquet(folder / "ward22_england.parquet").rename(columns={"ward22_code": "area"})
    with pytest.raises(InputError, match="69 shapes of other codes lie over the areas"):
        reports.plot_map(result, level="ward", boundaries=old)


# -- names as they are, and exports --------------------------------------------------------------------------------------


def test_names_reach_the_page_as_they_are(named: Result) -> None:
    from reports.page import render_page

    page = BeautifulSoup(render_page(build(named)), "html.parser")
    for name in NASTY:
        assert any(name in cell.text for cell in page.find_all("td")), name
    figures = page.find_all("svg")
    assert {"St Mary's & St John's <North>", "مدينة الأطفال", "$x_1$ & Co"} <= {t.text.strip() for f in figures for t in f.find_all("text")}


@pytest.mark.parametrize("shapes", [True, False])
def test_a_geopackage_reads_back(named: Result, wards: gpd.GeoDataFrame, tmp_path: Path, shapes: bool) -> None:
    path = reports.export_map(named, tmp_path / "deep" / "wards.gpkg", "ward", wards if shapes else None)
    back = gpd.read_file(path, layer="ward")
    assert back.crs.to_epsg() == 27700
    assert set(back.geom_type) == {"Polygon" if shapes else "Point"}
    assert set(NASTY) <= set(back["area_name"])
    table = build(named).table("by_ward")
    assert table is not None
    shown = table.rows.set_index("Area code")
    for row in back.itertuples():
        assert row.any_risk == shown.loc[row.area_code, "Estimated children"]
        assert row.any_risk_share_upper == shown.loc[row.area_code, "Share: upper"]
    assert [p.name for p in path.parent.iterdir()] == ["wards.gpkg"]


def test_a_geopackage_ends_in_gpkg(rutland: Result, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not end in \.gpkg"):
        reports.export_map(rutland, tmp_path / "wards.shp", "ward")
    with pytest.raises(JsnaError, match="ward"):
        reports.export_map(rutland, tmp_path / "wards.gpkg", "wards")


def test_tidy_tables_read_back(named: Result, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    paths = reports.export_tables(named, tmp_path)
    assert sorted(p.name for p in paths) == sorted(
        f"{n}.{f}" for n in ("estimates", "areas", "measures", "columns") for f in ("csv", "parquet")
    )
    assert (tmp_path / "areas.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    facts, parquet = pd.read_csv(tmp_path / "estimates.csv", keep_default_na=False), pd.read_parquet(tmp_path / "estimates.parquet")
    assert len(facts) == len(parquet)
    assert not parquet.duplicated(["area_code", "level", "measure"]).any()
    assert parquet["value"].dropna().mod(10).eq(0).all()
    assert (parquet["shorthand"][parquet["value"].isna()] != "").all()
    areas = pd.read_parquet(tmp_path / "areas.parquet")
    assert set(parquet["area_code"]) == set(areas["area_code"])
    assert set(parquet["measure"]) == set(pd.read_parquet(tmp_path / "measures.parquet")["measure"])
    assert "=1+1" in set(areas["area_name"])
    text = set(pd.read_csv(tmp_path / "areas.csv")["area_name"])
    assert {"'=1+1", "مدينة الأطفال"} <= text
    columns = pd.read_csv(tmp_path / "columns.csv")
    for name, table in (("estimates", parquet), ("areas", areas)):
        assert columns.loc[columns["table"] == name, "column"].tolist() == list(table.columns)


def test_the_tidy_number_is_the_number_of_the_report(rutland: Result, tmp_path: Path) -> None:
    reports.export_tables(rutland, tmp_path, ("csv",))
    facts = pd.read_csv(tmp_path / "estimates.csv", keep_default_na=False).set_index(["level", "measure"])
    table = build(rutland).table("combinations")
    assert table is not None
    for measure, row in zip(("any_risk", "exactly_one", "two_or_more", "all_three"), table.rows.itertuples(index=False), strict=True):
        found = facts.loc[("authority", measure)]
        assert float(found["value"]) == row[1]
        assert float(found["share"]) == row[4]
    with pytest.raises(InputError, match="xls"):
        reports.export_tables(rutland, tmp_path, ("xls",))


def test_value_by_alpha_pales_what_is_uncertain(rutland: Result) -> None:
    view = View.of(rutland)
    plain, pale = maps.make_map(view), maps.make_map(view, alpha=True)
    assert plain is not None
    assert pale is not None
    assert "Paler" in pale.subtitle
    width = np.round(np.asarray(component(view.node("ward"), "any_risk").relative_width), 1)
    fills, key = maps._by_alpha(["#12436D"] * len(width), width)
    assert 1 <= len(key) <= len(maps.STRENGTHS)
    assert fills[int(width.argmin())] == "#12436D"
    order = np.argsort(width)
    reds = [int(fills[i][1:3], 16) for i in order]
    assert reds == sorted(reds)
    assert is_dark("#12436D")
    assert not is_dark(faded("#12436D", 0.35))
    reports.plot_map(rutland, show="alpha")


def test_a_profile_shows_where_its_area_lies(rutland: Result, canterbury: Result) -> None:
    report = profile.build(rutland, "Oakham South")
    (figure,) = report.figures()
    assert figure.title.startswith("Oakham South, outlined")
    assert figure.alt.startswith("Oakham South is outlined. Map of 15 wards of Rutland")
    assert [s.key for s in report.sections][:2] == ["summary", "measures"]
    ward = View.of(canterbury).node("ward", within_district=True)
    (other,) = profile.build(canterbury, str(ward["area"].values[0])).figures()
    assert f"Map of {ward.sizes['area']} wards of Canterbury" in other.alt
