"""The evidence catalogue: published figures, assumed intervals, and files of the user's own."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from data_sources import evidence as src
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.evidence import Evidence
from jsna_model.methods import distributions as d
from jsna_model.methods import households as h

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(src.__file__).parent
DERIVED = tomllib.loads((FOLDER / "derived.toml").read_text(encoding="utf-8"))
ASSUMPTIONS = (ROOT / "docs/assumptions.md").read_text(encoding="utf-8")
ALL = src.load_evidence(*src.evidence_keys())


def by_key(key: str) -> Evidence:
    return src.load_evidence(key)[0]


# --- the catalogue -------------------------------------------------------------------------------------------------------------------


def test_the_five_defaults_in_order() -> None:
    assert [e.risk for e in src.default_evidence()] == [
        "hazardous_drinking", "dependent_drinking", "domestic_abuse", "domestic_abuse_high_risk", "severe_parental_mental_illness",
    ]  # fmt: skip
    assert all(e.set_name == "" for e in src.default_evidence())


def test_keys_and_risks_are_unique_and_every_entry_is_complete() -> None:
    assert len({e.key for e in ALL}) == len({e.risk for e in ALL}) == len(ALL) == 11
    for e in ALL:
        assert e.status == "seen"
        assert e.source
        assert e.url.startswith("http")
        assert e.licence
        assert e.numerator
        assert e.denominator
        assert all((e.construct.instrument, e.construct.threshold, e.construct.window, e.construct.whose))
        assert e.interval_basis == "published" or e.interval_basis.startswith("assumed: ")
        assert e.relevance.sd > 0
        assert e.variation.gradient_sd > 0
        assert "assumption" in e.variation.source


def test_every_assumption_is_in_the_document() -> None:
    shares = [s.key for name in src.SETS for s in src.set_shares(name).values()]
    for key in [*src.evidence_keys(), *shares]:
        assert key in ASSUMPTIONS, key
    for e in ALL:
        assert f"{e.relevance.sd:.3f}" in ASSUMPTIONS
        assert f"{e.variation.gradient:.3f} ({e.variation.gradient_sd:.3f})".replace("-", "\u2212") in ASSUMPTIONS


def test_published_counts_over_their_denominators() -> None:
    assert by_key("ALC-01").value == 0.221
    assert by_key("ALC-23").value == pytest.approx(207_617 / 11_535_489, abs=5e-8)
    assert by_key("DA-30").value == pytest.approx(825_000 / 11_800_000, abs=5e-6)
    assert by_key("DA-10").value == pytest.approx(130_000 / 12_700_000, abs=5e-7)


def test_assumed_intervals_follow_their_words() -> None:
    for key, n in [("ALC-01", 4783 / 2), ("DA-30", 1000), *((f"OV-{i}", 1000) for i in (20, 21, 22, 30, 31, 32))]:
        e = by_key(key)
        assert (e.lower, e.upper) == pytest.approx(d.interval_from_sample(e.value, n), abs=6e-6), key
    for name in src.SETS:
        for s in src.set_shares(name).values():
            assert (s.lower, s.upper) == pytest.approx(d.interval_from_sample(s.value, 1000), abs=6e-6), s.key
    dependent, high_risk = by_key("ALC-23"), by_key("DA-10")
    assert dependent.lower == pytest.approx(189_119 * 11.5 / 13.8 / 11_535_489, abs=5e-8)
    assert dependent.upper == pytest.approx(207_617 * 17.7 / 13.8 / 11_535_489, abs=5e-8)
    assert (high_risk.lower, high_risk.upper) == pytest.approx((130_000 / 1.5 / 12_700_000, 1.5 * 130_000 / 11_535_489), abs=1e-6)


def test_relevance_follows_the_rule() -> None:
    terms = {"ALC-01": (1, 1, 1), "ALC-23": (0, 0, 1), "DA-30": (0, 0, 1), "DA-10": (1, 1, 1), "MH-07C": (0, 0, 1)}
    for e in ALL:
        geography, ages, construct = (bool(t) for t in terms.get(e.key, (0, 1, 1)))
        assert e.relevance.sd == pytest.approx(d.relevance_sd(2024.5 - e.year, geography, ages, construct))
        assert e.relevance.mean == 0
        assert e.relevance.reason


def test_drift_is_that_of_the_crime_survey() -> None:
    drift = DERIVED["drift"]
    assert drift["shares"] == [0.082, 0.077, 0.079, 0.075, 0.073, 0.069, 0.057]  # DA-01-2015, 2016, 2018, 2019, 2020, 2022, 2023
    assert d.drift_sd(drift["years"], drift["shares"]) == pytest.approx(0.0826928, abs=1e-7)
    assert round(drift["sd_per_root_year"], 3) == d.DRIFT_SD


def test_gradients_are_the_derived_ones() -> None:
    names = {
        "ALC-01": "hazardous_drinking", "ALC-23": "alcohol", "DA-30": "domestic_abuse", "DA-10": "domestic_abuse",
        "MH-07C": "mental_health", "OV-20": "domestic_abuse", "OV-21": "mental_health", "OV-22": "alcohol_and_drugs",
        "OV-30": "domestic_abuse", "OV-31": "mental_health", "OV-32": "any_substance_misuse",
    }  # fmt: skip
    for key, name in names.items():
        row, v = DERIVED["gradient"][name], by_key(key).variation
        assert (v.gradient, v.gradient_sd) == (round(row["gradient"], 3), round(row["gradient_sd"], 3)), key


def test_gradients_come_from_the_figures() -> None:
    pytest.importorskip("statsmodels")
    places = [ROOT / "data_sources/figures/england_upper_tier_2025.csv", ROOT / "../shared/figures/england_upper_tier_2025.csv"]
    figures = next((p for p in places if p.exists()), None)
    if figures is None:
        pytest.skip("the table of authorities is neither embedded nor in ../shared")
    code = (
        "import pandas as pd; from benchmarks.derive_gradients import SYMBOLS, derive; "
        f"print(derive(pd.read_csv({str(figures)!r}, na_values=SYMBOLS))[1], end='')"
    )
    text = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    fresh = tomllib.loads(text)
    for name, row in DERIVED["gradient"].items():
        assert fresh["gradient"][name] == pytest.approx(row, abs=2e-6), name


def test_severe_mental_illness_is_the_conversion() -> None:
    rows = tomllib.loads((FOLDER / "severe_mental_illness.toml").read_text(encoding="utf-8"))["conversion"]["MH-07C"]
    value = {k: r["value"] for k, r in rows.items()}
    children = h.children_exposed(
        *(value[k] for k in ("adult_prevalence", "adults", "coresident_share", "children_per_adult", "both_share"))
    )
    sds = [h.log_sd_from_range(rows[k]["lower"], rows[k]["upper"]) for k in ("adult_prevalence", "coresident_share", "children_per_adult")]
    sds.append(h.log_sd_from_range(1 - rows["both_share"]["upper"], 1 - rows["both_share"]["lower"]))
    found = h.lognormal_product([float(children) / value["children"], 1, 1, 1], sds)
    e = by_key("MH-07C")
    assert (e.value, e.lower, e.upper) == pytest.approx(found, abs=1e-6)
    assert float(children) == pytest.approx(143_949, abs=1)
    assert value["coresident_share"] == pytest.approx(120_419 / 595_131, abs=1e-7)
    assert value["children_per_adult"] == pytest.approx(222_007 / 120_419, abs=1e-6)
    assert rows["both_share"]["lower"] == pytest.approx(14_390 / 222_007, abs=1e-7)
    assert rows["both_share"]["upper"] == pytest.approx(32_887 / 222_006, abs=1e-7)
    assert rows["adult_prevalence"]["upper"] == pytest.approx(0.0093 * 58_620_101 / value["adults"], abs=1e-7)
    assert 17_000 / value["children"] < e.lower


# --- sets, overlap, quotations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "singles", "total"), [("higher_harm", 24.1, 24.0), ("wider_exposure", 68.0, 68.0)])
def test_sets_and_their_identity(name: str, singles: float, total: float) -> None:
    """Singles sum to any + two or more + all three, to rounding."""
    members, overlap, shares = src.load_evidence_set(name), src.load_overlap(name), src.set_shares(name)
    assert overlap.risks == tuple(e.risk for e in members)
    assert len(members) == 3
    assert {e.set_name for e in members} == {overlap.set_name} == {name}
    assert {e.data_group for e in members} == {overlap.data_group} == {"apms_2014_cco"}
    assert 100 * sum(e.value for e in members) == pytest.approx(singles)
    assert 100 * sum(s.value for s in shares.values()) == pytest.approx(total)
    assert f"{singles}%" in overlap.notes
    assert f"{total}%" in overlap.notes
    assert overlap.two_or_more == shares["two_or_more"]
    assert overlap.all_three == shares["all_three"]


def test_ofsted_quotations() -> None:
    rows = src.quoted_by_ofsted()
    assert [r["figure"] for r in rows] == [2_600_000, 705_000, 110_123, 130_000, 17_000, 657_800]
    for r in rows:
        assert r["issue"]
        assert r["wording"]
        assert r["origin"]
        assert r["instead"] == "" or r["instead"] in src.evidence_keys()


def test_sources_are_named() -> None:
    for s in src.evidence_sources():
        assert set(s) == {"title", "publisher", "release", "date", "licence", "url"}
        assert all(s.values())


def test_rows_agree_with_the_checked_table() -> None:
    table = ROOT / "../shared/evidence/evidence.csv"
    if not table.exists():
        pytest.skip("../shared is absent")
    import csv

    with table.open(encoding="utf-8", newline="") as f:
        rows = {r["id"]: r for r in csv.DictReader(f)}
    for e in ALL:
        if e.key.startswith("OV-") or e.key == "ALC-01":
            assert 100 * e.value == pytest.approx(float(rows[e.key]["value"]))
        assert rows[e.key.removesuffix("C")]["status"] == "seen"
    for r in src.quoted_by_ofsted():
        assert rows[r["key"]]["status"] == "seen"


# --- names ---------------------------------------------------------------------------------------------------------------------------


def test_nearest_names_are_offered() -> None:
    with pytest.raises(UnknownNameError, match="hazardous_drinking"):
        src.load_evidence("hazardous_drnking")
    with pytest.raises(UnknownNameError, match="higher_harm"):
        src.load_evidence_set("higher_ham")
    with pytest.raises(UnknownNameError):
        src.load_overlap("toxic")


def test_names_and_keys_give_the_same_in_the_order_asked() -> None:
    assert [e.key for e in src.load_evidence("OV-20", "domestic_abuse")] == ["OV-20", "DA-30"]
    assert src.load_evidence() == src.default_evidence()


def test_import_is_light() -> None:
    code = "import sys, data_sources.evidence; print(sorted({'pandas', 'scipy', 'xarray', 'numpy'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


# --- a file of the user's own --------------------------------------------------------------------------------------------------------

GOOD = """
[common]
denominator = "children 10-15"
ages = [10, 15]
geography = "England"
period = "2023"
year = 2023.5
source = "School survey, our council"
url = ""
licence = "ours"
data_group = "school_survey"
level = 0.95
interval_basis = "published"

[[evidence]]
key = "LOCAL-1"
risk = "young_carer"
label = "Young carers"
value = 0.08
lower = 0.06
upper = 0.10
numerator = "pupils who said so"
construct = { instrument = "school survey", threshold = "any", window = "now", whose = "child" }
relevance = { distances = ["ages"], reason = "ages 10-15" }
variation = { gradient = 0.1, gradient_sd = 0.1, authority_sd = 0.2, small_area_sd = 0.3, age_sd = 0.1, source = "assumption" }
"""


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    (e,) = src.load_evidence(path=own(tmp_path, GOOD))
    assert (e.key, e.value, e.ages) == ("LOCAL-1", 0.08, (10, 15))
    assert e.relevance.sd == pytest.approx(d.relevance_sd(1.0, ages=True))
    assert src.load_evidence("young_carer", path=tmp_path / "mine.toml") == (e,)
    with pytest.raises(UnknownNameError):
        src.load_evidence("hazardous_drinking", path=tmp_path / "mine.toml")


def test_relevance_may_be_given_outright(tmp_path: Path) -> None:
    (e,) = src.load_evidence(path=own(tmp_path, GOOD.replace('distances = ["ages"]', "mean = -0.1, sd = 0.2")))
    assert (e.relevance.mean, e.relevance.sd) == (-0.1, 0.2)


def test_every_problem_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("value = 0.08", "value = 8.0")
        .replace('label = "Young carers"', "label = 3")
        .replace('numerator = "pupils who said so"', 'numeratr = "pupils"')
        .replace("gradient_sd = 0.1", "gradient_sd = -0.1")
        .replace("ages = [10, 15]", "ages = [15, 10]")
        .replace('instrument = "school survey", ', "")
        .replace('["ages"]', '["age"]')
    )
    with pytest.raises(InputError) as caught:
        src.load_evidence(path=own(tmp_path, text))
    columns = {p.column for p in caught.value.problems}
    assert columns == {
        "value",
        "label",
        "numerator",
        "numeratr",
        "variation.gradient_sd",
        "ages",
        "construct.instrument",
        "relevance.distances",
    }
    assert {p.file for p in caught.value.problems} == {str(tmp_path / "mine.toml")}
    assert {p.row for p in caught.value.problems} == {"LOCAL-1"}
    assert "did you mean 'numerator'" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("lower = 0.06", "lower = 0.12", "lower"),  # above upper
        ("upper = 0.10", "upper = 0.07", "value"),  # value outside its interval
        ("value = 0.08", 'value = "8%"', "value"),
        ("value = 0.08", "value = nan", "value"),
        ("value = 0.08\n", "", "value"),
        ("lower = 0.06", "lower = -0.06", "lower"),
        ("level = 0.95", "level = 95", "level"),
        ("level = 0.95", "level = true", "level"),
        ("[common]", "[comon]", "comon"),
        ('key = "LOCAL-1"', 'key = "LOCAL-1"\nstatus = "unverified"', "status"),
        ('distances = ["ages"]', 'distances = ["ages"], sd = 0.1', "relevance.sd"),
        ('relevance = { distances = ["ages"], reason = "ages 10-15" }', "relevance = 0.2", "relevance"),
        ("[[evidence]]", "[[evidences]]", "evidence"),
    ],
)
def test_each_bad_input_is_named(tmp_path: Path, old: str, new: str, column: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        src.load_evidence(path=own(tmp_path, GOOD.replace(old, new)))
    assert column in {p.column for p in caught.value.problems}


def test_one_mistake_gives_one_message(tmp_path: Path) -> None:
    for old, new in [("lower = 0.06", "lower = 0.12"), ("value = 0.08", "value = true"), ("upper = 0.10", "upper = nan")]:
        with pytest.raises(InputError) as caught:
            src.load_evidence(path=own(tmp_path, GOOD.replace(old, new)))
        assert len(caught.value.problems) == 1, caught.value


def test_duplicate_keys_and_unreadable_files(tmp_path: Path) -> None:
    twice = GOOD + GOOD[GOOD.index("[[evidence]]") :]
    with pytest.raises(InputError, match="occurs twice"):
        src.load_evidence(path=own(tmp_path, twice))
    with pytest.raises(InputError, match="line 1"):
        src.load_evidence(path=own(tmp_path, "key = \n"))
    with pytest.raises(InputError, match="no such file"):
        src.load_evidence(path=tmp_path / "absent.toml")
    with pytest.raises(InputError, match="cannot be read"):
        src.load_evidence(path=tmp_path)
