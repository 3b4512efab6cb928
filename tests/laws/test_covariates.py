"""Covariates beyond deprivation: any number, with a covariance of their coefficients, over a frame of their joint distribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import jsna_model as jm
from jsna_model.errors import InputError
from jsna_model.evidence import Variation
from jsna_model.methods.risk_model import covariance_factor, cubature, frame_mean, linear_predictor
from jsna_model.population import Frame, Population
from jsna_model.result import Result
from jsna_model.verbs.need_model import fit_need
from tests import examples

COVARIANCE = ((0.01, -0.004, 0.0), (-0.004, 0.02, 0.003), (0.0, 0.003, 0.005))
VARIED = Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic", (("renting", 0.4), ("rural", -0.2)), COVARIANCE)


def wide_frame() -> Frame:
    """The synthetic frame, each decile in two points of two further covariates."""
    frame = examples.FRAME
    children = np.repeat(frame.children.values / 2, 2, axis=0)
    decile = np.repeat(frame.covariates["deprivation"].values, 2)
    renting = np.where(np.arange(20) % 2, 0.1, 0.4) + 0.02 * (10 - decile)
    rural = np.where(np.arange(20) % 2, 0.5, 0.0)
    labels = [f"point_{i}" for i in range(20)]
    return Frame(
        "synthetic, wide",
        xr.DataArray(children, {"area": labels, "age_band": examples.BANDS}, ("area", "age_band")),
        xr.Dataset({n: ("area", v) for n, v in (("deprivation", decile), ("renting", renting), ("rural", rural))}, {"area": labels}),
        {**frame.centre, "renting": 0.3, "rural": 0.25},
        {**frame.scale, "renting": 0.15, "rural": 0.25},
        {"renting": (0.0, 1.0), "rural": (0.0, 1.0)},
    )


def wide_population(areas: int = 24) -> Population:
    plain, rng = examples.population(areas), np.random.default_rng(5)
    values = np.column_stack([rng.uniform(0, 0.8, areas), rng.integers(0, 2, areas)])
    data = plain.data.assign(covariate_value=(("area", "covariate"), values)).assign_coords(covariate=["renting", "rural"])
    return replace(plain, data=data, frame=wide_frame())


def varied() -> tuple[jm.Evidence, ...]:
    return tuple(e.with_(variation=VARIED) for e in examples.evidence_set())


def test_frame_reproduces_the_national_draw_with_every_covariate() -> None:
    frame = wide_frame()
    model = fit_need(varied(), examples.overlap(), frame, 100, 3)
    assert model.covariates == ("deprivation", "renting", "rural")
    x = frame.over(model.covariates).matrix(model.covariates)
    nodes, weights = cubature(0.5 * np.outer(*2 * [np.hypot(model.authority_sd, model.small_area_sd)]) + 0.5 * np.diag([0.13] * 3))
    for k in range(3):
        linear = (linear_predictor(x, model.gradient[k])[:, None] + model.age_effect[None, :, k]).reshape(-1, 100)
        mean = frame_mean(model.intercept[k], linear, frame.children.values.ravel(), nodes[k], weights)
        assert np.abs(mean - model.national[k]).max() < 1e-10


def test_coefficients_have_the_covariance_that_was_given() -> None:
    model = fit_need((examples.evidence("alone", 0.1, variation=VARIED),), None, wide_frame(), 20_000, 3)
    assert np.allclose(model.gradient[0].mean(-1), [0.3, 0.4, -0.2], atol=0.004)
    assert np.allclose(np.cov(model.gradient[0]), COVARIANCE, atol=0.0006)


def test_a_covariate_that_explains_nothing_changes_nothing() -> None:
    """Nor does a frame that could carry more: it is merged to the covariates that are used."""
    plain = jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=40)
    wide = jm.estimate(wide_population(), examples.evidence_set(), examples.overlap(), draws=40)
    assert np.allclose(plain.draws("any_risk").values, wide.draws("any_risk").values, rtol=1e-12)
    silent = Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic", (("rural", 0.0),), ((0.01, 0.0), (0.0, 0.0)))
    nothing = tuple(e.with_(variation=silent) for e in examples.evidence_set())
    again = jm.estimate(wide_population(), nothing, examples.overlap(), draws=40)
    assert np.allclose(plain.draws("any_risk").values, again.draws("any_risk").values, rtol=1e-12)


def test_places_with_more_of_a_covariate_have_more_of_the_risk() -> None:
    steep = Variation(0.0, 0.0, 0.0, 0.0, 0.0, "synthetic", (("renting", 0.8),), ((0.0, 0.0), (0.0, 0.0)))
    population = wide_population()
    population = replace(population, data=population.data.drop_vars("children_log_sd"))
    result = jm.estimate(population, [examples.evidence("alone", 0.1, variation=steep)], draws=20)
    share = result.node("need/lsoa")["expected"].values[:, 0] / population.data["children"].values.sum(1)
    assert (np.diff(share[np.argsort(population.covariate("renting"))]) > 0).all()


def test_regenerated_saved_and_explained(tmp_path: object) -> None:
    result = jm.estimate(wide_population(), varied(), examples.overlap(), draws=60)
    again = Result.load(result.save(f"{tmp_path}/result.nc"))
    assert np.array_equal(again.draws("any_risk", level="ward").values, result.draws("any_risk", level="ward").values)
    assert again.frame is not None
    assert again.frame.hash == wide_frame().hash
    assert again.frame.limits == wide_frame().limits
    table = again.explain("any_risk")
    by_area = table.groupby("area")
    assert by_area["variance"].sum().to_numpy() == pytest.approx(by_area["total_variance"].first().to_numpy(), rel=1e-9)
    assert float(table.loc[table["source"] == "gradient", "variance"].abs().min()) > 0


def test_what_cannot_be_used_is_named() -> None:
    alone = [examples.evidence("alone", 0.1, variation=VARIED)]
    with pytest.raises(InputError, match="'renting', 'rural': not in the England frame"):
        jm.estimate(examples.population(), alone, draws=5)
    population = wide_population()
    with pytest.raises(InputError, match="has no covariate 'renting'"):
        jm.estimate(replace(population, data=population.data.drop_vars(["covariate_value", "covariate"])), alone, draws=5)
    percent = population.data.assign(covariate_value=population.data["covariate_value"] * 100)
    with pytest.raises(InputError, match="these look like percentages"):
        jm.estimate(replace(population, data=percent), alone, draws=5)
    gone = population.data["covariate_value"].copy()
    gone[3, 0] = np.nan
    with pytest.raises(InputError, match=f"renting is missing .* such as {population.areas[3]}"):
        jm.estimate(replace(population, data=population.data.assign(covariate_value=gone)), alone, draws=5)


@pytest.mark.parametrize(
    ("covariates", "covariance", "said"),
    [
        ((("a", 0.1),), (), "the covariance is not 2 by 2"),
        ((("a", 0.1),), ((0.01, 0.002), (0.001, 0.01)), "not symmetric"),
        ((("a", 0.1),), ((0.04, 0.0), (0.0, 0.01)), "gives deprivation a variance of 0.04"),
        ((("a", 0.1),), ((0.01, 0.0), (0.0, float("nan"))), "not a number"),
        ((("a", 0.1),), ((0.01, 0.02), (0.02, 0.01)), "is not one"),
        ((("a", 0.1),), ((0.01, 0.0), (0.0, -0.01)), "is not one"),
        ((("deprivation", 0.1),), ((0.01, 0.0), (0.0, 0.01)), "'deprivation' is named twice"),
    ],
)
def test_unsound_coefficients_are_refused(
    covariates: tuple[tuple[str, float], ...], covariance: tuple[tuple[float, ...]], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic", covariates, covariance)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 10_000))
def test_factor_reproduces_any_covariance(size: int, lost: int, seed: int) -> None:
    root = np.random.default_rng(seed).normal(size=(size, max(size - lost, 1)))
    covariance = root @ root.T
    factor = covariance_factor(covariance)
    assert np.allclose(factor @ factor.T, covariance, atol=1e-6 * max(1.0, covariance.max()))
    assert np.allclose(np.triu(factor, 1), 0)


def test_a_mapping_and_lists_will_do() -> None:
    given = Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic", {"rural": 0.1}, [[0.01, 0.0], [0.0, 0.02]])  # type: ignore[arg-type]
    assert given == Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic", (("rural", 0.1),), ((0.01, 0.0), (0.0, 0.02)))
    assert hash(given)


def test_factor_refuses_a_correlation_beyond_one() -> None:
    for wrong in ([[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.1], [0.1, 1.0]]):
        with pytest.raises(InputError, match="no correlation is beyond 1"):
            covariance_factor(np.array(wrong))
