"""Changes for a group: whom they touch, what a group of everybody is, what is refused; and what is decided when noise is averaged out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.group import Group
from jsna_model.result import Result
from jsna_model.scenario import Scenario
from jsna_model.study import Study
from tests import examples

NEED = "need.affected"
ONE, TWO = "E06000000", "E06000001"


@pytest.fixture(scope="module")
def now() -> Result:
    return jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=60)


def project(now: Result, *scenarios: Scenario, years: int = 3) -> Result:
    pathway = examples.pathway().with_early_help(200, unit_cost=1500)
    return jm.compare(jm.project(now, examples.projection(now), pathway, scenarios, years=years))


def fewer(name: str, by: float = 0.8, **group: str) -> Scenario:
    return Scenario(name, reason="test").scale(NEED, by, "2025-04", group=group)


@given(st.integers(0, 17), st.integers(0, 17))
def test_ages_and_those_who_reach_them(a: int, b: int) -> None:
    group = Group(age=f"{min(a, b)}-{max(a, b)}")
    assert group.ages().sum() == abs(a - b) + 1
    assert group.classes().min() >= 0
    assert group.classes().max() <= 1
    # Children of one age reach it in one year and the next in another: the classes hold as many years as the ages, and half of an edge.
    assert group.classes().sum() == pytest.approx(group.ages().sum() + 0.5 * (min(a, b) == 0) + 0.5 * (max(a, b) == 17))


def test_patterns_of_a_group() -> None:
    names = ("none", "a", "b", "a+b", "a+c")
    assert Group(risk="a").patterns(names).tolist() == [0, 1, 0, 1, 1]
    assert Group(pattern="b+a").patterns(names).tolist() == [0, 0, 0, 1, 0]
    assert Group().patterns(names).tolist() == [1] * 5
    with pytest.raises(UnknownNameError, match=r"a\+b"):
        Group(pattern="a+d").patterns(names)
    for bad in ({"age": "5-3"}, {"age": "young"}, {"age": "16-18"}, {"pattern": "a", "risk": "b"}):
        with pytest.raises(InputError):
            Group(**bad)
    with pytest.raises(UnknownNameError, match="pattern"):
        Scenario("x").scale("p", 1, "2026-04", group={"patern": "a"})


def test_a_group_of_everybody_is_everybody(now: Result) -> None:
    found = project(now, fewer("all"), fewer("ages", age="0-17"), fewer("same", 1.0, age="0-4"))
    moved = found.node("decision/outcomes")["difference"]
    np.testing.assert_allclose(moved.sel(scenario="ages"), moved.sel(scenario="all"), rtol=1e-9, atol=1e-9)
    assert (abs(moved.sel(scenario="same")) < 1e-9).all()
    assert (moved.sel(scenario="all", service="referrals") < 0).all()


def test_a_change_stays_within_its_group(now: Result) -> None:
    risk = examples.SET_RISKS[0]
    found = project(now, fewer("here", area="Authority 0"), fewer("young", age="0-4"), fewer("risk", risk=risk))
    outcomes, groups = found.node("decision/outcomes")["difference"], found.node("decision/groups")
    names = {str(c): str(n) for c, n in zip(outcomes["area"].values, outcomes["area_name"].values, strict=True)}
    there = [c for c, n in names.items() if n != "Authority 0"]
    assert (outcomes.sel(scenario="here", area=there) == 0).all()
    assert (abs(outcomes.sel(scenario="here", service="referrals").drop_sel(area=there)) > 0).all()
    by_age = groups["affected_by_age_difference"].sel(scenario="young")
    bands = [str(b) for b in by_age["age_band"].values]
    assert (by_age.sel(age_band=bands[:2]) < 0).all()
    np.testing.assert_allclose(by_age.sel(age_band=bands[2:]), 0, atol=1e-9)
    by_pattern = groups["affected_by_pattern_difference"].sel(scenario="risk")
    for pattern in [str(p) for p in by_pattern["pattern"].values]:
        values = by_pattern.sel(pattern=pattern)
        assert ((values > 0) if pattern == "none" else (values < 0) if risk in pattern.split("+") else (abs(values) < 1e-9)).all(), pattern
    # Children are conserved: who is not affected has none of the risks (law 8).
    np.testing.assert_allclose(by_pattern.sum("pattern"), 0, atol=1e-8)


def test_all_that_cannot_be_is_said_at_once(now: Result) -> None:
    bad = Scenario("bad", reason="test").scale("referral.rate", 0.9, "2026-04", group={"area": "Authority 9"})
    bad = bad.scale("early_help.reach", 0.9, "2026-04", group={"age": "0-4"})
    bad = bad.scale(NEED, 0.9, "2026-04", group={"risk": "synthetic_abus"})
    with pytest.raises(InputError) as error:
        project(now, bad)
    for part in ("3 problems", "Authority 0", "not known by age", "synthetic_abuse"):
        assert part in str(error.value), part
    with pytest.raises(InputError, match="outside 0 to 10"):
        project(now, fewer("much", 11.0, age="0-4"))
    with pytest.raises(InputError, match="more children affected than there are"):
        project(now, fewer("much", 9.0, age="0-4"))


def test_a_layout_knows_ages_and_risks() -> None:
    """Rates by age in a layout: everybody's is everybody's, one age moves that age, and an old age does not move the young."""
    now = jm.estimate(src.load_population("Rutland"), src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=12)
    pathway = src.load_pathway("Rutland", layout="early_help_and_cin")
    asked = [
        Scenario("whole", reason="t").scale("care.leave_rate", 1.2, "2025-04"),
        Scenario("ages", reason="t").scale("care.leave_rate", 1.2, "2025-04", group={"age": "0-17"}),
        Scenario("older", reason="t").scale("care.leave_rate", 1.2, "2025-04", group={"age": "10-15"}),
        Scenario("risk", reason="t").scale("referral.rate", 0.5, "2025-04", group={"risk": "domestic_abuse_last_year"}),
        fewer("need", age="0-4"),
    ]
    found = jm.compare(jm.project(now, src.load_projection("Rutland"), pathway, asked, years=2))
    moved, groups = found.node("decision/outcomes")["difference"], found.node("decision/groups")
    np.testing.assert_allclose(moved.sel(scenario="ages"), moved.sel(scenario="whole"), rtol=1e-6, atol=1e-9)
    by_age = groups["open_by_age_difference"].sel(scenario="older").mean("draw").isel(area=0, year=-1).values
    assert by_age[3] < 0
    assert abs(by_age[:2]).max() < 0.02 * abs(by_age[3])
    known = groups["known_by_pattern_difference"].sel(scenario="risk").mean("draw").isel(area=0, year=-1)
    with_it = np.array(["domestic_abuse" in str(p) for p in known["pattern"].values])
    # Who is referred less is more often not known yet; the rest move little.
    assert (known.values[with_it] < 0).all()
    assert abs(known.values[~with_it]).sum() < 0.05 * abs(known.values[with_it]).sum()
    assert (moved.sel(scenario="need", service="referrals") < 0).all()
    affected = groups["affected_by_age_difference"].sel(scenario="need").mean("draw").isel(area=0, year=-1).values
    assert (affected[:2] < 0).all()
    np.testing.assert_allclose(affected[2:], 0, atol=1e-8)


def test_it_is_written_in_a_study_and_read_back(tmp_path: Path) -> None:
    hubs = Scenario("hubs", "Hubs", "Board").scale(NEED, 0.9, "2027-04", group={"age": "0-4", "risk": "domestic_abuse_last_year"})
    path = hubs.save(tmp_path / "hubs.toml")
    assert Scenario.load(path) == hubs
    study = tmp_path / "study.toml"
    study.write_text('area = "Rutland"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert Study.read(study).scenario[0].build() == hubs
    again = Study.read(Study.read(study).write(tmp_path / "again.toml"))
    assert again.scenario[0].build() == hubs
    for wrong, part in (
        ("age = '4-0'", "from 0 to 17"),
        ("ages = '0-4'", "did you mean age"),
        ("age = '0-4', pattern = 'a', risk = 'b'", "one of them"),
    ):
        study.write_text(
            "area = 'Rutland'\n[[scenario]]\nname = 'x'\nreason = 'r'\n[[scenario.change]]\nparameter = 'need.affected'\nop = 'scale'\n"
            f"value = 0.9\nstart = '2027-04'\ngroup = {{ {wrong} }}\n",
            encoding="utf-8",
        )
        with pytest.raises(InputError, match=part):
            Study.read(study)
