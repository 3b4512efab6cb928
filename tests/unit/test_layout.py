"""The pathway as data: every way leads somewhere, every count is made, and published counts are what DfE says they are."""

from __future__ import annotations

import numpy as np
import pytest

from data_sources.pathway_layout import load_layout
from jsna_model.counting import FLOWS_OF, STOCKS_OF, by_placement, published_counts
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.layout import CARE, DECISIONS, LAYOUTS, OPEN, STATES, UNITS, WAYS, check_shares, compile_layout
from jsna_model.pathway import FLOWS, STOCKS

#: Counted at 18 by the engine, and not on a way.
AT_18 = {"left_at_18", "left_care_at_18"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_state_can_be_entered_and_left(name: str) -> None:
    layout = compile_layout(name)
    merged = {"early_help", "child_in_need"} if name == "family_help" else {"family_help"}
    entered = {r.to for r in (*layout.routes, *layout.entries)} | {"over_18", *layout.network.queues.values()}
    left = {r.origin for r in layout.routes} | set(layout.network.queues)
    assert set(STATES) - merged <= entered
    assert set(STATES) - merged <= left
    assert not merged & entered
    assert not merged & left


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_published_flow_is_counted_on_some_way(name: str) -> None:
    counted = {c for r in (*compile_layout(name).routes, *compile_layout(name).events, *compile_layout(name).entries) for c in r.counts}
    assert {c for parts in FLOWS_OF.values() for c in parts} - AT_18 <= counted
    assert set(UNITS) <= counted
    assert set(FLOWS_OF) | {"child_in_need_started"} == set(FLOWS)
    assert set(STOCKS_OF) == set(STOCKS)


def test_routes_of_a_decision_add_to_its_rate() -> None:
    """Shares close: what a way brings to a decision leaves by its branches."""
    rng = np.random.default_rng(1)
    layout = compile_layout("early_help_and_cin")
    values = {n: float(rng.uniform(0.05, 0.3)) for n in layout.parameters}
    for way in (w for w in WAYS if w.to in DECISIONS):
        routes = [r for r in (*layout.routes, *layout.events, *layout.entries) if (r.rate, r.origin) == (way.rate, way.origin)]
        assert sum(float(r.value(values)) for r in routes) == pytest.approx(values[way.rate], rel=1e-12), way


def test_care_can_be_entered_from_every_part_of_the_pathway() -> None:
    into = {r.origin for r in (*compile_layout("early_help_and_cin").routes, *compile_layout("early_help_and_cin").entries) if r.to in CARE}
    assert {"need", "early_help", "assessment", "child_in_need", "unborn", "disabled_in_need", "plan_0_3", "plan_24", "arrival"} <= into


def test_a_section_47_enquiry_may_end_where_it_began() -> None:
    layout = compile_layout("early_help_and_cin")
    stays = {(r.origin, r.counts) for r in layout.events}
    assert ("child_in_need", ("section_47",)) in stays
    assert ("child_in_need", ("section_47", "conference")) in stays


def test_published_counts_of_one_child_in_each_state() -> None:
    """By hand: children in need are all open episodes, unborn and over 18 too; a child in care on a plan is in both."""
    states = {s: np.ones(1) for s in STATES} | {"family_help": np.array([10.0])}
    flows = {
        "referral": np.array([100.0]),
        "re_referral": np.array([20.0]),
        "no_further_action": np.array([7.0]),
        "assessed_not_in_need": np.array([30.0]),
        "episode_ended": np.array([50.0]),
        "left_at_18": np.array([4.0]),
        "looked_after_ceased": np.array([3.0]),
        "left_care_at_18": np.array([2.0]),
    }
    found = published_counts(states, flows, section_17_share=0.4)
    # assessment, child in need, disabled, unborn, five bands of plan, three of care, over 18; 4 of 10 in family help
    assert found["child_in_need_at_31_march"] == 13 + 4
    assert found["child_protection_plan_at_31_march"] == 6
    assert found["looked_after_at_31_march"] == 3
    assert found["child_in_need_started"] == 100 - 7 - 30
    assert found["child_in_need_ended"] == 54
    assert found["looked_after_ceased"] == 5
    assert found["section_47_enquiries"] == 0
    assert "early_help" not in OPEN
    assert set(found) == {*FLOWS, *STOCKS}


def test_shares_that_cannot_be_are_named_and_not_rescaled() -> None:
    good = {b.rate: 0.3 for branches in DECISIONS.values() for b in branches}
    check_shares(good)
    with pytest.raises(InputError, match=r"referral\.early_help_share and referral\.no_further_action_share, add up to 1\.1"):
        check_shares(good | {"referral.early_help_share": 0.8})
    with pytest.raises(InputError, match="2 problems"):
        check_shares(good | {"contact.referral_share": np.array([0.2, -0.1]), "conference.plan_share": 1.2})


def test_names_that_are_not_known() -> None:
    with pytest.raises(UnknownNameError, match="early_help_and_cin"):
        compile_layout("early_help")
    with pytest.raises(UnknownNameError, match=r"early_help\.months"):
        load_layout({"early_help.month": 3})
    with pytest.raises(InputError, match="2 problems"):
        load_layout({"early_help.months": 0, "closed.early_part": 2})


def test_every_parameter_says_where_it_comes_from() -> None:
    for name, p in load_layout().items():
        assert p.basis in ("assumption", "evidence"), name
        assert len(p.source) > 2
        assert p.low <= p.value <= p.high


def test_placements_are_the_users_shares_and_add_up() -> None:
    found = by_placement(np.array([100.0, 50.0]), {"foster care": 0.6, "with family": 0.3, "children's home": 0.1})
    assert np.allclose(sum(found.values()), [100, 50])
    with pytest.raises(InputError, match=r"add up to 0\.9"):
        by_placement(np.array([100.0]), {"foster care": 0.6, "with family": 0.3})
