"""The projection that a study names: read, run, reported, in the manifest and in the difference of two runs; problems found by check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from openpyxl import load_workbook
from typer.testing import CliRunner

import data_sources as src
from data_sources.projection import single_years
from jsna_model.cli.app import app
from jsna_model.cli.diff import inputs
from jsna_model.cli.manifest import _hash
from tests.sources.test_form import form
from tests.sources.test_projection import RUTLAND, snpp, wide, write

LONG = tuple(range(2022, 2036))


def variants(folder: Path) -> Path:
    """Two variants in folders named as ONS names them."""
    for name, scale in (("2022snpppopulationsyoamigcat23", 1.0), ("2022snpppopulationsyoahighfertility", 1.3)):
        write(folder / name / "2022 SNPP Population persons.csv", wide([RUTLAND], years=LONG, scale=scale))
    return folder


def study(folder: Path, *lines: str) -> Path:
    path = folder / "study.toml"
    path.write_text("\n".join(['area = "Rutland"', "draws = 20", *lines]) + "\n", encoding="utf-8")
    return path


def run(*given: str) -> str:
    found = CliRunner().invoke(app, list(given))
    if found.exit_code:
        raise AssertionError(found.output) from found.exception
    return found.output


def test_a_named_variant_is_run_reported_and_kept(tmp_path: Path) -> None:
    variants(tmp_path / "snpp")
    named = study(tmp_path, 'projection = "snpp"', 'projection_variant = "migration_category_2023"')
    assert "sound" in run("check", str(named))
    run("run", str(named), "--out", str(tmp_path / "a"), "--to", "html,xlsx", "--quiet")
    page = BeautifulSoup((tmp_path / "a" / "report.html").read_text(encoding="utf-8"), "html.parser").get_text(" ")
    assert "The user's projection (snpp, migration category 2023), rebased by cohort to ONS mid-2024 estimates" in page
    assert "Projection variant: migration category 2023; its file also has highfertility" in page
    assert "ONS 2018-based subnational projections" not in page.split("References")[0]
    book = load_workbook(tmp_path / "a" / "tables.xlsx", read_only=True)
    cells = [str(c) for sheet in book for row in sheet.iter_rows(max_row=4, values_only=True) for c in row]
    assert any("migration category 2023" in c for c in cells)
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["projection"]["variant"] == "migration_category_2023"
    assert len(manifest["inputs"]["projection"]) == 16
    again = src.read_study(tmp_path / "a" / "study.toml")
    assert Path(again.projection).resolve() == (tmp_path / "snpp").resolve()

    other = study(tmp_path, 'projection = "snpp"', 'projection_variant = "highfertility"')
    run("run", str(other), "--out", str(tmp_path / "b"), "--to", "xlsx", "--quiet")
    found = {name: (a, b) for name, a, b in inputs(tmp_path / "a", tmp_path / "b")}
    assert found["manifest.json: projection.variant"] == ("migration_category_2023", "highfertility")
    assert found["study.toml: projection_variant"] == ("migration_category_2023", "highfertility")
    assert "manifest.json: inputs.children_projected" in found
    assert "manifest.json: inputs.projection" not in found  # the same files

    # Files inside the folders of a release count for the hash.
    assert _hash(tmp_path / "snpp") == manifest["inputs"]["projection"]
    file = tmp_path / "snpp" / "2022snpppopulationsyoahighfertility" / "2022 SNPP Population persons.csv"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert _hash(tmp_path / "snpp") != manifest["inputs"]["projection"]


def test_births_for_cohorts_from_the_command_line(tmp_path: Path) -> None:
    births = write(tmp_path / "births.csv", [["utla23_code", "year", "births"], [RUTLAND, 2025, 300]])
    out = str(tmp_path / "c")
    given = ("--variant", "cohort", "--births", str(births), "--draws", "20", "--to", "html", "--quiet")
    run("report", "--area", "Rutland", "--out", out, *given)
    page = BeautifulSoup((tmp_path / "c" / "report.html").read_text(encoding="utf-8"), "html.parser").get_text(" ")
    assert "carried forward in cohorts: births of births.csv" in page
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["projection"]["variant"] == "cohort"
    assert set(manifest["inputs"]) >= {"births", "children_projected"}


@pytest.mark.parametrize(
    ("years", "lines", "message"),
    [
        (range(2026, 2040), (), "it starts in 2026, after the base year 2024"),
        (range(2022, 2028), (), "it covers 2024 to 2027, and years = 11 need up to 2035"),
        (range(2022, 2028), ("years = 2",), ""),
        (LONG, ('projection_variant = "highfertilty"',), "one variant"),
        (LONG, ('projection_variant = "cohort"',), "needs no projection"),
        (LONG, ('births = "births.csv"',), "births given with variant"),
    ],
)
def test_check_finds_what_is_wrong(years: range, lines: tuple[str, ...], message: str, tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", wide([RUTLAND], years=list(years)))
    found = CliRunner().invoke(app, ["check", str(study(tmp_path, 'projection = "mine.csv"', *lines))])
    if message:
        assert found.exit_code != 0
        assert message in str(found.exception)
    else:
        assert found.exit_code == 0, str(found.exception)


def test_a_file_that_is_not_there_and_another_problem_are_said_together(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["check", str(study(tmp_path, 'projection = "absent.csv"', 'direct = "none.csv"'))])
    assert "absent.csv" in str(found.exception)
    assert "none.csv" in str(found.exception)


def test_the_form_names_it_too(tmp_path: Path) -> None:
    snpp(tmp_path / "snpp", [RUTLAND])
    path = form(tmp_path, projection="snpp", projection_variant="five_year_migration", births="b.csv")
    found = src.read_study(path)
    assert (found.projection, found.projection_variant) == (str(tmp_path / "snpp"), "five_year_migration")
    assert found.births == str(tmp_path / "b.csv")


def test_without_a_file_it_is_the_embedded_one(tmp_path: Path) -> None:
    nouns = src.resolve(src.read_study(study(tmp_path)))
    assert nouns.projection.data.attrs["variant"] == "principal"
    assert float(nouns.projection.data["children"].sel(year=2024).sum()) == single_years().loc[RUTLAND].sum()
