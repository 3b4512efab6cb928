from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

import data_sources
from data_sources import layouts
from data_sources.figures_io import Layout, figure_path, read_figures, read_table
from jsna_model.errors import InputError

COUNTS = Layout("counts.csv", codes=("area",), text=("name",), counts=("children",), key=("area",))
SYMBOLS = Layout("counts.csv", codes=("area",), counts=("children",), symbols=True)
ALL = [layout for layout in vars(layouts).values() if isinstance(layout, Layout)]
FIGURES = Path(data_sources.__file__).parent / "figures"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", ALL, ids=lambda layout: layout.file)
def test_every_embedded_file_reads_clean(layout: Layout) -> None:
    table = read_figures(layout)
    assert len(table.values) > 0
    assert list(table.values.columns) == list(layout.columns)


@pytest.mark.parametrize("layout", [layouts.SINGLE_YEAR, layouts.NEIGHBOURS], ids=lambda layout: layout.file)
def test_the_fast_and_the_careful_readers_agree(layout: Layout, tmp_path: Path) -> None:
    careful = read_table(figure_path(layout.file), Layout(**{**vars(layout), "symbols": True})).values
    assert careful.equals(read_figures(layout).values.astype(careful.dtypes.to_dict()))


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "counts.csv",
        "area,name,children\nE06000042,Milton Keynes,many\n\nE0600004,Nowhere,3\n"
        'E06000042,Milton Keynes,-1\nE06000043,B,\nE06000044,P,"1,000"\n',
    )
    with pytest.raises(InputError) as caught:
        read_table(path, COUNTS)
    found = [(p.row, p.column) for p in caught.value.problems]
    assert sorted(found) == sorted([(2, "children"), (4, "area"), (5, "children"), (5, "area"), (6, "children"), (7, "children")])
    assert "counts.csv, row 2, column children: 'many' is not a number" in str(caught.value)
    assert "-1 is negative" in str(caught.value)
    assert "already in row 2" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("area,name\nE06000042,a\n", "no column 'children'; found area, name"),
        ("", "an empty file"),
        ("area,name,children\n", "no rows"),
        ("area,name,children,children\nE06000042,a,1,2\n", "more than once"),
        ("area,name,children\nE06000042,a,1,2\n", "4 cells where the header has 3"),
        ("area,name,children\nE06000042,a\n", "2 cells where the header has 3"),
        ("area,name,children\nE06000042,a,inf\n", "'inf' is not a number"),
        ("area,name,children\nE06000042,a,nan\n", "'nan' is not a number"),
        ("area,name,children\nE06000042,a,1_000\n", "'1_000' is not a number"),
        ("area,name,children\nE06000042,a,c\n", "'c' is not a number"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path / "counts.csv", text), COUNTS)


def test_excel_s_byte_order_mark_and_gzip_are_read(tmp_path: Path) -> None:
    text = "area,name,children,note\nE06000042,a,1.5,x\n"
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(text, encoding="utf-8-sig")
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (plain, packed):
        assert read_table(path, COUNTS).values["children"].tolist() == [1.5]


def test_other_encodings_and_absent_files_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("area,name,children\nE06000042,Tŷ,1\n".encode("cp1250", "replace") + b"\xff\xfe")
    with pytest.raises(InputError, match="CSV UTF-8"):
        read_table(tmp_path / "latin.csv", COUNTS)
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "absent.csv", COUNTS)


def test_symbols_become_nan_with_a_status(tmp_path: Path) -> None:
    cells = ["5", "c", "x", "z", "low", "k", "u", "[x]", "[note 4]", "[c]", "C", "0"]
    rows = "".join(f"E{i:08d},{cell}\n" for i, cell in enumerate(cells))
    table = read_table(write(tmp_path / "counts.csv", "area,children\n" + rows), SYMBOLS)
    assert table.status is not None
    assert table.status["children"].tolist() == ["", "c", "x", "z", "low", "k", "u", "x", "x", "c", "c", ""]
    assert np.isnan(table.values["children"]).tolist() == [s != "" for s in table.status["children"]]


def test_many_problems_are_cut_short(tmp_path: Path) -> None:
    rows = "".join(f"E{i:08d},n,word\n" for i in range(200))
    with pytest.raises(InputError, match="150 more problems"):
        read_table(write(tmp_path / "counts.csv", "area,name,children\n" + rows), COUNTS)


def test_a_folder_of_replacements(tmp_path: Path) -> None:
    shutil.copy(FIGURES / "england_upper_tier_spend_2024_25.csv", tmp_path)
    text = (tmp_path / "england_upper_tier_spend_2024_25.csv").read_text().replace("E06000001,32,", "E06000001,99,")
    write(tmp_path / "england_upper_tier_spend_2024_25.csv", text)
    assert float(data_sources.load_spend("Hartlepool", figures=tmp_path)["spend"][0, 0]) == 99
    assert float(data_sources.load_spend("Hartlepool")["spend"][0, 0]) == 32
    assert data_sources.load_services("Hartlepool", figures=tmp_path)["observed"][0].notnull().all()


def test_a_folder_that_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        data_sources.load_spend("Hartlepool", figures=tmp_path / "absent")
    with pytest.raises(InputError, match="none of the figures"):
        data_sources.load_spend("Hartlepool", figures=tmp_path)
    write(tmp_path / "england_lsoas.csv", "a\n")
    with pytest.raises(InputError, match=r"england_lsoas.csv is not a figures file; the nearest is england_lsoa.csv"):
        data_sources.load_spend("Hartlepool", figures=tmp_path)


def test_a_replacement_with_a_word_names_file_row_and_column(tmp_path: Path) -> None:
    text = gzip.decompress((FIGURES / "england_lsoa.csv.gz").read_bytes()).decode()
    lines = text.splitlines()
    lines[5] = lines[5].replace(",UN1,", ",UN1,lots", 1)
    write(tmp_path / "england_lsoa.csv", "\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"england_lsoa.csv, row 6, column children_under_1: 'lots[\d.]+' is not a number"):
        data_sources.load_population("Milton Keynes", figures=tmp_path)


def test_provenance_covers_every_file_and_they_are_as_shipped() -> None:
    assert set(data_sources.verify().values()) == {"ok"}, f"{data_sources.verify()}: python -m benchmarks.build_frame stamps the figures"
    for entry in data_sources.sources():
        assert entry["licence"] == "OGL v3.0"
        assert all(entry[key] for key in ("title", "publisher", "release", "date", "notes"))
        assert entry["url"] == "" or entry["url"].startswith("https://")


def test_the_shared_figures_are_carried_unchanged() -> None:
    shared = Path(__file__).parents[2].parent / "shared" / "figures"
    if not shared.is_dir():
        pytest.skip("../shared/figures is absent")
    for path in shared.iterdir():
        if path.name != "README.md":
            assert path.read_bytes() == (FIGURES / path.name).read_bytes(), path.name


def test_the_package_s_names_are_lazy_and_listed() -> None:
    assert dir(data_sources) == sorted(data_sources.__all__)
    from data_sources.gazetteer import areas

    assert data_sources.areas is areas
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = data_sources.nothing
