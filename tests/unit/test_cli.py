"""The door: bad input gives one message, exit code 2, and nothing is written."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[2] / "data_sources" / "figures"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def jsna(tmp_path: Path) -> Run:
    """Run the command in an empty folder, as a user would."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run([sys.executable, "-m", "jsna_model.cli", *arguments], cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


REPORT = ("report", "--area", "Rutland", "--out", "out", "--quiet", "--draws", "50")


def test_a_run_folder_is_complete_and_can_be_written_again(jsna: Run, tmp_path: Path) -> None:
    done = jsna(*REPORT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"report.html", "report.docx", "tables.xlsx", "compare.html", "result.nc", "manifest.json", "study.toml"}
    first = (tmp_path / "out" / "report.html").read_bytes()
    again = jsna("report", "out", "--to", "html", "--quiet")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "out" / "report.html").read_bytes() == first
    rerun = jsna("run", "out/study.toml", "--out", "second", "--to", "html", "--quiet")
    assert rerun.returncode == 0, rerun.stderr
    assert (tmp_path / "second" / "report.html").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--area", "Milton Kenes"), "Did you mean 'Milton Keynes'?"),
        (("--area", "Rutland", "--draws", "-5"), "found -5"),
        (("--area", "Rutland", "--draws", "1.5"), "--draws is '1.5'"),
        (("--area", "Rutland", "--to", "odt"), "--to is 'odt'"),
        (("--area", "Rutland", "--set", "higher_ham"), "higher_harm"),
        (("--area", "Rutland", "--footprint", "none.csv"), "none.csv"),
        (("--area", "Rutland", "--families", "-3"), "families_per_year"),
        (("--area", "Rutland", "--effects", "hopeful"), "as_published"),
        (("--area", "Rutland", "--covariates", "none.csv"), "none.csv: no evidence of the study varies"),
        (("out", "--area", "Rutland"), "exclude each other"),
        ((), "jsna areas lists all"),
    ],
)
def test_bad_arguments(jsna: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = jsna("report", *arguments)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file_is_refused(jsna: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    refused = jsna(*REPORT)
    assert refused.returncode == 2
    assert "is a file" in refused.stderr
    assert (tmp_path / "out").read_text() == "mine"


def test_evidence_of_the_user_is_checked_whole(jsna: Run, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[evidence]]\nkey = "LOCAL-1"\nrisk = "x"\nvalue = 22.1\nlower = 0.3\nupper = 0.2\nlevel = 0.95\n')
    refused = jsna(*REPORT, "--evidence", "own.toml")
    assert refused.returncode == 2
    for part in ("own.toml", "LOCAL-1", "22.1"):
        assert part in refused.stderr
    assert not (tmp_path / "out").exists()


def test_evidence_check_says_whether_a_file_is_sound(jsna: Run, tmp_path: Path) -> None:
    catalogue = FIGURES.parent / "evidence" / "manning_2009.toml"
    sound = jsna("evidence", "check", str(catalogue))
    assert sound.returncode == 0, sound.stderr
    assert "ALC-01" in sound.stdout
    (tmp_path / "broken.toml").write_text(catalogue.read_text(encoding="utf-8").replace("value = 0.221", "value = 22.1"), encoding="utf-8")
    broken = jsna("evidence", "check", "broken.toml")
    assert broken.returncode == 2
    assert "22.1" in broken.stderr


def test_a_broken_figures_file_is_named_by_row_and_column(jsna: Run, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    with gzip.open(FIGURES / "england_lsoa.csv.gz", "rt", encoding="utf-8") as source:
        lines = source.read().splitlines()
    rutland = [i for i, line in enumerate(lines) if ",E06000017," in line]
    cells = lines[rutland[0]].split(",")
    place = lines[0].split(",").index("children_5_9")
    cells[place] = "many"
    lines[rutland[0]] = ",".join(cells)
    lines.append(lines[rutland[1]])
    with gzip.open(folder / "england_lsoa.csv.gz", "wt", encoding="utf-8") as target:
        target.write("\n".join(lines) + "\n")
    refused = jsna(*REPORT, "--figures", "figures")
    assert refused.returncode == 2
    for part in ("england_lsoa.csv.gz", f"row {rutland[0] + 1}", "children_5_9", "many", "2 problems"):
        assert part in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_column_is_named(jsna: Run, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    shutil.copy(FIGURES / "england_upper_tier_2025.csv", folder)
    path = folder / "england_upper_tier_2025.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("section_47_enquiries", "section_forty_seven", 1), encoding="utf-8")
    refused = jsna(*REPORT, "--figures", "figures")
    assert refused.returncode == 2
    assert "section_47_enquiries" in refused.stderr


def test_lists(jsna: Run) -> None:
    assert "E06000042  Milton Keynes" in jsna("areas", "milton").stdout
    assert "OV-20" in jsna("evidence", "list").stdout
    assert "OV-20" not in jsna("evidence", "list", "manning").stdout
    assert "Instrument" in jsna("evidence", "show", "hazardous_drinking").stdout
    assert "england_lsoa.csv.gz" in jsna("sources", "list").stdout
    assert jsna("sources", "verify").returncode == 0


def test_init_then_check(jsna: Run, tmp_path: Path) -> None:
    assert jsna("init", "rutland", "--area", "Rutland").returncode == 0
    checked = jsna("check", "rutland/study.toml")
    assert checked.returncode == 0, checked.stderr
    assert "sound" in checked.stdout
    again = jsna("init", "rutland", "--area", "Rutland")
    assert again.returncode == 2
    assert "nothing was overwritten" in again.stderr


def test_init_without_an_area_leaves_it_to_fill_in(jsna: Run, tmp_path: Path) -> None:
    made = jsna("init", "exampleshire")
    assert made.returncode == 0, made.stderr
    assert "Fill in area" in made.stdout
    study = tmp_path / "exampleshire/study.toml"
    checked = jsna("check", "exampleshire/study.toml")
    assert checked.returncode == 2
    assert "area" in checked.stderr
    assert "jsna areas" in checked.stderr
    study.write_text(study.read_text(encoding="utf-8").replace('area = ""', 'area = "Rutland"'), encoding="utf-8")
    assert jsna("check", "exampleshire/study.toml").returncode == 0


def test_an_estimate_below_a_file_is_refused_before_it_runs(jsna: Run, tmp_path: Path) -> None:
    (tmp_path / "taken.csv").write_text("kept")
    refused = jsna("estimate", "--area", "Rutland", "--out", "taken.csv/children.csv")
    assert refused.returncode == 2
    assert "taken.csv is a file" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (tmp_path / "taken.csv").read_text() == "kept"


def test_a_report_is_of_one_authority(jsna: Run, tmp_path: Path) -> None:
    refused = jsna("report", "--area", "London", "--quiet")
    assert refused.returncode == 2
    assert "33 authorities" in refused.stderr
    assert "jsna estimate" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_boundaries_are_checked_before_anything_is_run(jsna: Run, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("lsoa21_code,locality\nE01013879,North\n")
    refused = jsna(*REPORT, "--boundaries", "table.csv")
    assert refused.returncode == 2
    assert "table.csv" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()


def test_estimates_as_a_table(jsna: Run, tmp_path: Path) -> None:
    done = jsna("estimate", "--area", "Canterbury", "--level", "district", "--out", "children.csv", "--draws", "20", "--quiet")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "children.csv").read_text(encoding="utf-8-sig")
    assert "E07000106,Canterbury" in text
    wrong = jsna("estimate", "--area", "Rutland", "--level", "lsoas", "--out", "x.csv", "--draws", "20", "--quiet")
    assert wrong.returncode == 2
    assert "'lsoa'" in wrong.stderr
