"""Uncertainty kept apart: shares of variance that add up, and counts that nest (issue 4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import jsna_model as jm
from jsna_model.direct import Direct
from jsna_model.errors import InputError, MeasureError, UnknownNameError
from jsna_model.evidence import Relevance, Variation
from jsna_model.methods.risk_model import frame_mean
from jsna_model.result import Result, frame_node
from jsna_model.verbs.counts import authority_counts
from jsna_model.verbs.estimate import model_of
from jsna_model.verbs.explain import SOURCES, _Fitted
from jsna_model.verbs.need_model import _national
from tests import examples

MEASURES = ("any_risk", "all_three", "synthetic_abuse", "synthetic_alone")


@pytest.fixture(scope="module")
def kept(result: Result) -> Result:
    """The result of the laws, with its frame in the tree."""
    tree = {path: data for path, data in result.nodes("need").items() if path != "need/frame"}
    return Result(xr.DataTree.from_dict({**tree, "need/frame": frame_node(examples.FRAME)}), result.provenance)


@pytest.fixture(scope="module")
def fitted(kept: Result) -> _Fitted:
    with ThreadPoolExecutor(1) as pool:
        return _Fitted(model_of(kept)[0], examples.FRAME, kept, "any_risk", pool)


# -- explain ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "level"), [("any_risk", "authority"), ("all_three", "lsoa"), ("synthetic_abuse", "lsoa"), ("synthetic_alone", "authority")]
)
def test_shares_add_up_to_the_variance_of_the_draws(kept: Result, measure: str, level: str) -> None:
    table = kept.explain(measure, level)
    by_area = table.groupby("area", sort=False)
    np.testing.assert_allclose(by_area["share"].sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(by_area["variance"].sum(), by_area["total_variance"].first(), rtol=1e-12)
    drawn = kept.draws(measure, level)
    assert by_area["total_variance"].first().index.tolist() == drawn["area"].values.tolist()
    np.testing.assert_allclose(by_area["total_variance"].first(), drawn.values.var(-1, ddof=1), rtol=1e-10)
    assert table["source"].tolist()[:8] == [s for s in SOURCES if s != "local"]
    assert not table.isna().any().any()
    assert "What is not known about" in table.attrs["text"]
    if measure in kept.risks:
        assert (table.loc[table["source"] == "overlap", ["share", "alone", "if_known"]] == 0).all().all()


def test_law_13_an_areas_shares_do_not_depend_on_which_were_asked_for(kept: Result) -> None:
    everything = kept.explain("two_or_more", "ward", draws=20, threads=1)
    few = everything["area"].unique()[2:4].tolist()
    some = kept.explain("two_or_more", "ward", areas=few, draws=20, threads=2)
    expected = everything[everything["area"].isin(few)].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True, obj="shares")


def test_holding_a_source_calibrates_again(fitted: _Fitted) -> None:
    """With the national figure at its centre, every draw's intercept still reproduces it over the frame."""
    for key, (intercept, _, _) in fitted.calibrated.items():
        national = (fitted.drawn if "evidence" in key else fitted.centre).national
        inputs = fitted.drawn if "gradient" in key else fitted.centre
        if ("gradient" in key) != ("age_profile" in key):
            continue
        for k in fitted.model.joint:
            linear = np.broadcast_to(fitted._linear(inputs, k), (len(fitted.weights[k]), fitted.model.draws))
            mean = frame_mean(intercept[k], linear, fitted.weights[k], *fitted.rules[k])
            np.testing.assert_allclose(mean, np.broadcast_to(national[k], mean.shape), atol=1e-10)


def test_national_overlap_is_read_off_the_calibrated_frame(fitted: _Fitted) -> None:
    evidence = (*examples.evidence_set(), examples.evidence("synthetic_alone", 0.2, ages=(0, 15)))
    _, (two, three), _ = _national(evidence, examples.overlap(), (0, 1, 2), fitted.model.draws, fitted.model.seed)
    np.testing.assert_allclose(fitted.drawn.two, two, atol=1e-10)
    np.testing.assert_allclose(fitted.drawn.three, three, atol=1e-10)


def test_known_variances_are_found() -> None:
    """One small share, all effects small: variances on the logit scale are the shares of each source."""
    variation = Variation(0.0, 0.0, 0.08, 0.06, 0.0, "synthetic")
    lone = examples.evidence(
        "lone", 0.05, lower=0.05 * 0.98, upper=0.05 * 1.02, relevance=Relevance(0.0, 0.04, "synthetic"), variation=variation
    )
    result = jm.estimate(examples.population(8, 2), (lone,), None, draws=3000, seed=4)
    table = result.explain("lone", "lsoa", frame=examples.FRAME)
    found = table.groupby("source", sort=False)["share"].mean()
    log_sd = np.average([0.35, 0.17, 0.14, 0.11, 0.19], weights=[0.3, 4 / 3, 5 / 3, 2, 2 / 3])
    assert found[["gradient", "age_profile", "overlap"]].tolist() == [0, 0, 0]
    want = pd.Series({"evidence": 0.0107**2, "relevance": 0.04**2, "authority": 0.08**2, "small_area": 0.06**2})
    share = found[want.index] / found[want.index].sum()
    np.testing.assert_allclose(share, want / want.sum(), atol=0.04)
    assert 0 < found["denominators"] < log_sd**2 / (log_sd**2 + want.sum())
    whole = result.explain("lone", "authority", frame=examples.FRAME).groupby("source", sort=False)["share"].mean()
    assert whole["authority"] > found["authority"]  # small areas and counts average out, the authority's own effect does not
    assert whole["denominators"] < 0.02


def test_fewer_draws_agree_within_their_error(kept: Result) -> None:
    whole, half = kept.explain("synthetic_illness"), kept.explain("synthetic_illness", draws=60)
    assert half.attrs["draws"] == 60
    assert (np.abs(whole["share"] - half["share"]) <= 4 * np.hypot(whole["standard_error"], half["standard_error"]) + 1e-9).all()


def test_local_data_damp_the_other_sources_and_leave_their_own_error(kept: Result) -> None:
    """Shares still add up to the variance of the combined draws; areas without local data keep theirs."""
    code, other = kept.node("need/authority")["area"].values[:2].tolist()
    local = (Direct(code, "lone", 0.3, 0.28, 0.32, 0.95, "a school survey"),)
    lone = (examples.evidence("lone", 0.2),)
    plain, combined = (jm.estimate(examples.population(), lone, draws=200, local=given) for given in ((), local))
    table = combined.explain("lone", frame=examples.FRAME)
    by_area = table.groupby("area", sort=False)
    np.testing.assert_allclose(by_area["share"].sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(by_area["total_variance"].first(), combined.draws("lone").values.var(-1, ddof=1), rtol=1e-10)
    share = table.set_index(["area", "source"])["share"]
    weight = combined.provenance["local"][0]["weight"]
    assert share[code, "local"] == pytest.approx(weight, abs=0.1)  # of K^2 s^2 + (1 - K)^2 V, with V = s^2 K / (1 - K)
    assert abs(share[other, "local"]) < 1e-12
    before = plain.explain("lone", areas=[other], frame=examples.FRAME).set_index("source")["share"]
    np.testing.assert_allclose(share[other][before.index], before, atol=1e-12)


def test_what_explain_refuses(kept: Result, result: Result) -> None:
    bare = Result(xr.DataTree.from_dict({p: d for p, d in result.nodes("need").items() if p != "need/frame"}), result.provenance)
    with pytest.raises(InputError, match="keeps no England frame"):
        bare.explain()
    other = replace(examples.FRAME, children=examples.FRAME.children * 2)
    with pytest.raises(InputError, match="calibrated to"):
        kept.explain(frame=other)
    with pytest.raises(UnknownNameError):
        kept.explain(areas=["nowhere"])
    with pytest.raises(InputError, match="empty"):
        kept.explain(areas=[])
    for draws in (2, 121, 30.5):
        with pytest.raises(InputError, match="draws"):
            kept.explain(draws=draws)  # type: ignore[arg-type]
    alone = jm.estimate(examples.population(4, 1), (examples.evidence("lone", 0.1),), draws=10)
    with pytest.raises(MeasureError):
        alone.explain("any_risk")


def test_the_frame_survives_the_tree(kept: Result, tmp_path: Path) -> None:
    assert kept.frame is not None
    assert kept.frame.hash == examples.FRAME.hash
    loaded = Result.load(kept.save(tmp_path / "result.nc"))
    assert loaded.frame is not None
    assert loaded.frame.hash == examples.FRAME.hash


def test_an_area_without_children_has_no_variance_to_share() -> None:
    population = examples.population(6, 1)
    population.data["children"][2] = 0.0
    result = jm.estimate(population, (examples.evidence("lone", 0.1),), draws=20)
    table = result.explain("lone", "lsoa", frame=examples.FRAME)
    empty = table[table["total_variance"] == 0]
    assert empty["area"].nunique() == 1
    assert empty["share"].isna().all()
    assert (result.draws("lone", "lsoa", kind="count").values[2] == 0).all()


# -- counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
def test_law_9_counts_of_nested_areas_sum_exactly(result: Result, measure: str) -> None:
    whole = result.draws(measure, "authority", kind="count")
    assert whole.dtype == np.int64
    for level in ("lsoa", "msoa", "ward"):
        fine = result.draws(measure, level, kind="count")
        owners = result.node(f"need/{level}")["authority"].values
        for area in whole["area"].values:
            assert (fine.values[owners == area].sum(0) == whole.sel(area=area).values).all()


def test_law_8_whole_patterns_sum_to_whole_children() -> None:
    population = examples.population()
    sums = population.data["children"].groupby("authority").sum()
    population.data["children"] = population.data["children"] / sums.sel(authority=population.data["authority"]) * 1000  # whole totals
    result = jm.estimate(population, (*examples.evidence_set(), examples.evidence("alone", 0.2)), examples.overlap(), draws=40)
    model, known = model_of(result)
    base = result.node("need/lsoa")
    for authority in ("E06000000", "E06000001"):
        here = base.isel(area=np.flatnonzero(base["authority"].values == authority))
        counts = authority_counts(result, model, authority, here, known, 1.737, 1.0)
        assert (counts["children_by_pattern"].sum("pattern") == counts["children"]).all()
        assert (counts["children"].sum("area") == 5000).all()
        assert (counts["affected"] <= counts["children"]).all()
        for bit, risk in enumerate(examples.SET_RISKS):
            holds = counts["children_by_pattern"][:, [i for i in range(8) if i >> bit & 1]].sum("pattern")
            assert (holds == counts["affected"].sel(risk=risk, drop=True)).all()


def test_counts_are_ordered_as_their_measures(result: Result) -> None:
    anyone, several, three = (result.draws(m, "lsoa", kind="count").values for m in ("any_risk", "two_or_more", "all_three"))
    assert ((anyone >= several) & (several >= three) & (three >= 0)).all()


def test_nested_risks_keep_their_order_in_counts() -> None:
    wide = examples.evidence("wide", 0.2)
    narrow = examples.evidence("narrow", 0.05, nested_in=wide.key)
    result = jm.estimate(examples.population(), (narrow, wide), draws=60)
    inner, outer = (result.draws(r, "lsoa", kind="count").values for r in ("narrow", "wide"))
    assert (inner <= outer).all()
    assert inner.mean() == pytest.approx(result.draws("narrow", "lsoa").values.mean(), rel=0.02)


def test_expected_is_what_it_was_and_counts_are_wider_and_whole(result: Result) -> None:
    for level in ("lsoa", "authority"):
        for measure in MEASURES:
            before, same = result.summary(measure, level=level), result.summary(measure, level=level, kind="expected")
            pd.testing.assert_frame_equal(before, same, check_exact=True)
            counted = result.summary(measure, level=level, kind="count")
            assert (counted["value"] == before["value"]).all()
            assert (counted[["lower", "upper"]] % 1 == 0).all().all()
            assert (counted["upper"] - counted["lower"]).mean() > (before["upper"] - before["lower"]).mean()
    assert len(result.summary("any_risk", by="all", kind="count")) == 1
    wide, narrow = (result.draws("any_risk", "lsoa", kind="count", siblings=m).values.var(-1).mean() for m in (3.0, 1.0))
    assert wide > narrow


def test_intervals_of_counts_cover_homes_of_real_sizes(result: Result) -> None:
    """Homes of one to four children are simulated at every draw's share: the count's interval covers them, the expected one does not."""
    rng = np.random.default_rng(1)
    children = result.node("need/lsoa")["children"].sum("age_band").values
    share = result.draws("all_three", "lsoa").values / children[:, None]
    count, expected = (result.summary("all_three", level="lsoa", kind=k) for k in ("count", "expected"))
    inside = {"count": [], "expected": []}  # type: dict[str, list[bool]]
    for a, n in enumerate(np.rint(children).astype(int)):
        sizes = rng.choice([1, 2, 3, 4], p=np.array([3.7, 3.4, 0.9, 0.3]) / 8.3, size=(share.shape[1], n))
        sizes = np.diff(np.minimum(np.cumsum(sizes, axis=1), n), axis=1, prepend=0)
        real = (sizes * (rng.random(sizes.shape) < share[a][:, None])).sum(1)
        for kind, table in (("count", count), ("expected", expected)):
            inside[kind] += ((real >= table["lower"].iloc[a]) & (real <= table["upper"].iloc[a])).tolist()
    assert 0.94 <= np.mean(inside["count"]) <= 0.985
    assert np.mean(inside["expected"]) < 0.9


def test_what_counts_refuse(result: Result) -> None:
    with pytest.raises(InputError, match="siblings are of different ages"):
        result.summary(by="age_band", kind="count")
    with pytest.raises(InputError, match="expected"):
        result.draws("any_risk", kind="both")
    with pytest.raises(InputError, match="belong to"):
        result.summary(siblings=2.0)
    with pytest.raises(InputError, match="at least 1"):
        result.summary(kind="count", siblings=0.5)


def test_regions_and_england_are_sums_of_authorities() -> None:
    population = examples.population(8, 2)
    region = np.where(population.data["authority"].values == "E06000000", "E12000001", "E12000002")
    data = population.data.assign_coords(region=("area", region), region_name=("area", region))
    data["children"] = data["children"] * float(examples.FRAME.children.sum()) / float(data["children"].sum())
    whole = jm.Population(data, "lsoa", "synthetic", frame=examples.FRAME)
    result = jm.estimate(whole, (examples.evidence("lone", 0.1),), draws=20)
    england = result.draws("lone", "england", kind="count").values[0]
    for level in ("authority", "region"):
        assert (result.draws("lone", level, kind="count").values.sum(0) == england).all()
    table = result.explain("lone", "england", frame=examples.FRAME)
    assert table["total_variance"].iloc[0] == pytest.approx(result.draws("lone", "england").values.var(ddof=1), rel=1e-10)
    one = result.explain("lone", "region", areas=["E12000002"], frame=examples.FRAME)
    np.testing.assert_allclose(one["share"].sum(), 1, rtol=1e-12)
