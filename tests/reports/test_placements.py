"""Children by placement in a report: labelled as an assumption, and small numbers of the authority's own shares suppressed."""

from __future__ import annotations

import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.placements import PLACEMENTS
from jsna_model.result import Result
from jsna_model.study import Study
from reports import content, tabulate
from reports.own_counts import small_placements
from reports.suppression import UnprotectableError

#: Rutland had 39 children looked after at 31 March 2025: 0.05 of them are 2, 0.15 are 6.
SHARES = {"foster_care": 0.6, "childrens_home": 0.05, "with_parents": 0.15, "other": 0.2}


def projected(published: bool) -> Result:
    given = {"source": "SSDA903 return", "date": "2025-03-31", "published": published, **SHARES}
    price = {"price_year": "2024-25", "source": "ledger"}
    costs = {n: {"amount": 777.0, **price} for n in ("foster_care", "childrens_home")} | {"looked_after": {"amount": 0.0, **price}}
    nouns = src.resolve(Study.of({"area": "Rutland", "draws": 40, "years": 6, "placements": given, "unit_costs": costs}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=40)
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=6))


@pytest.fixture(scope="module")
def own() -> Result:
    return projected(False)


def rows(result: Result, key: str = "placements") -> dict[str, list[list[object]]]:
    (table,) = (t for t in tabulate.tables(result) if t.key == key)
    out: dict[str, list[list[object]]] = {}
    for row in table.rows.itertuples(index=False):
        out.setdefault(str(row[0]), []).append(list(row[1:]))
    return out


def test_the_table_has_every_placement_and_year_and_says_what_it_assumes(own: Result) -> None:
    found = rows(own)
    assert list(found) == [PLACEMENTS[n] for n in PLACEMENTS if n in SHARES]
    assert all([r[1] for r in part] == [f"{y}-{y - 1999}" for y in range(2025, 2031)] for part in found.values())
    foster = found["Foster care"][0]
    assert foster[0] == 60
    assert foster[3] <= foster[2] <= foster[4]
    (table,) = (t for t in tabulate.tables(own) if t.key == "placements")
    assert "own shares held constant, an assumption" in table.notes[0]
    assert "SSDA903 return" in table.source
    made = content.build(own)
    (section,) = (s for s in made.sections if s.key == "placements")
    assert "held constant, which is an assumption" in str(section.blocks[0])


def test_small_numbers_of_own_shares_are_suppressed_with_one_more(own: Result) -> None:
    """Two children in homes; another placement is hidden, so that they do not follow from the published total."""
    hidden = {name for name, part in rows(own).items() if all(r[0] == "[c]" for r in part)}
    assert PLACEMENTS["childrens_home"] in hidden
    assert len(hidden) >= 2
    for name in hidden:
        assert all(r[0] == r[2] == r[3] == r[4] == "[c]" for r in rows(own)[name])
    prices = rows(own, "unit_costs")
    assert prices[PLACEMENTS["childrens_home"]][0][0] == "[c]"
    assert 777 in (prices["Foster care"][0][0], *prices[PLACEMENTS["childrens_home"]][0])


def test_published_shares_are_shown() -> None:
    found = rows(projected(True))
    assert [part[0][0] for part in found.values()] == [60, 15, 5, 20]
    assert rows(projected(True), "unit_costs")[PLACEMENTS["childrens_home"]][0][0] == 777


def test_by_hand() -> None:
    assert small_placements({"foster_care": 0.8, "other": 0.2}, 100) == frozenset()
    assert small_placements({"foster_care": 0.97, "other": 0.03}, 100) == {"foster_care", "other"}
    assert small_placements({"foster_care": 1.0}, 100) == frozenset()
    with pytest.raises(UnprotectableError):
        small_placements({"foster_care": 1.0}, 3)


def test_without_shares_the_report_says_why_it_has_none(rutland: Result) -> None:
    made = content.build(rutland)
    assert "placements" not in {s.key for s in made.sections}
    assert "no share of placements was given" in str(made.sections)


def test_where_nothing_can_be_shown_the_table_is_left_out(own: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """One placement, and three children whose number is known: no table, and its cost is hidden."""
    monkeypatch.setattr("reports.placement_tables.stock", lambda view: 3.0)
    pathway = own.provenance["pathway"]
    alone = pathway | {"placements": pathway["placements"] | {"shares": {"foster_care": 1.0}}}
    changed = own.with_provenance(pathway=alone)
    assert "placements" not in {t.key for t in tabulate.tables(changed)}
    assert "whatever is hidden would give a small number away" in str(content.build(changed).sections)
    assert rows(changed, "unit_costs")["Foster care"][0][0] == "[c]"
