"""A small sample of the coverage study: 95% intervals hold about 95% of truths drawn from the model with another seed."""

from __future__ import annotations

import numpy as np

import jsna_model as jm
from tests import examples


def test_intervals_cover_what_they_claim() -> None:
    population = examples.population(areas=16, authorities=2)
    evidence, overlap = examples.evidence_set(), examples.overlap()
    ours = jm.estimate(population, evidence, overlap, draws=1500, seed=1)
    theirs = jm.estimate(population, evidence, overlap, draws=1500, seed=2)
    for level in ours.levels:
        for measure in ("any_risk", "two_or_more"):
            table = ours.summary(measure, level=level)
            truth = theirs.draws(measure, level).values
            inside = (truth >= table["lower"].values[:, None]) & (truth <= table["upper"].values[:, None])
            assert 0.93 < inside.mean() < 0.97, (level, measure, inside.mean())
            # A wrong level would be seen: 80% intervals cover about 80%.
            narrow = np.quantile(ours.draws(measure, level).values, [0.1, 0.9], axis=-1)
            assert 0.76 < ((truth >= narrow[0][:, None]) & (truth <= narrow[1][:, None])).mean() < 0.84
