"""Local data is combined with the model, not written over it; other areas and risks keep their draws; patterns close."""

import numpy as np
import pytest

import jsna_model as jm
from jsna_model.direct import Direct
from jsna_model.errors import InputError, LabelError
from jsna_model.methods.conditioning import common_shift, condition
from jsna_model.methods.distributions import expit, logit
from jsna_model.verbs.estimate import regenerate
from tests.examples import SET_RISKS, evidence, evidence_set, overlap, population

DRAWS = 400


def made(*local: Direct) -> jm.Result:
    return jm.estimate(population(), (*evidence_set(), evidence("alone", 0.2)), overlap(), draws=DRAWS, local=local)


@pytest.fixture(scope="module")
def plain() -> jm.Result:
    return made()


def share(result: jm.Result, risk: str, authority: str) -> np.ndarray:
    children = float(result.node("need/authority").sel(area=authority)["children"].sum())
    return np.asarray(result.draws(risk).sel(area=authority).values / children)


def test_a_direct_estimate_pulls_by_its_precision(plain: jm.Result) -> None:
    """Between the model's own estimate and the direct one; wide direct estimates are hardly taken, exact ones nearly wholly."""
    code, other = plain.node("need/authority")["area"].values[:2]
    own = share(plain, "alone", code)
    for lower, upper, least, most in ((0.29, 0.31, 0.95, 1.0), (0.01, 0.97, 0.0, 0.05)):
        result = made(Direct(code, "alone", 0.3, lower, upper, 0.95, "a school survey"))
        (record,) = result.provenance["local"]
        assert least <= record["weight"] <= most
        drawn = share(result, "alone", code)
        assert own.mean() <= drawn.mean() + 1e-3
        assert drawn.std() <= own.std() * 1.02
        np.testing.assert_array_equal(share(plain, "alone", other), share(result, "alone", other))
        for risk in SET_RISKS:
            np.testing.assert_array_equal(share(plain, risk, code), share(result, risk, code))


def test_the_combined_mean_is_the_precision_weighted_one(plain: jm.Result) -> None:
    code = plain.node("need/authority")["area"].values[0]
    y = logit(share(plain, "alone", code))
    result = made(Direct(code, "alone", 0.3, 0.25, 0.356, 0.95, "a school survey"))
    drawn = logit(share(result, "alone", code))
    sd = (logit(0.356) - logit(0.25)) / (2 * 1.959964)
    weight = y.var(ddof=1) / (y.var(ddof=1) + sd**2)
    assert drawn.mean() == pytest.approx((1 - weight) * y.mean() + weight * logit(0.3), abs=0.02)
    assert drawn.var() == pytest.approx((1 - weight) * y.var(), rel=0.25)


def test_a_total_is_met_draw_by_draw_and_patterns_close(plain: jm.Result) -> None:
    """Benchmarked within its own interval; patterns are solved again, so that they close on the new marginals."""
    risk, code = SET_RISKS[1], plain.node("need/authority")["area"].values[0]
    children = float(plain.node("need/authority").sel(area=code)["children"].sum())
    result = made(Direct(code, risk, 0.2 * children, 0.199 * children, 0.201 * children, 0.95, "a count", total=True))
    assert share(result, risk, code).mean() == pytest.approx(0.2, abs=2e-4)
    node = result.node("need/authority").sel(area=code)
    before = plain.node("need/authority").sel(area=code)["children_by_pattern"].sum("pattern")
    np.testing.assert_allclose(node["children_by_pattern"].sum("pattern"), before, rtol=1e-10)
    holds = [i for i in range(8) if i >> SET_RISKS.index(risk) & 1]
    place = result.risks.index(risk)
    np.testing.assert_allclose(node["children_by_pattern"].values[:, holds].sum(1), node["affected"].values[:, place], rtol=1e-9)


@pytest.mark.parametrize("level", ["lsoa", "ward", "msoa"])
def test_small_areas_can_have_direct_estimates_and_draws_are_regenerated(plain: jm.Result, level: str) -> None:
    code = str(plain.node(f"need/{level}")["area"].values[0])
    result = made(Direct(code, "alone", 0.4, 0.36, 0.44, 0.95, "an audit"))
    before, after = (r.summary("alone", level=level, rate=True).set_index("area").loc[code] for r in (plain, result))
    assert before["value"] < after["value"] < 0.44
    drawn = regenerate(result, level)["affected"].sel(risk="alone").sum("age_band").sel(area=code)
    assert float(drawn.mean()) == pytest.approx(float(result.summary("alone", level=level).set_index("area").loc[code, "value"]), rel=1e-9)


def test_saved_and_loaded_with_its_shifts(plain: jm.Result, tmp_path: object) -> None:
    code = str(plain.node("need/ward")["area"].values[0])
    result = made(Direct(code, "alone", 0.4, 0.36, 0.44, 0.95, "an audit"))
    loaded = jm.Result.load(result.save(f"{tmp_path}/r.nc"))
    np.testing.assert_array_equal(loaded.draws("alone", "ward"), result.draws("alone", "ward"))


def test_everything_unknown_is_named_at_once(plain: jm.Result) -> None:
    with pytest.raises(LabelError) as caught:
        made(Direct("E06999999", "alone", 0.3, 0.2, 0.4, 0.95, "x"), Direct("E06000000", "alon", 0.3, 0.2, 0.4, 0.95, "x"))
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="not percentages"):
        Direct("E06000000", "alone", 30.0, 20.0, 40.0, 0.95, "x")
    with pytest.raises(InputError, match="population"):
        made(Direct("E06000000", "alone", 1e9, 0.9e9, 1.1e9, 0.95, "x", total=True))


def test_common_shift_and_condition() -> None:
    rng = np.random.default_rng(3)
    eta, n = rng.normal(-2, 1, size=(30, 50)), rng.uniform(1, 100, size=(30, 50))

    def affected(shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = expit(eta + shift)
        return (n * p).sum(0), (n * p * (1 - p)).sum(0)

    target = n.sum(0) * rng.uniform(0.001, 0.999, 50)
    np.testing.assert_allclose(affected(common_shift(affected, target, n.sum(0)))[0], target, rtol=1e-9)
    prior, noise = rng.normal(1, 0.5, 200_000), rng.normal(size=200_000)
    drawn, weight = condition(prior, 0.0, 0.5, noise)
    assert weight == pytest.approx(0.5, abs=0.01)
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert drawn.std() == pytest.approx(0.5 * np.sqrt(0.5), abs=0.01)
