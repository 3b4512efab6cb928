"""Discount schedules that ship, and deflators in HM Treasury's layout."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import data_sources as src
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.methods.economics import reprice

# The layout of HM Treasury's CSV (November 2017, assets.publishing.service.gov.uk/media/5a82ecbce5274a2e87dc3aa8), its numbers made up.
TREASURY = """GDP DEFLATORS AT MARKET PRICES, AND MONEY GDP,,,,,,,,,
,,,,,,,,,
Outturn data are synthetic,,,,,,,,,
Financial year,,,,,,Calendar year,,,
,GDP deflator at market prices,,"Money GDP (3), (4)",,,,GDP deflator at market prices,,Money GDP (3)
Financial year,2016-17 = 100,per cent change,Cash £ million,Cash £ million,,Calendar year,2016 = 100,per cent change,Cash £ million
2015-16,97.5,,"19,816","19,829",,2015,97.1,,"19,415"
2016-17,100,2.56,"21,412","21,387",,2016,100,2.99,"21,108"
2017-18,"101.6",1.6,"22,788","22,773",,2017,101.2,1.2,"22,365"
Forecast,,,,,,,,,
2018-19,103.2,1.57,,,,2018,103.0,1.78,
(1) a note,,,,,,,,,
"""


def written(folder: Path, text: str, name: str = "deflators.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_treasurys_layout(tmp_path: Path) -> None:
    found = src.load_deflators(written(tmp_path, TREASURY))
    assert found.index == {"2015-16": 97.5, "2016-17": 100.0, "2017-18": 101.6, "2018-19": 103.2}
    assert found.base == "2016-17"
    assert "Outturn data are synthetic" in found.notes
    assert float(reprice(200, "2016-17", "2018-19", found.index)) == pytest.approx(206.4)


def test_the_treasurys_workbook(tmp_path: Path) -> None:
    """The same cells as numbers, on the second sheet."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active["A1"] = "Contents"
    sheet = book.create_sheet("data")
    for row in csv.reader(io.StringIO(TREASURY)):
        sheet.append([float(c) if c.replace(".", "", 1).isdigit() else (c or None) for c in row])
    book.save(tmp_path / "deflators.xlsx")
    found = src.load_deflators(tmp_path / "deflators.xlsx")
    assert found.index == src.load_deflators(written(tmp_path, TREASURY)).index
    assert found.base == "2016-17"
    with pytest.raises(InputError, match="no such file"):
        src.load_deflators(tmp_path / "none.xlsx")


def test_two_columns(tmp_path: Path) -> None:
    assert src.load_deflators(written(tmp_path, "year,index\n2023-24,96\n2024-25,100\n")).index == {"2023-24": 96.0, "2024-25": 100.0}


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    wrong = TREASURY.replace("97.5", "..").replace("2017-18,", "2016-17,").replace("16-17,100,", "16-17,99,").replace("103.2", "-1")
    with pytest.raises(InputError) as error:
        src.load_deflators(written(tmp_path, wrong))
    text = str(error.value)
    assert "4 problems" in text
    for part in ("row 7: the deflator of 2015-16 is '..'", "2016-17 is given twice", "2018-19 is '-1'", "not 100"):
        assert part in text


@pytest.mark.parametrize(
    ("text", "name", "match"),
    [
        ("a,b\n1,2\n", "x.csv", "no deflator by financial year"),
        ("", "x.csv", "no deflator by financial year"),
        ("year,index\n2024,100\n", "x.csv", "no financial years"),
        ("x", "x.ods", "save the sheet"),
    ],
)
def test_what_is_no_series(tmp_path: Path, text: str, name: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        src.load_deflators(written(tmp_path, text, name))


def test_a_series_that_does_not_reach(tmp_path: Path) -> None:
    index = src.load_deflators(written(tmp_path, TREASURY)).index
    with pytest.raises(InputError, match=r"does not reach 2024-25: it covers 2015-16 to 2018-19"):
        reprice(1.0, "2016-17", "2024-25", index)


def test_schedules_carry_their_source() -> None:
    assert set(src.discount_schedules()) == {"green_book_2026", "green_book_2026_health", "green_book_2026_sensitivity"}
    for key in src.discount_schedules():
        found = src.load_discount_schedule(key)
        assert "Green Book" in found.source
        assert "2026-02" in found.name
        assert list(found.rates) == sorted(found.rates, reverse=True)
    with pytest.raises(UnknownNameError, match="green_book_2026"):
        src.load_discount_schedule("green_book")
