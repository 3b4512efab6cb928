"""The chapter: its sections and what is left out, draft points and the numbers they rest on, local text, words and vocabulary."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import xarray as xr
import xlsxwriter
from docx import Document

import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError
from jsna_model.methods.rates import byar
from jsna_model.result import Result
from reports import likelihood, words
from reports.content import Report, build
from reports.document import render_document
from reports.local_text import blocks
from reports.page import render_page
from reports.points import find, points
from reports.report import Bullets, Heading, Section
from reports.table import cell
from reports.view import View
from reports.vocabulary import load_vocabulary, spoken, terms
from reports.workbook import render_workbook
from tests.reports.checklist import broken

NASTY = "O'Neill & Sons <b>=1+1</b> ילדים"
APPROVED = {"owner": NASTY, "approver": "=cmd|'/c calc'!A1", "review_date": "2027-06-30", "classification": "OFFICIAL"}


@pytest.fixture(scope="module")
def result(rutland: Result) -> Result:
    return rutland.with_provenance(**src.chapter_material("Rutland"))


@pytest.fixture(scope="module")
def report(result: Result) -> Report:
    return build(result)


def section(report: Report, key: str) -> Section:
    return next(s for s in report.sections if s.key == key)


def test_the_sections_are_those_that_boards_expect(report: Report) -> None:
    keys = [s.key for s in report.sections]
    assert keys == [
        "summary", "why", "who", "risks", "together", "where", "change", "services", "ahead", "not_known", "works", "scenarios", "points",
        "gaps", "certainty", "quality", "methods", "evidence", "assumptions", "decisions", "sources", "glossary",
    ]  # fmt: skip


def test_what_is_left_out_is_said_with_its_reason(report: Report, canterbury: Result) -> None:
    said = next(b for b in section(report, "gaps").blocks if isinstance(b, Bullets))
    assert [i.split(":")[0] for i in said.items] == [
        "Children looked after by placement", "Local services and assets",
        "Views of children, families and practitioners", "Equality impact",
    ]  # fmt: skip
    need_alone = build(canterbury)
    left = " ".join(i for b in section(need_alone, "gaps").blocks if isinstance(b, Bullets) for i in b.items)
    assert "Scenarios compared: the result compares no scenarios; run compare." in left
    assert "Services now, and how they compare: the result holds no counts of services" in left
    assert "placement" not in left
    table = report.table("gaps")
    assert table is not None
    assert {"Ethnicity of children affected", "Sex of children affected"} <= set(table.rows["What is missing"])


def test_every_point_rests_on_a_number_of_its_table(result: Result, report: Report) -> None:
    tables = {t.key: t for t in report.tables}
    made = points(View.of(result), tables)
    assert [p.key for p in made] == [f"P{i}" for i in range(1, 10)]
    for p in made:
        assert p.value in p.text
        table = tables[p.table]
        if p.table == "gaps":
            assert p.value == str(len(table.rows))
            continue
        kind = next(c.kind for c in table.columns if c.label == p.column)
        rows = table.rows[table.rows.iloc[:, 0].astype(str) == p.row]
        assert p.value in [cell(v, kind) for v in rows[p.column]], p.key
    assert find(tables, "combinations", "All three", "no such column") is None


def test_points_are_published_only_once_accepted(result: Result) -> None:
    study = jm.Study.of({"area": "Rutland", "publication": {**APPROVED, "accepted": ["P4", "P12"]}})
    table = build(result, study).table("points")
    assert table is not None
    assert table.rows["Point"].tolist() == ["P4"]
    assert "Accepted P12: these results do not make it" in render_page(build(result, study))
    none = build(result, jm.Study.of({"area": "Rutland", "publication": APPROVED}))
    assert none.table("points") is None
    assert "has accepted none of the draft points" in render_page(none)
    draft = build(result, jm.Study.of({"area": "Rutland", "publication": {"accepted": ["P4"]}})).table("points")
    assert draft is not None
    assert draft.rows["Accepted"].str.split(";").str[0].value_counts().to_dict() == {"no": 8, "yes": 1}
    assert any("Accepted by name alone" in n for n in draft.notes)
    with pytest.raises(InputError, match="accepted"):
        jm.Study.of({"area": "Rutland", "publication": {"accepted": ["first"]}})


def test_observed_rates_carry_their_interval_and_no_polarity(result: Result, report: Report) -> None:
    table = report.table("services_now")
    assert table is not None
    row = table.rows.set_index("Service").loc["Children looked after at 31 March"]
    x = byar(row.iloc[0], View.of(result).children, 10_000)
    assert row["Rate: lower"] == round(float(x.lower), 1)
    assert row["Rate: upper"] == round(float(x.upper), 1)
    compared = set(table.rows["Compared with England"]) | set(table.rows["Compared with neighbours"])
    assert compared <= {"higher", "lower", "similar", "[x]", "[c]"}
    said = " ".join(b for b in section(report, "services").blocks if isinstance(b, str))
    assert not re.search(r"\b(better|worse)\b", said.replace("Neither higher nor lower is better.", ""))
    assert "no evidence of a difference from England's" in said


def test_what_works_says_how_sure_it_is(report: Report) -> None:
    table = report.table("effects")
    assert table is not None
    assert set(table.rows["How sure"]) <= {"high", "moderate", "low", "very low"}
    found = table.rows.set_index("Key")["What was found"]
    assert found["EF-01-RR"] == "relative risk 0.68; interval not published"
    assert found["EF-07-RR"] == "rate ratio 1.055 (0.955 to 1.166)"


def test_local_text_has_its_place(result: Result, tmp_path: Path) -> None:
    (tmp_path / "views_of_children.md").write_text(f"## Who\n\n{NASTY}\n\n* one\n* **two**\n", encoding="utf-8")
    (tmp_path / "_notes.txt").write_text("not for the report", encoding="utf-8")
    (tmp_path / "equality_impact.md").write_text("  \n", encoding="utf-8")
    text = src.load_text(tmp_path)
    assert list(text) == ["views_of_children"]
    made = build(result, text=text)
    assert section(made, "views").blocks[1:] == (
        Heading("Who"), NASTY, Bullets(("one", "two")), "Not supplied: views of parents and carers and practitioners.",
    )  # fmt: skip
    page = render_page(made)
    assert "O&#39;Neill &amp; Sons &lt;b&gt;=1+1&lt;/b&gt; ילדים" in page


def test_files_of_local_text_without_a_place_are_all_named(tmp_path: Path) -> None:
    for name in ("view_of_children.md", "budget.md", "fathers.docx"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "fathers.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError) as error:
        src.load_text(tmp_path)
    assert len(error.value.problems) == 4
    assert "views_of_children.md" in str(error.value)
    with pytest.raises(InputError, match="is not a folder"):
        src.load_text(tmp_path / "none")


def test_plain_text_is_paragraphs_lists_and_headings() -> None:
    assert blocks("a\nb\n\n1. x\n2) y\n\n#\n\n[Plan](https://example.org)") == ["a b", Bullets(("x", "y")), "Plan (https://example.org)"]
    assert blocks("  \n") == []


def test_words_are_bound_to_probabilities() -> None:
    """The words listed are those of the one rule for differences."""
    said = {w for w, _ in words.CALIBRATED}
    assert {w.partition(";")[0] for _, w in likelihood.WORDS} | {likelihood.NO_EVIDENCE} <= said
    assert [f"{least:.0%}" in text for (least, _), (_, text) in zip(likelihood.WORDS, words.CALIBRATED, strict=False)] == [True] * 3


def test_scenario_sentences_use_the_bound_words(result: Result, report: Report) -> None:
    said = [i for b in section(report, "scenarios").blocks if isinstance(b, Bullets) for i in b.items]
    assert said
    assert all(re.search(r"uncertain|likely|no evidence of a difference|no difference is modelled|less than one", i) for i in said)


def test_the_council_speaks_its_own_words(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('[terms]\n"children looked after" = "children in our care"\n"families" = "families"\n', encoding="utf-8")
    vocabulary = load_vocabulary(path)
    assert vocabulary == {"children looked after": "children in our care"}
    before, after = build(result), spoken(build(result), vocabulary)
    table, sources = after.table("services_now"), after.table("sources")
    assert table is not None
    assert "Children in our care at 31 March" in table.rows["Service"].tolist()
    assert sources is not None
    assert sources.cells() == before.table("sources").cells()  # type: ignore[union-attr]
    figure = next(f for f in after.figures() if f.table_key == "services_ahead")
    drawn = " ".join(" ".join(str(t.get_text()).split()) for t in figure.drawing.findobj(match=lambda a: hasattr(a, "get_text")))
    assert "hildren in our care" in drawn
    assert "hildren looked after" not in drawn
    assert [cells for t in after.tables for cells in t.cells()] != [cells for t in before.tables for cells in t.cells()]


def test_a_vocabulary_that_cannot_be_used_says_all_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('[terms]\n"LSCB" = "x"\n"families" = ""\n"domestic abuse" = "the Toxic Trio"\n', encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_vocabulary(path)
    assert len(error.value.problems) == 3
    path.write_text("[terms\n", encoding="utf-8")
    with pytest.raises(InputError, match="not valid TOML"):
        load_vocabulary(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_vocabulary(tmp_path / "none.toml")
    assert "safeguarding partnership" in terms()


def test_the_report_avoids_words_that_hide_or_are_past(report: Report) -> None:
    text = render_page(report).lower()
    assert not re.search(r"toxic trio|trio of|lscb|initial assessment|core assessment", text)


def test_nasty_names_reach_every_format_as_text(result: Result) -> None:
    study = jm.Study.of({"area": "Rutland", "title": NASTY, "publication": APPROVED})
    made = build(result, study)
    assert "<b>=1+1" not in render_page(made)
    assert Document(io.BytesIO(render_document(made))).core_properties.title == NASTY
    book = render_workbook(made)
    assert broken(book) == []
    assert "OFFICIAL" in render_page(made)
    assert "DRAFT" not in render_page(made)


@pytest.mark.parametrize("name", ["report", "canterbury"])
def test_the_workbook_meets_the_checklist(name: str, request: pytest.FixtureRequest) -> None:
    given = request.getfixturevalue(name)
    assert broken(render_workbook(given if isinstance(given, Report) else build(given))) == []


def test_the_checklist_finds_what_is_broken() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheets = [book.add_worksheet(n) for n in ("Cover", "Contents", "Notes", "Table_1")]
    sheets[3].merge_range("A2:B2", "x")
    sheets[3].write_formula("A4", "=1+1")
    sheets[3].add_table("A6:B7", {"columns": [{"header": "a"}, {"header": "b"}]})
    book.close()
    found = " ".join(broken(buffer.getvalue()))
    for what in ("no title", "language is None", "merged", "formula", "blank cells", "filters", "A1 holds", "not in the contents"):
        assert what in found


def test_a_result_without_overlap_or_demand_is_still_a_report(rutland: Result) -> None:
    population = src.load_population("Rutland")
    alone = jm.estimate(population, src.load_evidence("ALC-01"), overlap=None, draws=20)
    made = build(alone)
    left = " ".join(i for b in section(made, "gaps").blocks if isinstance(b, Bullets) for i in b.items)
    assert "risks that occur together: each risk stands alone" in left
    assert render_page(made)
    without = Result(xr.DataTree.from_dict(rutland.nodes("need", "demand")), rutland.provenance)
    assert "Scenarios compared: the result compares no scenarios" in render_page(build(without))


def test_a_point_that_has_changed_since_it_was_accepted_is_left_out(result: Result) -> None:
    """The mark of the draft names the number and the wording; a result with other numbers makes another point."""
    draft = build(result, jm.Study.of({"area": "Rutland"})).table("points")
    assert draft is not None
    row = draft.rows[draft.rows["Point"] == "P1"].iloc[0]
    assert row["Accepted"].startswith("no; P1:")
    mark = row["Accepted"].removeprefix("no; ")
    study = jm.Study.of({"area": "Rutland", "publication": {**APPROVED, "accepted": [mark]}})
    table = build(result, study).table("points")
    assert table is not None
    assert table.rows["Point"].tolist() == ["P1"]
    assert not any("by name alone" in n for n in table.notes)
    other = jm.Study.of({"area": "Rutland", "publication": {**APPROVED, "accepted": ["P1:00000000"]}})
    page = render_page(build(result, other))
    assert f"number or wording has changed since; read again, and accept as {mark}" in page
    assert build(result, other).table("points") is None
    again = build(result, jm.Study.of({"area": "Rutland", "publication": {"accepted": ["P1:00000000"]}})).table("points")
    assert again is not None
    assert again.rows.iloc[0]["Accepted"] == f"no, changed since; {mark}"


@pytest.mark.parametrize("level", ["sceptical", "as published", "own"])
def test_the_level_of_effects_is_said_as_it_is(result: Result, level: str) -> None:
    parameters = {
        k: {**p, "source": f"Effects {level}: x" if level != "own" else "user's own effect: audit"}
        if k.startswith("early_help.effect.")
        else p
        for k, p in result.provenance["pathway"]["parameters"].items()
    }
    said = render_page(build(result.with_provenance(pathway={**result.provenance["pathway"], "parameters": parameters})))
    wanted = {"sceptical": "are sceptical:", "as published": "are as published, as this study chose", "own": "are this study&#39;s own"}[
        level
    ]
    assert f"Effects of early help {wanted}" in said
    assert said.count("sceptical by default") == 0
