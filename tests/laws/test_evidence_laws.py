"""Laws 4 and 5 for evidence: what may not be combined, and draws of estimates of which one is nested in the other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import data_sources.evidence as src
import jsna_model as jm
from jsna_model import conversions as c
from jsna_model.combining import differences, pool
from jsna_model.conversions import Factor
from jsna_model.errors import ConstructError, InputError
from jsna_model.evidence import Evidence, Relevance, Variation
from jsna_model.methods.distributions import logit, logit_normal_from_interval, share_quantile
from jsna_model.overlap import Overlap, Share
from jsna_model.result import Result
from jsna_model.verbs.estimate import regenerate
from jsna_model.verbs.need_model import NeedModel, _national, fit_need
from tests import examples

DRAWS, SEED = 300, 5
#: Inner and outer: severities and windows of the two coherent sets, and of one survey.
NESTED = [("OV-20", "OV-30"), ("OV-21", "OV-31"), ("OV-22", "OV-32"), ("ALC-03", "ALC-01"), ("ALC-13-MONTH", "ALC-13-YEAR")]
LEVELS = ("lsoa", "msoa", "ward", "authority")


@cache
def estimated(*keys: str, joined: str = "") -> Result:
    overlap = src.load_overlap(joined) if joined else None
    return jm.estimate(examples.population(12), src.load_evidence(*keys), overlap, draws=DRAWS, seed=SEED)


def fitted(*evidence: Evidence, overlap: Overlap | None = None, draws: int = DRAWS) -> NeedModel:
    return fit_need(evidence, overlap, examples.FRAME, draws, SEED)


# --- law 4 ---------------------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(src.evidence_keys()), st.sampled_from(src.evidence_keys()))
@settings(max_examples=200, deadline=None)
def test_law_4_differing_constructs_or_denominators_never_combine(first: str, second: str) -> None:
    a, b = src.load_evidence(first, second)
    if a.construct != b.construct or a.denominator != b.denominator or a.unit != b.unit or a.key == b.key:
        assert differences(a, b)
        with pytest.raises(ConstructError):
            pool(a, b, key="POOLED")


def test_law_4_a_named_conversion_makes_them_one_construct() -> None:
    old = examples.evidence("old", 0.05)
    old = old.with_(construct=replace(old.construct, instrument="Crime Survey, old questions"))
    new = examples.evidence("new", 0.08)
    new = new.with_(construct=replace(new.construct, instrument="Crime Survey, new questions"))
    with pytest.raises(ConstructError, match="convert one of them first, by name"):
        pool(old, new, key="POOLED")
    made, _ = pool(c.old_to_new_questions(old, Factor(1.7, "synthetic", 1.5, 1.9)), new, key="POOLED")
    assert [step.name for step in made.conversions] == ["old to new questions", "pooled"]


def test_law_4_what_is_not_a_share_of_children_is_not_estimated() -> None:
    with pytest.raises(ConstructError, match=r"it is adults of: adult\. convert it to a share of children: jsna_model\.conversions"):
        fitted(*src.load_evidence("ALC-20"))


def test_law_4_nested_estimates_are_of_one_instrument_and_population() -> None:
    inner, outer = src.load_evidence("ALC-03", "ALC-01")
    converted = c.under_16_to_under_18(outer, Factor(0.11, "synthetic"))
    with pytest.raises(ConstructError, match="ALC-03 is nested in ALC-01, and they differ in ages"):
        fitted(inner, converted)
    another = outer.with_(construct=replace(outer.construct, instrument="another"))
    with pytest.raises(ConstructError, match="they differ in instrument"):
        fitted(inner, another)
    fitted(inner.with_(nested_in=""), converted)


# --- law 5: nested estimates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inner", "outer"), NESTED)
def test_law_5_nested_estimates_stay_in_order_everywhere_in_every_draw(inner: str, outer: str) -> None:
    one, other = src.load_evidence(inner, outer)
    assert one.nested_in == other.key
    model = fitted(one, other)
    assert (model.national[0] < model.national[1]).all()
    assert (model.frame[0] < model.frame[1]).all()
    for level in LEVELS:
        affected = regenerate(estimated(inner, outer), level)["affected"]
        assert (affected.sel(risk=one.risk) < affected.sel(risk=other.risk)).all(), level


def test_law_5_order_holds_where_the_narrower_set_is_overlapped() -> None:
    """The overlap correlates area effects; what its risks are nested in takes the same ones."""
    result = estimated("OV-20", "OV-21", "OV-22", "OV-30", "OV-31", "OV-32", joined="higher_harm")
    model = fitted(*src.load_evidence_set("higher_harm"), *src.load_evidence("OV-30", "OV-31", "OV-32"), overlap=src.load_overlap())
    z = model.area_effects("E01000000", np.ones(6))
    assert np.array_equal(z[:3], z[3:])
    assert np.asarray(np.corrcoef(z[:3]))[np.triu_indices(3, 1)] == pytest.approx(np.full(3, model.correlation), abs=0.2)
    affected = regenerate(result, "lsoa")["affected"]
    for inner, outer in NESTED[:3]:
        one, other = src.load_evidence(inner, outer)
        assert (affected.sel(risk=one.risk) < affected.sel(risk=other.risk)).all(), inner


def test_law_5_order_holds_where_infeasible_draws_are_drawn_again() -> None:
    """Shares that contradict the singles in some draws: the outer estimate is drawn again with the inner."""
    risks = examples.SET_RISKS
    singles = [examples.evidence(r, v, "synthetic_set", lower=v * 0.7, upper=v * 1.3) for r, v in zip(risks, (0.1, 0.1, 0.06), strict=True)]
    outer = examples.evidence("wider", 0.107, "synthetic_set", lower=0.107 * 0.7, upper=0.107 * 1.3)
    singles[0] = singles[0].with_(nested_in=outer.key)
    two = Share("SYN-two", 0.086, 0.077, 0.095, 0.95, "assumed: synthetic")
    three = Share("SYN-three", 0.03, 0.024, 0.036, 0.95, "assumed: synthetic")
    overlap = Overlap.from_shares("synthetic shares", risks, two, three, set_name="synthetic_set", source="synthetic")
    evidence = (*singles, outer)
    national, _, rejected = _national(evidence, overlap, (0, 1, 2), 2000, SEED)
    assert rejected > 0
    assert (national[0] < national[3]).all()


@pytest.mark.parametrize(("inner", "outer"), NESTED)
def test_law_5_nesting_changes_no_marginal(inner: str, outer: str) -> None:
    """Draws of each are standard normal on the logit scale of its own interval, and of both the same."""
    pair = src.load_evidence(inner, outer)
    model = fitted(*pair, draws=2000)
    z = []
    for e, national in zip(pair, model.national, strict=True):
        mean, sd = logit_normal_from_interval(e.value, e.lower, e.upper, e.level)
        z.append((logit(national) - mean) / sd)
        assert abs(z[-1].mean()) < 4 / np.sqrt(2000)
        assert abs(z[-1].std() - 1) < 4 / np.sqrt(2 * 2000)
    assert np.allclose(z[0], z[1], atol=1e-9)


def test_law_5_draws_of_an_estimate_that_is_not_nested_do_not_change_when_another_is_added() -> None:
    outer, alone = estimated("OV-30"), estimated("DA-30")
    together = estimated("OV-20", "DA-30", "OV-30")
    for single in (outer, alone):
        risk = single.risks[0]
        for level in LEVELS:
            before, after = (regenerate(r, level)["affected"].sel(risk=risk).values for r in (single, together))
            assert np.array_equal(before, after), (risk, level)


def test_law_5_an_estimate_keeps_its_own_streams_where_the_wider_one_is_not_given() -> None:
    own, nested = fitted(*src.load_evidence("OV-20")), fitted(*src.load_evidence("OV-20", "OV-30"))
    wider = fitted(*src.load_evidence("OV-30"))
    assert own.streams == own.risks
    assert nested.streams == ("domestic_abuse_ever",) * 2
    assert np.array_equal(nested.national[1], wider.national[0])
    assert not np.array_equal(nested.national[0], own.national[0])


def test_law_5_a_chain_follows_the_outermost() -> None:
    a = examples.evidence("severe", 0.02, nested_in="SYN-moderate")
    b = examples.evidence("moderate", 0.06, nested_in="SYN-any")
    model = fitted(a, b, examples.evidence("any", 0.2))
    assert model.streams == ("any", "any", "any")
    assert model.nested == ((0, 1), (1, 2))
    assert (np.diff(model.national, axis=0) > 0).all()


@given(st.sampled_from(["logit-normal", "split logit-normal", "beta"]), st.floats(0.02, 0.6), st.floats(0.3, 0.9), st.floats(1.1, 1.5))
@settings(max_examples=60, deadline=None)
def test_law_5_one_deviate_keeps_the_order_of_ordered_draws(kind: str, value: float, below: float, above: float) -> None:
    """A share rises with its deviate and its limits are where its distribution says; the median is at zero."""
    z = np.linspace(-5, 5, 41)
    share = share_quantile(z, value, value * below, value * above, 0.95, kind)
    assert (np.diff(share) > 0).all()
    assert ((share > 0) & (share < 1)).all()
    limits = share_quantile([-1.959963984540054, 1.959963984540054], value, value * below, value * above, 0.95, kind)
    if kind != "logit-normal":
        assert limits == pytest.approx([value * below, value * above], abs=1e-6)
    if kind != "beta":
        assert float(share_quantile(0.0, value, value * below, value * above, 0.95, kind)) == pytest.approx(value)


# --- what is out of order is refused -------------------------------------------------------------------------------------------------


def test_intervals_that_do_not_allow_the_order_are_refused() -> None:
    inner = examples.evidence("inner", 0.1, lower=0.05, upper=0.2, nested_in="SYN-outer")
    outer = examples.evidence("outer", 0.12)
    with pytest.raises(InputError, match=r"SYN-inner exceeds SYN-outer, in which it is nested, in [0-9.]+% of draws"):
        fitted(inner, outer)


def test_areas_that_do_not_keep_the_order_are_refused() -> None:
    """The national order holds, but opposite gradients turn it round in deprived areas: no number is repaired (law 11)."""
    inner = examples.evidence("inner", 0.1, nested_in="SYN-outer", variation=Variation(1.5, 0.0, 0.2, 0.3, 0.1, "synthetic"))
    outer = examples.evidence("outer", 0.2, variation=Variation(-1.0, 0.0, 0.2, 0.3, 0.1, "synthetic"))
    fitted(inner, outer)
    with pytest.raises(ConstructError, match="inner exceeds outer, in which it is nested, in some draws of E01"):
        jm.estimate(examples.population(), (inner, outer), draws=20, seed=1)
    distant = examples.evidence("inner", 0.18, nested_in="SYN-outer", relevance=Relevance(1.0, 0.1, "synthetic"))
    with pytest.raises(ConstructError, match="their relevance or variation differs by too much"):
        jm.estimate(examples.population(), (distant, outer.with_(variation=distant.variation)), draws=20, seed=1)


def test_circles_are_refused() -> None:
    with pytest.raises(InputError, match="nested in itself"):
        examples.evidence("a", 0.1, nested_in="SYN-a")
    a, b = examples.evidence("a", 0.1, nested_in="SYN-b"), examples.evidence("b", 0.1, nested_in="SYN-a")
    with pytest.raises(ConstructError, match="SYN-a, SYN-b, SYN-a are nested in a circle"):
        fitted(a, b)


def test_an_overlap_does_not_join_estimates_that_are_drawn_together() -> None:
    evidence = list(examples.evidence_set())
    evidence[0] = evidence[0].with_(nested_in=evidence[1].key)
    with pytest.raises(ConstructError, match="an overlap joins SYN-synthetic_abuse and SYN-synthetic_illness, which are drawn together"):
        fitted(*evidence, overlap=examples.overlap())


def test_a_correlation_or_limit_that_would_draw_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="correlation from 0 to 1"):
        examples.evidence("a", 0.1, group_correlation=1.5)
    with pytest.raises(InputError, match="finite limit"):
        examples.evidence("a", 2.0, unit="odds ratio", lower=1.0, upper=float("inf"))


def test_a_record_has_no_nan_at_any_depth() -> None:
    e = src.load_evidence("ALC-20")[0]
    assert np.isnan(e.relevance.sd)
    record = e.record()
    assert record["sample_size"] is None
    assert record["relevance"]["sd"] is None
    assert record["variation"]["gradient"] is None
    assert examples.evidence("a", 0.1).with_(sample_size=nan).record()["value"] == 0.1
