"""study.toml: what is written reads back, and every problem is reported at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from jsna_model.errors import InputError
from jsna_model.study import Study

FULL = {
    "area": "Kent",
    "set": "wider_exposure",
    "draws": 500,
    "early_help": {"families_per_year": 900.0, "unit_cost": 2300.0},
    "parameters": {"early_help.relative_risk": 2.0},
    "ready": ["follow_up"],
    "scenario": [
        {
            "name": "hubs",
            "reason": "Board paper 12",
            "change": [{"parameter": "early_help.reach", "op": "scale", "value": 1.25, "start": "2027-04", "full_by": "2029-03"}],
        }
    ],
    "publication": {"owner": "A", "approver": "B", "review_date": "2027-06-30"},
}


def test_a_study_reads_back_as_it_was_written(tmp_path: Path) -> None:
    study = Study.of(FULL)
    assert Study.read(study.write(tmp_path / "study.toml")) == study
    assert study.publication.approved
    assert not Study.of({"area": "Kent"}).publication.approved
    assert study.scenario[0].build().changes[0].value == 1.25


def test_every_problem_is_reported_at_once_with_its_key() -> None:
    bad = {"area": "", "draws": -1, "sede": 3, "early_help": {"unit_cost": -2}, "publication": {"review_date": "June"}}
    with pytest.raises(InputError) as caught:
        Study.of(bad, "study.toml")
    assert {p.column for p in caught.value.problems} == {"area", "draws", "sede", "early_help.unit_cost", "publication.review_date"}
    assert all(p.file == "study.toml" for p in caught.value.problems)
    assert "did you mean seed" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"area": "Kent", "draws": 10.5}, "draws"),
        ({"area": "Kent", "early_help": {"unit_cost": 5.0}}, "families_per_year"),
        ({"area": "Kent", "scenario": [{"name": "x", "reason": "", "change": []}]}, r"scenario\.0"),
        ({"area": "Kent", "schema_version": 2}, "Update jsna_model"),
    ],
)
def test_bad_values_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.of(values)


def test_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        Study.read(tmp_path / "none.toml")
    path = tmp_path / "study.toml"
    path.write_text('area = "Kent\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        Study.read(path)


def test_files_are_relative_to_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('area = "Kent"\nfootprint = "hubs.csv"\n', encoding="utf-8-sig")
    assert Study.read(path).footprint == str(tmp_path / "hubs.csv")
