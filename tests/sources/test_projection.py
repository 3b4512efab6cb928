"""Projections: the user's own in the published layouts (every number here is synthetic), cohorts, sexes, small areas, past error."""

from __future__ import annotations

import csv
import gzip
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import data_sources as src
import jsna_model as jm
from benchmarks import authority_codes, projection_error
from data_sources.figures_io import read_figures
from data_sources.layouts import AGE_COLUMNS, AUTHORITY_CODES, SINGLE_YEAR
from data_sources.projection import single_years
from data_sources.projection_spread import error_growth
from jsna_model.errors import InputError, JsnaError, UnknownNameError
from jsna_model.methods.forecast import rebase_by_cohort

MK, RUTLAND, WARWICKSHIRE = "E06000042", "E06000017", "E10000031"
DISTRICTS = ("E07000218", "E07000219", "E07000220", "E07000221", "E07000222")
YEARS = tuple(range(2022, 2028))
AGES = (*map(str, range(20)), "90 and over", "All ages")
Row = list[object]
UPPER = read_figures(AUTHORITY_CODES).values.set_index("code")["utla23_code"].to_dict()
TOTAL = single_years().sum(axis=1).to_dict()


def size(codes: Sequence[str]) -> dict[str, float]:
    """About the children of each code's authority, divided evenly among the codes of it that are there, a year of age."""
    upper = {c: UPPER.get(c, c) for c in codes}
    parts = Counter(upper.values())
    return {c: float(TOTAL.get(u, 18_000)) / 18 / parts[u] for c, u in upper.items()}


def count(each: float, age: str, year: int, sex: str = "persons", scale: float = 1.0) -> float:
    """A made-up number of children, which adds up over sexes."""
    if not age.isdigit():
        return 99_999.0
    both = scale * each * (1 + int(age) / 50 + (year - 2022) / 40)
    return round({"persons": both, "females": 0.48 * both, "males": 0.52 * both}[sex], 3)


def wide(codes: Iterable[str], sex: str = "persons", years: Sequence[int] = YEARS, scale: float = 1.0) -> list[Row]:
    """The layout of ONS's releases: AREA_CODE, AREA_NAME, COMPONENT, SEX, AGE_GROUP and a column for each year."""
    head: Row = ["AREA_CODE", "AREA_NAME", "COMPONENT", "SEX", "AGE_GROUP", *years]
    each = size(list(codes))
    body = [[c, "Synthetic", "Population", sex, a, *(count(n, a, y, sex, scale) for y in years)] for c, n in each.items() for a in AGES]
    return [head, *body]


def write(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows(rows)
    return path


def snpp(folder: Path, codes: Iterable[str], scale: float = 1.0) -> Path:
    """A folder of persons, females and males, named as ONS names them."""
    for sex in ("persons", "females", "males"):
        write(folder / f"2022 SNPP Population {sex}.csv", wide(list(codes), sex, scale=scale))
    return folder


def children(*args: object, **options: object) -> np.ndarray:
    return src.load_projection(*args, **options).data["children"].values  # type: ignore[arg-type]


def expected(code: str, codes: Sequence[str], scale: float = 1.0) -> np.ndarray:
    """A synthetic authority rebased by hand, (year, age)."""
    each = size(codes)
    raw = [[sum(count(each[c], str(a), y, scale=scale) for c in codes) for a in range(18)] for y in YEARS if y >= 2024]
    return rebase_by_cohort(np.array(raw), single_years().loc[code].to_numpy(float))


# --- the published layout ------------------------------------------------------------------------------------------------------------


def test_a_published_file_is_rebased_to_the_estimates(tmp_path: Path) -> None:
    path = write(tmp_path / "2022 SNPP Population persons.csv", wide([MK, "E92000001", "E12000008"]))
    found = src.load_projection("Milton Keynes", file=path)
    assert found.data["children"].dims == ("year", "area", "age")
    assert found.data["year"].values.tolist() == [2024, 2025, 2026, 2027]
    np.testing.assert_allclose(found.data["children"].values[:, 0], expected(MK, [MK]), rtol=1e-12)
    np.testing.assert_array_equal(found.data["children"].values[0, 0], single_years().loc[MK])
    assert "2022 SNPP Population persons.csv" in found.source
    assert found.data.attrs["rebased_by"] > 0
    assert "assumed for this one too" in found.data.attrs["projection_error_basis"]


def test_a_county_is_the_sum_of_its_districts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", wide(DISTRICTS))
    found = src.load_projection("Warwick", file=path)  # a district gives its county
    np.testing.assert_allclose(found.data["children"].values[:, 0], expected(WARWICKSHIRE, DISTRICTS), rtol=1e-12)
    assert found.focus == "E07000222"
    assert "1 counties summed from their districts" in found.source


def test_a_county_beside_its_districts_must_agree_with_them(tmp_path: Path) -> None:
    rows = wide(DISTRICTS)
    county = [[WARWICKSHIRE, *r[1:5], *(sum(float(d[5 + i]) for d in rows[1:] if d[4] == r[4]) for i in range(6))] for r in rows[1:23]]
    right = write(tmp_path / "right.csv", [*rows, *county])
    np.testing.assert_allclose(children("Warwickshire", file=right)[:, 0], expected(WARWICKSHIRE, DISTRICTS), rtol=1e-12)
    county[3][8] = float(str(county[3][8])) + 40
    wrong = write(tmp_path / "wrong.csv", [*rows, *county])
    with pytest.raises(InputError, match=r"wrong.csv, row E10000031, column 2025: E10000031 has .* aged 3 in 2025, and its 5 districts"):
        src.load_projection("Warwickshire", file=wrong)


def test_long_gzip_workbook_and_ages_across_say_the_same(tmp_path: Path) -> None:
    own = wide([MK])
    long = [["code", "year", "sex", "age", "population"]]
    long += [[MK, y, "persons", r[4], r[5 + i]] for r in own[1:] for i, y in enumerate(YEARS)]  # type: ignore[list-item]
    across = [["utla23_code", "year", *AGE_COLUMNS]]
    across += [[MK, y, *(count(size([MK])[MK], str(a), y) for a in range(18))] for y in YEARS]  # type: ignore[list-item]
    plain = write(tmp_path / "plain.csv", own)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Notes: synthetic"])
    sheet = book.create_sheet("Persons")
    for row in [["Subnational population projections (synthetic)"], [], *own]:
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    want = children(MK, file=plain)
    write(tmp_path / "long.csv", long)
    write(tmp_path / "across.csv", across)
    for name in ("packed.csv.gz", "book.xlsx", "long.csv", "across.csv"):
        np.testing.assert_allclose(children(MK, file=tmp_path / name), want, rtol=1e-12, err_msg=name)


def test_an_areas_answer_does_not_depend_on_what_was_asked_for(tmp_path: Path) -> None:
    rows = wide(list(read_figures(AUTHORITY_CODES).values.query("kind == 'part' and last == 2024")["code"]))
    path = write(tmp_path / "england.csv", rows)
    england = src.load_projection("England", file=path).data["children"]
    assert england.sizes["area"] == 153
    np.testing.assert_array_equal(england.sel(area=[WARWICKSHIRE]).values, children("Warwickshire", file=path))


# --- variants ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release with two variants, as folders, and a third zipped."""
    snpp(tmp_path / "release/2022snpppopulationsyoa5yr", [MK])
    snpp(tmp_path / "release/2022snpppopulationsyoamigcat23", [MK], scale=1.2)
    high = snpp(tmp_path / "high", [MK], scale=1.4)
    with zipfile.ZipFile(tmp_path / "release/2022snpppopulationsyoahighfertility.zip", "w") as z:
        for file in sorted(high.iterdir()):
            z.write(file, file.name)
        z.writestr("__MACOSX/._2022 SNPP Population persons.csv", b"\x00\x05")  # what macOS adds
    return tmp_path / "release"


def test_variants_are_named_after_their_folders(release: Path) -> None:
    names = ["five_year_migration", "highfertility", "migration_category_2023"]
    found = src.load_projection(MK, "migration category 2023", release)
    assert found.data.attrs["variants"] == names
    assert found.data.attrs["variant"] == "migration_category_2023"
    assert "migration category 2023" in found.source
    np.testing.assert_allclose(found.data["children"].values[:, 0], expected(MK, [MK], 1.2), rtol=1e-4)
    np.testing.assert_allclose(children(MK, "highfertility", release)[:, 0], expected(MK, [MK], 1.4), rtol=1e-4)
    alone = release / "2022snpppopulationsyoa5yr/2022 SNPP Population persons.csv"
    assert src.load_projection(MK, file=alone).data.attrs["variant"] == "five_year_migration"


def test_the_spread_of_variants_is_shown(release: Path) -> None:
    table = src.projection_variants(MK, release)
    assert set(table["variant"]) == {"five_year_migration", "highfertility", "migration_category_2023"}
    np.testing.assert_allclose(table.groupby("year")["ratio"].mean(), 1)
    np.testing.assert_allclose(table.query("year == 2024")["ratio"], 1)  # all start from the estimate
    default = src.projection_variants("Rutland").pivot(index="year", columns="variant", values="ratio")
    assert list(default.columns) == ["cohort", "principal"]
    assert (default.loc[2043] - 1).abs().min() > 0.001


def test_an_unknown_variant_gives_the_nearest_and_all(release: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'highfertility'\?.*It holds five_year_migration, highfertility"):
        src.load_projection(MK, "highfertilty", release)
    with pytest.raises(UnknownNameError, match="It holds five_year_migration"):
        src.load_projection(MK, file=release)  # none is called principal
    with pytest.raises(UnknownNameError, match="variant of the embedded projection"):
        src.load_projection(MK, "low_migration")
    lone = write(tmp_path / "lone.csv", wide([MK]))
    with pytest.raises(UnknownNameError, match="one variant, which it does not name"):
        src.load_projection(MK, "high", lone)


def test_variants_in_a_column(tmp_path: Path) -> None:
    rows = [["variant", "code", "year", "age", "population"]]
    for name, scale in (("Principal projection", 1.0), ("High migration variant", 1.3)):
        rows += [[name, MK, y, a, count(size([MK])[MK], str(a), y, scale=scale)] for y in YEARS for a in range(18)]  # type: ignore[list-item]
    path = write(tmp_path / "two.csv", rows)
    np.testing.assert_allclose(children(MK, file=path)[:, 0], expected(MK, [MK]), rtol=1e-12)
    np.testing.assert_allclose(children(MK, "high_migration", path)[:, 0], expected(MK, [MK], 1.3), rtol=1e-4)
    assert sorted(set(src.projection_variants(MK, path)["variant"])) == ["high_migration", "principal"]


# --- sexes ---------------------------------------------------------------------------------------------------------------------------


def test_females_and_males(tmp_path: Path) -> None:
    folder = snpp(tmp_path / "2022snpppopulationsyoa5yr", [MK])
    data = src.load_projection(MK, file=folder, by_sex=True).data["children"]
    assert data.dims == ("year", "area", "age", "sex")
    table = read_figures(SINGLE_YEAR).values
    own = table[table["utla23_code"] == MK].set_index("sex")[list(AGE_COLUMNS)]
    np.testing.assert_array_equal(data.sel(year=2024, area=MK, sex="F").values, own.loc["F"])
    shutil.copy(folder / "2022 SNPP Population females.csv", tmp_path / "f.csv")
    with pytest.raises(InputError, match="it has one sex only"):
        src.load_projection(MK, file=tmp_path / "f.csv", by_sex=True)
    with pytest.raises(InputError, match="it has persons only"):
        src.load_projection(MK, file=folder / "2022 SNPP Population persons.csv", by_sex=True)
    (folder / "2022 SNPP Population persons.csv").unlink()
    np.testing.assert_allclose(children(MK, file=folder)[:, 0], expected(MK, [MK]), rtol=1e-4)


def test_persons_must_be_the_sum_of_the_sexes(tmp_path: Path) -> None:
    folder = snpp(tmp_path / "a", [MK])
    write(folder / "2022 SNPP Population males.csv", wide([MK], "males", scale=1.5))
    with pytest.raises(InputError, match="and its females and males together"):
        src.load_projection(MK, file=folder)


def test_the_embedded_projection_by_sex_sums_to_persons() -> None:
    apart, persons = (src.load_projection("Rutland", by_sex=s).data["children"] for s in (True, False))
    np.testing.assert_allclose(apart.sum("sex").values, persons.values, rtol=1e-12)
    assert apart["sex"].values.tolist() == ["F", "M"]


# --- bad input -----------------------------------------------------------------------------------------------------------------------


def problems(path: Path, area: str = MK, **options: object) -> list[tuple[str, object, object, str]]:
    with pytest.raises(InputError) as caught:
        src.load_projection(area, file=path, **options)  # type: ignore[arg-type]
    return [(str(p.file), p.row, p.column, p.found) for p in caught.value.problems]


def test_every_wrong_cell_is_named_at_once(tmp_path: Path) -> None:
    rows = wide([MK])
    rows[1][7], rows[2][8], rows[3][9], rows[4][3], rows[5][4], rows[6][0] = -3, "n/a", "", "boys", "four", "Milton"
    rows[7][5] = "1,000"
    found = problems(write(tmp_path / "bad.csv", rows))
    assert [f[1:3] for f in found] == [(2, "2024"), (3, "2025"), (4, "2026"), (5, "sex"), (6, "age_group"), (7, "area_code"), (8, "2022")]
    assert found[0][0] == "bad.csv"
    assert "-3 is negative" in found[0][3]
    assert "'n/a' is not a number" in found[1][3]
    assert "absence is not zero" in found[2][3]


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (range(2026, 2030), "it starts in 2026, after the base year 2024"),
        (range(2018, 2024), "it runs 2018 to 2023, without the base year 2024"),
        ((2022, 2023, 2024, 2026, 2029), "no year 2025, 2027, 2028 between 2024 and 2029"),
    ],
)
def test_years(years: Sequence[int], message: str, tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path / "a.csv", wide([MK], years=list(years))))
    assert found[3] == message


def test_missing_ages_areas_and_groups(tmp_path: Path) -> None:
    rows = [r for r in wide([MK, *DISTRICTS[:4]]) if not (r[0] == MK and r[4] in ("7", "17"))]
    (found,) = problems(write(tmp_path / "a.csv", rows))
    assert found[3] == "E06000042 lacks age 7, 17 in every year"
    (found,) = problems(tmp_path / "a.csv", "Warwickshire")
    assert found[3] == "no E10000031; of the districts that make it up, E07000222 are missing"
    groups = [[*r[:4], {"0": "0-4", "5": "5 to 9"}.get(str(r[4]), r[4]), *r[5:]] for r in wide([MK])]
    (found,) = problems(write(tmp_path / "b.csv", groups))
    assert found[1:] == (2, "age_group", "2 rows are of groups of ages such as '0-4'")
    long = [["code", "year", "age", "population"], *([MK, y, a, 5] for y in YEARS for a in range(18) if (y, a) != (2026, 4))]
    (found,) = problems(write(tmp_path / "c.csv", long))
    assert found[3] == "E06000042 lacks age 4 in 2026"


def test_thousands_and_other_areas_are_refused(tmp_path: Path) -> None:
    """Rebasing would hide them."""
    (found,) = problems(write(tmp_path / "a.csv", wide([MK], scale=0.001)))
    assert found[1] == MK
    assert "children in 2024 where the estimate is 74,569" in found[3]
    assert (
        "where the estimate is"
        in problems(write(tmp_path / "b.csv", [[*r[:5], *([0] * 6)] if i else r for i, r in enumerate(wide([MK]))]))[0][3]
    )


def test_rows_given_twice_strange_codes_and_no_layout(tmp_path: Path) -> None:
    rows = wide([MK])
    (found,) = problems(write(tmp_path / "a.csv", [*rows, rows[3]]))
    assert found[3].startswith("E06000042, persons, age 2, 2024 is there already in a.csv, row 4")
    (found,) = problems(write(tmp_path / "b.csv", wide([MK, "E06000999"])))
    assert "E06000999 was no authority of England" in found[3]
    assert problems(write(tmp_path / "c.csv", [["a", "b"], [1, 2]]))[0][3] == "no header of a projection; found a, b"
    assert problems(write(tmp_path / "d.csv", [["AREA_CODE", "AGE_GROUP"], [MK, 1]]))[0][3].startswith("no years")
    with pytest.raises(InputError, match="there is no such file"):
        src.load_projection(MK, file=tmp_path / "e.csv")
    (tmp_path / "f.xlsx").write_bytes(b"no workbook")
    (tmp_path / "f.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    for name, message in (("f.xlsx", "not an XLSX workbook"), ("f.zip", "not a ZIP"), ("empty", "nothing in it")):
        with pytest.raises(InputError, match=message):
            src.load_projection(MK, file=tmp_path / name)


def test_choices_that_do_not_go_together() -> None:
    for options, message in (
        ({"by_sex": True, "level": "ward"}, "not known by sex"),
        ({"births": "b.csv", "migration": "m.csv"}, "births and migration given with variant 'principal'"),
        ({"variant": "cohort", "file": "a.csv"}, "needs no projection"),
    ):
        with pytest.raises(InputError, match=message):
            src.load_projection(MK, **options)  # type: ignore[arg-type]
    for options in ({"level": "parish"}, {"shares": "hold"}):
        with pytest.raises(UnknownNameError):
            src.load_projection(MK, **options)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 19), st.integers(0, 10), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_cell_is_read_or_refused_by_name(tmp_path: Path, row: int, column: int, cell: str) -> None:
    """A cell that is changed to anything at all gives a projection of numbers, or an error of the package's own."""
    rows = wide([RUTLAND])
    rows[row][column] = cell
    try:
        found = src.load_projection("Rutland", file=write(tmp_path / "a.csv", rows)).data["children"]
    except JsnaError:
        return
    assert bool(np.isfinite(found).all())
    np.testing.assert_array_equal(found.sel(year=2024).values[0], single_years().loc[RUTLAND])


# --- reorganised authorities ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "code", "codes"),
    [
        ("Somerset", "E06000066", ("E07000187", "E07000188", "E07000189", "E07000246")),  # districts of 2019 to 2022
        ("Somerset", "E06000066", ("E07000187", "E07000188", "E07000189", "E07000190", "E07000191")),  # of 2018
        ("Somerset", "E06000066", ("E10000027",)),  # the county that it was
        ("Bournemouth, Christchurch and Poole", "E06000058", ("E06000028", "E06000029", "E07000048")),
        ("Barnsley", "E08000016", ("E08000038",)),  # its code of 2025
    ],
)
def test_predecessors_stand_for_an_authority_and_are_named(area: str, code: str, codes: tuple[str, ...], tmp_path: Path) -> None:
    found = src.load_projection(area, file=write(tmp_path / "a.csv", wide(codes)))
    np.testing.assert_allclose(found.data["children"].values[:, 0], expected(code, codes), rtol=1e-12)
    assert f"{code} from codes of other years: {', '.join(codes)}" in found.source
    assert found.source.split("; ")[-1] in found.data.attrs["assumption"]


def test_a_divided_county_needs_its_districts(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path / "a.csv", wide(["E10000006", "E07000026"])), "Cumberland")
    assert found[3] == (
        "no E06000063; of the districts that make it up, E07000028, E07000029 are missing; "
        "rows of a county that was divided since (E10000006) cannot stand for its parts"
    )


@pytest.mark.parametrize(("year", "changed"), [(2018, 10), (2022, 4), (2024, 0)])
def test_codes_of_any_year_give_all_the_authorities(year: int, changed: int, tmp_path: Path) -> None:
    """309 lower-tier authorities in 2022, as the first files of the 2022-based release; 326 in 2018."""
    table = read_figures(AUTHORITY_CODES).values.query("kind == 'part'")
    codes = table.loc[(table["first"] <= year) & (table["last"] >= year), "code"]
    assert len(codes) == {2018: 326, 2022: 309, 2024: 296}[year]
    found = src.load_projection("England", file=write(tmp_path / "a.csv", wide(codes, years=(2024, 2025))))
    assert found.data.sizes["area"] == 153
    assert found.source.count("from codes of other years") == changed


def test_every_authority_has_codes() -> None:
    table = read_figures(AUTHORITY_CODES).values
    assert set(table["utla23_code"]) == set(single_years().index)
    latest = table[(table["kind"] == "part") & (table["last"] == 2024)]
    assert len(latest) == 296
    assert set(table["kind"]) == {"part", "whole"}


# --- cohorts -------------------------------------------------------------------------------------------------------------------------


def test_cohorts_without_any_file() -> None:
    found = src.load_projection("Rutland", "cohort")
    base = single_years().loc[RUTLAND].to_numpy(float)
    values = found.data["children"].values[:, 0]
    assert found.data["year"].values.tolist() == list(range(2024, 2044))
    np.testing.assert_array_equal(values[0], base)
    np.testing.assert_array_equal(values[1, 1:], base[:-1])
    np.testing.assert_array_equal(values[-1], base[0])  # all born since
    assert "births stay at those aged 0 in 2024 (assumed)" in found.source
    assert "no net migration and no deaths (assumed)" in found.data.attrs["assumption"]
    assert "2018" not in found.data.attrs["projection_error_basis"]


def test_cohorts_with_births_and_migration(tmp_path: Path) -> None:
    births = write(
        tmp_path / "births.csv", [["utla23_code", "year", "births"], *([RUTLAND, y, b] for y, b in ((2024, 1), (2025, 300), (2026, 280)))]
    )
    past = [["utla23_code", "year", *AGE_COLUMNS], [RUTLAND, 2022, *[100] * 18], [RUTLAND, 2023, *[110] * 18]]
    migration = write(tmp_path / "past.csv", past)
    found = src.load_projection("Rutland", "cohort", births=births, migration=migration)
    values, base = found.data["children"].values[:, 0], single_years().loc[RUTLAND].to_numpy(float)
    assert values[1:5, 0].tolist() == [300, 280, 280, 280]
    np.testing.assert_allclose(values[1, 1:], base[:-1] * 1.1)
    assert "births of births.csv, those of 2026 again in every later year (assumed)" in found.source
    assert "net migration by age of 2022 to 2023 goes on (past.csv)" in found.source
    apart = src.load_projection("Rutland", "cohort", births=births, by_sex=True).data["children"]
    np.testing.assert_allclose(apart.sel(year=2026, age=0).sum("sex"), 280)
    less = src.load_projection("Rutland", "cohort", migration=migration).data.attrs["projection_error_sd_6yr"]
    assert less < src.load_projection("Rutland", "cohort").data.attrs["projection_error_sd_6yr"]


def test_bad_births_and_estimates(tmp_path: Path) -> None:
    def refused(name: str, rows: list[list[object]], message: str) -> None:
        path = write(tmp_path / f"{name}.csv", rows)
        with pytest.raises(InputError, match=message):
            src.load_projection("Rutland", "cohort", **{name: path})  # type: ignore[arg-type]

    head: list[object] = ["utla23_code", "year", "births"]
    refused("births", [head, [RUTLAND, 2026, 5]], "its years run 2026 to 2026, without 2025")
    refused("births", [head, [RUTLAND, 2025, 5], [RUTLAND, 2027, 5]], "births.csv, row E06000017, column year: E06000017 lacks 2026")
    refused("births", [head, [MK, 2025, 5]], "E06000017 lacks every year")
    refused("births", [head, [RUTLAND, 2025, -5]], "births.csv, row 2, column births: -5 is negative")
    past: list[object] = ["utla23_code", "year", *AGE_COLUMNS]
    refused("migration", [past, [RUTLAND, 2022, *[1] * 18]], "estimates of 2022 only")
    refused("migration", [past, [RUTLAND, 2021, *[1] * 18], [RUTLAND, 2023, *[1] * 18]], "E06000017 lacks 2022")


def test_a_cohort_projection_goes_through_project() -> None:
    population = src.load_population("Rutland")
    evidence = (*src.load_evidence_set("higher_harm"), *src.default_evidence())
    now = jm.estimate(population, evidence, src.load_overlap("higher_harm"), draws=40)
    for options in ({"variant": "cohort"}, {"by_sex": True}):
        future = jm.project(now, src.load_projection("Rutland", **options), src.load_pathway("Rutland"), years=2)  # type: ignore[arg-type]
        assert bool((future.node("demand/population")["children_projected"] > 0).all())


# --- small areas ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["lsoa", "msoa", "ward", "district"])
@pytest.mark.parametrize("shares", ["held", "aged"])
def test_small_areas_sum_to_the_authority(level: str, shares: str) -> None:
    fine = src.load_projection("Warwickshire", level=level, shares=shares)
    whole = src.load_projection("Warwickshire").data["children"]
    assert fine.level == level
    assert fine.data["children"].dims == ("year", "area", "age_band")
    np.testing.assert_allclose(fine.data["children"].sum(["area", "age_band"]).values, whole.sum(["area", "age"]).values, rtol=1e-12)
    now = src.load_population("Warwickshire", level).data["children"]
    np.testing.assert_allclose(fine.data["children"].sel(year=2024).values, now.values, rtol=1e-10)
    assert fine.data.attrs["shares"] == shares


def test_small_areas_of_several_authorities_and_of_the_users_own(tmp_path: Path) -> None:
    fine, whole = (src.load_projection("East Midlands", level=v).data["children"] for v in ("msoa", "authority"))
    by = fine.groupby("authority").sum("area").sum("age_band")
    np.testing.assert_allclose(by.sel(authority=whole["area"].values).values, whole.sum("age").values, rtol=1e-12)
    lsoas = src.load_population("Rutland").areas
    footprint = write(tmp_path / "f.csv", [["lsoa21_code", "locality"], *([c, "East" if i % 2 else "West"] for i, c in enumerate(lsoas))])
    assert src.load_projection("Rutland", level="locality", footprint=footprint).data.sizes["area"] == 2


# --- past error ----------------------------------------------------------------------------------------------------------------------


def test_the_error_grows_with_the_horizon() -> None:
    growth = error_growth(np.arange(20))
    assert growth[0] == 0
    assert growth[6] == 1
    assert (np.diff(growth) > 0).all()
    assert growth[12] / growth[6] > 2**0.5 * 1.2  # faster than a random walk's
    attrs = src.load_projection("Milton Keynes").data.attrs
    assert (error_growth(np.arange(1, 6), "cohort") > growth[1:6]).all()  # less of the error of held births and moves is new each year
    assert attrs["projection_error_log_sd"][6] == pytest.approx(attrs["projection_error_sd_6yr"])


def test_the_error_of_the_published_projections_is_that_of_the_embedded_figures() -> None:
    table = src.projection_error()
    made = projection_error.summary(projection_error.ons(), 153).round(5)
    shipped = table[table["method"] == "ons_2018_principal"].reset_index(drop=True)
    pd.testing.assert_frame_equal(made[list(shipped.columns)], shipped, check_dtype=False)
    assert set(shipped["horizon"]) == {6}  # one base year, one horizon
    assert set(shipped["origins"]) == {1}


# --- all of England ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_district(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 2018-based projections by district and sex, as a long CSV of children."""
    pytest.importorskip("pyarrow", reason="the shared files are Parquet")
    table = pd.read_parquet(shared / "data/projections/snpp2018_principal_la_syoa_sex_2024_2043.parquet")
    path = tmp_path_factory.mktemp("snpp") / "long.csv"
    table[(table["age"] < 19) & (table["year"] < 2031)].to_csv(path, index=False)
    return path


@pytest.mark.england
def test_the_published_districts_give_the_embedded_projection(by_district: Path) -> None:
    own, embedded = (src.load_projection("England", file=f).data["children"] for f in (by_district, None))
    np.testing.assert_allclose(own.values, embedded.sel(year=own["year"]).values, rtol=1e-12)


@pytest.mark.england
def test_sexes_split_by_cohort_are_near_the_published_ones(by_district: Path) -> None:
    published, split = (src.load_projection("England", file=f, by_sex=True).data["children"] for f in (by_district, None))
    split = split.sel(year=published["year"])
    assert float(abs(published - split).sum() / published.sum()) < 0.006
    assert float(abs(published.sum("area") - split.sum("area")).sum() / published.sum()) < 0.002


@pytest.mark.england
def test_the_tables_are_as_their_scripts_make_them(shared: Path) -> None:
    pytest.importorskip("pyarrow", reason="the shared files are Parquet")
    parts = authority_codes.lower_tier()
    made = pd.concat([parts, authority_codes.whole(parts)]).sort_values(["utla23_code", "kind", "code"], ignore_index=True)
    shipped = read_figures(AUTHORITY_CODES).values
    pd.testing.assert_frame_equal(made[list(shipped.columns)], shipped, check_dtype=False)
    codes, years = projection_error.estimates()
    again = projection_error.summary(pd.concat([projection_error.ons(), projection_error.rolling(years)]), len(codes)).round(5)
    pd.testing.assert_frame_equal(again, src.projection_error()[list(again.columns)], check_dtype=False, atol=2e-5)
