"""Goal-seek: what it finds breaks even when it is run, and what pays nowhere is said to."""

from __future__ import annotations

import numpy as np
import pytest

import jsna_model as jm
from jsna_model.cli.seek import said
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.result import Result
from jsna_model.verbs.seek import Sought, seek
from tests import examples

HUBS = jm.Scenario("hubs", reason="t").add("early_help.reach", 60, "2026-04")
LESS = jm.Scenario("less", reason="t").scale("need.affected", 0.9, "2026-04")
EFFECT = "looked_after_at_31_march"


@pytest.fixture(scope="module")
def now() -> Result:
    return jm.estimate(examples.population(), examples.evidence_set(), examples.overlap(), draws=60)


def sought(now: Result, parameter: str, low: float, high: float, name: str = "hubs", **more: float) -> Sought:
    pathway = examples.pathway().with_early_help(200, unit_cost=1500)
    given = (now, examples.projection(now), pathway, [HUBS, LESS], name, parameter, low, high)
    return seek(*given, years=2, comparison={"effect": EFFECT}, tolerance=1e-4, **more)


def test_a_price_that_breaks_even(now: Result) -> None:
    """At the price found, the expected cost is nought to the tolerance; a quantile asks for less; a threshold allows for more."""
    found = sought(now, "unit_cost.early_help", 0.0, 50_000.0, threshold=200_000.0)
    assert not found.above
    assert found.low[1] > 0 > found.high[1]
    pathway = examples.pathway().with_early_help(200, unit_cost=found.value)
    future = jm.project(now, examples.projection(now), pathway, [HUBS], years=2)
    at = jm.compare(future, effect=EFFECT).node("decision/choice").sel(scenario="hubs").isel(area=0)
    gain = 200_000 * at["effect_difference"].values - at["net_cost"].values
    assert abs(gain.mean()) < 1e-3 * abs(found.high[1])
    cautious = sought(now, "unit_cost.early_help", 0.0, 50_000.0, threshold=200_000.0, quantile=0.45)
    assert np.isnan(cautious.value) or cautious.value < found.value


def test_what_pays_nowhere_and_what_changes_nothing(now: Result) -> None:
    nowhere = sought(now, "unit_cost.early_help", 40_000.0, 50_000.0)
    assert np.isnan(nowhere.value)
    assert "does not pay at either end of 4e+04 to 5e+04" in said(nowhere, "hubs", "unit_cost.early_help", "saving")
    still = sought(now, "early_help.reach", -30.0, 60.0)
    assert "only where it changes nothing" in said(still, "hubs", "early_help.reach", "saving")


def test_what_cannot_be_sought(now: Result) -> None:
    with pytest.raises(InputError, match="what it takes is not costed"):
        sought(now, "need.affected", 0.5, 1.0, "less")
    with pytest.raises(InputError, match="a low end below"):
        sought(now, "early_help.reach", 2.0, 1.0)
    with pytest.raises(UnknownNameError, match=r"unit_cost\.early_help"):
        sought(now, "unit_cost.early_hlp", 0.0, 1.0)
    with pytest.raises(UnknownNameError, match="hubs"):
        sought(now, "early_help.reach", 0.0, 1.0, "hub")
