"""The laws on all of England, draw by draw: 33,755 LSOAs of the real table, checked against the lookups in ../shared."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.population import Population
from jsna_model.result import Result

pytestmark = pytest.mark.england
DRAWS = 8


@lru_cache(maxsize=1)
def england() -> tuple[Population, Result]:
    population = src.load_population("England")
    evidence = (*src.load_evidence_set("higher_harm"), *src.load_evidence("ALC-01"))
    return population, jm.estimate(population, evidence, src.load_overlap("higher_harm"), draws=DRAWS)


def test_patterns_close_and_marginals_are_their_sums() -> None:
    """Laws 7 and 8, in every authority, band and draw; children of an authority are its published total."""
    population, result = england()
    node = result.node("need/authority")
    patterns, affected = node["children_by_pattern"].values, node["affected"].values
    assert (patterns >= 0).all()
    children = population.data["children"].groupby(population.data["authority"]).sum().transpose("authority", "age_band").values
    assert np.abs(patterns.sum(2) / children[..., None] - 1).max() < 1e-9
    for k in range(3):
        own = patterns[:, :, [i for i in range(8) if i >> k & 1]].sum(2)
        assert np.allclose(own, affected[:, :, k], rtol=1e-12)
    assert (patterns[:, :, 7] <= affected[:, :, :3].min(2) * (1 + 1e-12)).all()
    assert (affected <= children[:, :, None, None] * (1 + 1e-12)).all()


def test_regions_and_england_are_sums_of_authorities() -> None:
    """Law 9, upwards, to the last bit of a sum in code order."""
    _, result = england()
    node = result.node("need/authority")
    region = node["region"].values.astype(str)
    for code in np.unique(region):
        total = node["affected"].values[region == code].sum(0)
        assert np.allclose(total, result.node("need/region")["affected"].sel(area=code).values, rtol=1e-13)
    assert np.allclose(node["affected"].values.sum(0), result.node("need/england")["affected"].values[0], rtol=1e-12)
    assert len(np.unique(region)) == 9


@pytest.mark.parametrize("authority", ["E06000042", "E10000016", "E09000001", "E06000053"])
def test_lsoas_msoas_and_wards_sum_to_their_authority(authority: str, shared: Path) -> None:
    """Law 9, downwards, in every draw; the parents are those of the ONS hierarchy."""
    population, _ = england()
    inside = population.data["authority"].values.astype(str) == authority
    part = src.load_population(authority)
    evidence = src.load_evidence_set("higher_harm")
    alone = jm.estimate(part, evidence, src.load_overlap("higher_harm"), draws=DRAWS)
    total = alone.node("need/authority")["children_by_pattern"].values[0]
    for level in ("lsoa", "msoa", "ward"):
        drawn = alone.draws("any_risk", level=level).values
        assert np.allclose(drawn.sum(0), total[:, 1:].sum((0, 1)), rtol=1e-11)
    lookup = pd.read_csv(shared / "data" / "lookups" / "lsoa21_hierarchy_england.csv.gz", dtype=str)
    code, parent = ("lsoa21_code", "msoa21_code") if "lsoa21_code" in lookup else (lookup.columns[0], "msoa21cd")
    of = dict(zip(lookup[code], lookup[parent], strict=True))
    assert [of[c] for c in part.areas] == part.data["msoa"].values.astype(str).tolist()
    assert int(inside.sum()) == len(part.areas)


@pytest.mark.parametrize("authority", ["E06000042", "E06000053", "E10000030"])
def test_an_authority_alone_equals_itself_inside_england(authority: str) -> None:
    """Law 13, to the last bit, in draws and in the summaries of its small areas."""
    _, whole = england()
    evidence = (*src.load_evidence_set("higher_harm"), *src.load_evidence("ALC-01"))
    alone = jm.estimate(src.load_population(authority), evidence, src.load_overlap("higher_harm"), draws=DRAWS)
    for name in ("children_by_pattern", "affected"):
        own = alone.node("need/authority")[name].sel(area=authority).values
        assert np.array_equal(own, whole.node("need/authority")[name].sel(area=authority).values)
    lsoas = alone.node("need/lsoa")
    for name in ("expected", "lower", "upper"):
        assert np.array_equal(lsoas[name].values, whole.node("need/lsoa")[name].sel(area=lsoas["area"]).values)


def test_the_realised_england_is_near_its_expectation() -> None:
    """The sum over areas departs from the expectation over the frame by the area variance, which is small for England."""
    _, result = england()
    for risk, found in result.provenance["england"].items():
        assert abs(found["departure_mean"]) < 0.05, risk
        assert found["departure_sd"] < 0.06, risk
