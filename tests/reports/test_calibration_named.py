"""A report of the smallest authority with a layout names what is pooled over all authorities."""

from __future__ import annotations

import data_sources as src
import jsna_model as jm
from data_sources.pathway import load_pathway
from reports.content import Bullets, build


def test_city_of_london_says_what_is_pooled() -> None:
    nouns = src.resolve(jm.Study.of({"area": "City of London"}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=20)
    now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted)
    pathway = load_pathway("City of London", layout="early_help_and_cin")
    report = build(jm.project(now, nouns.projection, pathway, years=1))
    said = [item for section in report.sections for block in section.blocks if isinstance(block, Bullets) for item in block.items]
    assert any(s.startswith("Section 47 enquiries: published as 1 to 5, and its rate is pooled over 153 authorities") for s in said)
    assert any(s.startswith("Children looked after at 31 March: 1 to 5, as suppressed") for s in said)
    assert not any("England's ratios" in s for s in said)
