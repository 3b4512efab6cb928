"""Suppression over nested areas and linked tables, against an attacker with whole numbers and everything that is published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import disclosure
from jsna_model.errors import InputError, UnknownNameError
from reports.suppression import POLICIES, Cells, Policy, hide, interval, policy, suppress_cells, width

NESTED = {("a", "n"): 3.0, ("b", "n"): 20.0, ("c", "n"): 30.0, ("ab", "n"): 23.0, ("abc", "n"): 53.0}
TOTALS = [(("ab", "n"), [("a", "n"), ("b", "n")]), (("abc", "n"), [("ab", "n"), ("c", "n")])]


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_protected_cell_is_recovered(name: str, seed: int) -> None:
    """Sample of the study at full size (python -m benchmarks.disclosure)."""
    row = disclosure.one(seed, name)
    if not row["refused"]:
        assert row["margin"] >= 0
        assert row["small_shown"] == 0


def test_the_attacker_breaks_what_is_not_protected() -> None:
    """With primary suppression alone the count is worked out: the attack is one that can succeed."""
    given = {"counts": NESTED, "totals": TOTALS, "public": [], "bounds": {}}
    shown = {k: "[c]" if 1 <= v <= 5 else int(v) for k, v in NESTED.items()}
    assert disclosure.attack(given, shown, POLICIES["dfe_cin"]) < 0


def test_the_committed_study_has_no_cell_broken() -> None:
    table = pd.read_csv(disclosure.ATTACKS)
    assert table["tables"].sum() == disclosure.TABLES
    assert (table["broken"] == 0).all()
    assert (table["small_shown"] == 0).all()
    best = pd.read_csv(disclosure.OPTIMUM).dropna()
    assert (best["hidden"] >= best["fewest"]).all()
    assert best["hidden"].sum() == best["fewest"].sum()
    again = pd.DataFrame([disclosure.optimum(int(s)) for s in best["seed"].head(3)])
    assert np.array_equal(again.to_numpy(), best.head(3).to_numpy())


def test_large_publications_are_protected_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the size of the programme: sound too, and never fewer cells than the programme finds."""
    for seed in (0, 5):
        cells, rule = Cells.of(**disclosure.publication(seed)), POLICIES["dfe_cin"]
        best = hide(cells, rule)
        with monkeypatch.context() as small:
            small.setattr("reports.fewest.MOST_CELLS", 0)
            one_by_one = hide(cells, rule)
        assert best.sum() <= one_by_one.sum()
        assert all(width(cells, one_by_one, int(i), rule) >= rule.protection for i in np.flatnonzero(one_by_one))


def test_nested_areas_hide_a_second_at_every_level() -> None:
    shown = suppress_cells(NESTED, TOTALS)
    assert shown["a", "n"] == shown["b", "n"] == "[c]"
    assert shown["abc", "n"] == 53


def test_a_total_published_elsewhere_is_shown_and_counted_with() -> None:
    """With both district and authority public, what is left must carry the protection."""
    shown = suppress_cells(NESTED, TOTALS, public=[("ab", "n"), ("abc", "n")])
    assert (shown["ab", "n"], shown["abc", "n"]) == (23, 53)
    assert shown["a", "n"] == shown["b", "n"] == "[c]"
    with pytest.raises(InputError, match="a, n cannot be protected"):
        suppress_cells(NESTED, TOTALS, public=[("b", "n"), ("ab", "n"), ("abc", "n"), ("c", "n")])


def test_linked_measures_are_one_publication() -> None:
    """Plans are part of children in need: hiding plans of an area alone would leave them to be worked out from the rest."""
    counts = {
        ("plans", "x"): 4.0,
        ("others", "x"): 40.0,
        ("need", "x"): 44.0,
        ("plans", "y"): 9.0,
        ("others", "y"): 60.0,
        ("need", "y"): 69.0,
    }
    counts |= {("plans", "all"): 13.0, ("others", "all"): 100.0, ("need", "all"): 113.0}
    totals = [((("need"), a), [("plans", a), ("others", a)]) for a in ("x", "y", "all")]
    totals += [((m, "all"), [(m, "x"), (m, "y")]) for m in ("plans", "others", "need")]
    shown = suppress_cells(counts, totals)
    hidden = {k for k, v in shown.items() if v == "[c]"}
    assert ("plans", "x") in hidden
    assert len(hidden) >= 4


def test_what_a_fitted_model_shows_counts_too() -> None:
    """A rounded output fitted to the count narrows what can be deduced; where it says too much, the table is refused."""
    cells = Cells.of({"a": 3.0}, bounds={"a": (0.0, 5.0)})
    assert interval(cells, hide(cells, POLICIES["dfe_cin"]), 0, POLICIES["dfe_cin"]) == (1.0, 5.0)
    with pytest.raises(InputError, match="cannot be protected"):
        suppress_cells({"a": 3.0}, bounds={"a": (2.0, 4.0)})


def test_rounding_of_a_policy() -> None:
    shown = suppress_cells({"area": 12.0, "england": 1_234.0, "small": 7.0}, rule="nhs", wide=["england"])
    assert shown == {"area": 10, "england": 1_235, "small": "[c]"}
    assert suppress_cells({"area": 12.0, "england": 1_234.0}, wide=["england"]) == {"area": 12, "england": 1_230}
    assert suppress_cells({"none": 0.0, "gone": float("nan")}) == {"none": 0, "gone": "[x]"}


def test_shown_zeros_and_halves_are_what_they_are() -> None:
    """A shown zero is exact even where others are rounded; 15 to the nearest ten is 20, and is one of 15 to 24."""
    counts = {"a": 7.0, "e": 20.0, "z1": 0.0, "z2": 0.0, "z3": 0.0, "t": 27.0}
    shown = suppress_cells(counts, [("t", ["a", "e", "z1", "z2", "z3"])], "nhs", public=["t"])
    assert shown["a"] == shown["e"] == "[c]"
    tens = Policy("tens", "synthetic", 1, 5, 4, base=10)
    cells = Cells.of({"a": 3.0, "b": 15.0, "t": 18.0}, [("t", ["a", "b"])], public=["t"])
    low, high = interval(cells, np.array([True, False, False]), 0, tens)
    assert low <= 3 <= high
    above_two = Policy("mine", "synthetic", 3, 7, 4)
    assert suppress_cells({"a": 3.0, "b": 1.0, "c": 30.0, "t": 34.0}, [("t", ["a", "b", "c"])], above_two)["a"] == "[c]"


def test_policies_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="dfe_cin"):
        policy("dfe_cni")
    with pytest.raises(InputError, match="2 problems"):
        Policy("mine", "synthetic", 1, 9, 4, base=0)
    own = Policy("mine", "synthetic", 1, 9, 8)
    assert "narrower than 8" in own.claim
    assert suppress_cells({"a": 8.0}, rule=own) == {"a": "[c]"}


def test_counts_that_contradict_are_all_named() -> None:
    with pytest.raises(InputError) as error:
        suppress_cells({"a": -1.0, "b": 2.5, "t": 9.0, "c": 4.0}, [("t", ["c"])], bounds={"c": (5.0, 9.0)})
    for part in ("count -1", "count 2.5", "the total is 9", "the count 4 lies outside 5 to 9"):
        assert part in str(error.value)
