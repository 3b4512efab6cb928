"""Laws 5 to 15 for estimates of need, on synthetic areas (docs/conventions.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jsna_model as jm
from jsna_model.errors import ConstructError, InputError, MeasureError, UnknownNameError
from jsna_model.evidence import Variation
from jsna_model.methods.joint import design, frechet_bounds
from jsna_model.methods.risk_model import cubature, frame_mean
from jsna_model.result import Result
from jsna_model.verbs.estimate import regenerate
from jsna_model.verbs.need_model import AREA_CORRELATION, fit_need
from tests import examples

LEVELS = ("lsoa", "msoa", "ward")


@pytest.mark.parametrize("level", LEVELS)
def test_law_8_patterns_close_in_every_area_and_draw(result: Result, level: str) -> None:
    node = regenerate(result, level)
    patterns, affected = node["children_by_pattern"].values, node["affected"].values
    main, _ = design(3)
    assert np.allclose(np.einsum("agpd,pk->agkd", patterns, main), affected[:, :, :3], rtol=1e-12, atol=1e-12)
    assert (patterns > 0).all()


def test_law_8_patterns_sum_to_the_population(result: Result) -> None:
    authority = result.node("need/authority")
    total = authority["children_by_pattern"].sum("pattern").values
    assert np.allclose(total, authority["children"].values[..., None], rtol=1e-12)


def test_law_8_inclusion_exclusion_and_frechet_bounds(result: Result) -> None:
    authority = result.node("need/authority")
    patterns = authority["children_by_pattern"].values.sum(1)
    share = patterns / patterns.sum(1, keepdims=True)
    single = np.stack([share[:, [i for i in range(8) if i >> k & 1]].sum(1) for k in range(3)], axis=-1)
    pairs = [share[:, a] + share[:, 7] for a in (3, 5, 6)]
    anyone = 1 - share[:, 0]
    assert np.allclose(anyone, single.sum(-1) - np.sum(pairs, axis=0) + share[:, 7], atol=1e-14)
    low, high = frechet_bounds(single)
    assert ((share[:, 7] >= low - 1e-15) & (share[:, 7] <= high + 1e-15)).all()


@pytest.mark.parametrize("measure", ["any_risk", "two_or_more", "all_three", "synthetic_alone"])
@pytest.mark.parametrize("level", LEVELS)
def test_law_9_levels_nest_draw_by_draw(result: Result, measure: str, level: str) -> None:
    fine = result.draws(measure, level)
    owners = result.node(f"need/{level}")["authority"].values
    whole = result.draws(measure, "authority")
    for area in whole["area"].values:
        summed = fine.values[owners == area].sum(0)
        assert np.allclose(summed, whole.sel(area=area).values, rtol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_law_6_summaries_are_those_of_the_regenerated_draws(result: Result, level: str) -> None:
    table = result.summary("two_or_more", level=level)
    draws = result.draws("two_or_more", level).values
    assert np.allclose(table["value"], draws.mean(-1), rtol=1e-12)
    assert np.allclose(table[["lower", "upper"]].values.T, np.quantile(draws, [0.025, 0.975], axis=-1), rtol=1e-12)


def test_law_9_a_ward_that_crosses_authorities_is_split(result: Result) -> None:
    population = examples.population(areas=10, authorities=2)
    data = population.data.assign_coords(ward=("area", np.full(10, "E05999999")), ward_name=("area", np.full(10, "Crossing")))
    crossing = jm.Population(data, "lsoa", "synthetic", frame=population.frame)
    wards = jm.estimate(crossing, examples.evidence_set(), examples.overlap(), draws=20).summary("any_risk", level="ward")
    assert sorted(wards["area"]) == ["E05999999:E06000000", "E05999999:E06000001"]
    assert all("part)" in name for name in wards["area_name"])


def test_law_13_an_area_does_not_depend_on_which_were_asked_for(result: Result) -> None:
    population = examples.population()
    one = population.data.isel(area=population.data["authority"].values == "E06000001")
    alone = jm.Population(one, "lsoa", "synthetic", frame=population.frame)
    evidence = (*examples.evidence_set(), examples.evidence("synthetic_alone", 0.2, ages=(0, 15)))
    again = jm.estimate(alone, evidence, examples.overlap(), draws=120, seed=11)
    for measure in result.measures:
        assert np.array_equal(again.draws(measure).values[0], result.draws(measure).sel(area="E06000001").values)


def test_law_13_the_order_of_areas_and_the_number_of_draws_do_not_matter(result: Result) -> None:
    population = examples.population()
    order = np.random.default_rng(0).permutation(population.data.sizes["area"])
    shuffled = jm.Population(population.data.isel(area=order), "lsoa", "synthetic", frame=population.frame)
    evidence = (*examples.evidence_set(), examples.evidence("synthetic_alone", 0.2, ages=(0, 15)))
    again = jm.estimate(shuffled, evidence, examples.overlap(), draws=60, seed=11)
    first = result.draws("any_risk").values[:, :60]
    assert np.allclose(again.draws("any_risk").values, first, rtol=1e-12)


def test_frame_expectation_equals_the_national_draw() -> None:
    """The constraint of DESIGN section 4, to 1e-10, over the evidence's own ages."""
    evidence = (examples.evidence("under_sixteen", 0.22, ages=(0, 15)), examples.evidence("all_ages", 0.01))
    model = fit_need(evidence, None, examples.FRAME, 200, 3)
    x = examples.FRAME.standardise("deprivation", examples.FRAME.covariates["deprivation"].values)
    weights = examples.FRAME.children.values
    own = [np.array([1, 1, 1, 1, 0]), np.ones(5)]
    for k in range(2):
        linear = (model.gradient[k, 0] * x[:, None, None] + model.age_effect[None, :, k]).reshape(-1, 200)
        sd = np.hypot(model.authority_sd[k], model.small_area_sd[k])
        nodes, node_weights = cubature(np.array([[sd**2]]))
        mean = frame_mean(model.intercept[k], linear, (weights * own[k]).ravel(), nodes[0], node_weights)
        assert np.abs(mean - model.national[k]).max() < 1e-10


def test_law_12_counts_of_children_are_raked_to_the_known_total(result: Result) -> None:
    children = regenerate(result, "lsoa")["children_by_pattern"].sum("pattern")
    owners = result.node("need/lsoa")["authority"].values
    known = result.node("need/authority")["children"]
    for area in known["area"].values:
        total = children.values[owners == area].sum(0)
        assert np.allclose(total, known.sel(area=area).values[:, None], rtol=1e-12)


def test_small_area_error_widens_small_areas_only() -> None:
    sure = examples.population()
    exact = jm.Population(sure.data.drop_vars("children_log_sd"), "lsoa", "synthetic", frame=sure.frame)
    width = {}
    for name, population in (("uncertain", sure), ("exact", exact)):
        found = jm.estimate(population, examples.evidence_set(), examples.overlap(), draws=400)
        width[name] = found.summary("any_risk", level="lsoa").eval("(upper - lower) / value").mean()
        width[name + " authority"] = found.summary("any_risk", level="authority").eval("(upper - lower) / value").mean()
    assert width["uncertain"] > 1.02 * width["exact"]
    assert width["uncertain authority"] == pytest.approx(width["exact authority"], rel=0.05)


def test_area_effects_have_their_sd_and_correlation() -> None:
    model = fit_need(examples.evidence_set(), examples.overlap(), examples.FRAME, 4000, 5)
    effects = model.area_effects("E06999999", np.array([0.2, 0.4, 0.6]))
    assert np.allclose(effects.std(1), [0.2, 0.4, 0.6], rtol=0.05)
    assert np.allclose(np.corrcoef(effects)[np.triu_indices(3, 1)], AREA_CORRELATION, atol=0.05)


def test_overlap_is_reproduced_over_the_frame() -> None:
    """The frame's two-or-more and all-three are the national draws, not those of odds ratios read off the national joint."""
    model = fit_need(examples.evidence_set(), examples.overlap(), examples.FRAME, 50, 3)
    x = examples.FRAME.standardise("deprivation", examples.FRAME.covariates["deprivation"].values)
    sd = np.hypot(model.authority_sd, model.small_area_sd)
    correlation = np.full((3, 3), AREA_CORRELATION) + (1 - AREA_CORRELATION) * np.eye(3)
    nodes, node_weights = cubature(correlation * np.outer(sd, sd))
    weights = (examples.FRAME.children.values.ravel()[:, None] / examples.FRAME.children.values.sum() * node_weights).ravel()
    eta = [
        (
            model.intercept[k]
            + (model.gradient[k, 0] * x[:, None, None] + model.age_effect[None, :, k]).reshape(-1, 1, 50)
            + nodes[k][:, None]
        ).reshape(-1, 50)
        for k in range(3)
    ]
    cells = np.stack(model._patterns(eta))
    mean = (weights[:, None] * cells).sum(1)
    single = np.stack([mean[[i for i in range(8) if i >> k & 1]].sum(0) for k in range(3)])
    assert np.abs(single - model.national).max() < 1e-10
    size = np.array([bin(i).count("1") for i in range(8)])
    two = mean[size >= 2].sum(0)
    assert np.quantile(two, 0.5) == pytest.approx(0.049, rel=0.1)
    assert np.quantile(mean[7], 0.5) == pytest.approx(0.009, rel=0.15)


def test_law_7_measures_that_do_not_add_up_are_refused() -> None:
    alone = jm.estimate(examples.population(), [examples.evidence("synthetic_alone", 0.2)], draws=20)
    with pytest.raises(MeasureError, match="stands alone"):
        alone.summary("any_risk")
    with pytest.raises(UnknownNameError, match="synthetic_alone"):
        alone.summary("synthetic_alon")


def test_law_4_constructs_that_differ_are_refused_all_at_once() -> None:
    members = examples.evidence_set()
    other = (examples.evidence("synthetic_abuse", 0.1), *members[1:2])
    with pytest.raises(ConstructError) as caught:
        jm.estimate(examples.population(), other, examples.overlap(), draws=20)
    assert len(caught.value.problems) == 2
    assert "stands alone" in str(caught.value)
    assert "synthetic_dependency" in str(caught.value)


@pytest.mark.parametrize("draws", [-5, 0, 1, 1.5, True])
def test_bad_numbers_of_draws_are_refused(draws: float) -> None:
    with pytest.raises(InputError, match="draws is"):
        jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=draws)  # type: ignore[arg-type]


def test_infeasible_national_draws_above_one_per_cent_raise() -> None:
    wide = examples.overlap()
    assert wide.all_three is not None
    loose = replace(wide, all_three=replace(wide.all_three, value=0.03, lower=0.001, upper=0.2))
    with pytest.raises(InputError, match="may be drawn again"):
        jm.estimate(examples.population(), examples.evidence_set(), loose, draws=400)


def test_saving_loses_nothing(result: Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "result.nc")
    loaded = Result.load(path)
    assert loaded.equals(result)
    assert np.array_equal(loaded.draws("all_three", "lsoa").values, result.draws("all_three", "lsoa").values)


def test_a_newer_schema_is_refused(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "newer.nc"
    tree = result.data.copy()
    tree.attrs = {"schema_version": 99, "provenance": "{}"}
    tree.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="schema version 99"):
        Result.load(path)


def test_law_10_prevalence_stays_inside_its_range_for_extreme_areas() -> None:
    """A risk of 60% with a steep gradient and large area effects never reaches 0 or all of the children."""
    steep = examples.evidence("steep", 0.6, variation=Variation(2.0, 0.5, 1.0, 1.0, 0.5, "synthetic"))
    other = examples.evidence("other", 0.01, "synthetic_set")
    overlap = jm.Overlap.from_odds_ratios(("steep", "other"), (50.0,))
    node = regenerate(jm.estimate(examples.population(), [steep, other], overlap, draws=100), "lsoa")
    children = node["children_by_pattern"].sum("pattern")
    share = node["affected"] / children
    assert float(share.max()) < 1
    assert float(share.min()) > 0


@settings(max_examples=25, deadline=None)
@given(
    gradient=st.floats(-1, 1),
    value=st.floats(0.002, 0.6),
    areas=st.integers(3, 12),
    seed=st.integers(0, 10_000),
)
def test_any_risk_lies_between_its_parts(gradient: float, value: float, areas: int, seed: int) -> None:
    """The largest single risk <= any <= their sum, for any values, gradients and places."""
    variation = Variation(gradient, 0.1, 0.2, 0.3, 0.1, "synthetic")
    risks = examples.SET_RISKS
    evidence = [examples.evidence(r, value * f, "synthetic_set", variation=variation) for r, f in zip(risks, (1.0, 0.7, 0.4), strict=True)]
    overlap = jm.Overlap.from_odds_ratios(risks, (4.0, 3.0, 6.0), three_way=0.5)
    found = jm.estimate(examples.population(areas, 1, seed), evidence, overlap, draws=12, seed=seed)
    singles = np.stack([found.draws(r, "lsoa").values for r in risks])
    anyone = found.draws("any_risk", "lsoa").values
    assert (anyone <= singles.sum(0) * (1 + 1e-12)).all()
    assert (anyone >= singles.max(0) * (1 - 1e-12)).all()
