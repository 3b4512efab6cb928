"""What services record: a user's file with every problem at once, and the published assessment factors."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

import data_sources as src
from data_sources.local import FINER, _measures, placed, recorded_factors
from jsna_model.errors import InputError
from jsna_model.study import Study

HEAD = "measure,period,count,unit,area_code,source,note\n"
MEASURES = {
    "parents_in_alcohol_or_drug_treatment": "adults",
    "children_of_parents_in_treatment": "children",
    "marac_cases": "cases",
    "marac_children": "children",
    "police_domestic_abuse_incidents_with_children": "incidents",
    "gp_severe_mental_illness_register": "registered patients",
    "early_help_episodes": "episodes",
}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "local_counts.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_every_measure_is_read_with_its_own_unit_and_meaning(tmp_path: Path) -> None:
    counts = src.load_local_counts(written(tmp_path, HEAD + "".join(f"{m},2024-25,{n},,,,\n" for n, m in enumerate(MEASURES))))
    assert {c.measure: c.unit for c in counts} == MEASURES == {m: e["units"][0] for m, e in _measures()["own"].items()}
    assert [c.count for c in counts] == list(range(7))
    assert all(c.own and c.definition and c.construct and c.warning and c.beside for c in counts)
    assert counts[0].record()["basis"] == "observed"
    assert "line" not in counts[0].record()


def test_year_unit_area_source_and_note_are_kept(tmp_path: Path) -> None:
    text = "Measure,Year,Count,Unit,area_code,Source,note\nearly_help_episodes,2024,12.0,children,E06000017,Board,provisional\n"
    (c,) = src.load_local_counts(written(tmp_path, text))
    assert (c.period, c.count, c.unit, c.area, c.source, c.note) == ("2024", 12, "children", "E06000017", "Board", "provisional")


@pytest.mark.parametrize(("cell", "status"), [("c", "c"), ("[C]", "c"), ("", "x"), ("x", "x"), ("low", "low")])
def test_absence_is_a_status_and_not_zero(tmp_path: Path, cell: str, status: str) -> None:
    (c,) = src.load_local_counts(written(tmp_path, HEAD + f"marac_cases,2024-25,{cell},,,,\n"))
    assert (c.count, c.status) == (None, status)
    (zero,) = src.load_local_counts(written(tmp_path, HEAD + "marac_cases,2024-25,0,,,,\n"))
    assert (zero.count, zero.status) == (0, "")


def test_every_problem_at_once_with_its_place(tmp_path: Path) -> None:
    bad = HEAD + (
        "marac_case,2024-25,10,,,,\n"
        "marac_cases,Q1 2024,-4,,,,\n"
        "marac_cases,2024-26,12%,,,,\n"
        "marac_cases,2025-02-30,0.3,,,,\n"
        "marac_cases,2024-25,12.5,adults,,,\n"
        'marac_cases,2024-25,"1,200",,E01000001,,\n'
        "marac_cases,2024-25,<5,,E12000001,,\n"
        "marac_cases,2024-25,1,200,,,,\n"
    )
    with pytest.raises(InputError) as caught:
        src.load_local_counts(written(tmp_path, bad))
    found = [(p.row, p.column) for p in caught.value.problems]
    assert found == [
        (2, "measure"), (3, "period"), (3, "count"), (4, "period"), (4, "count"), (5, "period"), (5, "count"), (6, "unit"), (6, "count"),
        (7, "area_code"), (7, "count"), (8, "area_code"), (8, "count"), (9, None),
    ]  # fmt: skip
    assert {p.file for p in caught.value.problems} == {"local_counts.csv"}
    text = str(caught.value)
    for said in ("the nearest is marac_cases", "-4 is negative", "12% is a percentage", "0.3 is not whole", "'1,200' is not a count"):
        assert said in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("measure,count\nmarac_cases,3\n", "no column year or period"),
        ("measure,year,period,count\nmarac_cases,2024,2024,3\n", "both year and period"),
        ("measure,year\nmarac_cases,2024\n", "no column 'count'"),
        ("measure,year,count,area\nmarac_cases,2024,3,E06000017\n", "'area'. the nearest is area_code"),
        ("measure,year,count,count\nmarac_cases,2024,3,3\n", "more than once"),
        (HEAD, "no rows"),
        ("", "an empty file"),
        (HEAD + 2 * "marac_cases,2024-25,10,,,,\n", "already in row 2"),
        (HEAD + "marac_cases,2024-25,10,,,,\nmarac_cases,2024/25,10,,,,\n", "already in row 2"),
        (HEAD + "marac_cases,2024,10,,E05012633,,\nmarac_cases,2024,10,,E02002867,,\n", "by ward and by msoa"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        src.load_local_counts(written(tmp_path, text))


def test_areas_are_of_the_authority(tmp_path: Path) -> None:
    rutland = src.load_population("Rutland")
    good = "marac_cases,2024,10,,E06000017,,\nmarac_cases,2024,6,,E05012633,,\nmarac_cases,2024,4,,E05012634,,\n"
    counts = placed(src.load_local_counts(written(tmp_path, HEAD + good)), rutland, "E06000017", "f")
    assert [c.area for c in counts] == ["", "E05012633", "E05012634"]
    bad = (
        "marac_cases,2024,10,,E06000042,,\nmarac_children,2024,9000,,,,\nmarac_children,2023,900,,E05012633,,\n"
        "marac_cases,2023,7,,,,\nmarac_cases,2023,7,,E06000017,,\n"
    )
    with pytest.raises(InputError) as caught:
        placed(src.load_local_counts(written(tmp_path, HEAD + bad)), rutland, "E06000017", "f")
    assert [(p.row, p.column) for p in caught.value.problems] == [(2, "area_code"), (3, "count"), (4, "count"), (6, "measure")]
    assert set(FINER.values()) <= set(src.load_population("Canterbury").data.coords)


def test_published_factors_keep_their_symbols() -> None:
    city = {c.measure: c for c in recorded_factors("E09000001")}
    assert len(city) == 5
    assert (city["factor_parent_alcohol"].count, city["factor_parent_alcohol"].status) == (0, "")
    assert (city["factor_parent_drugs"].count, city["factor_parent_drugs"].status) == (None, "c")
    assert {c.unit for c in city.values()} == {"assessments"}
    assert not any(c.own for c in city.values())
    assert all("Assessments are not children" in c.warning for c in city.values())


def test_factors_of_the_users_own_folder_are_unpublished(tmp_path: Path) -> None:
    name = "england_upper_tier_2025.csv"
    shutil.copy(str(files("data_sources").joinpath("figures", name)), tmp_path / name)
    factors = recorded_factors("E06000017", tmp_path)
    assert all(c.own and "not published" in c.source for c in factors)


def test_resolve_reads_and_checks_them(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "marac_cases,2024-25,10,,,,\n")
    nouns = src.resolve(Study.of({"area": "Rutland", "local_counts": str(path)}))
    assert [c.measure for c in nouns.local][:2] == ["marac_cases", "assessments_with_factor"]
    written(tmp_path, HEAD + "marac_cases,2024-25,ten,,,,\n")
    with pytest.raises(InputError, match=r"local_counts.csv, row 2, column count: 'ten'"):
        src.resolve(Study.of({"area": "Rutland", "local_counts": str(path)}))
