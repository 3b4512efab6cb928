"""Numbers of the main job, pinned: when one moves, say so under Numbers in CHANGELOG.md and run this file to pin it again.

``python -m tests.snapshot.test_numbers`` writes ``milton_keynes.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import data_sources as src
import jsna_model as jm

PINNED = Path(__file__).parent / "milton_keynes.json"


def numbers() -> dict[str, float]:
    """Expected values and limits for Milton Keynes on 200 draws: need, small areas, demand, differences and costs."""
    nouns = src.resolve(jm.Study.of({"area": "Milton Keynes"}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=200)
    choice = jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=5))
    out = {}
    for measure in now.measures:
        row = now.summary(measure, level="authority").iloc[0]
        out |= {f"{measure}/{k}": float(row[k]) for k in ("value", "lower", "upper")}
    wards = now.summary("two_or_more", level="ward").set_index("area")
    out |= {f"ward/{code}": float(wards.loc[code, "value"]) for code in sorted(wards.index)[:3]}
    last = {"year": "2029-30", "area": "E06000042"}
    caseload = choice.node("demand/caseload")["caseload"].sel(last).sel(scenario="baseline")
    difference = choice.node("decision/outcomes")["difference"].sel(last).sel(scenario="follow_up", service=caseload["service"].values)
    for service in caseload["service"].values:
        out[f"caseload/{service}"] = float(caseload.sel(service=service).mean())
        out[f"difference/{service}"] = float(difference.sel(service=service).mean())
    costs = choice.node("decision/costs")["cost_difference"].sel(scenario="follow_up").sum("year").mean("draw")
    return out | {f"cost/{s}": float(costs.sel(service=s).sum()) for s in costs["service"].values}


def test_numbers_have_not_moved() -> None:
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    assert numbers() == pytest.approx(pinned, rel=1e-9)


if __name__ == "__main__":
    PINNED.write_text(json.dumps(numbers(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
