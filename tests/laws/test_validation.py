"""A small sample of the simulation study, which fails when its result moves; what was committed; and, as ``study``, all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import jsna_model as jm
from benchmarks import validation
from jsna_model.evidence import Evidence
from jsna_model.overlap import Overlap
from jsna_model.population import Population
from tests import examples

#: Mean over measures, levels as in `LEVELS_SEEN`, of 95% intervals; from the sample below.
LEVELS_SEEN = ("lsoa", "msoa", "authority", "authority_by_age", "england")
SEEN: dict[str, tuple[float, ...]] = {
    "as_assumed": (0.9352, 0.9275, 0.933, 0.9325, 0.9107),
    "heavy_tails": (0.9321, 0.9295, 0.9214, 0.9262, 0.8893),
    "gradient_0": (0.8656, 0.8855, 0.9295, 0.9291, 0.9071),
    "gradient_2": (0.849, 0.8815, 0.9321, 0.9286, 0.9036),
    "missing_random": (0.9241, 0.8696, 0.933, 0.9359, 0.8929),
    "missing_random_share": (0.9412, 0.9377, 0.933, 0.9359, 0.8929),
    "missing_deprived": (0.9205, 0.781, 0.9071, 0.908, 0.8571),
    "authority_sd_2": (0.842, 0.7866, 0.7384, 0.7555, 0.7393),
    "authority_sd_half": (0.96, 0.9679, 0.9795, 0.9762, 0.95),
    "small_area_sd_2": (0.7624, 0.8181, 0.8804, 0.8843, 0.8607),
    "small_area_sd_half": (0.9807, 0.9592, 0.9411, 0.9429, 0.9143),
    "age_2": (0.9346, 0.929, 0.933, 0.8961, 0.9107),
    "age_3": (0.9344, 0.9286, 0.9321, 0.8484, 0.9107),
    "correlation_0": (0.9525, 0.9502, 0.9527, 0.9512, 0.9107),
    "correlation_09": (0.9175, 0.9158, 0.9196, 0.9132, 0.8929),
}


@pytest.fixture(scope="module")
def england() -> Population:
    """A synthetic England of 48 areas in two regions."""
    data = examples.population(areas=48, authorities=4).data
    first = data["authority"].values < "E06000002"
    region = xr.where(xr.DataArray(first, dims="area"), "E12000001", "E12000002").values
    data = data.assign_coords(region=("area", region), region_name=("area", np.where(first, "North", "South")))
    return validation.england_of(data, "synthetic England")


@pytest.fixture(scope="module")
def given() -> tuple[tuple[Evidence, ...], Overlap]:
    """Three synthetic risks of a set and one that stands alone, of under-16s."""
    return (*examples.evidence_set(), examples.evidence("synthetic_alone", 0.2, ages=(0, 15))), examples.overlap()


def test_truths_written_out_plainly_are_the_packages_draws(england: Population, given: tuple[tuple[Evidence, ...], Overlap]) -> None:
    truths = validation.Truths(england, *given, 30, seed=5)
    part = slice(10, 30)
    plain = truths.affected(validation.SCENARIOS[0], part, truths.counts(part))
    result = jm.estimate(england, *given, draws=30, seed=5)
    for m, measure in enumerate((*validation.JOINT, *result.risks)):
        ours = result.draws(measure, "lsoa", by=("age_band",)).sortby("area").values[..., part]
        np.testing.assert_allclose(plain[:, :, m], ours, rtol=1e-9)


def test_missing_areas_leave_the_authority_total(england: Population) -> None:
    for kind in ("random", "deprived"):
        left = validation.without(england, kind, batch=3)
        assert len(left.areas) == 48 - 4 * 2
        for population in (england, left):
            totals = population.data["children"].groupby("authority").sum("area").transpose("authority", "age_band").values
            np.testing.assert_allclose(totals, england.data["children"].groupby("authority").sum().transpose("authority", ...).values)
    kept = set(validation.without(england, "deprived", batch=0).areas)
    lost = england.data["deprivation"].sel(area=[a for a in england.areas if a not in kept])
    assert float(lost.mean()) < float(england.data["deprivation"].mean())


def test_heavy_tails_have_the_same_spread(england: Population, given: tuple[tuple[Evidence, ...], Overlap]) -> None:
    truths = validation.Truths(england, *given, 400, seed=5)
    model = truths.parameters(validation.SCENARIOS[0])
    normal, heavy = (truths._effects(truths.codes, model.small_area_sd, model, tails, slice(0, 400)) for tails in (0, 4))
    assert abs(heavy.std() / normal.std() - 1) < 0.05
    assert np.mean(np.abs(heavy) > 4 * 0.3) > 10 * np.mean(np.abs(normal) > 4 * 0.3)


def test_a_small_sample_does_not_move(england: Population, given: tuple[tuple[Evidence, ...], Overlap]) -> None:
    batches = validation.study(england, *given, replicates=40, size=20, draws=300)
    table = validation.summarised(batches)
    means = table[table["measure"] == validation.MEAN].set_index(["scenario", "level"])["coverage_95"]
    found = {s.name: tuple(float(means[s.name, level]) for level in LEVELS_SEEN) for s in validation.SCENARIOS}
    assert found.keys() == SEEN.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, SEEN[name], atol=0.0015, err_msg=f"{name}: coverage moved; if rightly, pin {found}")


def test_the_committed_study_covers_what_it_must() -> None:
    table = pd.read_csv(validation.TABLE)
    assert set(table["scenario"]) == {s.name for s in validation.SCENARIOS}
    assert set(table["level"]) == set(validation.LEVELS)
    assert (table["replicates"] >= 1000).all()
    as_assumed = table[table["scenario"] == "as_assumed"]
    assert as_assumed["coverage_95"].between(*validation.LIMITS_95).all()
    assert as_assumed["coverage_80"].between(0.77, 0.83).all()


def test_the_document_is_that_of_the_committed_tables() -> None:
    made = validation.document(*(pd.read_csv(t) for t in (validation.TABLE, validation.TAU, validation.MISSING)))
    assert validation.apart(validation.DOCUMENT.read_text(encoding="utf-8"))[0] == made


@pytest.mark.study
def test_the_whole_study(tmp_path: Path) -> None:
    committed = pd.read_csv(validation.TABLE)
    replicates = int(committed["replicates"].iloc[0])
    evidence = validation.package_evidence()
    batches = validation.study(validation.thinned_england(), *evidence, replicates, cache=tmp_path / "batches.csv")
    table = validation.summarised(batches)
    first = table[table["scenario"] == "as_assumed"]
    assert first["coverage_95"].between(*validation.LIMITS_95).all()
    keys = ["scenario", "level", "measure"]
    both = table.merge(committed, on=keys, suffixes=("", "_committed"), validate="1:1")
    assert len(both) == len(committed)
    for column in ("coverage_80", "coverage_95"):
        np.testing.assert_allclose(both[column], both[f"{column}_committed"], atol=1e-3)
