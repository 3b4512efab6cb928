"""A study that asks for a layout of the pathway: what contradicts what, by line; hints of a new study; the line that is the default."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jsna_model.cli.app import app, report
from jsna_model.errors import InputError
from jsna_model.layout import DEFAULT_LAYOUT
from jsna_model.study import Study


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('area = "Rutland"\nlayout = "family_help"\n', [2]),
        ('area = "Rutland"\nfamily_help_from = "2027-04"\nlayout = "early_help_and_cin"\n', [2]),
        ('area = "Rutland"\nprocess_noise = true\nlayout = ""\n', [2]),
        ('area = "Rutland"\nlayout = "family_help"\nyears = 3\nfamily_help_from = "2030-04"\n', [4]),
        ('area = "Rutland"\nlayout = "family_help"\nfamily_help_from = "2024-04"\nprocess_noise = true\n', [3]),
        ('area = "Rutland"\nlayout = ""\nfamily_help_from = "2040-04"\nprocess_noise = true\n', [3, 4, 3]),
    ],
)
def test_contradictions_name_their_line(tmp_path: Path, text: str, lines: list[int]) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Study.read(path)
    assert [p.row for p in caught.value.problems] == lines


def test_what_agrees_is_taken(tmp_path: Path) -> None:
    given = Study.of({"area": "Rutland", "layout": "family_help", "family_help_from": "2027-04", "process_noise": True, "years": 5})
    assert Study.read(given.write(tmp_path / "study.toml")) == given


def test_a_new_study_says_what_a_layout_is(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--area", "Rutland"]).exit_code == 0
    lines = (tmp_path / "new" / "study.toml").read_text(encoding="utf-8").splitlines()
    for key in ("layout", "family_help_from", "process_noise", "years"):
        (line,) = (found for found in lines if found.startswith(f"{key} = "))
        assert "   # " in line, key
    assert Study.read(tmp_path / "new" / "study.toml") == Study.of({"area": "Rutland"})


def test_one_line_makes_it_the_default() -> None:
    assert Study.of({"area": "Rutland"}).layout == DEFAULT_LAYOUT == signature(report).parameters["layout"].default
