"""``jsna diff``, ``jsna check`` and the schema of study.toml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import data_sources as src
from jsna_model.cli.app import app
from jsna_model.cli.diff import inputs, numbers
from jsna_model.errors import InputError
from jsna_model.study import Study


def run(folder: Path, *more: str) -> Path:
    given = ["report", "--area", "Rutland", "--out", str(folder), "--draws", "20", "--to", "xlsx", "--quiet", *more]
    found = CliRunner().invoke(app, given)
    assert found.exit_code == 0, found.output
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    root = tmp_path_factory.mktemp("runs")
    return run(root / "a"), run(root / "again"), run(root / "b", "--set", "wider_exposure", "--families", "200")


def test_two_runs_alike_differ_in_nothing(runs: tuple[Path, Path, Path]) -> None:
    a, again, _ = runs
    assert inputs(a, again) == []
    assert (numbers(a, again)["difference"] == 0).all()


def test_what_differs_is_named_with_both_values(runs: tuple[Path, Path, Path]) -> None:
    a, _, b = runs
    found = {name: (first, second) for name, first, second in inputs(a, b)}
    assert found["study.toml: set"] == ("higher_harm", "wider_exposure")
    assert found["study.toml: early_help.families_per_year"] == ("absent", "200.0")
    assert "manifest.json: evidence" in found
    assert not any("made_at" in name for name in found)
    moved = numbers(a, b).set_index("what")
    row = moved.loc["Rutland: children affected now, any_risk"]
    assert row["b"] > row["a"] > 0
    assert row["difference"] == pytest.approx(row["b"] - row["a"])
    assert row["change"] == pytest.approx(row["difference"] / row["a"])
    sizes = moved["change"].abs().dropna()
    assert (sizes.diff().dropna() <= 1e-12).all()
    said = CliRunner().invoke(app, ["diff", str(a), str(b), "--most", "3"]).output
    assert "study.toml: set: higher_harm -> wider_exposure" in said
    assert "expected values that both hold differ" in said


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, runs: tuple[Path, Path, Path]) -> None:
    with pytest.raises(InputError, match="is not a run folder"):
        inputs(runs[0], tmp_path)


def test_schema_knows_every_key() -> None:
    schema = Study.json_schema_of_file()
    assert set(schema["properties"]) == {("set" if k == "set_name" else k) for k in Study.model_fields}
    assert schema["additionalProperties"] is False


def test_init_writes_the_schema_that_the_study_names(tmp_path: Path) -> None:
    folder = tmp_path / "exampleshire"
    assert CliRunner().invoke(app, ["init", str(folder), "--area", "Rutland"]).exit_code == 0
    assert (folder / "study.toml").read_text(encoding="utf-8").startswith("#:schema ./study.schema.json\n")
    assert json.loads((folder / "study.schema.json").read_text(encoding="utf-8")) == Study.json_schema_of_file()
    Study.read(folder / "study.toml")


def test_problems_of_several_files_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "direct.csv").write_text("area_code,risk\n", encoding="utf-8")
    (tmp_path / "counts.csv").write_text("nothing\n", encoding="utf-8")
    study = Study.of(
        {
            "area": "Rutland",
            "direct": str(tmp_path / "direct.csv"),
            "local_counts": str(tmp_path / "counts.csv"),
            "ready": ["no_such_scenario"],
        }
    )
    with pytest.raises(InputError) as error:
        src.resolve(study)
    for part in ("direct.csv", "counts.csv", "no_such_scenario"):
        assert part in str(error.value), part
