"""A small real result: Rutland on the embedded figures, and Kent seen from Canterbury for need alone."""

from __future__ import annotations

import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.result import Result


@pytest.fixture(scope="session")
def rutland() -> Result:
    """The whole line for the smallest county, on few draws."""
    nouns = src.resolve(jm.Study.of({"area": "Rutland"}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=60)
    now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted)
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=6))


@pytest.fixture(scope="session")
def canterbury() -> Result:
    """A district of Kent, need alone."""
    population = src.load_population("Canterbury")
    return jm.estimate(population, src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=20)
