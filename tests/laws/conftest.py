"""A synthetic result that the laws are checked on."""

from __future__ import annotations

import pytest

import jsna_model as jm
from jsna_model.result import Result
from tests import examples


@pytest.fixture(scope="session")
def result() -> Result:
    """Two synthetic authorities, three joint risks and one that stands alone."""
    population = examples.population()
    evidence = (*examples.evidence_set(), examples.evidence("synthetic_alone", 0.2, ages=(0, 15)))
    return jm.estimate(population, evidence, examples.overlap(), draws=120, seed=11)
