"""Overlaps that are chosen by name, areas of another vintage, and regions that are not whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.direct import Direct
from jsna_model.errors import InputError, LabelError, UnknownNameError
from jsna_model.overlap import Share
from jsna_model.study import Study


def all_three(kind: str) -> float:
    evidence = src.load_evidence_set("higher_harm")
    overlap = src.load_overlap("higher_harm", kind=kind)
    return float(jm.estimate(src.load_population("Rutland", "authority"), evidence, overlap, draws=100).draws("all_three").mean())


def test_independence_is_badly_wrong_and_bounds_hold_the_published() -> None:
    """Independence gives a small part of the published share with all three (Children's Commissioner 2018: about 2,500 of 100,000)."""
    least, independent, published, most = (all_three(k) for k in ("least", "independent", "published", "most"))
    assert least < independent < published / 10
    assert published < most


def test_kinds_are_named() -> None:
    with pytest.raises(UnknownNameError, match="independent"):
        src.load_overlap("higher_harm", kind="independant")
    with pytest.raises(InputError, match="column overlap"):
        Study.of({"area": "Rutland", "overlap": "none"})
    _, _, overlap = src.resolve_need(Study.of({"area": "Rutland", "overlap": "independent"}))
    assert overlap.name == "independent"
    with pytest.raises(jm.errors.ConstructError):
        jm.estimate(src.load_population("Rutland"), src.load_evidence_set("wider_exposure"), overlap, draws=5)


@pytest.mark.parametrize(("two", "three"), [(0.0932, 0.005), (0.1016, 0.001), (0.0597, 0.0399), (0.049, 0.049), (0.12, 0.03)])
def test_shares_that_no_joint_can_have_are_refused_by_name(two: float, three: float) -> None:
    evidence = [e.with_(lower=e.value * 0.9999, upper=e.value * 1.0001) for e in src.load_evidence_set("higher_harm")]
    shares = [Share(key, v, v * 0.9999, v * 1.0001, 0.95, "assumed: synthetic") for key, v in (("two", two), ("three", three))]
    overlap = replace(src.load_overlap("higher_harm"), name="synthetic edge", two_or_more=shares[0], all_three=shares[1])
    with pytest.raises(InputError, match="synthetic edge"):
        jm.estimate(src.load_population("Rutland", "authority"), evidence, overlap, draws=10)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("E07000004", "E07000004 is the code of a district, and not one of April 2023"),
        ("E10000002", "E10000002 is the code of a county, and not one of April 2023"),
        ("E01000001", "E01000001 is the code of an LSOA. Give its authority"),
        ("E05009288", "is the code of a ward"),
    ],
)
def test_codes_of_another_vintage_or_kind_say_which(asked: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        src.find_area(asked)


def test_a_total_of_a_region_needs_the_whole_region() -> None:
    """Law 13: benchmarking always runs on whole benchmark regions."""
    evidence = src.load_evidence_set("higher_harm")
    total = Direct("E12000004", evidence[0].risk, 60_000.0, 55_000.0, 65_000.0, 0.95, "synthetic", total=True)
    population = src.load_population("Rutland", "authority")
    assert population.whole == ()
    with pytest.raises(LabelError, match="holds only some authorities"):
        jm.estimate(population, evidence, draws=20, local=[total])
    region = src.load_population("East Midlands", "authority")
    assert region.whole == ("E12000004",)
    assert len(src.load_population("England", "authority").whole) == 10
    drawn = jm.estimate(region, evidence, draws=400, local=[total]).draws(evidence[0].risk).values.sum(0)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([55_000, 65_000], rel=0.02)
