"""Where places of early help should go: from a result and a budget to a table, a map and words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import data_sources as src
import jsna_model as jm
from data_sources.places import load_places
from jsna_model.cli.app import app
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.methods.allocation import reach
from jsna_model.result import Result
from jsna_model.verbs.allocate import allocate
from reports.allocation import allocation_table, allocation_words, write_allocation
from reports.disclosure import modelled


@pytest.fixture(scope="module")
def now() -> Result:
    """Need alone in the smallest county."""
    return jm.estimate(src.load_population("Rutland"), src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=30)


def test_it_reaches_at_least_as_many_as_sharing_out(now: Result) -> None:
    codes = [str(c) for c in now.node("need/ward")["area"].values]
    current = dict.fromkeys(codes, 0.0) | {codes[0]: 10.0}
    found = allocate(now, 100_000, 2000.0, children_per_family=1.7, minimum=1, current=current, capacity={codes[1]: 2})
    best, population, share = found.choice.best, found.choice.by_population, found.choice.by_current
    assert population is not None
    assert share is not None
    assert best.value >= max(population.value, share.value)
    assert best.spent <= 100_000
    assert best.units.min() >= 1
    assert best.units[1] <= 2
    assert share.units[0] > population.units[0]
    need = now.draws("any_risk", "ward").mean("draw").values
    assert np.allclose(found.need, need)
    assert np.allclose(best.reached, reach(best.units, need, 1.7))


def test_many_units_are_placed_one_by_one(now: Result) -> None:
    """Where a place may take hundreds of families the curve is cut into long segments; no exchange of one family may gain."""
    found = allocate(now, 600_000, 2000.0, children_per_family=1.7, measure="two_or_more")
    units = found.choice.best.units
    more = reach(units + 1, found.need, 1.7) - reach(units, found.need, 1.7)
    less = np.where(units > 0, reach(units, found.need, 1.7) - reach(np.maximum(units - 1, 0), found.need, 1.7), np.inf)
    assert units.sum() == 300
    assert more.max() <= less.min() + 1e-4
    assert (units % 10).any()


def test_weights_and_regret_move_it(now: Result) -> None:
    codes = [str(c) for c in now.node("need/ward")["area"].values]
    usual = allocate(now, 60_000, 2000.0, children_per_family=1.7, measure="two_or_more")
    weighted = allocate(now, 60_000, 2000.0, children_per_family=1.7, measure="two_or_more", weight={codes[3]: 5.0})
    assert weighted.choice.best.units[3] > usual.choice.best.units[3]
    assert "weighted as you judge" in " ".join(allocation_words(weighted))
    careful = allocate(now, 20_000, 2000.0, children_per_family=1.7, regret=True)
    assert np.isfinite(careful.choice.best.regret)


def test_what_is_wrong_is_said_at_once(now: Result) -> None:
    with pytest.raises(InputError) as caught:
        allocate(now, -1, 2000.0, children_per_family=1.7, capacity={"E05000000": 3, "x": -1}, current={"x": 1})
    assert len(caught.value.problems) > 5
    with pytest.raises(InputError, match="the minimum service costs 300,000"):
        allocate(now, 100_000, 2000.0, children_per_family=1.7, minimum=10)
    with pytest.raises(InputError, match="costs nothing"):
        allocate(now, 100_000, 0.0, children_per_family=1.7)
    with pytest.raises(UnknownNameError, match="ward"):
        allocate(now, 1, 1.0, children_per_family=1.7, level="wards")


def test_the_table_and_words_are_rounded_and_modelled(now: Result, tmp_path: Path) -> None:
    found = allocate(now, 100_000, 2000.0, children_per_family=1.7)
    table = allocation_table(found, "Rutland", "synthetic")
    assert list(table.rows["Estimated children in need"]) == [modelled(float(n), "ward") for n in found.need]
    assert sum(table.rows["Families helped: most children reached"]) == 50
    said = " ".join(allocation_words(found))
    assert "estimated, not counted" in said
    assert "because the model assumes so" in said
    csv, drawn = write_allocation(found, now, "Rutland", "synthetic", tmp_path / "out" / "a.csv")
    assert csv.read_text(encoding="utf-8-sig").count("\n") == len(found.codes) + 1
    root = ET.fromstring(drawn.read_text(encoding="utf-8"))
    assert root.attrib["role"] == "img"
    numbers = {e.text.strip() for e in root.iter("{http://www.w3.org/2000/svg}text") if e.text}
    assert {str(u) for u in found.choice.best.units} <= numbers


def test_a_file_of_places_is_read_by_name_or_code_and_checked_whole(tmp_path: Path) -> None:
    places = {"E05000001": "North", "E05000002": "South", "E05000003": "South"}
    path = tmp_path / "places.csv"
    path.write_text('area,capacity,current\nnorth,"1,000",3\nE05000002,,4\n', encoding="utf-8")
    assert load_places(path, places) == {"capacity": {"E05000001": 1000.0}, "current": {"E05000001": 3.0, "E05000002": 4.0}}
    path.write_text("area,capacity\nNorth,many\nNorth,-1\nSouth,2\nWest,3\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_places(path, places)
    assert [p.row for p in caught.value.problems] == [2, 3, 3, 4, 5]
    path.write_text("place,cap\nNorth,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="3 problems"):
        load_places(path, places)


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("area,capacity,current\nKetton,5,4\n", encoding="utf-8")
    given = ["allocate", "--area", "Rutland", "--budget", "100000", "--draws", "20", "--out", str(tmp_path / "a.csv")]
    done = CliRunner().invoke(app, [*given, "--unit-cost", "2000", "--minimum", "2"])
    assert done.exit_code == 0, done.output
    assert "pays for 50 families" in done.output
    assert (tmp_path / "a.svg").is_file()
    for more, message in (
        (["--unit-cost", "2000", "--minimum", "4"], "minimum service costs"),
        ([], "no unit cost"),
        (["--unit-cost", "2000", "--capacity", str(tmp_path / "places.csv")], "give a number for every place"),
    ):
        refused = CliRunner().invoke(app, [*given, *more])
        assert message in str(refused.exception), (message, refused.exception)
