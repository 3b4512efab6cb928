"""The study's file of local counts and its share who would benefit; `jsna check` says what is wrong with the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jsna_model.errors import InputError
from jsna_model.study import Study

COUNTS = "measure,year,count\nmarac_cases,2024,{}\n"


def test_they_read_back_and_the_file_is_relative_to_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('area = "Rutland"\nlocal_counts = "counts.csv"\n[benefit]\nshare = 0.3\nreason = "Board paper 12"\n', encoding="utf-8")
    study = Study.read(path)
    assert study.local_counts == str(tmp_path / "counts.csv")
    assert (study.benefit.share, study.benefit.reason) == (0.3, "Board paper 12")
    plain = Study.of({"area": "Rutland", "benefit": {"share": 0.3, "reason": "Board paper 12"}})
    assert Study.read(plain.write(tmp_path / "again.toml")) == plain
    assert Study.of({"area": "Rutland"}).benefit.share is None


@pytest.mark.parametrize("benefit", [{"share": 0.3}, {"reason": "because"}, {"share": 30, "reason": "x"}, {"share": 0, "reason": "x"}])
def test_a_share_needs_its_reason_and_lies_in_range(benefit: dict[str, object]) -> None:
    with pytest.raises(InputError, match="benefit"):
        Study.of({"area": "Rutland", "benefit": benefit})


@pytest.mark.parametrize(("count", "code"), [("12", 0), ("twelve", 2)])
def test_check_reports_the_file(tmp_path: Path, count: str, code: int) -> None:
    (tmp_path / "counts.csv").write_text(COUNTS.format(count), encoding="utf-8")
    (tmp_path / "study.toml").write_text('area = "Rutland"\nlocal_counts = "counts.csv"\n', encoding="utf-8")
    asked = [sys.executable, "-m", "jsna_model.cli", "check", "study.toml"]
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == code, done.stderr
    if code:
        assert "counts.csv, row 2, column count: 'twelve'" in done.stderr
