"""A file of direct local estimates: every problem at once, each with row and column."""

from pathlib import Path

import pytest

import data_sources as src
from jsna_model.direct import Direct
from jsna_model.errors import InputError

HEAD = "area_code,risk,value,lower,upper,level,source,total\n"
GOOD = (
    HEAD + "E06000042,hazardous_drinking,0.2,0.17,0.23,0.95,School survey 2024,\nE06000042,domestic_abuse,5000,4500,5600,0.95,Audit,yes\n"
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "direct.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    first, second = src.load_direct(written(tmp_path, GOOD))
    assert first == Direct("E06000042", "hazardous_drinking", 0.2, 0.17, 0.23, 0.95, "School survey 2024")
    assert second.total


def test_every_problem_at_once(tmp_path: Path) -> None:
    bad = (
        HEAD
        + "E06000042,a,20,17,23,0.95,survey,\n"
        + "E06000042,b,0.2,0.3,0.1,0.95,survey,\n"
        + "E06000042,c,20%,0.1,0.3,0.95,survey,\n"
        + "E06000042,d,0.2,0.1,0.3,0.95,,maybe\n"
        + "E06000042,e,0.2,0.1,0.3,95,survey,\n"
    )
    with pytest.raises(InputError) as caught:
        src.load_direct(written(tmp_path, bad))
    assert [(p.row, p.column) for p in caught.value.problems] == [
        (2, "value"), (3, "lower"), (4, "value"), (5, "source"), (5, "total"), (6, "level"),
    ]  # fmt: skip
    assert {p.file for p in caught.value.problems} == {"direct.csv"}


def test_missing_columns_and_repeats(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'level'"):
        src.load_direct(written(tmp_path, "area_code,risk,value,lower,upper,source\n"))
    with pytest.raises(InputError, match="given twice"):
        src.load_direct(written(tmp_path, HEAD + 2 * "E06000042,a,0.2,0.1,0.3,0.95,survey,\n"))
    with pytest.raises(InputError, match="no rows"):
        src.load_direct(written(tmp_path, HEAD))
