from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Polygon, box

import data_sources
from jsna_model.errors import InputError

CODES = ["E05009406", "E05009407", "E05009408"]


def shapes(crs: str | None = "EPSG:27700", **columns: list[str]) -> gpd.GeoDataFrame:
    squares = [box(480_000 + 1000 * i, 230_000, 481_000 + 1000 * i, 231_000) for i in range(3)]
    data = {"WD24CD": CODES, "WD24NM": ["a", "b", "c"], "LAD24CD": ["E06000042"] * 3, **columns}
    return gpd.GeoDataFrame(data, geometry=squares, crs=crs)


@pytest.mark.parametrize("name", ["wards.geojson", "wards.gpkg", "wards.parquet", "wards.shp"])
def test_formats_and_reprojection(tmp_path: Path, name: str) -> None:
    table = shapes().to_crs("EPSG:4326")
    path = tmp_path / name
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="GeoParquet needs pyarrow")
        table.to_parquet(path)
    else:
        table.to_file(path)
    out = data_sources.load_boundaries(path, [CODES[2], CODES[0]])
    assert out["area"].tolist() == [CODES[2], CODES[0]]
    assert out.crs.to_epsg() == 27700
    assert out.geometry.area.iloc[0] == pytest.approx(1e6, rel=1e-3)


def test_the_code_column_is_found_without_codes(tmp_path: Path) -> None:
    shapes().to_file(tmp_path / "w.gpkg")
    assert data_sources.load_boundaries(tmp_path / "w.gpkg")["area"].tolist() == CODES


def test_a_ward_in_part_takes_the_whole_ward(tmp_path: Path) -> None:
    shapes().to_file(tmp_path / "w.gpkg")
    part = f"{CODES[0]}:E06000042"
    assert data_sources.load_boundaries(tmp_path / "w.gpkg", [part])["area"].tolist() == [part]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    path = tmp_path / "w.gpkg"
    with pytest.raises(InputError, match="no such file"):
        data_sources.load_boundaries(path)
    shapes().to_file(path)
    with pytest.raises(InputError, match=r"2 of 3 areas are missing: E05000001, E05000002"):
        data_sources.load_boundaries(path, [CODES[0], "E05000001", "E05000002"])
    with pytest.raises(InputError, match="none of the 1 areas wanted, such as E01000001"):
        data_sources.load_boundaries(path, ["E01000001"])
    shapes(WD24CD=[CODES[0], CODES[0], CODES[1]]).to_file(tmp_path / "twice.gpkg")
    with pytest.raises(InputError, match="E05009406 has more than one shape"):
        data_sources.load_boundaries(tmp_path / "twice.gpkg", CODES[:2])
    with pytest.raises(InputError, match="0 of them name each shape once"):
        data_sources.load_boundaries(tmp_path / "twice.gpkg")
    shapes()[["WD24NM", "geometry"]].to_file(tmp_path / "names.gpkg")
    with pytest.raises(InputError, match="no column holds ONS codes"):
        data_sources.load_boundaries(tmp_path / "names.gpkg")
    (tmp_path / "bad.geojson").write_text("not json")
    with pytest.raises(InputError, match="cannot be read as boundaries"):
        data_sources.load_boundaries(tmp_path / "bad.geojson")
    with pytest.warns(UserWarning, match="crs"):
        shapes(crs=None).to_file(tmp_path / "bare.gpkg")
    with pytest.raises(InputError, match="no coordinate system"):
        data_sources.load_boundaries(tmp_path / "bare.gpkg", CODES)
    empty = shapes()
    empty.loc[0, "geometry"] = Polygon()
    empty.to_file(tmp_path / "empty.gpkg")
    with pytest.raises(InputError, match="E05009406 has no shape"):
        data_sources.load_boundaries(tmp_path / "empty.gpkg", CODES)


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    table = shapes()
    table.loc[1, "geometry"] = Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])
    table.to_file(tmp_path / "bow.gpkg")
    with pytest.raises(InputError) as caught:
        data_sources.load_boundaries(tmp_path / "bow.gpkg", [*CODES, "E05099999"])
    assert "E05009407 has a shape that is not valid (Self-intersection" in str(caught.value)
    assert "Fix geometries" in str(caught.value)
    assert "1 of 4 areas are missing: E05099999" in str(caught.value)


def test_another_year_is_said_from_the_column(tmp_path: Path) -> None:
    shapes().rename(columns={"WD24CD": "WD22CD"}).to_file(tmp_path / "old.gpkg")
    with pytest.raises(InputError, match=r"wards of 2024; column WD22CD is of 2022"):
        data_sources.load_boundaries(tmp_path / "old.gpkg", [CODES[0], "E05000001"])


def test_a_wrong_coordinate_system_is_refused(tmp_path: Path) -> None:
    shapes().to_crs(4326).set_crs(27700, allow_override=True).to_file(tmp_path / "degrees.gpkg")  # near nought: the sea west of Cornwall
    shapes().to_crs(3857).set_crs(27700, allow_override=True).to_file(tmp_path / "web.gpkg")
    with pytest.raises(InputError, match="lie outside England"):
        data_sources.load_boundaries(tmp_path / "web.gpkg", CODES)
    with pytest.raises(InputError, match="lie outside England"):
        data_sources.load_boundaries(tmp_path / "degrees.gpkg", CODES)


def test_points_are_not_areas(tmp_path: Path) -> None:
    table = shapes()
    table["geometry"] = table.geometry.centroid
    table.to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="E05009406 is a Point, not an area"):
        data_sources.load_boundaries(tmp_path / "points.gpkg", CODES)


def test_a_layer_is_asked_for_where_there_are_several(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    shapes().to_file(path, layer="wards")
    shapes().to_file(path, layer="old wards")
    with pytest.raises(InputError, match=r"layers wards, old wards.*layer="):
        data_sources.load_boundaries(path, CODES)
    with pytest.raises(InputError, match="no layer is called 'ward'"):
        data_sources.load_boundaries(path, CODES, layer="ward")
    assert data_sources.load_boundaries(path, CODES, layer="wards")["area"].tolist() == CODES


def test_a_geometry_of_another_name_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="GeoParquet needs pyarrow")
    shapes().rename_geometry("geom").to_parquet(tmp_path / "g.parquet")
    assert data_sources.load_boundaries(tmp_path / "g.parquet", CODES).geometry.name == "geometry"
