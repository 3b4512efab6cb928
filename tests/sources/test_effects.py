"""Levels of effects of early help: what ships, where each number is from, and that each is labelled."""

from __future__ import annotations

from math import log

import pytest

import data_sources as src
from data_sources.effects import PREFIX
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.study import Study

LEVELS = {level: src.load_pathway("Rutland", effects=level).parameters for level in src.effect_levels()}


def test_the_study_offers_the_levels_that_ship() -> None:
    assert set(Study.model_json_schema()["properties"]["effects"]["enum"]) == set(LEVELS)
    assert Study.of({"area": "Rutland"}).effects == "sceptical"


def test_sceptical_is_the_default_and_spans_zero() -> None:
    found = LEVELS["sceptical"]
    assert {n: (p.value, p.sd) for n, p in found.items()} == {n: (p.value, p.sd) for n, p in src.load_pathway("Rutland").parameters.items()}
    for name, p in found.items():
        if name.startswith(PREFIX):
            assert abs(p.value) < 1.96 * p.sd, name


def test_the_published_fall_in_care_is_that_of_the_catalogue() -> None:
    """MHCLG 2019: 1.7% against 2.5% (EF-01)."""
    care = LEVELS["as_published"]["early_help.effect.care"]
    assert care.value == pytest.approx(log(1.7 / 2.5))
    assert care.sd == pytest.approx(log(1.5) / 1.959964, rel=1e-6)  # the factor that the catalogue assumes
    assert LEVELS["optimistic"]["early_help.effect.care"].value == care.value
    assert LEVELS["optimistic"]["early_help.effect.care"].sd == 0
    assert LEVELS["as_published"]["early_help.effect.plan"].value > 0


def test_only_effects_change_and_each_says_which_level_it_is() -> None:
    labels = {k: f"Effects {v['label'].lower()}: " for k, v in src.effect_levels().items()}
    for level, parameters in LEVELS.items():
        for name, p in parameters.items():
            assert p.source.startswith(labels[level]) == name.startswith(PREFIX), name
            if not name.startswith(PREFIX):
                assert p == LEVELS["sceptical"][name]


def test_an_effect_of_the_users_own_needs_a_reason() -> None:
    own = {"early_help.effect.care": -0.2, "early_help.effect.plan": 0.0, "early_help.relative_risk": 1.5}
    with pytest.raises(InputError) as caught:
        src.load_pathway("Rutland", own, reasons={"early_help.effect.plan": " "})
    assert [p.column for p in caught.value.problems] == ["parameters.early_help.effect.care", "parameters.early_help.effect.plan"]
    reasons = {"early_help.effect.care": "our evaluation of 2026", "early_help.effect.plan": "the same"}
    found = src.load_pathway("Rutland", own, reasons=reasons).parameters
    assert found["early_help.effect.care"].source == "user's own effect: our evaluation of 2026"
    nouns = src.resolve(Study.of({"area": "Rutland", "effects": "optimistic", "parameters": own, "reasons": reasons}))
    assert nouns.pathway.parameters["early_help.effect.care"].value == -0.2
    assert all(s.title.endswith("(effects optimistic, the user's own effects)") for s in nouns.scenarios)
    (usual, test) = src.resolve(Study.of({"area": "Rutland", "effects": "as_published", "ready": ["follow_up", "demand_shock"]})).scenarios
    assert usual.title.endswith("(effects as published)")
    assert "effects" not in test.title
    assert "effects" not in src.resolve(Study.of({"area": "Rutland"})).scenarios[0].title
    with pytest.raises(UnknownNameError, match="as_published"):
        src.load_pathway("Rutland", effects="published")
