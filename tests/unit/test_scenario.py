"""Scenarios combined, compared and written down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsna_model as jm
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.scenario import Change
from jsna_model.study import Study

HUBS = jm.Scenario("hubs", "Family hubs", "Board paper 12").scale("early_help.reach", 1.25, "2027-04", "2029-03")
FOLLOW = jm.Scenario("follow", "Follow up", "Ofsted 2015").set("referral.follow_up_share", 0.3, "2026-04")
TEST = jm.Scenario("shock", reason="test", stress_test=True).scale("early_help.reach", 0.9, "2026-04")


def test_both_at_once() -> None:
    both = HUBS & FOLLOW
    assert both.changes == (*HUBS.changes, *FOLLOW.changes)
    assert (both.name, both.title, both.reason) == ("hubs_and_follow", "Family hubs and Follow up", "Board paper 12; Ofsted 2015")
    assert not both.stress_test
    assert (both & TEST).stress_test
    assert HUBS.combine(FOLLOW, "plan", "The plan", "Cabinet").title == "The plan"
    assert (HUBS & jm.Scenario("baseline")).changes == HUBS.changes


@pytest.mark.parametrize("second", [FOLLOW.set("early_help.reach", 5, "2026-04"), FOLLOW.add("early_help.reach", 5, "2026-04")])
def test_what_would_hang_on_the_order_is_refused(second: jm.Scenario) -> None:
    with pytest.raises(InputError, match=r"early_help\.reach"):
        HUBS & second
    with pytest.raises(InputError, match="follow_up_share"):
        FOLLOW & FOLLOW.set("referral.follow_up_share", 0.1, "2026-04")


@given(st.lists(st.sampled_from([("scale", 1.5), ("scale", 0.5)]), min_size=1, max_size=3), st.floats(0.5, 2))
def test_the_order_of_a_combination_does_not_matter(changes: list[tuple[str, float]], by: float) -> None:
    one = jm.Scenario("a", changes=tuple(Change("p", op, v, "2026-04", "2027-04") for op, v in changes))
    two = jm.Scenario("b").scale("p", by, "2026-08")
    months, found = np.arange(24312, 24336), []
    for scenario in (one & two, two & one):
        values = np.ones((24, 1))
        for change in scenario.changes:
            values = change.apply(values, months)
        found.append(values)
    assert np.allclose(*found, rtol=1e-12)


def test_what_differs() -> None:
    assert HUBS.diff(HUBS) == ()
    later = jm.Scenario("hubs").scale("early_help.reach", 1.25, "2028-04")
    assert HUBS.diff(later) == (("early_help.reach", HUBS.changes[0], later.changes[0]),)
    assert HUBS.diff(HUBS & FOLLOW) == (("referral.follow_up_share", None, FOLLOW.changes[0]),)


def test_written_down_it_reads_back_and_a_study_takes_it(tmp_path: Path) -> None:
    both = HUBS & FOLLOW
    path = both.save(tmp_path / "both.toml")
    assert jm.Scenario.load(path) == both
    study = tmp_path / "study.toml"
    study.write_text('area = "Rutland"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert Study.read(study).scenario[0].build() == both
    assert jm.Scenario.load(study, "hubs_and_follow") == both


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "holds 0 scenarios"),
        ("[[scenario]]\nname = 'a'\n[[scenario]]\nname = 'b'", "Say which"),
        ("[[scenario]]\nname = 'a'\nreson = 'x'", "unknown key 'reson'"),
        ("[[scenario]]\nname = 'a'\n[[scenario.change]]\nparameter = 'p'\nop = 'scale'\nvalue = 'much'", "2 problems"),
        ("[[scenario]", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        jm.Scenario.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        jm.Scenario.load(tmp_path / "none.toml")
    path.write_text("[[scenario]]\nname = 'a'", encoding="utf-8")
    with pytest.raises(UnknownNameError):
        jm.Scenario.load(path, "c")
